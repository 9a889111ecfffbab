"""Drawn masks kept in memory as the raw material of samples: small, so that thousands of pictures fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from sam2_core.errors import DataError
from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask, Random
from sam2_core.training.datasets.dataset import LabeledImage
from sam2_core.training.synthetic.regions import stable_regions
from sam2_core.training.synthetic.silhouettes import Alpha

REGIONS = "regions"
"""The source of regions that were found, not drawn."""

_TRIES = 20
_MIN_AREA = 30  # pixels: less is a speck after any scaling
_MIN_CUTOUT_SIDE = 16  # pixels on each side: less is no texture to paste
_MAX_INSTANCES = 40  # of one picture: a facade has hundreds of windows


@dataclass(frozen=True, slots=True)
class Instance:
    """One mask, cut out along its box at (`top`, `left`)."""

    top: int
    left: int
    mask: BinaryMask

    @property
    def area(self) -> int:
        """RgbArray inside."""
        return int(self.mask.sum())

    def paste(self, canvas: BinaryMask, top: int = 0, left: int = 0) -> BinaryMask:
        """Draw it into a window (h, w) of the picture that begins at `top`, `left`; returns the window."""
        y, x = self.top - top, self.left - left
        target = canvas[max(0, y) : max(0, y + self.mask.shape[0]), max(0, x) : max(0, x + self.mask.shape[1])]
        target[:] = self.mask[max(0, -y) :, max(0, -x) :][: target.shape[0], : target.shape[1]]
        return canvas


@dataclass(frozen=True, slots=True)
class PooledImage:
    """A picture and its instances."""

    image: RgbArray
    instances: tuple[Instance, ...]
    source: str


def to_pooled(labeled: LabeledImage, source: str) -> PooledImage:
    """Cut the masks out; specks are dropped, and of very many masks the largest and every n-th other are kept."""
    masks = sorted((mask for mask in labeled.masks if mask.sum() >= _MIN_AREA), key=lambda mask: -int(mask.sum()))
    half = _MAX_INSTANCES // 2
    step = -(-len(masks[half:]) // half) or 1
    return PooledImage(
        labeled.image, tuple(_cut(mask.astype(np.uint8)) for mask in masks[:half] + masks[half::step]), source
    )


def to_regions(pooled: PooledImage) -> PooledImage:
    """The same picture with regions found in it instead, none of which cuts through an instance."""
    blank = np.zeros(pooled.image.shape[:2], np.uint8)
    drawn = [instance.paste(blank.copy()) for instance in pooled.instances]
    return PooledImage(pooled.image, tuple(map(_cut, stable_regions(pooled.image, drawn))), REGIONS)


def _cut(mask: BinaryMask) -> Instance:
    left, top, width, height = cv2.boundingRect(mask)
    return Instance(top, left, mask[top : top + height, left : left + width].copy())


class DeferredImage(Protocol):
    """A picture that does not wait in memory."""

    @property
    def source(self) -> str:
        """The collection it comes from."""

    def load(self) -> PooledImage | None:
        """Read it; None if it turns out that it cannot be used."""


class ImagePool:
    """All pictures, to be drawn by source: a source counts by its weight times the root of its size."""

    def __init__(self, images: Sequence[PooledImage | DeferredImage], weights: Mapping[str, float]) -> None:
        usable = [each for each in images if not isinstance(each, PooledImage) or each.instances]
        self._by_source: dict[str, list[PooledImage | DeferredImage]] = {
            source: [] for source in sorted({m.source for m in usable})
        }
        for each in usable:
            self._by_source[each.source].append(each)
        self._shares = _normalized([weights.get(s, 1.0) * len(each) ** 0.5 for s, each in self._by_source.items()])

    def __bool__(self) -> bool:
        return bool(self._by_source)

    def draw(self, random: Random) -> PooledImage:
        """A picture with at least one instance."""
        for _ in range(_TRIES):
            images = list(self._by_source.values())[random.choice(len(self._shares), p=self._shares)]
            drawn = images[random.integers(len(images))]
            pooled = drawn if isinstance(drawn, PooledImage) else drawn.load()
            if pooled is not None and pooled.instances:
                return pooled
        raise DataError(f"{_TRIES} pictures in a row have no mask that could be used: look at the data set's report.")

    def draw_cutout(self, random: Random) -> tuple[RgbArray, Alpha] | None:
        """A real object with its outline, both along its box; None if none that is large enough comes up."""
        for _ in range(8):
            pooled = self.draw(random)
            instance = pooled.instances[random.integers(len(pooled.instances))]
            height, width = instance.mask.shape
            if min(height, width) >= _MIN_CUTOUT_SIDE and instance.area > 0.15 * height * width:
                top, left = instance.top, instance.left
                return pooled.image[top : top + height, left : left + width], instance.mask * np.uint8(255)
        return None


def _normalized(values: Sequence[float]) -> list[float]:
    total = sum(values)
    return [value / total for value in values]
