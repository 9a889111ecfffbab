"""The frames of the open medium that the names in an annotation file refer to.

Pictures are matched by name: by the whole path, by the end of the path, without the ending, and without what tools are
known to add to names. Clips are matched by number, those that are made of pictures first by the names of these. Order
counts only where names say nothing, and is then a guess.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Literal, TypeAlias
from urllib.parse import unquote

from sam2_core.errors import MediaError
from sam2_core.media.info import MediaInfo
from sam2_core.media.readers.file_names import (
    LABEL_STUDIO_TASK,
    PICTURE_ENDING,
    additions_differ,
    bare_name,
    label_studio_task,
    name_additions,
    name_forms,
    normalize,
    number_pattern,
    path_in_address,
    path_parts,
    uploaded_forms,
    with_own_ending,
    without_ending,
    without_mask_additions,
    written_parts,
)
from sam2_core.media.readers.frame_numbers import frame_digits, numbered_frames

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
_GENERIC = re.compile(
    r"(?:masks?|images?|img|pictures?|photos?|frames?|annotations?|labels?|instances?(?:_default)?|results?|outputs?"
    r"|out|default|exports?|objects?|untitled|seg|segmentations?|matte|alpha|cutout|data|file|_annotations(?:\.coco)?)?"
    r"[-_ .]*(?:\([0-9]+\)|[0-9]*)"
)


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
    are_generic = not any(map(album.is_plain, firsts)) if not binding else all(map(album.is_generic, firsts))
    tasks = [label_studio_task(name) for name in firsts]
    order: list[str | int] = [task for task in tasks if task is not None]
    order = sorted(order) if len(order) == len(firsts) else [*firsts]
    distinct = {each: frame for frame, each in enumerate(dict.fromkeys(order))}
    if len(distinct) != info.frames or not (by_order or are_generic):
        return matches, ""
    rule: MatchRule = "order" if info.frames > 1 else "generic"
    return [NameMatch(name, distinct[task if task in distinct else name], rule)
            for name, task in zip(firsts, tasks, strict=True)], ""  # fmt: skip


def _match_numbers(names: Sequence[str], info: MediaInfo, by_order: bool) -> tuple[list[NameMatch | None], str]:
    """The frame of each name in a clip, by the number that varies from name to name.

    Numbers begin at 0, unless they are as many as the frames, or are too large for that: then they begin at the lowest
    one, at 1, at 1001 or the like.
    """
    digits = frame_digits(names, info)
    frame_of, note = numbered_frames([*filter(None, digits)], info.frames)
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
    return frozenset(part for name in names for part in (*path_parts(name), without_ending(path_parts(name)[-1])))


def is_own(part: str, own: Set[str]) -> bool:
    """Whether a part of a path is one of these names."""
    return normalize(part) in own


def choose_clip(titles: Sequence[str], info: MediaInfo) -> int:
    """The index of the open clip among the titles of several; raises `MediaError` if none has its name."""
    if len(titles) == 1:
        return 0
    wanted = {normalize(info.name), without_ending(normalize(info.name)), bare_name(normalize(info.name))}
    indices = [index for index, title in enumerate(titles) if wanted & {*name_forms(title)}]
    if len(indices) != 1:
        some = ", ".join(f"“{title[-40:]}”" for title in sorted(titles)[:3])
        name = without_ending(PurePosixPath(info.name).name)
        raise MediaError(
            f"This file is about {len(titles)} clips ({some} …), and none of them is called “{name}”. "
            "Import a file about this one alone."
        )
    return indices[0]


class _Album:
    """The pictures of a medium by their names, in several forms."""

    def __init__(self, names: Sequence[str]) -> None:
        self._paths = [path_parts(name) for name in names]
        self._written = [written_parts(name) for name in names]
        self._additions = [name_additions(name) for *_, name in self._paths]
        self._by_form: dict[tuple[int, str], list[int]] = defaultdict(list)
        for frame, (*_, name) in enumerate(self._paths):
            for level, form in enumerate((name, without_ending(name), bare_name(name))):
                self._by_form[level, form].append(frame)
            for form in {*uploaded_forms(bare_name(name))} - {bare_name(name)}:
                self._by_form[3, form].append(frame)
        self.unsure: list[str] = []
        self._patterns = {number_pattern(bare_name(name)) for *_, name in self._paths}

    def find(self, alternatives: Sequence[str]) -> _Candidate | None:
        """The picture that the first fitting one of these names means, if it is certain."""
        for name in alternatives:
            for path in dict.fromkeys(map(path_parts, (name, unquote(name), unquote(path_in_address(name))))):
                if found := self._find(name, path):
                    return found
        return None

    def is_generic(self, name: str) -> bool:
        """Whether a name says nothing about which picture is meant."""
        stem = without_ending(path_parts(name)[-1])
        return not stem or (
            bool(_GENERIC.fullmatch(stem) or LABEL_STUDIO_TASK.fullmatch(stem)) and not self.is_plain(name)
        )

    def is_plain(self, name: str) -> bool:
        """Whether a name differs from that of a picture by its numbers alone, and so is another one's."""
        pattern = number_pattern(bare_name(path_parts(name)[-1]))
        return "\0" in pattern and pattern in self._patterns

    def _find(self, name: str, path: tuple[str, ...]) -> _Candidate | None:
        last, written, additions = path[-1], written_parts(name), name_additions(path[-1])
        forms: list[tuple[int, str, MatchRule]] = [
            (0, last, "name"),
            (0, without_ending(last), "ending"),
            (1, last, "ending"),
            (1, without_ending(last), "ending"),
            (0, with_own_ending(last), "decoration"),
            (2, bare_name(last), "decoration"),
            (3, bare_name(last) if any(additions[1:]) else "", "decoration"),
        ]
        for rank, (level, form, rule) in enumerate(forms):
            frames = self._by_form.get((level, form), []) if form else []
            if rule == "decoration":
                frames = [frame for frame in frames if not additions_differ(self._additions[frame], additions)]
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
            ending = PICTURE_ENDING.search(last)
            picture = (*folders, without_mask_additions(last), ending[0] if ending else "")
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


def _not_certain(names: Sequence[str], info: MediaInfo) -> str:
    if not names:
        return ""
    listed = ", ".join(f"“{name[-40:]}”" for name in names[:2]) + (" …" if len(names) > 2 else "")
    what = "which of these photos they are about" if info.kind == "album" else "whether they are about this picture"
    return f"{listed}: it is not certain {what}. Name them with their folders, as the photos are named."


def _alternatives(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else [*names] or [""]
