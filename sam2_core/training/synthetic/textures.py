"""Random surfaces: crops of natural images, noise, stripes, gradients, flat colors."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import Random

_NOISE_SIDE = 256


class Textures:
    """Draws surfaces; natural crops are taken from the images `naturals`, which may be empty."""

    def __init__(self, naturals: Sequence[RgbArray], seed: int = 0) -> None:
        self.naturals = naturals
        random = np.random.default_rng(seed)
        self._noise = [_cloud(random) for _ in range(24)]

    def draw(self, random: Random, height: int, width: int) -> RgbArray:
        """A surface (height, width, 3) of any kind."""
        if random.random() < 0.42:
            return self.natural(random, height, width)
        first = random.integers(0, 256, 3).astype(np.float32)
        second = np.clip(first + random.normal(0, random.uniform(10, 110), 3), 0, 255).astype(np.float32)
        surface = first + (second - first) * self._pattern(random, height, width)[..., None]
        if random.random() < 0.5:
            surface += random.normal(0, random.uniform(1, 9), (height, width, 1)).astype(np.float32)
        return np.clip(surface, 0, 255).astype(np.uint8)

    def natural(self, random: Random, height: int, width: int) -> RgbArray:
        """A crop of a natural image, or clouds if there are none."""
        if not self.naturals:
            cloud = (255 * self._clouds(random, height, width)).astype(np.uint8)
            return np.ascontiguousarray(np.repeat(cloud[..., None], 3, axis=2))
        image = self.naturals[int(random.integers(len(self.naturals)))]
        share = random.uniform(0.15, 1.0)
        tall, wide = (max(min(8, side), int(side * share)) for side in image.shape[:2])
        top, left = (random.integers(side - part + 1) for side, part in zip(image.shape, (tall, wide), strict=False))
        crop = image[top : top + tall, left : left + wide]
        return np.ascontiguousarray(cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)

    def _pattern(self, random: Random, height: int, width: int) -> npt.NDArray[np.float32]:
        """The share of the second color, (height, width) in 0..1."""
        kind = random.random()
        if kind < 0.35:
            return self._clouds(random, height, width)
        if kind < 0.6:
            return _stripes(random, height, width)
        if kind < 0.83:
            return np.clip(_slope(random, height, width) * 0.5 + 0.5, 0, 1)
        return np.zeros((height, width), np.float32)

    def _clouds(self, random: Random, height: int, width: int) -> npt.NDArray[np.float32]:
        noise = self._noise[random.integers(len(self._noise))]
        side = max(8, int(_NOISE_SIDE * random.uniform(0.2, 1.0)))
        top, left = random.integers(0, _NOISE_SIDE - side + 1, 2)
        return np.asarray(cv2.resize(noise[top : top + side, left : left + side], (width, height)), np.float32)


def shade(random: Random, surface: RgbArray) -> RgbArray:
    """Light from one side: brighten one end and darken the other."""
    light = 1 + random.uniform(0.1, 0.5) * _slope(random, *surface.shape[:2])
    return np.clip(surface * light[..., None], 0, 255).astype(np.uint8)


def _cloud(random: Random) -> npt.NDArray[np.float32]:
    """Noise of several octaves in 0..1."""
    total, weight = np.zeros((_NOISE_SIDE, _NOISE_SIDE), np.float32), 1.0
    for cells in (4, 8, 16, 32, 64):
        if random.random() < 0.75:
            octave = random.standard_normal((cells, cells)).astype(np.float32)
            total += weight * cv2.resize(octave, (_NOISE_SIDE, _NOISE_SIDE), interpolation=cv2.INTER_CUBIC)
        weight *= random.uniform(0.4, 0.9)
    return (total - total.min()) / (np.ptp(total) + 1e-6)


def _axes(height: int, width: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    return np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]


def _stripes(random: Random, height: int, width: int) -> npt.NDArray[np.float32]:
    """Stripes or checks, sharp or soft, in 0..1."""
    y, x = _axes(height, width)
    angle, pace = random.uniform(0, np.pi), 2 * np.pi / random.uniform(3, 28)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * pace)
    if random.random() < 0.4:
        wave = wave * np.sin((y * np.cos(angle) - x * np.sin(angle)) * pace)
    return wave * 0.5 + 0.5 if random.random() < 0.5 else (wave > 0).astype(np.float32)


def _slope(random: Random, height: int, width: int) -> npt.NDArray[np.float32]:
    """A plane that is zero at the center and up to 1.4 at a corner, (height, width)."""
    y, x = _axes(height, width)
    angle = random.uniform(0, 2 * np.pi)
    return (2 * x / max(1, width - 1) - 1) * np.float32(np.cos(angle)) + (2 * y / max(1, height - 1) - 1) * np.float32(
        np.sin(angle)
    )
