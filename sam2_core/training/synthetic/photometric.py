"""Photometric augmentation: blur, color, noise and compression, with the same parameters for all frames of a clip."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import Random


@dataclass(frozen=True, slots=True)
class Photometric:
    """Parameters of blur, downscaling, tone curve, grayscale, noise and JPEG quality; None or 0 skips that step."""

    blur: float
    shrink: float
    tone: RgbArray | None  # (1, 256, 3), a table for cv2.LUT
    gray: bool
    noise: float
    jpeg: int
    seed: int

    @classmethod
    def choose(cls, random: Random) -> Photometric:
        """Choose random parameters."""
        return cls(
            blur=random.uniform(0.4, 1.6) if random.random() < 0.15 else 0.0,
            shrink=random.uniform(0.35, 0.8) if random.random() < 0.12 else 0.0,
            tone=_tone_curve(random) if random.random() < 0.75 else None,
            gray=random.random() < 0.1,
            noise=random.uniform(2, 12) if random.random() < 0.15 else 0.0,
            jpeg=int(random.integers(20, 80)) if random.random() < 0.15 else 0,
            seed=int(random.integers(2**31)),
        )

    def __call__(self, image: RgbArray, frame: int = 0) -> RgbArray:
        """Apply them to an image (H, W, 3); the noise depends on `frame`."""
        height, width = image.shape[:2]
        if self.blur:
            image = _pixels(cv2.GaussianBlur(image, (0, 0), self.blur))
        if self.shrink:
            small = cv2.resize(image, None, fx=self.shrink, fy=self.shrink, interpolation=cv2.INTER_AREA)
            image = _pixels(cv2.resize(small, (width, height)))
        if self.tone is not None:
            image = _pixels(cv2.LUT(image, self.tone))
        if self.gray:
            image = _pixels(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))
        if self.noise:
            grain = np.random.default_rng((self.seed, frame)).normal(0, self.noise, (height, width, 1))
            image = np.clip(image + grain, 0, 255).astype(np.uint8)
        if self.jpeg:
            _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
            decoded = cv2.imdecode(code, cv2.IMREAD_COLOR)
            image = image if decoded is None else _pixels(decoded)
        return image


def _pixels(array: npt.NDArray[np.generic]) -> RgbArray:
    return np.asarray(array, np.uint8)


def _tone_curve(random: Random) -> RgbArray:
    """Gamma, contrast and brightness of all channels, and a gain for each; one curve in thirty is inverted."""
    gamma, contrast, brightness = random.uniform(0.6, 1.6), random.uniform(0.65, 1.35), random.uniform(-0.15, 0.15)
    curve = ((np.linspace(0, 1, 256) ** gamma - 0.5) * contrast + 0.5 + brightness)[:, None]
    if random.random() < 1 / 30:
        curve = 1 - curve
    gains = random.uniform(0.85, 1.15, 3)
    return np.clip(curve * gains * 255, 0, 255).astype(np.uint8)[None]
