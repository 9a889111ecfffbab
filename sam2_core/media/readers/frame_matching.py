"""The frames of the open medium that the names in an annotation file refer to.

Pictures are matched by name: by the whole path, by the end of the path, without the ending, and without what tools are
known to add to names. Clips are matched by number, those that are made of
pictures first by the names of these. Order counts only where names say nothing, and is then a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import PurePosixPath
from typing import Literal, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from sam2_core.errors import MediaError
from sam2_core.media.info import MediaInfo

MatchRule: TypeAlias = Literal["name", "ending", "decoration", "folder", "number", "index", "generic", "order"]
"""How a frame was found: the same name; the same but for the ending; but for what a tool added; the only one of its
name, though in another folder; the number in the name; a frame index beside the name; the only picture, for a name that
says nothing; the order."""
Names: TypeAlias = str | Sequence[str]
"""The name of a picture in a file, or several, of which the first one that fits counts."""

GUESSES: Mapping[MatchRule, str] = {
    "folder": "Some names were found in other folders than the pictures' own: see whether they are the same pictures.",
    "generic": "The file does not name this picture. It was taken for it all the same: see whether it fits.",
    "order": "The names in the file do not say which pictures they are: their order was taken. See whether it fits.",
}
"""The rules by which a match is a guess, and what users are told about it."""
MAX_NAME = 1000  # characters of a path that are looked at

_PICTURE_ENDING = re.compile(r"\.(?:jpe?g|png|webp|bmp|tiff?|avif|heic|gif)$")
_ROBOFLOW = re.compile(r"(?:_(jpe?g|png|webp|bmp|tiff?))?\.rf\.[0-9a-z]+$")
_COPY_ADDITIONS = (  # what marks a version of a picture: these may differ in what they show
    _ROBOFLOW,
    _PICTURE_ENDING,  # in a longer name
)
_UPLOAD_ADDITIONS = (
    re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[-_]"),
    re.compile(r"^(?!(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9])[0-9a-f]{8}-(?=.)"),  # Label Studio; but no date
    re.compile(r"^(?=[0-9]{0,7}[a-f])[0-9a-f]{8}_(?=.)"),
    re.compile(r"_leftimg8bit$"),
)
_MASK_ADDITIONS = (  # what marks a mask of a picture
    re.compile(r"^(?:mask|seg|label|gt|matte)s?[-_ ]+(?=.*[^\W\d])"),
    re.compile(
        r"[-_ .](?:masks?|seg|segmentation|segmented|labels?|gt|groundtruth|matte|alpha|cutout|binary|instances?"
        r"|objects?|obj|coco|annotations?)(?:[-_ ]?[0-9]{1,4})?$"
    ),
    re.compile(r"_gtfine(?:_polygons|_labelids|_instanceids|_color)?$"),
    re.compile(r"[-_ .](?:[0-9]{2,5}x[0-9]{2,5}|[0-9]{3,4}p)$"),  # a size
)
_LABEL_STUDIO_TASK = re.compile(
    r"task-([0-9]{1,9})-annotation-[0-9]+-by-[^/]+?-tag-([^/]*?)(?:-[0-9]+)?", re.IGNORECASE
)  # a mask that was drawn with a brush
_GENERIC = re.compile(
    r"(?:masks?|images?|img|pictures?|photos?|frames?|annotations?|labels?|instances?(?:_default)?|results?|outputs?"
    r"|out|default|exports?|objects?|untitled|seg|segmentations?|matte|alpha|cutout|data|file|_annotations(?:\.coco)?)?"
    r"[-_ .]*(?:\([0-9]+\)|[0-9]*)"
)
_ENDING = re.compile(r"\.[a-z][a-z0-9]{1,5}$")
_WRITTEN_ENDING = re.compile(_ENDING.pattern, re.IGNORECASE)
_IN_ORDER = "There are as many numbers in the names as frames: they were taken in their order."
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A name of an annotation file and the frame that it refers to."""

    name: str
    frame: int
    rule: MatchRule

    @property
    def is_guess(self) -> bool:
        """Whether the name does not say it."""
        return self.rule in GUESSES


