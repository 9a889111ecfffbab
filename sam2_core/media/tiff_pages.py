"""The pages of a TIFF file, from its tags alone: nothing is decoded (TIFF 6.0; BigTIFF)."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

_REDUCED, _TRANSPARENCY = 1, 4  # bits of NewSubfileType: a preview, a mask of another page
_OLD_REDUCED = 2  # a value of SubfileType
_WHITE_IS_ZERO, _SEPARATE = 0, 2  # values of PhotometricInterpretation and of PlanarConfiguration
_NUMBERS = {1: "unsigned", 2: "signed", 3: "float", 4: "unsigned"}  # by SampleFormat; 4 is undefined
_ALPHA = {1: "premultiplied", 2: "straight"}  # by ExtraSamples
_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
_MAKE, _ORIENTATION, _SAMPLES, _PLANAR, _TILE_WIDTH, _SUB_IFDS = 271, 274, 277, 284, 322, 330
_EXTRA_SAMPLES, _SAMPLE_FORMAT = 338, 339
_GDAL_NO_DATA, _DNG_VERSION = 42113, 50706
_WANTED = {
    _SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _MAKE, _ORIENTATION, _SAMPLES, _PLANAR,
    _TILE_WIDTH, _SUB_IFDS, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _GDAL_NO_DATA, _DNG_VERSION,
}  # fmt: skip
_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MAX_VALUES = 64  # of one tag
_MAX_ENTRIES = 4096  # of one page

_Tags: TypeAlias = dict[int, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class TiffPage:
    """One image of a TIFF file.

    `index` is its place in the file, where previews count, too. `bits` are those of a sample, whose `number` is
    "unsigned", "signed", "float" or another kind (""). `is_inverted`: gray values grow from white to black.
    `is_planar`: each channel is stored by itself. `alpha` is "straight", "premultiplied" or, for a channel without a
    meaning, ""; where the file is silent about a fourth channel, it is "straight". `no_data` is the value of pixels
    without one (GDAL's tag), or None.
    """

    index: int
    height: int
    width: int
    bits: int
    samples: int
    number: str
    compression: int
    is_inverted: bool
    is_planar: bool
    alpha: str
    is_preview: bool
    is_tiled: bool
    orientation: int
    no_data: float | None

    def __str__(self) -> str:
        kind = {"float": "-bit floating-point", "signed": "-bit signed", "unsigned": "-bit"}.get(
            self.number, "-bit complex"
        )
        planes = " in separate planes" if self.is_planar and self.samples > 1 else ""
        channels = "channel" if self.samples == 1 else "channels"
        return f"{self.samples} {self.bits}{kind} {channels}{planes} with compression {self.compression}"


@dataclass(frozen=True, slots=True)
class TiffFile:
    """The pages of a TIFF file without previews and masks.

    `is_raw`: it holds the raw data of a camera. `is_cut`: the list of pages ends with one that cannot be read.
    """

    pages: tuple[TiffPage, ...]
    is_raw: bool
    is_cut: bool


def is_tiff(head: bytes) -> bool:
    """Whether a file begins as a TIFF."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_tiff(source: Path | bytes, max_pages: int) -> TiffFile:
    """Read the tags of the pages, of `max_pages` and one more at most; a damaged directory ends the list."""
    found: list[TiffPage] = []
    is_raw = is_cut = False
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        head = file.read(16)
        order, is_big = ("<" if head[:1] == b"I" else ">"), head[2:4] in (b"+\0", b"\0+")
        visited: set[int] = set()
        try:
            (offset,) = struct.unpack_from(order + ("Q" if is_big else "I"), head, 8 if is_big else 4)
            while offset and offset not in visited and len(visited) <= 4 * max_pages and len(found) <= max_pages:
                visited.add(offset)
                tags, offset = _read_tags(file, offset, order, is_big)
                is_raw = is_raw or (not found and _is_raw(tags))
                found.append(_page(tags, len(visited) - 1))
        except (struct.error, OSError, OverflowError, ValueError):
            is_cut = True  # what was read so far can be used
    pages = [page for page in found if not page.is_preview] or found[:1]
    if pages and pages[0].is_tiled:  # the levels of a pyramid are not always marked
        pages = [page for page in pages if not _is_level(page, pages[0])]
    return TiffFile(tuple(pages), is_raw, is_cut)


def _read_tags(file: IO[bytes], offset: int, order: str, is_big: bool) -> tuple[_Tags, int]:
    """The wanted tags of a page and the offset of the next one."""
    number, inline, entry_size = ("Q", 8, 20) if is_big else ("I", 4, 12)
    file.seek(offset)
    count_size = 8 if is_big else 2
    (count,) = struct.unpack(order + ("Q" if is_big else "H"), file.read(count_size))
    if count > _MAX_ENTRIES:
        raise ValueError("not a directory")
    entries = file.read(count * entry_size)
    (following,) = struct.unpack(order + number, file.read(inline))
    tags: _Tags = {}
    for start in range(0, count * entry_size, entry_size):
        tag, kind, length = struct.unpack_from(f"{order}HH{number}", entries, start)
        if tag not in _WANTED or kind not in _TYPES:
            continue
        letter = _TYPES[kind]
        length = min(length, _MAX_VALUES)
        form = f"{order}{length}{letter}"
        value = entries[start + entry_size - inline : start + entry_size]
        if struct.calcsize(form) > inline:
            file.seek(struct.unpack(order + number, value)[0])
            value = file.read(struct.calcsize(form))
        tags[tag] = struct.unpack_from(form, value)
    return tags, int(following)


def _page(tags: _Tags, index: int) -> TiffPage:
    subfile = _number(tags, _SUBFILE, 0)
    is_preview = bool(subfile & (_REDUCED | _TRANSPARENCY)) or _number(tags, _OLD_SUBFILE, 0) == _OLD_REDUCED
    return TiffPage(
        index,
        _number(tags, _HEIGHT, 0),
        _number(tags, _WIDTH, 0),
        _number(tags, _BITS, 1),
        _number(tags, _SAMPLES, 1),
        _NUMBERS.get(_number(tags, _SAMPLE_FORMAT, 1), ""),
        _number(tags, _COMPRESSION, 1),
        _number(tags, _PHOTOMETRIC, 1) == _WHITE_IS_ZERO,
        _number(tags, _PLANAR, 1) == _SEPARATE,
        _ALPHA.get(_number(tags, _EXTRA_SAMPLES, 2), ""),
        is_preview,
        _TILE_WIDTH in tags,
        _number(tags, _ORIENTATION, 1),
        _no_data(tags.get(_GDAL_NO_DATA, ())),
    )


def _number(tags: _Tags, tag: int, default: int) -> int:
    values = tags.get(tag, ())
    return values[0] if values and isinstance(values[0], int) else default


def _no_data(values: tuple[Any, ...]) -> float | None:
    try:
        return float(bytes(values[0]).split(b"\0")[0].decode("ascii"))
    except (IndexError, TypeError, ValueError):
        return None


def _is_raw(tags: _Tags) -> bool:
    """DNG says so; in other cameras' files the first page is a preview of what lies in its SubIFDs."""
    has_preview = bool(_number(tags, _SUBFILE, 0) & _REDUCED)
    return _DNG_VERSION in tags or (has_preview and _SUB_IFDS in tags and _MAKE in tags)


def _is_level(page: TiffPage, first: TiffPage) -> bool:
    """Whether it is the first page, scaled down."""
    return (
        page.index > first.index
        and 1.5 * page.width < first.width
        and abs(page.width * first.height - page.height * first.width) <= 2 * max(first.width, first.height)
    )
