"""What is hidden, made up from what lies around it."""

from __future__ import annotations

import cv2
import numpy as np

from sam2_core.media.effects.shapes import Area, Plane
from sam2_core.media.info import RgbArray

_LONGEST = 200  # pixels; larger holes are filled in a smaller picture
_ROOM = 0.3  # of the hole's size, seen around it
_RADIUS = 5


def filled_in(picture: RgbArray, hole: Plane) -> RgbArray:
    """A copy in which what `hole` (H, W; 0 or 255) covers continues what is around it."""
    result = picture.copy()
    count, _, boxes, _ = cv2.connectedComponentsWithStats(cv2.dilate(hole, np.ones((9, 9), np.uint8)))
    for x, y, width, height, _ in boxes[1:count]:
        room = 8 + _ROOM * max(width, height)
        area = Area(x, y, x + width, y + height).grown(room, hole.shape)
        _fill(result[area.part], hole[area.part])
    return result


def _fill(pixels: RgbArray, hole: Plane) -> None:
    rows, columns = np.nonzero(hole)
    longest = max(np.ptp(rows), np.ptp(columns)) + 1
    scale = min(1.0, _LONGEST / longest)
    if scale == 1:
        cv2.copyTo(cv2.inpaint(pixels, hole, _RADIUS, cv2.INPAINT_TELEA), hole, pixels)
        return
    size = max(1, round(hole.shape[1] * scale)), max(1, round(hole.shape[0] * scale))
    small = cv2.resize(cv2.copyTo(pixels, 255 - hole), size, interpolation=cv2.INTER_AREA)
    unknown = cv2.resize(hole, size, interpolation=cv2.INTER_AREA)
    small = cv2.inpaint(small, cv2.compare(unknown, 0, cv2.CMP_GT), _RADIUS, cv2.INPAINT_TELEA)
    cv2.copyTo(cv2.resize(small, hole.shape[::-1], interpolation=cv2.INTER_CUBIC), hole, pixels)
