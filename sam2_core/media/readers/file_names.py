"""Names of pictures as files write them: parts of a path, without the ending, and without what tools add to names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

MAX_NAME = 1000  # characters of a path that are looked at
NUMBER = re.compile(r"[0-9]{1,9}")
PICTURE_ENDING = re.compile(r"\.(?:jpe?g|png|webp|bmp|tiff?|avif|heic|gif)$")
_ENDING = re.compile(r"\.[a-z][a-z0-9]{1,5}$")
_WRITTEN_ENDING = re.compile(_ENDING.pattern, re.IGNORECASE)
_ROBOFLOW = re.compile(r"(?:_(jpe?g|png|webp|bmp|tiff?))?\.rf\.[0-9a-z]+$")
_COPY_ADDITIONS = (  # what marks a version of a picture: these may differ in what they show
    _ROBOFLOW,
    PICTURE_ENDING,  # in a longer name
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
LABEL_STUDIO_TASK = re.compile(
    r"task-([0-9]{1,9})-annotation-[0-9]+-by-[^/]+?-tag-([^/]*?)(?:-[0-9]+)?", re.IGNORECASE
)  # a mask that was drawn with a brush


def normalize(name: str) -> str:
    """A name for comparing: lower case, composed characters, slashes, at most `MAX_NAME` characters."""
    return _canonical(name).casefold()


def path_parts(name: str) -> tuple[str, ...]:
    """The normalized parts of a path, at least one."""
    return _split(normalize(name))


def written_parts(name: str) -> tuple[str, ...]:
    """The parts of a path in upper and lower case, the name without its ending."""
    *folders, last = _split(_canonical(name))
    return (*folders, _WRITTEN_ENDING.sub("", last))


def without_ending(name: str) -> str:
    """A normalized name without its ending."""
    return _ENDING.sub("", name)


def bare_name(name: str) -> str:
    """A normalized name without ending and additions."""
    return _without(_UPLOAD_ADDITIONS, numbered_stem(name))


def numbered_stem(name: str) -> str:
    """The name of a file without ending and without what may stand behind a frame's number."""
    stem = without_mask_additions(path_parts(name)[-1])
    return _without(_MASK_ADDITIONS, _without(_COPY_ADDITIONS, stem))


def without_mask_additions(name: str) -> str:
    """A normalized name without ending and without what marks a mask."""
    return _without(_MASK_ADDITIONS, without_ending(name))


def with_own_ending(name: str) -> str:
    """The name with the ending that Roboflow has put into it, "" if there is none."""
    match = _ROBOFLOW.search(without_mask_additions(name))
    return f"{match.string[: match.start()]}.{match[1]}" if match and match[1] else ""


def name_forms(title: str) -> Iterable[str]:
    """Each part of a path in all forms: normalized, without ending, bare."""
    for part in path_parts(title):
        yield from (part, without_ending(part), bare_name(part))


def uploaded_forms(stem: str) -> Iterable[str]:
    """How Label Studio and Roboflow write a name when they store a picture."""
    yield re.sub(r"[^-\w.]", "", stem.strip().replace(" ", "_"))
    yield re.sub(r"\W+", "-", stem).rstrip("-_ .")


def number_pattern(stem: str) -> str:
    """The text around the numbers of a name."""
    return NUMBER.sub("\0", stem)


def name_additions(name: str) -> tuple[str, str, str]:
    """What marks a mask, a version and an upload in a normalized name, "" where there is nothing."""
    layers = [without_ending(name)]
    for additions in ((*_MASK_ADDITIONS, *_MASK_ADDITIONS), _COPY_ADDITIONS, _MASK_ADDITIONS, _UPLOAD_ADDITIONS):
        layers.append(_without(additions, layers[-1]))
    outer, version, inner, upload = (
        "" if before == after else before.replace(after, "\0", 1) for before, after in pairwise(layers)
    )
    return outer or inner, version, upload


def additions_differ(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether names that are equal but for these additions mean different pictures: both have an addition of the same
    kind, and these differ, other than by a further one."""
    return any(
        first and second and not (f"{first}_".startswith(f"{second}_") or f"{second}_".startswith(f"{first}_"))
        for first, second in zip(one, other, strict=True)
    )


def label_in_name(title: str) -> str:
    """The label in the name, without ending, of a mask that Label Studio has written; else ""."""
    match = LABEL_STUDIO_TASK.fullmatch(PurePosixPath(title).name)
    return match[2] if match else ""


def label_studio_task(name: str) -> int | None:
    """The number of the task in the name of a mask that Label Studio has written; else None."""
    match = LABEL_STUDIO_TASK.fullmatch(without_ending(path_parts(name)[-1]))
    return int(match[1]) if match else None


def path_in_address(address: str) -> str:
    """The path in an address; Label Studio names local files in its query. Other names stay as they are."""
    try:
        parts = urlsplit(address)
        has_query = bool(parts.scheme) or "?d=" in address
        return parse_qs(parts.query).get("d", [parts.path])[0] if has_query else address
    except ValueError:
        return address


def _canonical(name: str) -> str:
    return unicodedata.normalize("NFC", name[-MAX_NAME:].replace("\\", "/").replace("\0", ""))


def _split(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part not in ("", ".", "..")) or ("",)


def _without(additions: Sequence[re.Pattern[str]], stem: str) -> str:
    for addition in additions:
        stem = addition.sub("", stem).rstrip("-_ .") or stem
    return stem
