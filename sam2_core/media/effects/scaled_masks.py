"""The objects' masks on one frame, fitted to the picture that is painted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.draw import Rgb, crop
from sam2_core.media.masked_media import ObjectTraits
from sam2_core.types import Mask, ObjectMask

Plane: TypeAlias = npt.NDArray[np.uint8]
"""(H, W): 0 to 255."""
Size: TypeAlias = tuple[int, int]
"""Height and width in pixels."""


class Area(NamedTuple):
    """A rectangle of pixels; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def part(self) -> tuple[slice, slice]:
        """What an array is indexed with to get this part of it."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> Size:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    def grown(self, margin: float, size: Size) -> Area:
        """With a margin on each side, as far as the picture goes."""
        by, (height, width) = math.ceil(margin), size
        return Area(
            max(0, self.left - by), max(0, self.top - by), min(width, self.right + by), min(height, self.bottom + by)
        )

    def within(self, other: Area) -> tuple[slice, slice]:
        """`part` for an array that holds `other` only."""
        top, left = self.top - other.top, self.left - other.left
        return slice(top, self.bottom - other.top), slice(left, self.right - other.left)


def whole(size: Size) -> Area:
    """All of a picture."""
    return Area(0, 0, size[1], size[0])


def around(areas: Iterable[Area]) -> Area:
    """The smallest area that holds all of these (at least one)."""
    lefts, tops, rights, bottoms = zip(*areas, strict=True)
    return Area(min(lefts), min(tops), max(rights), max(bottoms))


@dataclass(frozen=True, slots=True)
class Shape:
    """One object's mask: `inside` (0 or 255) covers `area` only, which holds all of it."""

    inside: Plane
    area: Area
    color: Rgb


def shape_of(mask: Mask, size: Size, color: Rgb) -> Shape | None:
    """The mask as a shape of a picture of this size; None where nothing of it is left."""
    pixels, (x, y, width, height) = crop(mask)
    if not pixels.size:
        return None
    inside, area = pixels.view(np.uint8) * np.uint8(255), Area(x, y, x + width, y + height)
    if (mask.height, mask.width) == size:
        return Shape(inside, area, color)
    plane = _resized(inside, area, (mask.height, mask.width), size)
    x, y, width, height = cv2.boundingRect(plane)
    area = Area(x, y, x + width, y + height)
    return Shape(np.ascontiguousarray(plane[area.part]), area, color) if width else None


def shapes_of(objects: Sequence[ObjectMask], traits: Sequence[ObjectTraits], size: Size) -> list[Shape]:
    """The shapes of all objects that are in the frame, in their order."""
    colors = {each.id: each.color for each in traits}
    found = (shape_of(each.mask, size, colors[each.object_id]) for each in objects)
    return [shape for shape in found if shape is not None]


def union(shapes: Sequence[Shape], size: Size) -> Plane:
    """(H, W): 255 wherever any of the objects is."""
    joined = np.zeros(size, np.uint8)
    for shape in shapes:
        part = joined[shape.area.part]
        np.maximum(part, shape.inside, out=part)
    return joined


def spread(inside: Plane, by: float) -> Plane:
    """Grow what is 255 by a number of pixels (above 0), with a smooth outline: the last pixel is covered in part."""
    distance = cv2.distanceTransform(255 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    return (255 * np.clip(by + 1 - distance, 0, 1)).astype(np.uint8)


def _resized(inside: Plane, area: Area, before: Size, size: Size) -> Plane:
    """Of each new pixel, more than half has to be covered."""
    plane = np.zeros(before, np.uint8)
    plane[area.part] = inside
    is_smaller = size[0] <= before[0] and size[1] <= before[1]
    scaled = cv2.resize(plane, size[::-1], interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR)
    return np.asarray(cv2.threshold(scaled, 127, 255, cv2.THRESH_BINARY)[1], np.uint8)
