"""Motion: smooth paths of angle, scale and position, and waves that deform whole frames."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.training.arrays import Random

Matrix = npt.NDArray[np.float64]
"""An affine map (2, 3) for cv2.warpAffine, from source pixels to frame pixels."""


_FULL_SPEED_FRAMES = 6


@dataclass(frozen=True, slots=True)
class MotionPath:
    """The angle in radians, the logarithm of the scale, and the offset from the start in pixels on each frame."""

    angle: npt.NDArray[np.float64]
    log_scale: npt.NDArray[np.float64]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]

    @classmethod
    def choose(cls, random: Random, frames: int, side: int, energy: float) -> MotionPath:
        """A path of constant acceleration, sometimes with jitter, that is zero on the first frame.

        The more frames there are, the slower the motion, so that objects do not all leave a long clip.
        """
        units = np.array([1, 1, side, side])
        speed = random.normal(0, 1, 4) * [0.06, 0.05, 0.045, 0.035] * units * energy
        acceleration = random.normal(0, 1, 4) * [0.015, 0.01, 0.01, 0.01] * units * energy
        pace = min(1.0, _FULL_SPEED_FRAMES / frames) ** random.uniform(0.4, 1.0)
        time = pace * np.arange(frames)[:, None]
        values = speed * time + acceleration * time**2 / 2
        if random.random() < 0.3:
            values = values + random.normal(0, 0.01, (frames, 4)) * units * energy
        angle, log_scale, x, y = (values - values[0]).T
        return cls(angle, np.clip(log_scale, -1.0, 0.7), x, y)

    def towards(self, x: float, y: float) -> MotionPath:
        """The same path plus a straight line of (x, y) pixels up to the last frame."""
        frames = len(self.x)
        return MotionPath(
            self.angle, self.log_scale, self.x + np.linspace(0, x, frames), self.y + np.linspace(0, y, frames)
        )

    def away_and_back(self, random: Random, side: int) -> MotionPath:
        """The same path, but it leaves the frame in the middle and returns in the end."""
        swing = np.sin(np.linspace(0, np.pi, len(self.x))) * 1.1 * side
        direction = random.uniform(0, 2 * np.pi)
        x, y = np.cos(direction), np.sin(direction)
        swing = swing / max(abs(x), abs(y))  # a diagonal is longer than a side
        return MotionPath(self.angle, self.log_scale, self.x + swing * x, self.y + swing * y)

    def matrix(self, frame: int, middle: tuple[float, float], target: tuple[float, float], squash: float = 1) -> Matrix:
        """Map the source pixel `middle` to `target`, moved, rotated and scaled as on `frame`."""
        scale = np.exp(self.log_scale[frame])
        cos, sin = np.cos(self.angle[frame]) * scale, np.sin(self.angle[frame]) * scale
        linear = np.array([[cos * squash, -sin], [sin * squash, cos]])
        shift = np.add(target, (self.x[frame], self.y[frame])) - linear @ np.asarray(middle)
        return np.concatenate([linear, shift[:, None]], axis=1)


@dataclass(frozen=True, slots=True)
class Sway:
    """Deforms an object by a wave along its height, as limbs and clothes swing in walking: `reach` is a share of the
    width, `waves` the number along the height, and `speed` in radians per frame."""

    reach: float
    waves: float
    speed: float
    phase: float

    @classmethod
    def choose(cls, random: Random) -> Sway:
        """Choose random parameters."""
        reach, waves = random.uniform(0.03, 0.15), random.uniform(0.4, 1.5)
        return cls(reach, waves, random.uniform(0.2, 1.2), random.uniform(0, 2 * np.pi))

    def __call__(self, image: npt.NDArray[np.uint8], frame: int) -> npt.NDArray[np.uint8]:
        """Deform an image (h, w, 3) or an alpha map (h, w), which needs a margin of `reach` on both sides."""
        height, width = image.shape[:2]
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        x += self.reach * width * np.sin(2 * np.pi * self.waves * y / height + self.phase + self.speed * frame)
        border = cv2.BORDER_REPLICATE if image.ndim == 3 else cv2.BORDER_CONSTANT
        return np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=border), np.uint8)


class Waves:
    """Deforms frames by two standing waves that grow with time."""

    def __init__(self, random: Random, side: int) -> None:
        self._reach = random.uniform(1, 4, 2) * side / 256
        self._pace = random.uniform(0.015, 0.04, 2) * 256 / side
        self._phase = random.uniform(0, 2 * np.pi, 2)
        self._y, self._x = np.mgrid[0:side, 0:side].astype(np.float32)

    def __call__(self, image: npt.NDArray[np.uint8], frame: int) -> npt.NDArray[np.uint8]:
        """Deform an image or a mask (S, S, ...); frame 0 is unchanged."""
        reach, phase = self._reach * frame / 2, self._phase + frame / 2
        x = self._x + (reach[0] * np.sin(self._y * self._pace[0] + phase[0])).astype(np.float32)
        y = self._y + (reach[1] * np.sin(self._x * self._pace[1] + phase[1])).astype(np.float32)
        filter_ = cv2.INTER_LINEAR if image.ndim == 3 else cv2.INTER_NEAREST
        return np.asarray(cv2.remap(image, x, y, filter_, borderMode=cv2.BORDER_REFLECT), np.uint8)
