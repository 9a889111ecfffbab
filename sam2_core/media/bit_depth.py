"""Pixels of more than 8 bits, or in floating point, as 8 bits.

What uses its range is scaled by the range. What uses a small part of it (thermal cameras, microscopes, elevation
models) would be a flat gray then: it is stretched between two percentiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

PixelArray: TypeAlias = npt.NDArray[Any]
"""(H, W) or (H, W, C) of any number type."""

_PERCENTILES = (0.2, 99.8)
_FULL_SHARE = 1 / 3  # of a range; who uses more of it is shown as it is
_PEAKS = (255, 1023, 4095, 65535)  # 10 and 12 bits in 16-bit files are common
_MAX_SAMPLES = 4_000_000
_DISTINCT = 16  # values beside the one that stands for "no data"
_MAX_VALUE = 1e30  # larger ones stand for "no data"
_BLOCK = 1 << 22  # numbers that are converted at a time


@dataclass(frozen=True, slots=True)
class Levels:
    """The values that are shown as black and as white. `is_stretched`: less than the range of such pixels."""

    black: float
    white: float
    is_stretched: bool = False


def sample_values(pixels: PixelArray, no_data: float | None = None, max_samples: int = _MAX_SAMPLES) -> PixelArray:
    """The values (N,) of an even grid of pixels, without those that are not finite or equal to `no_data`."""
    stride = max(1, int(np.ceil(np.sqrt(pixels.shape[0] * pixels.shape[1] / max_samples))))
    values = pixels[::stride, ::stride].ravel()
    if np.issubdtype(values.dtype, np.floating):
        values = values[np.abs(values) < _MAX_VALUE]  # which is false for NaN, too
    return values if no_data is None else values[values != no_data]


def measure_levels(samples: Sequence[PixelArray], is_linear: bool = False) -> Levels:
    """Levels for all pixels that the samples (see `sample_values`) stand for.

    `is_linear`: of a photo, which is shown by the full range of its pixels.
    """
    values = samples[0] if len(samples) == 1 else np.concatenate(samples)
    if not values.size:
        return Levels(0.0, 1.0)
    full = _ranges(values)[0]  # which may be a single value
    if is_linear:
        return full
    values = _without_no_data(values)
    low, high = (float(value) for value in np.percentile(values, _PERCENTILES))
    for levels in _ranges(values):
        if high - low >= _FULL_SHARE * (levels.white - levels.black):
            return levels
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return Levels(low, high, is_stretched=True) if high > low else full


def to_8_bits(pixels: PixelArray, levels: Levels) -> npt.NDArray[np.uint8]:
    """Scale linearly from black to white; what is not finite becomes black."""
    span = (levels.white - levels.black) or 1.0
    if pixels.dtype == np.uint16:
        shades = np.clip((np.arange(65536) - levels.black) * (255 / span), 0, 255)
        return np.asarray(np.rint(shades).astype(np.uint8)[pixels], np.uint8)
    shallow = np.empty(pixels.shape, np.uint8)
    rows = max(1, _BLOCK * pixels.shape[0] // max(1, pixels.size))
    for start in range(0, pixels.shape[0], rows):
        block = np.asarray(pixels[start : start + rows], np.float64)
        block = np.where(np.isfinite(block), block, levels.black)
        shallow[start : start + rows] = np.rint(np.clip((block - levels.black) / span, 0, 1) * 255)
    return shallow


def describe_levels(depth: str, levels: Levels | None) -> tuple[str, ...]:
    """A warning if pixels, e.g. of depth "16-bit", are not shown by their full range."""
    if levels is None or not levels.is_stretched:
        return ()
    span = f"{levels.black:.6g} to {levels.white:.6g}"
    return (f"Its {depth} pixels use a small part of their range: {span} is shown as black to white.",)


def _ranges(values: PixelArray) -> list[Levels]:
    """Ranges that such pixels may be meant to have, the widest first."""
    low, high = float(values.min()), float(values.max())
    if np.issubdtype(values.dtype, np.integer) and low >= 0 and high <= _PEAKS[-1]:
        tops = (high, float(np.percentile(values, _PERCENTILES[1])))
        return [Levels(0.0, next(float(peak) for peak in _PEAKS if top <= peak)) for top in tops]
    unit = [Levels(0.0, 1.0)] if low >= 0 and high <= 1 else []
    return [*unit, Levels(low, high)]


def _without_no_data(values: PixelArray) -> PixelArray:
    """Without a lowest or highest value that lies farther from all others than they from each other: it stands for no
    data (-9999, 0, 65535 …), or comes from a broken pixel."""
    for extreme in (values.min(), values.max()):
        rest = values[values != extreme]
        if not rest.size:
            continue
        low, high = float(rest.min()), float(rest.max())
        gap = max(low - float(extreme), float(extreme) - high)
        if gap > high - low and np.unique(rest[:: max(1, rest.size // 65536)]).size >= _DISTINCT:
            values = rest
    return values
