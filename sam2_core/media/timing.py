"""Reliable frame times from the time stamps in a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sam2_core.media.info import FloatArray

_DEFAULT_STEP = 1 / 25  # seconds, for a file without time stamps
_MIN_STEP = 0.0005  # seconds; shorter steps come from repaired or repeated stamps
_MAX_BAD_SHARE = 0.02  # above this share of bad steps no stamp is used
_TOLERANCE = 0.002  # seconds; containers round stamps to a millisecond


@dataclass(frozen=True, slots=True)
class Timeline:
    """Times of all frames in seconds from frame 0, strictly increasing."""

    times: FloatArray
    fps: float
    constant_rate: bool
    duration: float


def build_timeline(stamps: FloatArray, last_step: float) -> Timeline:
    """A timeline from the frames' time stamps (seconds, in presentation order) and the last frame's duration.

    Single bad stamps are moved behind the previous one; if many are bad, the frames get a constant rate.
    """
    steps = np.diff(stamps)
    good = steps[steps >= _MIN_STEP]
    if not good.size:
        step = last_step if last_step >= _MIN_STEP else _DEFAULT_STEP
        return _constant(stamps.size, step)
    typical = float(np.median(good))
    if good.size < steps.size * (1 - _MAX_BAD_SHARE):
        return _constant(stamps.size, typical)
    floor = _MIN_STEP * np.arange(stamps.size, dtype=np.float64)
    times = np.asarray(np.maximum.accumulate(stamps - stamps[0] - floor) + floor, np.float64)
    fps = _usual_rate(times)
    deviation = float(np.abs(times - np.arange(times.size) / fps).max())
    final = last_step if typical / 10 <= last_step <= 10 * typical else typical
    return Timeline(times, float(fps), deviation <= min(_TOLERANCE, typical / 4), float(times[-1]) + final)


def _constant(frames: int, step: float) -> Timeline:
    return Timeline(np.arange(frames, dtype=np.float64) * np.float64(step), 1 / step, True, frames * step)


def _usual_rate(times: FloatArray) -> float:
    """The mean rate, or the nearest integer or NTSC rate (30 / 1.001) if rounded stamps explain the difference."""
    measured = (times.size - 1) / float(times[-1])
    usual = min(
        (rate for rate in (round(measured), round(measured * 1.001) / 1.001) if rate > 0),
        key=lambda rate: abs(rate - measured),
        default=measured,
    )
    return usual if abs((times.size - 1) / usual - times[-1]) <= _TOLERANCE else measured