def match_frames(
    names: Sequence[Names],
    info: MediaInfo,
    indices: Sequence[int | None] | None = None,
    binding: bool = True,
    by_order: bool = False,
) -> tuple[list[NameMatch | None], str]:
    """The frame of each name, None if there is none or it is not certain which, and a sentence about the rule.

    Args:
        names: paths or names as the file has them.
        indices: frame numbers beside the names, None where there is none. In a clip they count more than names, in an
            album only for names that say nothing.
        binding: False if the names are not meant to name pictures, such as that of a file that was chosen for the
            picture that is open.
        by_order: let order count if no name fits and there are as many names as frames.
    """
    firsts = [_alternatives(each)[0] for each in names]
    given = [None] * len(firsts) if indices is None else indices
    if info.kind == "clip":
        matches, note = _match_numbers(firsts, info, by_order)
        if info.names:  # made of numbered pictures, whose names count as long as numbers do not fit better
            album = _Album(info.names)
            named = _without_rivals([*map(album.find, map(_alternatives, names))])
            if sum(map(bool, named)) >= max(1, sum(map(bool, matches))):
                matches, note = named, ""
        matches = [_at(name, index, info) if index is not None else match
                   for name, index, match in zip(firsts, given, matches, strict=True)]  # fmt: skip
        return matches, note if any(each and each.rule == "number" for each in matches) else ""
    album = _Album(info.names or (info.name,))
    found = [album.find(_alternatives(each)) for each in names]
    matches = _without_rivals(found)
    taken = {match.frame for match in matches if match is not None}
    unsure = [*album.unsure, *(each.match.name for each in found if each and each.match.frame not in taken)]
    if unsure or any(matches):
        return matches, _not_certain(unsure, info)
    if any(index is not None for index in given) and all(map(album.is_generic, firsts)):
        return [_at(name, index, info) for name, index in zip(firsts, given, strict=True)], ""
    says_nothing = not any(map(album.is_plain, firsts)) if not binding else all(map(album.is_generic, firsts))
    tasks = [_task_of(name) for name in firsts]
    order: list[str | int] = [task for task in tasks if task is not None]
    order = sorted(order) if len(order) == len(firsts) else [*firsts]
    distinct = {each: frame for frame, each in enumerate(dict.fromkeys(order))}
    if len(distinct) != info.frames or not (by_order or says_nothing):
        return matches, ""
    rule: MatchRule = "order" if info.frames > 1 else "generic"
    return [NameMatch(name, distinct[task if task in distinct else name], rule)
            for name, task in zip(firsts, tasks, strict=True)], ""  # fmt: skip


def _match_numbers(names: Sequence[str], info: MediaInfo, by_order: bool) -> tuple[list[NameMatch | None], str]:
    """The frame of each name in a clip, by the number that varies from name to name.

    Numbers begin at 0, unless they are as many as the frames, or are too large for that: then they begin at the lowest
    one, at 1, at 1001 or the like.
    """
    digits = _frame_digits(names, info)
    frame_of, note = _numbered_frames([*filter(None, digits)], info.frames)
    matches = [
        NameMatch(name, frame_of[int(text)], "number") if text and int(text) in frame_of else None
        for name, text in zip(names, digits, strict=True)
    ]
    if not any(matches) and len(names) == info.frames and (by_order or not any(digits)):
        return [NameMatch(name, frame, "order") for frame, name in enumerate(names)], ""
    return matches, note


def _at(name: str, index: int | None, info: MediaInfo) -> NameMatch | None:
    return NameMatch(name, index, "index") if index is not None and 0 <= index < info.frames else None


def no_frame(info: MediaInfo) -> str:
    """The message for an item that belongs to no frame."""
    if info.kind == "clip":
        return f"They are about no frame of this clip. Name them by frame, from 00000 to {info.frames - 1:05d}."
    if info.kind == "album":
        return "They are about none of these photos. Name them as the photos are named."
    return f"They are about another picture. Name them as this one, {info.name}."


def own_parts(info: MediaInfo) -> frozenset[str]:
    """The normalized names of an album's pictures, also without endings, and of their folders: a folder or file of such
    a name means the picture, whatever such names mean elsewhere."""
    names = info.names if info.kind == "album" else ()
    return frozenset(part for name in names for part in (*_parts(name), _stem(_parts(name)[-1])))


