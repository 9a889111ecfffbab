"""Tiny pictures and clips in memory, whose masks are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sam2_core.media.info import RgbArray
from sam2_core.training.datasets.dataset import BadSample, LabeledImage
from sam2_core.types import BoolArray

HEIGHT, WIDTH = 48, 64


def rectangle(top: int, left: int, bottom: int, right: int, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> BoolArray:
    """A mask of one rectangle; bottom and right are exclusive."""
    mask = np.zeros(shape, np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def painted(*masks: BoolArray, seed: int = 0) -> RgbArray:
    """A picture of grey noise with the masks in bright colours."""
    random = np.random.default_rng(seed)
    image = random.integers(40, 60, (*masks[0].shape, 1)).astype(np.uint8).repeat(3, axis=2)
    for place, mask in enumerate(masks):
        image[mask] = ((220, 60, 40), (40, 200, 80), (70, 90, 230))[place % 3]
    return image


@dataclass(frozen=True)
class MemoryImage:
    """A picture with masks, or one that cannot be read."""

    name: str
    masks: tuple[BoolArray, ...]
    source: str = "made"
    fault: str = ""

    def read(self) -> LabeledImage:
        if self.fault:
            raise BadSample(self.fault)
        image = painted(*self.masks) if self.masks else np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        return LabeledImage(image, self.masks, ("",) * len(self.masks))


@dataclass(frozen=True)
class MemoryClip:
    """A clip of frames and masks by frame and object."""

    name: str
    frames: Sequence[RgbArray]
    labels: Mapping[int, Mapping[int, BoolArray]]
    source: str = "made"
    broken: frozenset[int] = field(default_factory=frozenset)

    @property
    def annotated(self) -> Sequence[int]:
        return sorted(self.labels)

    def __len__(self) -> int:
        return len(self.frames)

    def frame(self, index: int) -> RgbArray:
        if index in self.broken:
            raise BadSample("frame is broken")
        return self.frames[index]

    def masks(self, index: int) -> Mapping[int, BoolArray]:
        return self.labels[index]


def moving(frames: int = 4, step: int = 2, name: str = "moving", source: str = "made") -> MemoryClip:
    """A textured square, object 1, that moves to the right by `step` pixels a frame over a texture that stays."""
    random = np.random.default_rng(0)
    ground = random.integers(0, 90, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    thing = random.integers(120, 255, (20, 20, 3)).astype(np.uint8)
    pictures, labels = [], {}
    for index in range(frames):
        left = 10 + step * index
        picture = ground.copy()
        picture[14:34, left : left + 20] = thing
        pictures.append(picture)
        labels[index] = {1: rectangle(14, left, 34, left + 20)}
    return MemoryClip(name, pictures, labels, source)
