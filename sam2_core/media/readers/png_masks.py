"""PNG masks, one or many of them in a ZIP file.

Index masks as in DAVIS: palette indices, or gray values of 8 or 16 bits, are the objects' numbers; 0 is background, and
255 of a palette is undecided. Color masks have one object per color. Or one mask for each object and frame: our own
`object_01/00000.png`, or numbered folders as in SA-V.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, ImportTooLarge, check_size
from sam2_core.media.readers.documents import AnnotationFiles
from sam2_core.media.readers.frame_matching import choose_clip, no_frame
from sam2_core.media.readers.json_values import objects_of, text_of, whole_of
from sam2_core.media.readers.zip_reader import ZipReader
from sam2_core.types import Mask

MAX_COLORS = 1000  # in one image
VOID = 255
_MAX_16_BIT = 65535
_OBJECT = re.compile(r"object_([0-9]{1,6})", re.IGNORECASE)
_MASK_FOLDERS = ("annotations", "segmentationobject", "masks")  # if there are others beside them

Names: TypeAlias = Mapping[int, tuple[str, str]]
"""Name and label of each object that a manifest lists."""
_Index: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, slots=True)
class _Png:
    member: str
    title: str
    """The part of the path that names the frame."""
    object_id: int | None
    """The object of a binary mask."""


def read_png(name: str, content: bytes, builder: AnnotationBuilder) -> None:
    """Read a single image."""
    _read_all([_Png(name, name, None)], {name: content}, {}, builder, binding=False)


def read_pngs(archive: ZipReader, builder: AnnotationBuilder) -> None:
    """Read all images of an archive; raises `MediaError` if they are of several clips, none of which is open."""
    listed = [_parse_path(name) for name in _in_mask_folders(archive.with_extension(".png"))]
    if any(png.object_id is not None for png in listed):
        listed = [png for png in listed if png.object_id is not None]
    elif listed and builder.info.kind == "clip":
        folders = {str(PurePosixPath(png.member).parent): None for png in listed}
        folder = [*folders][choose_clip([*folders], builder.info)]
        listed = [png for png in listed if str(PurePosixPath(png.member).parent) == folder]
    _read_all(listed, archive, manifest_names(archive, builder), builder)


def read_index(content: bytes, size: tuple[int, int]) -> _Index:
    """The object numbers (H, W) of an image, 0 for none; raises `MediaError` for an image of another size.

    The size is checked before anything is decoded.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            check_size((image.height, image.width), size)
            return _to_index(image)
    except MediaError:
        raise
    except Exception as error:  # Pillow raises various exceptions for damaged files
        raise MediaError("They are damaged or no PNG pictures. Export them again.") from error


def _read_all(
    listed: list[_Png],
    contents: ZipReader | Mapping[str, bytes],
    names: Names,
    builder: AnnotationBuilder,
    binding: bool = True,
) -> None:
    titles = list(dict.fromkeys(png.title for png in listed))
    frames = dict(zip(titles, builder.match_frames(titles, binding=binding), strict=True))
    for done, png in enumerate(listed):
        builder.progress(done, len(listed))
        with builder.item(png.member):
            frame = frames[png.title]
            if frame is None:
                raise MediaError(no_frame(builder.info))
            size = builder.info.size_of(frame)
            builder.spend(size[0] * size[1])
            content = contents.read(png.member) if isinstance(contents, ZipReader) else contents[png.member]
            _add_objects(read_index(content, size), frame, png.object_id, names, builder)


def _add_objects(index: _Index, frame: int, object_id: int | None, names: Names, builder: AnnotationBuilder) -> None:
    if object_id is not None:
        if index.any():
            builder.add(frame, object_id, Mask.from_array(index), *names.get(object_id, ("", "")))
        return
    for value in _values(index):
        builder.spend(index.size)
        builder.add(frame, value, Mask.from_array(index == value), *names.get(value, ("", "")))


def _to_index(image: Image.Image) -> _Index:
    """The pixels as object numbers, for any image mode."""
    if image.mode == "P":
        indices = np.array(image, np.uint8)
        indices[indices == VOID] = 0
        return indices
    if image.mode in ("1", "L"):
        gray = np.array(image.convert("L"), np.uint8)
        others = gray[(gray != 0) & (gray != VOID)]
        gray[gray == VOID] = 0 if others.size else 1
        return gray
    if image.mode == "I" or image.mode.startswith("I;16"):
        gray16 = np.clip(np.array(image, np.int64), 0, _MAX_16_BIT).astype(np.uint32)
        return np.minimum(gray16, 1) if np.isin(gray16, (0, _MAX_16_BIT)).all() else gray16
    if image.mode in ("RGB", "RGBA"):
        colors = np.asarray(image.convert("RGBA")).astype(np.uint32)
        packed = (colors[:, :, 0] << 16) | (colors[:, :, 1] << 8) | colors[:, :, 2]
        return np.where(colors[:, :, 3] > 0, packed, 0).astype(np.uint32)
    raise MediaError("They are neither indexed nor grey nor coloured pictures. Export them as indexed PNGs.")


def _values(index: _Index) -> list[int]:
    """The values in an image except 0, in ascending order."""
    found = np.bincount(index.reshape(-1)).nonzero()[0] if index.dtype == np.uint8 else np.unique(index)
    values = [int(value) for value in found if value]
    if len(values) > MAX_COLORS:
        raise MediaError("They have too many colours to be masks. Export them as indexed PNGs.")
    return values


def _parse_path(name: str) -> _Png:
    """The object and frame that the path of a member names."""
    parts = PurePosixPath(name).with_suffix("").parts
    folder = parts[-2] if len(parts) > 1 else ""
    if match := _OBJECT.fullmatch(parts[-1]):
        return _Png(name, folder, int(match[1]))
    if match := _OBJECT.fullmatch(folder):
        return _Png(name, parts[-1], int(match[1]))
    if re.fullmatch(r"[0-9]{3}", folder):  # SA-V counts objects from 0
        return _Png(name, parts[-1], int(folder) + 1)
    return _Png(name, parts[-1], None)


def _in_mask_folders(names: list[str]) -> list[str]:
    """Only those in folders for masks, if there are such folders."""
    for folder in _MASK_FOLDERS:
        inside = [name for name in names if folder in map(str.lower, PurePosixPath(name).parts[:-1])]
        if inside:
            return inside
    return names


def manifest_names(archive: AnnotationFiles, builder: AnnotationBuilder) -> Names:
    """The names in our own manifest, if there is one."""
    for name in archive.names:
        if PurePosixPath(name).name == "manifest.json":
            try:
                objects = objects_of(builder.parse(archive.read(name)), "objects")
            except ImportTooLarge:
                raise
            except MediaError:
                break
            ids = ((whole_of(each, "id"), each) for each in objects)
            return {
                number: (text_of(each, "name"), text_of(each, "label")) for number, each in ids if number is not None
            }
    return {}