def is_own(part: str, own: Set[str]) -> bool:
    """Whether a part of a path is one of these names."""
    return _normalize(part) in own


def label_in_name(title: str) -> str:
    """The label in the name, without ending, of a mask that Label Studio has written; else ""."""
    match = _LABEL_STUDIO_TASK.fullmatch(PurePosixPath(title).name)
    return match[2] if match else ""


def _task_of(name: str) -> int | None:
    match = _LABEL_STUDIO_TASK.fullmatch(_stem(_parts(name)[-1]))
    return int(match[1]) if match else None


def choose_clip(titles: Sequence[str], info: MediaInfo) -> int:
    """The index of the open clip among the titles of several; raises `MediaError` if none has its name."""
    if len(titles) == 1:
        return 0
    wanted = {_normalize(info.name), _stem(_normalize(info.name)), _bare(_normalize(info.name))}
    indices = [index for index, title in enumerate(titles) if wanted & {*_forms(title)}]
    if len(indices) != 1:
        some = ", ".join(f"“{title[-40:]}”" for title in sorted(titles)[:3])
        name = _stem(PurePosixPath(info.name).name)
        raise MediaError(
            f"This file is about {len(titles)} clips ({some} …), and none of them is called “{name}”. "
            "Import a file about this one alone."
        )
    return indices[0]


class _Album:
    """The pictures of a medium by their names, in several forms."""

    def __init__(self, names: Sequence[str]) -> None:
        self._paths = [_parts(name) for name in names]
        self._written = [_written_parts(name) for name in names]
        self._additions = [_additions(name) for *_, name in self._paths]
        self._by_form: dict[tuple[int, str], list[int]] = defaultdict(list)
        for frame, (*_, name) in enumerate(self._paths):
            for level, form in enumerate((name, _stem(name), _bare(name))):
                self._by_form[level, form].append(frame)
            for form in {*_uploaded_forms(_bare(name))} - {_bare(name)}:
                self._by_form[3, form].append(frame)
        self.unsure: list[str] = []
        self._patterns = {_pattern(_bare(name)) for *_, name in self._paths}

    def find(self, alternatives: Sequence[str]) -> _Candidate | None:
        """The picture that the first fitting one of these names means, if it is certain."""
        for name in alternatives:
            for path in dict.fromkeys(map(_parts, (name, unquote(name), unquote(path_in_address(name))))):
                if found := self._find(name, path):
                    return found
        return None

    def is_generic(self, name: str) -> bool:
        """Whether a name says nothing about which picture is meant."""
        stem = _stem(_parts(name)[-1])
        return not stem or (
            bool(_GENERIC.fullmatch(stem) or _LABEL_STUDIO_TASK.fullmatch(stem)) and not self.is_plain(name)
        )

    def is_plain(self, name: str) -> bool:
        """Whether a name differs from that of a picture by its numbers alone, and so is another one's."""
        pattern = _pattern(_bare(_parts(name)[-1]))
        return "\0" in pattern and pattern in self._patterns

    def _find(self, name: str, path: tuple[str, ...]) -> _Candidate | None:
        last, written, additions = path[-1], _written_parts(name), _additions(path[-1])
        forms: list[tuple[int, str, MatchRule]] = [
            (0, last, "name"),
            (0, _stem(last), "ending"),
            (1, last, "ending"),
            (1, _stem(last), "ending"),
            (0, _with_own_ending(last), "decoration"),
            (2, _bare(last), "decoration"),
            (3, _bare(last) if any(additions[1:]) else "", "decoration"),
        ]
        for rank, (level, form, rule) in enumerate(forms):
            frames = self._by_form.get((level, form), []) if form else []
            if rule == "decoration":
                frames = [frame for frame in frames if not _differ(self._additions[frame], additions)]
            if not frames:
                continue
            shared = [
                (*_shared_folders(self._paths[frame], path), _equal_parts(self._written[frame], written))
                for frame in frames
            ]
            best = max(shared)
            if shared.count(best) > 1:
                self.unsure.append(name)  # several pictures are called so
                return None
            frame = frames[shared.index(best)]
            folders, own_folders = path[:-1], self._paths[frame][:-1]
            if folders and own_folders and not {*folders} & {*own_folders}:
                rule = "folder"
            ending = _PICTURE_ENDING.search(last)
            picture = (*folders, _without_mask_additions(last), ending[0] if ending else "")
            return _Candidate(NameMatch(name, frame, rule), (-rank, best), picture)
        return None


