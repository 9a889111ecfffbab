"""Decoding of masks: index images, polygons and run lengths become boolean arrays."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.media.readers import segmentations
from sam2_core.media.readers.polygon_filling import add_polygons, parse_ring
from sam2_core.media.readers.segmentations import RunLengths
from sam2_core.training.datasets.dataset import BadSample
from sam2_core.training.datasets.files import BROKEN_ENTRY, LIMITS, SIZE_MISMATCH, UNREADABLE, Size, open_image
from sam2_core.types import BoolArray, Mask

Polygon: TypeAlias = npt.NDArray[np.float32]
"""Corners (N, 2) as x, y in pixels; (0, 0) is the outer corner of the first pixel."""
Segmentation: TypeAlias = tuple[Polygon | RunLengths, ...]
"""The parts of a mask in COCO's two forms, whose union it is."""
IndexArray: TypeAlias = npt.NDArray[np.int32]

EMPTY = "empty mask"
NO_SHAPE = "annotation without a mask"
TOO_MANY = "more masks than fit into memory"
VOID = 255
_MAX_MASKS = 4096
_MAX_VALUES = 4_000_000_000  # pixels of all masks of an image together
_SOFT_VALUES = 8  # gray levels of a mask with soft edges, at least


def check_cost(masks: int, size: Size) -> None:
    """Raise `BadSample` for more masks of `size` than fit into memory."""
    pixels = size[0] * size[1]
    if masks > _MAX_MASKS or pixels > LIMITS.max_pixels or masks * pixels > _MAX_VALUES:
        raise BadSample(TOO_MANY)


def read_index_image(path: Path, is_index: bool = False) -> IndexArray:
    """An index image (H, W) of any bit depth: 0 is background, every other value an object.

    Colors are values, too; of palettes the indices count. The value 255 of a palette is void, as in Pascal VOC, unless
    there is no other. A black and white mask with gray edges is thresholded, unless the layout says that it
    `is_index`. Raises `BadSample`.
    """
    with open_image(path) as image:
        try:
            mode = image.mode
            values = np.asarray(image.convert("RGB") if mode in {"RGB", "RGBA", "CMYK", "YCbCr"} else image)
        except (OSError, ValueError, SyntaxError) as error:
            raise BadSample(UNREADABLE) from error
    if values.ndim == 3:
        values = _one_channel(values)
    if not np.issubdtype(values.dtype, np.integer) and values.dtype != np.bool_:
        raise BadSample(UNREADABLE)
    index = values.astype(np.int32)
    if mode == "P":
        return _without_void(index)
    return index if is_index or values.dtype != np.uint8 else _binarized(index)


def object_masks(index: IndexArray) -> dict[int, BoolArray]:
    """The masks (H, W) of an index image by value. Raises `BadSample` if there are too many."""
    low = int(index.min())
    numbers = np.flatnonzero(np.bincount((index - low).ravel())) + low if np.ptp(index) < 1 << 20 else np.unique(index)
    numbers = numbers[numbers != 0]
    check_cost(numbers.size, (index.shape[0], index.shape[1]))
    return {int(number): index == number for number in numbers}


def parse_segmentation(segmentation: object) -> Segmentation:
    """Parse COCO's `segmentation` without decoding it; parts that cannot be used, such as a ring of two corners, are
    left out. Raises `BadSample` if nothing is left."""
    parsed = segmentations.parse_segmentation(segmentation)
    if parsed is None:
        raise BadSample(NO_SHAPE)
    if not parsed.rings and not parsed.run_lengths:
        raise BadSample(BROKEN_ENTRY)
    return (*(ring.astype(np.float32) for ring in parsed.rings), *parsed.run_lengths)


def has_size(segmentation: Segmentation, size: Size) -> bool:
    """Whether its run lengths, if it has some, are of this size."""
    return all(part["size"] == list(size) for part in segmentation if isinstance(part, dict))


def parse_polygons(polygons: object) -> tuple[Polygon, ...]:
    """Parse lists of x, y, x, y, … into arrays (N, 2); those that cannot be used are left out.

    Raises `BadSample` if nothing is left.
    """
    parsed = list[Polygon]()
    for polygon in polygons if isinstance(polygons, list) else []:
        with suppress(MediaError):
            parsed.append(parse_ring(polygon).astype(np.float32))
    if not parsed:
        raise BadSample(BROKEN_ENTRY)
    return tuple(parsed)


def decode_segmentations(parsed: Sequence[Segmentation], size: Size) -> tuple[BoolArray, ...]:
    """The masks (H, W) on an image of `size`. Raises `BadSample`, also for run lengths of another size."""
    check_cost(len(parsed), size)
    return tuple(_decode(segmentation, size) for segmentation in parsed)


def _decode(segmentation: Segmentation, size: Size) -> BoolArray:
    if not has_size(segmentation, size):
        raise BadSample(SIZE_MISMATCH)
    mask = np.zeros(size, np.bool_)
    try:
        for part in segmentation:
            if isinstance(part, dict):
                mask |= Mask.from_coco(part).to_array()
            else:
                add_polygons(mask, [part.astype(np.float64)], lambda pixels: None)
        return mask
    except (BadPrompt, MediaError) as error:
        raise BadSample(BROKEN_ENTRY) from error


def _one_channel(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The gray level, or one number for each color."""
    if values.shape[2] < 3 or (values[..., :1] == values[..., 1:3]).all():
        return np.asarray(values[..., 0])
    red, green, blue = (values[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _without_void(index: IndexArray) -> IndexArray:
    is_void = index == VOID
    return np.where(is_void, 0, index) if is_void.any() and (index[~is_void] != 0).any() else index


def _binarized(index: IndexArray) -> IndexArray:
    """Threshold what looks like a resized or blurred mask: mostly black and white, with many gray levels in between."""
    counts = np.bincount(index.ravel(), minlength=256)
    grays = counts[1:255]
    is_soft = np.count_nonzero(grays) > _SOFT_VALUES and counts[255] > grays.sum()
    return np.where(index >= 128, 255, 0).astype(np.int32) if is_soft else index
