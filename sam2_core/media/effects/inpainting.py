"""What is hidden and seen nowhere, made up from what lies around it.

Small holes continue the colors at their rim (Telea, "An image inpainting technique based on the fast marching method",
2004). In large ones that would be a blur: they are pieced together from the texture around them (patches.py).
"""

from __future__ import annotations

import cv2
import numpy as np

from sam2_core.media.effects.masked_pooling import cell_means, enlarged, smoothed
from sam2_core.media.effects.patch_match import Field, patch_match
from sam2_core.media.effects.scaled_masks import Area, Plane
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray

_SMALL = 6  # pixels; holes that are nowhere farther from their rim
_RIM = 5  # pixels that small holes look at
_LARGEST = 2500  # pixels of a hole at the size at which it is pieced together
_ROOM = 0.8  # of the hole's size, seen around it
_BRIGHTER = 16.0  # gray levels by which what is copied may be changed
_BLEND = ((0, 0, 4), (0, 1, 2), (0, -1, 2), (1, 0, 2), (-1, 0, 2))  # rows, columns and weights of patches that overlap


def inpaint(picture: RgbArray, hole: Plane, quick: bool = False) -> RgbArray:
    """A copy in which what `hole` (H, W; 0 or 255) covers continues what is around it. The same every time.

    Takes up to seconds for large holes; `quick` only continues the colors there, too.
    """
    result = picture.copy()
    joined = cv2.dilate(hole, np.ones((9, 9), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(joined)
    for x, y, width, height, _ in boxes[1:count]:
        box = Area(int(x), int(y), int(x + width), int(y + height))
        room = 8 if quick else 8 + _ROOM * max(width, height)
        area = box.grown(room, (hole.shape[0], hole.shape[1]))
        _fill(result[area.part], hole[area.part], quick)
    return result


def _fill(pixels: RgbArray, hole: Plane, quick: bool) -> None:
    """Fill one hole, in place."""
    field, cell = None, 1
    is_large = cv2.distanceTransform(hole, cv2.DIST_L2, cv2.DIST_MASK_3).max() > _SMALL
    if is_large and not quick:
        cell = int(np.ceil(np.sqrt(np.count_nonzero(hole) / _LARGEST)))
        field = patch_match(cell_means(pixels, 255 - hole, cell), _touched(hole, cell))
    filled = _from_rim(pixels, hole) if field is None else _copied(pixels, hole, field, cell)
    cv2.copyTo(filled, hole, pixels)


def _touched(hole: Plane, cell: int) -> BoolArray:
    """The cells in which anything is hidden."""
    rows, columns = (-(-side // cell) for side in hole.shape)
    below, right = rows * cell - hole.shape[0], columns * cell - hole.shape[1]
    padded = cv2.copyMakeBorder(hole, 0, below, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA) > 0)


def _from_rim(pixels: RgbArray, hole: Plane) -> RgbArray:
    """The colors at the rim, continued; in the middle of large holes those of a smaller picture."""
    cell = int(np.ceil(np.sqrt(np.count_nonzero(hole) / _LARGEST)))
    if cell <= 1:
        return np.asarray(cv2.inpaint(pixels, hole, _RIM, cv2.INPAINT_TELEA), np.uint8)
    small, unknown = cell_means(pixels, 255 - hole, cell), _touched(hole, cell)
    small = np.asarray(cv2.inpaint(small, unknown.view(np.uint8), _RIM, cv2.INPAINT_TELEA), np.uint8)
    return enlarged(small, cell, *hole.shape)


def _copied(pixels: RgbArray, hole: Plane, field: Field, cell: int) -> RgbArray:
    """Each hidden pixel from where the patches around it come from; `field` tells that for cells of pixels.

    The patches go on a little beyond the hole: there it is seen how much brighter they have to be.
    """
    covered = cv2.dilate(hole, np.ones((2 * cell + 1, 2 * cell + 1), np.uint8))
    rows, columns = np.nonzero(covered)
    sums = np.zeros((rows.size, 3), np.float32)
    for down, across, weight in _BLEND:
        row = np.clip(rows // cell + down, 0, field.shape[0] - 1)
        column = np.clip(columns // cell + across, 0, field.shape[1] - 1)
        shift = field[row, column] * cell
        source_rows = np.clip(rows + shift[:, 0], 0, hole.shape[0] - 1)
        sums += weight * pixels[source_rows, np.clip(columns + shift[:, 1], 0, hole.shape[1] - 1)].astype(np.float32)
    result = pixels.astype(np.float32)
    result[rows, columns] = sums / sum(weight for *_, weight in _BLEND)
    rim = (covered > 0) & (hole == 0)
    light = np.clip(smoothed(pixels - result, rim, 2 * cell + 2), -_BRIGHTER, _BRIGHTER)
    return np.clip(np.rint(result + light), 0, 255).astype(np.uint8)
