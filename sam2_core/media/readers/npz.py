"""Masklet's own NumPy archive: an array of booleans (objects, height, width) for each frame; see `formats.npz`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, ImportTooLarge
from sam2_core.media.readers.described_images import DescribedImage, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document
from sam2_core.types import Mask

OTHER_ARRAYS = (
    "These are NumPy arrays that Masklet did not write, so that it is not clear what their axes are. "
    "Save the masks as PNG files in a ZIP file."
)
_FRAME = re.compile(r"frame_([0-9]{1,9})")
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '([|<][biuU][0-9]{1,5})', 'fortran_order': False, "
    rb"'shape': \(((?:[0-9]{1,12},? ?){0,4})\), \} *\n",
    re.DOTALL,
)
_MAX_LIST_BYTES = 5_000_000
_BAD = "Their arrays are damaged or of another kind. Export them again."


def read_npz(archive: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read an archive; raises `MediaError` for one of another program."""
    members = {PurePosixPath(name).stem: name for name in archive.with_extension(".npy")}
    frames = {stem: int(match[1]) for stem in members if (match := _FRAME.fullmatch(stem))}
    if not frames:
        raise MediaError(OTHER_ARRAYS)
    lists = {name: _list_in(archive, members.get(name)) for name in ("ids", "names", "labels", "photos")}
    photos = lists["photos"]
    images = [
        DescribedImage(
            Document("", "text", ""), [photos[number] if number < len(photos) else stem], members[stem], number
        )
        for stem, number in frames.items()
    ]
    read_images(images, partial(_read_frame, archive=archive, lists=lists, builder=builder), builder)


def _read_frame(
    member: str, frame: int, archive: AnnotationFiles, lists: Mapping[str, Sequence[Any]], builder: AnnotationBuilder
) -> None:
    masks = _parse_array(archive.read(member))
    if masks.ndim != 3 or masks.dtype != np.bool_:
        raise MediaError(_BAD)
    for place, pixels in enumerate(masks):
        key, name, label = (listed[place] if place < len(listed) else "" for listed in
                            (lists["ids"], lists["names"], lists["labels"]))  # fmt: skip
        with builder.item(name):
            builder.spend(2 * pixels.size)
            if pixels.any():
                builder.add(frame, key if isinstance(key, int) else place, Mask.from_array(pixels), name, label)


def _list_in(archive: AnnotationFiles, member: str | None) -> list[Any]:
    """A list of numbers or texts, empty if it cannot be read."""
    if member is None:
        return []
    try:
        array = _parse_array(archive.read(member, _MAX_LIST_BYTES))
    except ImportTooLarge:
        raise
    except MediaError:
        return []
    return array.tolist() if array.ndim == 1 else []


def _parse_array(content: bytes) -> npt.NDArray[Any]:
    """An array of booleans, integers or text in the first version of NumPy's format; other ones are refused.

    NumPy's own reader evaluates the header as a Python expression.
    """
    header = _HEADER.match(content)
    if header is None:
        raise MediaError(_BAD)
    shape = [int(side) for side in header[3].decode().split(",") if side.strip()]
    try:
        start = 10 + int.from_bytes(header[1], "little")
        return np.frombuffer(content, np.dtype(header[2].decode()), offset=start).reshape(shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise MediaError(_BAD) from error
