"""Objects that can be cut out of labeled pictures: drawn by class, then turned, scaled and mirrored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sam2_core.errors import DataError
from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask, Random
from sam2_core.training.synthetic.image_pool import Instance, PooledImage

SMALL_AREA = 32 * 32
"""Objects of fewer pixels are small (as in COCO's scores) and keep their size."""

_MAX_SHARE = 0.35  # of its picture; what is larger is a background
_MIN_AREA = 12  # pixels
_MIN_INSIDE = 0.9  # share of a part that lies inside the object that it belongs to
_RING = 8  # pixels around an object by which its surroundings are known, and that are cut out with it


@dataclass(frozen=True, slots=True)
class Cutout:
    """An object of a picture, the labeled parts that lie inside it, and the class of the background that it lies on
    (a window on a facade; "" if there is none)."""

    picture: PooledImage
    instance: Instance
    parts: tuple[Instance, ...] = ()
    ground: str = ""

    @property
    def foot(self) -> float:
        """Where its lower edge lies: 0 is the top of its picture, 1 the bottom."""
        return (self.instance.top + self.instance.mask.shape[0]) / self.picture.image.shape[0]


@dataclass(frozen=True, slots=True)
class Patch:
    """An object ready to be pasted: pixels (h, w, 3), its mask, those of its parts, and the mean color around it."""

    pixels: RgbArray
    mask: BinaryMask
    category: str
    parts: tuple[tuple[BinaryMask, str], ...]
    around: tuple[float, float, float]


class CutoutPool:
    """The objects of labeled pictures that can be cut out.

    Backgrounds, specks, objects that the border of their picture cuts off, and parts of other objects are left out; the
    latter two are used where there is nothing else.
    """

    def __init__(
        self,
        pictures: Sequence[PooledImage],
        classes: Collection[str] = (),
        oversample: Mapping[str, float] | None = None,
    ) -> None:
        """`classes` are those that are cut out, all by default. A class in `oversample` is drawn that many times as
        often as its number of objects says. Raises `DataError` for a class that no picture has, and for no objects."""
        known = {instance.category for picture in pictures for instance in picture.instances}
        if unknown := sorted({*classes, *(oversample or {})} - known):
            names = ", ".join(sorted(filter(None, known))[:20]) or "none"
            raise DataError(f"No object is of the class {', '.join(unknown)}. Classes there: {names}.")
        cutouts = [each for picture in pictures for each in _cutouts_of(picture, classes, False)] or [
            each for picture in pictures for each in _cutouts_of(picture, classes, True)
        ]
        if not cutouts:
            raise DataError("There is no object that could be cut out: all are backgrounds or specks of a few pixels.")
        self.counts = Counter(each.instance.category for each in cutouts)
        """The number of objects of each class."""
        self._by_class: dict[str, list[Cutout]] = {name: [] for name in sorted(self.counts)}
        for each in cutouts:
            self._by_class[each.instance.category].append(each)
        weights = np.array([self.counts[name] * (oversample or {}).get(name, 1.0) for name in self._by_class])
        if not weights.sum() > 0:
            raise DataError("All classes are oversampled by 0: nothing is left to be pasted.")
        self._shares = weights / weights.sum()

    def draw(self, random: Random) -> Cutout:
        """An object: first its class, then one of that class."""
        objects = list(self._by_class.values())[random.choice(len(self._shares), p=self._shares)]
        return objects[random.integers(len(objects))]


def make_patch(cutout: Cutout, scale: float, angle: float, mirror: bool) -> Patch | None:
    """Scale, turn (degrees) and mirror an object; None if hardly anything of it is left."""
    instance = cutout.instance
    height, width = instance.mask.shape
    corners = cv2.boxPoints(((0.0, 0.0), (width * scale, height * scale), angle))
    wide, tall = (int(np.ceil(side)) + 2 * _RING for side in np.ptp(corners, axis=0))
    to_patch = cv2.getRotationMatrix2D((0.0, 0.0), -angle, scale)
    if mirror:
        to_patch[:, 0] *= -1
    center = np.array([instance.left + (width - 1) / 2, instance.top + (height - 1) / 2])
    to_patch[:, 2] = np.array([(wide - 1) / 2, (tall - 1) / 2]) - to_patch[:, :2] @ center
    picture = cutout.picture.image
    pixels = cv2.warpAffine(
        picture if scale >= 0.6 else cv2.blur(picture, (3, 3)),
        to_patch,
        (wide, tall),
        borderMode=cv2.BORDER_REFLECT_101,
    )

    def warped(each: Instance) -> BinaryMask:
        shift = to_patch.copy()
        shift[:, 2] += to_patch[:, :2] @ np.array([each.left, each.top], np.float64)
        soft = cv2.warpAffine(each.mask * np.uint8(255), shift, (wide, tall))
        return (np.asarray(soft) > 127).astype(np.uint8)

    mask = warped(instance)
    if mask.sum() < _MIN_AREA:
        return None
    ring = cv2.dilate(mask, np.ones((2 * _RING + 1, 2 * _RING + 1), np.uint8)) - mask
    red, green, blue, _ = cv2.mean(pixels, ring)
    parts = tuple((warped(part), part.category) for part in cutout.parts)
    return Patch(np.asarray(pixels, np.uint8), mask, instance.category, parts, (red, green, blue))


def _cutouts_of(picture: PooledImage, classes: Collection[str], with_cut_off: bool) -> list[Cutout]:
    size = picture.image.shape[:2]
    grounds = [each for each in picture.instances if is_ground(each, size)]
    wanted = [
        each
        for each in picture.instances
        if (not classes or each.category in classes)
        and each.area >= _MIN_AREA
        and not is_ground(each, size)
        and (with_cut_off or not _is_cut_off(each, size))
    ]
    found = []
    for each in wanted:
        if not any(_is_part(each, other) for other in wanted if other is not each):
            parts = tuple(other for other in picture.instances if other is not each and _is_part(other, each))
            ground = next((other.category for other in grounds if _is_part(each, other)), "")
            found.append(Cutout(picture, each, parts, ground))
    return found


def is_ground(instance: Instance, size: tuple[int, int]) -> bool:
    """Whether an instance of a picture of this (height, width) is a background on which others lie, like a street."""
    return instance.area > _MAX_SHARE * size[0] * size[1]


def _is_cut_off(instance: Instance, size: tuple[int, int]) -> bool:
    (height, width), (tall, wide) = size, instance.mask.shape
    return not (0 < instance.top < height - tall and 0 < instance.left < width - wide)


def _is_part(small: Instance, large: Instance) -> bool:
    """Whether `small` lies inside `large`."""
    (tall, wide), (height, width) = small.mask.shape, large.mask.shape
    y, x = small.top - large.top, small.left - large.left
    if small.area >= large.area or y <= -tall or x <= -wide or y >= height or x >= width:
        return False
    window = large.paste(np.zeros((tall, wide), np.uint8), small.top, small.left)
    return int((window & small.mask).sum()) >= _MIN_INSIDE * small.area