@dataclass(frozen=True, slots=True)
class _Candidate:
    match: NameMatch
    closeness: tuple[int, tuple[int, int, int]]
    picture: tuple[str, ...]
    """What tells pictures of the file apart."""


def _without_rivals(found: Sequence[_Candidate | None]) -> list[NameMatch | None]:
    """The matches, without those of different pictures for one frame; the closest one stays if it is the only one."""
    by_frame: dict[int, dict[tuple[str, ...], _Candidate]] = defaultdict(dict)
    for each in found:
        if each is not None:
            by_frame[each.match.frame].setdefault(each.picture, each)
    chosen = {}
    for frame, pictures in by_frame.items():
        best = max(each.closeness for each in pictures.values())
        closest = [picture for picture, each in pictures.items() if each.closeness == best]
        chosen[frame] = closest[0] if len(closest) == 1 else None
    return [each.match if each is not None and each.picture == chosen[each.match.frame] else None for each in found]


def _shared_folders(picture: tuple[str, ...], path: tuple[str, ...]) -> tuple[int, int]:
    """How many folders directly before the name are equal, and how many occur in both."""
    return _equal_parts(picture[:-1], path[:-1]), len({*picture[:-1]} & {*path[:-1]})


def _equal_parts(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many of the last parts are equal."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(reversed(one), reversed(other), strict=False)))


def _frame_digits(names: Sequence[str], info: MediaInfo) -> list[str]:
    """The number in each name that counts frames, as it is written; "" if there is none."""
    stems = [_numbered_stem(name) for name in names]
    patterns = [_pattern(stem) for stem in stems]
    own = _bare(PurePosixPath(info.name).name)
    has_own_name = [stem.startswith(own) and stem != own for stem in stems]
    only_own = len({*patterns}) > 1 and any(has_own_name)
    found = [_NUMBER.findall(stem) if own_name or not only_own else []
             for stem, own_name in zip(stems, has_own_name, strict=True)]  # fmt: skip
    columns: dict[str, list[list[str]]] = defaultdict(list)
    for pattern, numbers in zip(patterns, found, strict=True):
        if numbers:
            columns[pattern].append(numbers)
    places = {pattern: _varying_place(rows) for pattern, rows in columns.items()}
    return [numbers[places[pattern]] if numbers else "" for pattern, numbers in zip(patterns, found, strict=True)]


def _varying_place(found: Sequence[Sequence[str]]) -> int:
    """The index of the number that counts frames: of those that vary, one that is padded with zeros (00012), or else
    the one with the most different values, the last one of these."""
    columns = [{*column} for column in zip(*found, strict=True)]
    varies = [len(column) > 1 for column in columns]
    padded = [_is_padded(column) and (varies[place] or not any(varies)) for place, column in enumerate(columns)]
    return max(range(len(columns)), key=lambda place: (padded[place], len(columns[place]), place))


def _is_padded(column: Set[str]) -> bool:
    return {*map(len, column)} <= {4, 5, 6, 7, 8} and len({*map(len, column)}) == 1 and min(column).startswith("0")


def _numbered_frames(digits: Sequence[str], count: int) -> tuple[dict[int, int], str]:
    """The frame of each number, and a sentence about the rule if it is not plain."""
    known = sorted({*map(int, digits)})
    if not known or known[0] == 0 != len(known) - count:
        return {number: number for number in known if number < count}, ""
    low, high = known[0], known[-1]
    if len(known) == count:
        contiguous = high - low + 1 == count
        return {number: frame for frame, number in enumerate(known)}, _starts_at(low) if contiguous else _IN_ORDER
    if high < count:
        if low == 1 and not any(text.startswith("0") for text in digits):
            start = 1
        else:
            note = "The numbers in the names were counted from 0: number 1 is the second frame." if low == 1 else ""
            return {number: number for number in known}, note
    else:
        start = next((base for base in _usual_starts(low) if high - base < count), 0)
    return {number: number - start for number in known if number - start < count}, _starts_at(start)


def _not_certain(names: Sequence[str], info: MediaInfo) -> str:
    if not names:
        return ""
    listed = ", ".join(f"“{name[-40:]}”" for name in names[:2]) + (" …" if len(names) > 2 else "")
    what = "which of these photos they are about" if info.kind == "album" else "whether they are about this picture"
    return f"{listed}: it is not certain {what}. Name them with their folders, as the photos are named."


def _starts_at(start: int) -> str:
    return f"The numbers in the names were counted from {start}: number {start} is the first frame." if start else ""


def _usual_starts(low: int) -> Iterable[int]:
    """1001, 1000 and the like up to `low`, the largest first."""
    bases = {base for power in range(2, 9) for base in (10**power, 10**power + 1) if base <= low} | {1}
    return sorted(bases, reverse=True)


def _alternatives(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else [*names] or [""]


def path_in_address(address: str) -> str:
    """The path in an address; Label Studio names local files in its query. Other names stay as they are."""
    try:
        parts = urlsplit(address)
        has_query = bool(parts.scheme) or "?d=" in address
        return parse_qs(parts.query).get("d", [parts.path])[0] if has_query else address
    except ValueError:
        return address


def _normalize(name: str) -> str:
    return _canonical(name).casefold()


def _canonical(name: str) -> str:
    return unicodedata.normalize("NFC", name[-MAX_NAME:].replace("\\", "/").replace("\0", ""))


def _parts(name: str) -> tuple[str, ...]:
    """The normalized parts of a path, at least one."""
    return _split(_normalize(name))


def _written_parts(name: str) -> tuple[str, ...]:
    """The parts of a path in upper and lower case, the name without its ending."""
    *folders, last = _split(_canonical(name))
    return (*folders, _WRITTEN_ENDING.sub("", last))


def _split(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part not in ("", ".", "..")) or ("",)


def _forms(title: str) -> Iterable[str]:
    for part in _parts(title):
        yield from (part, _stem(part), _bare(part))


def _stem(name: str) -> str:
    return _ENDING.sub("", name)


def _bare(name: str) -> str:
    """A normalized name without ending and additions."""
    return _without(_UPLOAD_ADDITIONS, _numbered_stem(name))


def _additions(name: str) -> tuple[str, str, str]:
    """What marks a mask, a version and an upload in a normalized name, "" where there is nothing."""
    layers = [_stem(name)]
    for additions in ((*_MASK_ADDITIONS, *_MASK_ADDITIONS), _COPY_ADDITIONS, _MASK_ADDITIONS, _UPLOAD_ADDITIONS):
        layers.append(_without(additions, layers[-1]))
    outer, version, inner, upload = (
        "" if before == after else before.replace(after, "\0", 1) for before, after in pairwise(layers)
    )
    return outer or inner, version, upload


def _differ(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether names that are equal but for these additions mean different pictures: both have an addition of the same
    kind, and these differ, other than by a further one."""
    return any(
        first and second and not (f"{first}_".startswith(f"{second}_") or f"{second}_".startswith(f"{first}_"))
        for first, second in zip(one, other, strict=True)
    )


def _with_own_ending(name: str) -> str:
    """The name with the ending that Roboflow has put into it, "" if there is none."""
    match = _ROBOFLOW.search(_without_mask_additions(name))
    return f"{match.string[: match.start()]}.{match[1]}" if match and match[1] else ""


def _uploaded_forms(stem: str) -> Iterable[str]:
    """How Label Studio and Roboflow write a name when they store a picture."""
    yield re.sub(r"[^-\w.]", "", stem.strip().replace(" ", "_"))
    yield re.sub(r"\W+", "-", stem).rstrip("-_ .")


def _numbered_stem(name: str) -> str:
    """The name of a file without ending and without what may stand behind a frame's number."""
    stem = _without_mask_additions(_parts(name)[-1])
    return _without(_MASK_ADDITIONS, _without(_COPY_ADDITIONS, stem))


def _without_mask_additions(name: str) -> str:
    return _without(_MASK_ADDITIONS, _stem(name))


def _without(additions: Sequence[re.Pattern[str]], stem: str) -> str:
    for addition in additions:
        stem = addition.sub("", stem).rstrip("-_ .") or stem
    return stem


def _pattern(stem: str) -> str:
    """The text around the numbers of a name."""
    return _NUMBER.sub("\0", stem)
