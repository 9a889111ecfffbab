"""Inpainting: fills holes in an image from what is around them.

Small holes continue the colors at their rim (Telea, "An image inpainting technique based on the fast marching method",
2004). Large ones, where that would be a blur, are filled with the texture around them (patch_match.py).
"""

from __future__ import annotations

import cv2
import numpy as np

from sam2_core.media.effects.masked_pooling import pool_known, smooth_known, upsample
from sam2_core.media.effects.patch_match import OffsetField, patch_match
from sam2_core.media.effects.scaled_masks import Area
from sam2_core.media.info import GrayImage, RgbArray
from sam2_core.types import BoolArray

_SMALL_RADIUS = 6  # pixels; holes that are nowhere farther from their rim are small
_TELEA_RADIUS = 5  # pixels
_MAX_PIXELS = 2500  # of a hole at the size at which patches are matched
_CONTEXT = 0.8  # of the hole's size is used around it
_MAX_CORRECTION = 16.0  # gray levels by which the brightness of copied pixels is changed
_BLEND = ((0, 0, 4), (0, 1, 2), (0, -1, 2), (1, 0, 2), (-1, 0, 2))  # rows, columns, weights of overlapping patches


def inpaint(image: RgbArray, hole: GrayImage, quick: bool = False) -> RgbArray:
    """A copy in which `hole` (H, W; 0 or 255) is filled. Deterministic.

    Large holes take up to seconds; with `quick`, they continue the colors at their rim, too.
    """
    result = image.copy()
    joined = cv2.dilate(hole, np.ones((9, 9), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(joined)
    for x, y, width, height, _ in boxes[1:count]:
        box = Area(int(x), int(y), int(x + width), int(y + height))
        margin = 8 if quick else 8 + _CONTEXT * max(width, height)
        area = box.grown(margin, (hole.shape[0], hole.shape[1]))
        _fill(result[area.part], hole[area.part], quick)
    return result


def _fill(pixels: RgbArray, hole: GrayImage, quick: bool) -> None:
    """Fill one hole, in place."""
    field, cell = None, _cell_size(hole)
    is_large = cv2.distanceTransform(hole, cv2.DIST_L2, cv2.DIST_MASK_3).max() > _SMALL_RADIUS
    if is_large and not quick:
        field = patch_match(pool_known(pixels, 255 - hole, cell), _hidden_cells(hole, cell))
    filled = _continue_colors(pixels, hole, cell) if field is None else _copy_patches(pixels, hole, field, cell)
    cv2.copyTo(filled, hole, pixels)


def _cell_size(hole: GrayImage) -> int:
    """The factor by which a large hole is scaled down."""
    return max(1, int(np.ceil(np.sqrt(np.count_nonzero(hole) / _MAX_PIXELS))))


def _hidden_cells(hole: GrayImage, cell: int) -> BoolArray:
    """The cells with any pixel in the hole."""
    rows, columns = (-(-side // cell) for side in hole.shape)
    bottom, right = rows * cell - hole.shape[0], columns * cell - hole.shape[1]
    padded = cv2.copyMakeBorder(hole, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA) > 0)


def _continue_colors(pixels: RgbArray, hole: GrayImage, cell: int) -> RgbArray:
    """Telea's method; for large holes on a smaller image."""
    if cell == 1:
        return np.asarray(cv2.inpaint(pixels, hole, _TELEA_RADIUS, cv2.INPAINT_TELEA), np.uint8)
    small, hidden = pool_known(pixels, 255 - hole, cell), _hidden_cells(hole, cell)
    small = np.asarray(cv2.inpaint(small, hidden.view(np.uint8), _TELEA_RADIUS, cv2.INPAINT_TELEA), np.uint8)
    return upsample(small, cell, *hole.shape)


def _copy_patches(pixels: RgbArray, hole: GrayImage, field: OffsetField, cell: int) -> RgbArray:
    """Copy each hidden pixel from where the patches around it come from; `field` has offsets in cells.

    A rim around the hole is copied as well, to correct the brightness by the difference there.
    """
    covered = cv2.dilate(hole, np.ones((2 * cell + 1, 2 * cell + 1), np.uint8))
    rows, columns = np.nonzero(covered)
    sums = np.zeros((rows.size, 3), np.float32)
    for step_y, step_x, weight in _BLEND:
        row = np.clip(rows // cell + step_y, 0, field.shape[0] - 1)
        column = np.clip(columns // cell + step_x, 0, field.shape[1] - 1)
        offset = field[row, column] * cell
        source_rows = np.clip(rows + offset[:, 0], 0, hole.shape[0] - 1)
        sums += weight * pixels[source_rows, np.clip(columns + offset[:, 1], 0, hole.shape[1] - 1)].astype(np.float32)
    result = pixels.astype(np.float32)
    result[rows, columns] = sums / sum(weight for *_, weight in _BLEND)
    rim = (covered > 0) & (hole == 0)
    correction = np.clip(smooth_known(pixels - result, rim, 2 * cell + 2), -_MAX_CORRECTION, _MAX_CORRECTION)
    return np.clip(np.rint(result + correction), 0, 255).astype(np.uint8)
