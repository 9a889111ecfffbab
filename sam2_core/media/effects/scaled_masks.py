"""The objects' masks on one frame, scaled to the image that is painted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np

from sam2_core.media.draw import Rgb, crop
from sam2_core.media.info import GrayImage
from sam2_core.media.masked_media import ObjectTraits
from sam2_core.types import Mask, ObjectMask

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
        """The index of this area in an image."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> Size:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    def grown(self, margin: float, size: Size) -> Area:
        """With a margin on each side, within an image of this size."""
        by, (height, width) = math.ceil(margin), size
        return Area(
            max(0, self.left - by), max(0, self.top - by), min(width, self.right + by), min(height, self.bottom + by)
        )

    def within(self, other: Area) -> tuple[slice, slice]:
        """The index of this area in an array that holds only `other`."""
        top, left = self.top - other.top, self.left - other.left
        return slice(top, self.bottom - other.top), slice(left, self.right - other.left)


def full_area(size: Size) -> Area:
    """The area of a whole image."""
    return Area(0, 0, size[1], size[0])


def bounding_area(mask: GrayImage) -> Area:
    """The bounding box of all pixels above 0; empty if there are none."""
    x, y, width, height = cv2.boundingRect(mask)
    return Area(x, y, x + width, y + height)


def enclosing_area(areas: Iterable[Area]) -> Area:
    """The smallest area that contains all of these (at least one)."""
    lefts, tops, rights, bottoms = zip(*areas, strict=True)
    return Area(min(lefts), min(tops), max(rights), max(bottoms))


@dataclass(frozen=True, slots=True)
class ScaledMask:
    """One object's mask: `inside` (0 or 255) covers only `area`, which contains all of it."""

    inside: GrayImage
    area: Area
    color: Rgb


def scale_mask(mask: Mask, size: Size, color: Rgb) -> ScaledMask | None:
    """The mask at another size, where more than half of a pixel must be covered; None if nothing is left."""
    pixels, (x, y, width, height) = crop(mask)
    if not pixels.size:
        return None
    inside, area = pixels.view(np.uint8) * np.uint8(255), Area(x, y, x + width, y + height)
    if (mask.height, mask.width) == size:
        return ScaledMask(inside, area, color)
    full = np.zeros((mask.height, mask.width), np.uint8)
    full[area.part] = inside
    is_smaller = size[0] <= mask.height and size[1] <= mask.width
    scaled = cv2.resize(full, size[::-1], interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR)
    full = np.asarray(cv2.threshold(scaled, 127, 255, cv2.THRESH_BINARY)[1], np.uint8)
    area = bounding_area(full)
    return ScaledMask(np.ascontiguousarray(full[area.part]), area, color) if area.right > area.left else None


def scale_masks(objects: Sequence[ObjectMask], traits: Sequence[ObjectTraits], size: Size) -> list[ScaledMask]:
    """The masks of all objects that are visible at this size, in their order."""
    colors = {each.id: each.color for each in traits}
    masks = (scale_mask(each.mask, size, colors[each.object_id]) for each in objects)
    return [mask for mask in masks if mask is not None]


def union(masks: Sequence[ScaledMask], size: Size) -> GrayImage:
    """(H, W): 255 inside any of the objects."""
    joined = np.zeros(size, np.uint8)
    for mask in masks:
        part = joined[mask.area.part]
        np.maximum(part, mask.inside, out=part)
    return joined


def dilate(inside: GrayImage, radius: float) -> GrayImage:
    """Grow a mask (0 or 255) by a number of pixels (above 0), with an antialiased outline."""
    distance = cv2.distanceTransform(255 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    return (255 * np.clip(radius + 1 - distance, 0, 1)).astype(np.uint8)
