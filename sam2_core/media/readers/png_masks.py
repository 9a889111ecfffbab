"""Masks as PNG pictures, one or many of them in a ZIP file.

DAVIS's way: the colours of a palette, or grey values of 8 or 16 bits, are the numbers of the objects; 0 is nothing, and
255 of a palette what nobody has decided about. Pictures in colour have one object a colour. And one picture for each
object and frame: our own `object_01/00000.png`, or numbered folders as SA-V has them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, ImportTooLarge, check_size
from sam2_core.media.readers.frame_matching import chosen_of, frames_of, no_frame
from sam2_core.media.readers.json_values import items_of, text_of, whole_of
from sam2_core.media.readers.zip_reader import ZipReader
from sam2_core.types import Mask

MOST_COLORS = 1000  # in one picture
VOID = 255
_DEEPEST = 65535
_OBJECT = re.compile(r"object_([0-9]{1,6})", re.IGNORECASE)
_PLACES = ("annotations", "segmentationobject", "masks")  # folders of masks, where there are others beside them

Names = Mapping[int, tuple[str, str]]
"""Name and label of each object that a manifest lists."""


@dataclass(frozen=True, slots=True)
class _Png:
    member: str
    title: str
    """What says which frame it is."""
    number: int | None
    """The object that all of it is about."""


def read_single_png(name: str, content: bytes, into: AnnotationBuilder) -> None:
    """One picture that is no archive's."""
    _read_all([_Png(name, name, None)], {name: content}, {}, into)


def read_pngs(archive: ZipReader, into: AnnotationBuilder) -> None:
    """All pictures of an archive; raises `MediaError` where they are of several clips, none of which is open."""
    listed = [_png(name) for name in _of_masks(archive.with_ending(".png"))]
    if any(png.number is not None for png in listed):
        listed = [png for png in listed if png.number is not None]
    elif into.info.kind == "clip":
        listed = _of_one_clip(listed, into)
    _read_all(listed, archive, _names(archive, into), into)


def indices_of(content: bytes, due: tuple[int, int]) -> npt.NDArray[np.unsignedinteger[Any]]:
    """A picture's objects (H, W) by their numbers, 0 for none; raises `MediaError` unless it has the size that is due.

    The size is looked at before anything is decoded.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            check_size((image.height, image.width), due)
            return _numbers(image)
    except MediaError:
        raise
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them raise
        raise MediaError("They are damaged or no PNG pictures. Export them again.") from error


def _read_all(
    listed: list[_Png], contents: ZipReader | Mapping[str, bytes], names: Names, into: AnnotationBuilder
) -> None:
    titles = list(dict.fromkeys(png.title for png in listed))
    frames = dict(zip(titles, frames_of(titles, into.info), strict=True))
    for done, png in enumerate(listed):
        into.progress(done, len(listed))
        with into.item(png.member):
            frame = frames[png.title]
            if frame is None:
                raise MediaError(no_frame(into.info))
            size = into.info.size_of(frame)
            into.spend(size[0] * size[1])
            content = contents.read(png.member) if isinstance(contents, ZipReader) else contents[png.member]
            _put(indices_of(content, size), frame, png.number, names, into)


def _put(
    pixels: npt.NDArray[np.unsignedinteger[Any]], frame: int, number: int | None, names: Names, into: AnnotationBuilder
) -> None:
    """What is in one picture; it may be nothing."""
    if number is not None:
        if pixels.any():
            into.put(frame, number, Mask.from_array(pixels), *names.get(number, ("", "")))
        return
    for value in _values(pixels):
        into.spend(pixels.size)
        into.put(frame, value, Mask.from_array(pixels == value), *names.get(value, ("", "")))


def _numbers(image: Image.Image) -> npt.NDArray[np.unsignedinteger[Any]]:
    """The pixels as numbers of objects, whatever kind of picture it is."""
    if image.mode == "P":
        indices = np.array(image, np.uint8)
        indices[indices == VOID] = 0
        return indices
    if image.mode in ("1", "L"):
        grey = np.array(image.convert("L"), np.uint8)
        others = grey[(grey != 0) & (grey != VOID)]
        grey[grey == VOID] = 0 if others.size else 1
        return grey
    if image.mode == "I" or image.mode.startswith("I;16"):
        deep = np.clip(np.array(image, np.int64), 0, _DEEPEST).astype(np.uint32)
        return np.minimum(deep, 1) if np.isin(deep, (0, _DEEPEST)).all() else deep
    if image.mode in ("RGB", "RGBA"):
        colors = np.asarray(image.convert("RGBA")).astype(np.uint32)
        packed = (colors[:, :, 0] << 16) | (colors[:, :, 1] << 8) | colors[:, :, 2]
        return np.where(colors[:, :, 3] > 0, packed, 0).astype(np.uint32)
    raise MediaError("They are neither indexed nor grey nor coloured pictures. Export them as indexed PNGs.")


def _values(pixels: npt.NDArray[np.unsignedinteger[Any]]) -> list[int]:
    """The numbers in a picture but 0, in their order."""
    counts = np.bincount(pixels.reshape(-1)).nonzero()[0] if pixels.dtype == np.uint8 else np.unique(pixels)
    values = [int(value) for value in counts if value]
    if len(values) > MOST_COLORS:
        raise MediaError("They have too many colours to be masks. Export them as indexed PNGs.")
    return values


def _png(name: str) -> _Png:
    """Which object and frame the path of a member is about."""
    parts = PurePosixPath(name).with_suffix("").parts
    folder = parts[-2] if len(parts) > 1 else ""
    if found := _OBJECT.fullmatch(parts[-1]):
        return _Png(name, folder, int(found[1]))
    if found := _OBJECT.fullmatch(folder) or re.fullmatch(r"([0-9]{3})", folder):
        return _Png(name, parts[-1], int(found[1]) + (0 if _OBJECT.fullmatch(folder) else 1))
    return _Png(name, parts[-1], None)


def _of_masks(names: list[str]) -> list[str]:
    """Those in folders for masks, if there are such folders."""
    for wanted in _PLACES:
        inside = [name for name in names if wanted in map(str.lower, PurePosixPath(name).parts[:-1])]
        if inside:
            return inside
    return names


def _of_one_clip(listed: list[_Png], into: AnnotationBuilder) -> list[_Png]:
    """The pictures in the folder of the clip that is open."""
    folders = list(dict.fromkeys(str(PurePosixPath(png.member).parent) for png in listed))
    if not folders:
        return listed
    folder = folders[chosen_of(folders, into.info)]
    return [png for png in listed if str(PurePosixPath(png.member).parent) == folder]


def _names(archive: ZipReader, into: AnnotationBuilder) -> Names:
    """What our own manifest says, where there is one."""
    for name in archive.names:
        if PurePosixPath(name).name == "manifest.json":
            try:
                return _names_in(items_of(into.parse(archive.read(name)), "objects"))
            except ImportTooLarge:
                raise
            except MediaError:
                break
    return {}


def _names_in(objects: Iterable[dict[str, Any]]) -> Names:
    numbered = ((whole_of(each, "id"), each) for each in objects)
    return {number: (text_of(each, "name"), text_of(each, "label")) for number, each in numbered if number is not None}
