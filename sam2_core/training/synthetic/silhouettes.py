"""Random silhouettes: alpha maps (height, width) in 0..255 with soft edges, which fill most of their box."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.training.arrays import Random

Alpha = npt.NDArray[np.uint8]

_SUBPIXEL = 4  # fractional bits of polygon corners


def draw_silhouette(random: Random, height: int, width: int) -> Alpha:
    """Draw one of the kinds below, some of them with a hole."""
    kind = _KINDS[random.choice(len(_KINDS), p=_SHARES)]
    alpha = np.zeros((height, width), np.uint8)
    kind(random, alpha)
    if random.random() < 0.1:
        _hole(random, alpha)
    return alpha


def _fill(alpha: Alpha, corners: npt.NDArray[np.float64]) -> None:
    scaled = np.round(corners * 2**_SUBPIXEL).astype(np.int32)
    cv2.fillPoly(alpha, [scaled], 255, cv2.LINE_AA, _SUBPIXEL)


def _around(alpha: Alpha, angles: npt.NDArray[np.float64], radii: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Corners around the center; radius 1 touches the box."""
    half = np.array([alpha.shape[1], alpha.shape[0]]) / 2
    return half + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1) * half


def _blob(random: Random, alpha: Alpha) -> None:
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radii = np.ones(len(angles))
    for wave in range(2, random.integers(3, 8)):
        radii += random.uniform(0, 0.45) / wave**0.7 * np.cos(wave * angles + random.uniform(0, 2 * np.pi))
    radii = np.clip(radii, 0.15, None)
    _fill(alpha, _around(alpha, angles, radii / radii.max()))


def _polygon(random: Random, alpha: Alpha) -> None:
    corners = random.integers(3, 10)
    angles = np.sort(random.uniform(0, 2 * np.pi, corners)) + random.uniform(0, 2 * np.pi)
    _fill(alpha, _around(alpha, angles, random.uniform(0.45, 1, corners)))


def _ellipse(random: Random, alpha: Alpha) -> None:
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    _fill(alpha, _around(alpha, angles, np.ones(64)))


def _box(random: Random, alpha: Alpha) -> None:
    height, width = alpha.shape
    x, y = width * random.uniform(0.3, 0.5), height * random.uniform(0.25, 0.5)
    angle = random.uniform(-0.6, 0.6) if random.random() < 0.6 else 0.0
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    _fill(alpha, np.array([[-x, -y], [x, -y], [x, y], [-x, y]]) @ turn + [width / 2, height / 2])


def _limb(random: Random, alpha: Alpha) -> None:
    height, width = alpha.shape
    knots = random.integers(3, 6)
    along = np.linspace(0, knots - 1, 24)
    line = [np.interp(along, np.arange(knots), random.uniform(0.12, 0.88, knots)) for _ in range(2)]
    smooth = [np.convolve(np.pad(values, 2, "edge"), np.ones(5) / 5, "valid") for values in line]
    points = np.stack([smooth[0] * width, smooth[1] * height], axis=1).astype(np.int32)
    thickness = max(2, int(min(height, width) * random.uniform(0.06, 0.3)))
    cv2.polylines(alpha, [points], False, 255, thickness, cv2.LINE_AA)


def _letters(random: Random, alpha: Alpha) -> None:
    height, width = alpha.shape
    count = random.integers(1, 3)
    text = "".join(chr(code) for code in random.integers(48, 91, count))
    font = int(random.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX]))
    size = min(height, width) / (32 if count == 1 else 52)
    thickness = max(2, int(min(height, width) * random.uniform(0.05, 0.16)))
    cv2.putText(alpha, text, (int(0.1 * width), int(0.85 * height)), font, size, 255, thickness, cv2.LINE_AA)


def _creature(random: Random, alpha: Alpha) -> None:
    height, width = alpha.shape

    def place(low: float, high: float) -> tuple[int, int]:
        return int(width * random.uniform(low, high)), int(height * random.uniform(low, high))

    body = max(2, int(width * random.uniform(0.18, 0.36))), max(2, int(height * random.uniform(0.14, 0.28)))
    middle = place(0.45, 0.58)
    cv2.ellipse(alpha, middle, body, random.uniform(-30, 30), 0, 360, 255, -1, cv2.LINE_AA)
    for _ in range(random.integers(2, 6)):
        thickness = max(2, int(min(height, width) * random.uniform(0.04, 0.14)))
        cv2.line(alpha, place(0.4, 0.62), place(0.05, 0.95), 255, thickness, cv2.LINE_AA)
    head = (int(width * random.uniform(0.3, 0.7)), int(height * random.uniform(0.15, 0.3)))
    cv2.circle(alpha, head, max(2, int(min(height, width) * random.uniform(0.08, 0.18))), 255, -1, cv2.LINE_AA)


def _hole(random: Random, alpha: Alpha) -> None:
    height, width = alpha.shape
    middle = (int(width * random.uniform(0.35, 0.65)), int(height * random.uniform(0.35, 0.65)))
    radii = (max(1, int(width * random.uniform(0.06, 0.18))), max(1, int(height * random.uniform(0.06, 0.18))))
    cv2.ellipse(alpha, middle, radii, 0, 0, 360, 0, -1, cv2.LINE_AA)


_KINDS: tuple[Callable[[Random, Alpha], None], ...] = (_blob, _polygon, _ellipse, _box, _limb, _letters, _creature)
_SHARES = (0.30, 0.18, 0.12, 0.14, 0.10, 0.06, 0.10)
