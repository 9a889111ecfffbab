"""Painting for the example clips: colours, noise, soft edges and antialiased shapes on pictures in 0..1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, SECONDS = 848, 480, 5.0

Picture: TypeAlias = npt.NDArray[np.floating[Any]]
"""(H, W, 3) colours, (H, W) amounts or one colour (3,), 0..1."""

Scene: TypeAlias = Callable[[float], Picture]
"""What is seen at a time in seconds, from 0 to SECONDS."""

Masks: TypeAlias = Callable[[float], list[Picture]]
"""How much of each pixel the objects of a scene cover at a time, what hides them left out: (H, W) each."""

ROWS, COLUMNS = (axis.astype(np.float32) for axis in np.mgrid[:HEIGHT, :WIDTH])


def rgb(code: str) -> Picture:
    """A colour from its hexadecimal code, for example "ff8800"."""
    return np.frombuffer(bytes.fromhex(code), np.uint8).astype(np.float32) / 255


def ramp(amount: Picture, *codes: str) -> Picture:
    """Colours along a gradient: 0 is the first code, 1 the last. (H, W) -> (H, W, 3)."""
    colors = np.stack([rgb(code) for code in codes])
    stops = np.linspace(0, 1, len(codes))
    return np.stack([np.interp(amount, stops, colors[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def clouds(seed: int, height: int, width: int, cell: int, octaves: int = 5) -> Picture:
    """Fractal noise in 0..1 that repeats at its edges: blobs of about `cell` pixels with ever finer detail."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        step = max(1, cell >> octave)
        grid = rng.random((max(2, height // step), max(2, width // step)), dtype=np.float32)
        grid = cv2.copyMakeBorder(grid, 2, 2, 2, 2, cv2.BORDER_WRAP)
        big = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        total += cv2.resize(big[2 * step : -2 * step, 2 * step : -2 * step], (width, height)) / 2**octave
    low, high = np.percentile(total, (1, 99))
    return np.clip((total - low) / (high - low), 0, 1)


def soft_step(value: Picture, width: float = 1.0) -> Picture:
    """0 below, 1 above, smooth within `width` pixels around 0: the edge of an antialiased shape."""
    amount = np.clip(value / width + 0.5, 0, 1)
    return amount * amount * (3 - 2 * amount)


def over(below: Picture, color: Picture, alpha: Picture) -> Picture:
    """Paint `color` over a picture where `alpha` is 1."""
    return below + alpha[..., None] * (color - below)


def coverage(paint: Callable[[Picture], None]) -> Picture:
    """How much of each pixel is covered by what `paint` paints onto a picture: (H, W)."""
    black, white = (np.full((HEIGHT, WIDTH, 3), level, np.float32) for level in (0, 1))
    paint(black)
    paint(white)
    return 1 - (white - black).mean(axis=-1)


def ellipse_shadow(
    x: float, y: float, width: float, height: float, place: tuple[slice, slice] = np.s_[:, :]
) -> Picture:
    """A soft blot, 1 in its middle, over a part of the picture."""
    return np.exp(-(((COLUMNS[place] - x) / width) ** 2 + ((ROWS[place] - y) / height) ** 2))


def window(left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
    """The part of a picture inside these edges, for indexing; it may be empty."""
    rows = slice(max(0, int(top)), max(0, min(HEIGHT, int(bottom) + 1)))
    return rows, slice(max(0, int(left)), max(0, min(WIDTH, int(right) + 1)))


def fill(picture: Picture, points: npt.ArrayLike, color: Picture, outline: int = 0) -> None:
    """Paint the antialiased inside of a polygon onto a picture, with an edge `outline` pixels wide around it.

    `color` is one colour (3,) or a whole picture of them (H, W, 3).
    """
    _rasterise(picture, points, color, 2 * outline, closed=True)


def stroke(picture: Picture, points: npt.ArrayLike, thickness: float, color: Picture, alpha: float = 1.0) -> None:
    """Paint an antialiased line through the points onto a picture."""
    _rasterise(picture, points, color, max(1, round(2 * thickness)), closed=False, alpha=alpha)


def _rasterise(
    picture: Picture, points: npt.ArrayLike, color: Picture, edge: int, closed: bool, alpha: float = 1.0
) -> None:
    corners = np.asarray(points, np.float64)
    place = window(*(corners.min(axis=0) - edge - 2), *(corners.max(axis=0) + edge + 2))
    height, width = picture[place].shape[:2]
    if not height or not width:
        return
    canvas = np.zeros((height * 2, width * 2), np.uint8)  # twice the size, then averaged
    fixed = [np.round((corners - (place[1].start, place[0].start)) * 32).astype(np.int32)]
    if closed:
        cv2.fillPoly(canvas, fixed, 255, cv2.LINE_AA, shift=4)
    if edge:
        cv2.polylines(canvas, fixed, closed, 255, edge, cv2.LINE_AA, shift=4)
    amount = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255 * alpha
    picture[place] = over(picture[place], color if color.ndim == 1 else color[place], amount)
