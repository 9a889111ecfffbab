"""Outlines of shapes that files describe by a few numbers: ellipses, rotated rectangles, cuboids."""

from __future__ import annotations

import math

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.readers.polygon_filling import Ring, parse_corners
from sam2_core.types import Box

ELLIPSE_CORNERS = 90
NO_AREA = "Points and lines have no area. Use polygons, boxes, circles or masks."
_CLOSED = 1.5  # pixels between the ends of a line that is closed


def ellipse(x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0.0) -> Ring:
    """The outline of an ellipse around (x, y), turned clockwise as seen in the image; raises `MediaError`."""
    angles = np.linspace(0, 2 * math.pi, ELLIPSE_CORNERS, endpoint=False)
    around = np.stack([abs(radius_x) * np.cos(angles), abs(radius_y) * np.sin(angles)], axis=1)
    return _checked(_turned(around, degrees) + np.array([x, y]))


def rectangle(box: Box, degrees: float, pivot: tuple[float, float]) -> Box | Ring:
    """A rectangle turned clockwise about a point: the box itself if it is not turned; raises `MediaError`."""
    if not degrees % 360:
        return box
    corners = [[box.left, box.top], [box.right, box.top], [box.right, box.bottom], [box.left, box.bottom]]
    return _checked(_turned(np.array(corners, np.float64) - pivot, degrees) + pivot)


def center_of(box: Box) -> tuple[float, float]:
    """The center of a box."""
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def convex_hull(corners: Ring) -> Ring:
    """The outline around corners, such as those of a cuboid."""
    return np.asarray(cv2.convexHull(corners.astype(np.float32))[:, 0], np.float64)


def closed_line(corners: Ring) -> Ring:
    """The outline of a line whose ends meet; raises `MediaError` for an open line, which has no area."""
    if len(corners) < 4 or math.dist(corners[0], corners[-1]) > _CLOSED:
        raise MediaError(NO_AREA)
    return corners


def _turned(corners: Ring, degrees: float) -> Ring:
    angle = math.radians(degrees % 360)
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.stack(
        [corners[:, 0] * cosine - corners[:, 1] * sine, corners[:, 0] * sine + corners[:, 1] * cosine], axis=1
    )


def _checked(ring: Ring) -> Ring:
    checked = parse_corners(ring.reshape(-1).tolist())
    if len(checked) < len(ring):
        raise MediaError("Some of their coordinates are no numbers.")
    return checked
