"""Annotated images in memory, from which samples are made. Masks are stored as crops, so thousands of images fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import cv2
import numpy as np

from sam2_core.errors import DataError
from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask, Random
from sam2_core.training.datasets.dataset import LabeledImage
from sam2_core.training.synthetic.regions import stable_regions
from sam2_core.training.synthetic.silhouettes import Alpha

REGIONS = "regions"
"""The source of regions, which are found and not annotated."""

_TRIES = 20
_CUTOUT_TRIES = 8
_MIN_AREA = 30  # pixels
_MIN_CUTOUT_SIDE = 16  # pixels
_MAX_INSTANCES = 40  # of one image: a facade has hundreds of windows

Cutout: TypeAlias = tuple[RgbArray, Alpha]
"""Pixels and alpha of an object, cropped to its box."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One mask, cropped to its box at (`top`, `left`), and its class ("" if unknown)."""

    top: int
    left: int
    mask: BinaryMask
    category: str = ""

    @property
    def area(self) -> int:
        """Number of pixels inside."""
        return int(self.mask.sum())

    def paste_over(self, canvas: BinaryMask) -> None:
        """Add its pixels to those of a mask of the whole image (H, W), in place."""
        tall, wide = self.mask.shape
        canvas[self.top : self.top + tall, self.left : self.left + wide] |= self.mask

    def paste(self, canvas: BinaryMask, top: int = 0, left: int = 0) -> BinaryMask:
        """Draw it into `canvas` (h, w), a window of the image at (`top`, `left`), which is returned."""
        y, x = self.top - top, self.left - left
        target = canvas[max(0, y) : max(0, y + self.mask.shape[0]), max(0, x) : max(0, x + self.mask.shape[1])]
        target[:] = self.mask[max(0, -y) :, max(0, -x) :][: target.shape[0], : target.shape[1]]
        return canvas


@dataclass(frozen=True, slots=True)
class PooledImage:
    """An image and its instances."""

    image: RgbArray
    instances: tuple[Instance, ...]
    source: str


def to_pooled(labeled: LabeledImage, source: str) -> PooledImage:
    """Crop the masks. Very small ones are dropped; of very many, the largest and every n-th of the others are kept."""
    pairs = zip(labeled.masks, labeled.classes, strict=True)
    masks = sorted((pair for pair in pairs if pair[0].sum() >= _MIN_AREA), key=lambda pair: -int(pair[0].sum()))
    half = _MAX_INSTANCES // 2
    step = -(-len(masks[half:]) // half) or 1
    kept = masks[:half] + masks[half::step]
    return PooledImage(labeled.image, tuple(_crop(mask.astype(np.uint8), category) for mask, category in kept), source)


def to_regions(pooled: PooledImage) -> PooledImage:
    """The same image with regions in place of its instances, which the regions do not cut."""
    blank = np.zeros(pooled.image.shape[:2], np.uint8)
    annotated = [instance.paste(blank.copy()) for instance in pooled.instances]
    return PooledImage(pooled.image, tuple(map(_crop, stable_regions(pooled.image, annotated))), REGIONS)


def _crop(mask: BinaryMask, category: str = "") -> Instance:
    left, top, width, height = cv2.boundingRect(mask)
    return Instance(top, left, mask[top : top + height, left : left + width].copy(), category)


class DeferredImage(Protocol):
    """An image that is read whenever it is sampled."""

    @property
    def source(self) -> str:
        """The collection it belongs to."""

    def load(self) -> PooledImage | None:
        """Read it; None if it cannot be used."""


class ImagePool:
    """Images, sampled by source: the share of a source is its weight times the square root of its size."""

    def __init__(self, images: Sequence[PooledImage | DeferredImage], weights: Mapping[str, float]) -> None:
        usable = [each for each in images if not isinstance(each, PooledImage) or each.instances]
        self._by_source: dict[str, list[PooledImage | DeferredImage]] = {
            source: [] for source in sorted({m.source for m in usable})
        }
        for each in usable:
            self._by_source[each.source].append(each)
        self._by_category: dict[tuple[str, str], list[tuple[PooledImage, Instance]]] = {}
        for each in usable:
            if isinstance(each, PooledImage):
                for instance in filter(_is_cutout, each.instances):
                    self._by_category.setdefault((each.source, instance.category), []).append((each, instance))
        self._shares = _normalized([weights.get(s, 1.0) * len(each) ** 0.5 for s, each in self._by_source.items()])

    def __bool__(self) -> bool:
        return bool(self._by_source)

    def draw(self, random: Random) -> PooledImage:
        """An image with at least one instance. Raises `DataError` if none can be read."""
        for _ in range(_TRIES):
            images = list(self._by_source.values())[random.choice(len(self._shares), p=self._shares)]
            drawn = images[random.integers(len(images))]
            pooled = drawn if isinstance(drawn, PooledImage) else drawn.load()
            if pooled is not None and pooled.instances:
                return pooled
        raise DataError(f"{_TRIES} pictures in a row have no mask that could be used: look at the data set's report.")

    def draw_cutout(self, random: Random) -> Cutout | None:
        """A real object; None if no large enough one is drawn."""
        drawn = self._draw_object(random)
        return None if drawn is None else _cutout(*drawn)

    def draw_similar(self, random: Random) -> tuple[Cutout, Cutout] | None:
        """Two different objects of the same source and class; None if none are drawn."""
        for _ in range(_CUTOUT_TRIES):
            drawn = self._draw_object(random)
            if drawn is None:
                return None
            pooled, instance = drawn
            others = self._by_category.get((pooled.source, instance.category), [])
            if not instance.category or len(others) < 2:
                continue
            other = others[random.integers(len(others))]
            if other[1] is not instance:
                return _cutout(pooled, instance), _cutout(*other)
        return None

    def _draw_object(self, random: Random) -> tuple[PooledImage, Instance] | None:
        """An object that can be cut out. Those of an image are drawn by area, which favors whole objects over parts."""
        for _ in range(_CUTOUT_TRIES):
            pooled = self.draw(random)
            areas = [instance.area for instance in pooled.instances]
            instance = pooled.instances[random.choice(len(areas), p=_normalized(areas))]
            if _is_cutout(instance):
                return pooled, instance
        return None


def _is_cutout(instance: Instance) -> bool:
    height, width = instance.mask.shape
    return min(height, width) >= _MIN_CUTOUT_SIDE and instance.area > 0.15 * height * width


def _cutout(pooled: PooledImage, instance: Instance) -> Cutout:
    height, width = instance.mask.shape
    top, left = instance.top, instance.left
    return pooled.image[top : top + height, left : left + width], instance.mask * np.uint8(255)


def _normalized(values: Sequence[float]) -> list[float]:
    total = sum(values)
    return [value / total for value in values]
