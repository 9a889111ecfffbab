"""From the forms in which masks are kept (index pictures, polygons, run lengths) to arrays of booleans."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sam2_core.errors import BadPrompt
from sam2_core.training.datasets.dataset import BadSample, BinaryMask
from sam2_core.training.datasets.files import BROKEN_ENTRY, LIMITS, SIZE_MISMATCH, UNREADABLE, Size, open_image
from sam2_core.types import Mask

Polygon: TypeAlias = npt.NDArray[np.float32]
"""Corners (N, 2) as x, y in pixels; (0, 0) is the outer corner of the first pixel."""
Segmentation: TypeAlias = tuple[Polygon, ...] | dict[str, Any]
"""COCO's forms of one mask: the union of polygons, or run lengths {"size": [height, width], "counts": ...}."""
IndexArray: TypeAlias = npt.NDArray[np.int32]

EMPTY = "empty mask"
NO_SHAPE = "annotation without a mask"
TOO_MANY = "more masks than fit into memory"
VOID = 255
_MAX_MASKS = 4096
_MAX_VALUES = 4_000_000_000  # of all masks of a picture together
_MAX_COORDINATE = 1e6
_MAX_CROSSINGS = 20_000_000
_SOFT_VALUES = 8


def check_cost(masks: int, size: Size) -> None:
    """Refuse (`BadSample`) what would fill the memory with masks, before it does."""
    pixels = size[0] * size[1]
    if masks > _MAX_MASKS or pixels > LIMITS.max_pixels or masks * pixels > _MAX_VALUES:
        raise BadSample(TOO_MANY)


def read_index_image(path: Path, is_index: bool = False) -> IndexArray:
    """An index picture (H, W): 0 is background, every other value an object, whatever the file's bit depth.

    Colours count as values, and palettes by their indices. The value 255 of a palette is void (as in Pascal VOC and
    its followers) unless nothing else is there. Grey edges of a black and white mask are cut in the middle, unless the
    layout says that it `is_index`. Raises `BadSample`.
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


def object_masks(index: IndexArray) -> dict[int, BinaryMask]:
    """The masks (H, W) of an index picture by value. Raises `BadSample` if there are too many."""
    low = int(index.min())
    numbers = np.flatnonzero(np.bincount((index - low).ravel())) + low if np.ptp(index) < 1 << 20 else np.unique(index)
    numbers = numbers[numbers != 0]
    check_cost(numbers.size, (index.shape[0], index.shape[1]))
    return {int(number): index == number for number in numbers}


def parse_segmentation(segmentation: object) -> Segmentation:
    """Check COCO's `segmentation` without drawing it. Raises `BadSample`."""
    if isinstance(segmentation, dict):
        if not isinstance(segmentation.get("counts"), str | list) or not isinstance(segmentation.get("size"), list):
            raise BadSample(BROKEN_ENTRY)
        return {"size": segmentation["size"], "counts": segmentation["counts"]}
    if not segmentation:
        raise BadSample(NO_SHAPE)
    if not isinstance(segmentation, list):
        raise BadSample(BROKEN_ENTRY)
    return parse_polygons(segmentation if isinstance(segmentation[0], list) else [segmentation])


def parse_polygons(polygons: object) -> tuple[Polygon, ...]:
    """Lists of x, y, x, y, … as arrays (N, 2). Raises `BadSample`."""
    if not isinstance(polygons, list) or not polygons:
        raise BadSample(BROKEN_ENTRY)
    try:
        arrays = tuple(np.array(polygon, np.float32).reshape(-1, 2) for polygon in polygons)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadSample(BROKEN_ENTRY) from error
    if any(
        len(array) < 3 or not np.abs(array).max() < _MAX_COORDINATE for array in arrays
    ):  # NaN is not below anything
        raise BadSample(BROKEN_ENTRY)
    return arrays


def decode_segmentation(segmentation: Segmentation, size: Size) -> BinaryMask:
    """The mask (H, W) on a picture of `size`. Raises `BadSample` for run lengths of another size or none at all."""
    if isinstance(segmentation, dict):
        if segmentation["size"] != list(size):
            raise BadSample(SIZE_MISMATCH)
        try:
            return Mask.from_coco(segmentation).to_array()
        except BadPrompt as error:
            raise BadSample(BROKEN_ENTRY) from error
    mask = np.zeros(size, np.bool_)
    for polygon in segmentation:
        _fill(mask, polygon.astype(np.float64))
    return mask


def _fill(mask: BinaryMask, corners: npt.NDArray[np.float64]) -> None:
    """Add the pixels whose centres lie inside (even-odd rule), which is how COCO's own tools draw polygons.

    Each edge toggles the rest of every row whose centre line it crosses.
    """
    height, width = mask.shape
    upper, lower = corners, np.roll(corners, -1, axis=0)
    is_rising = upper[:, 1] > lower[:, 1]
    upper, lower = np.where(is_rising[:, None], lower, upper), np.where(is_rising[:, None], upper, lower)
    begin, end = (np.clip(np.ceil(y - 0.5), 0, height).astype(np.int64) for y in (upper[:, 1], lower[:, 1]))
    counts = end - begin
    crossings = int(counts.sum())
    if crossings > _MAX_CROSSINGS:
        raise BadSample(BROKEN_ENTRY)
    if not crossings:
        return
    edge = np.repeat(np.arange(len(corners)), counts)
    row = np.arange(crossings) - np.repeat(np.cumsum(counts) - counts, counts) + begin[edge]
    slope = (lower[edge, 0] - upper[edge, 0]) / (lower[edge, 1] - upper[edge, 1])
    x = upper[edge, 0] + (row + 0.5 - upper[edge, 1]) * slope
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
    top, bottom = int(row.min()), int(row.max()) + 1
    toggles = np.bincount((row - top) * (width + 1) + column, minlength=(bottom - top) * (width + 1))
    parity = np.bitwise_xor.accumulate((toggles & 1).astype(np.bool_).reshape(bottom - top, width + 1), axis=1)
    mask[top:bottom] |= parity[:, :width]


def _one_channel(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Grey stays grey; other colours become one number each."""
    if values.shape[2] < 3 or (values[..., :1] == values[..., 1:3]).all():
        return np.asarray(values[..., 0])
    red, green, blue = (values[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _without_void(index: IndexArray) -> IndexArray:
    is_void = index == VOID
    return np.where(is_void, 0, index) if is_void.any() and (index[~is_void] != 0).any() else index


def _binarized(index: IndexArray) -> IndexArray:
    """A mask that was resized or blurred is mostly black and white, with many greys in between."""
    counts = np.bincount(index.ravel(), minlength=256)
    grays = counts[1:255]
    is_soft = np.count_nonzero(grays) > _SOFT_VALUES and counts[255] > grays.sum()
    return np.where(index >= 128, 255, 0).astype(np.int32) if is_soft else index
