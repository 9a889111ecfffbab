"""From the time stamps that a file claims to times that can be relied on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sam2_core.media.info import FloatArray

_USUAL_STEP = 1 / 25  # where a file says nothing at all
_SHORTEST_STEP = 0.0005  # a step below it is no time but a repaired or repeated stamp
_BAD_SHARE = 0.02  # with more bad steps than that, no stamp is believed
_CLOSE = 0.002  # containers round stamps to a millisecond


@dataclass(frozen=True, slots=True)
class Timeline:
    """Times of all frames in seconds from frame 0, strictly increasing, and what they add up to."""

    times: FloatArray
    fps: float
    constant_rate: bool
    duration: float


def settle(stamps: FloatArray, last_step: float) -> Timeline:
    """Make a timeline of the frames' time stamps (seconds, in presentation order) and the last frame's duration.

    Single bad stamps are moved behind the one before; where many are bad, the frames get a constant rate.
    """
    steps = np.diff(stamps)
    good = steps[steps >= _SHORTEST_STEP]
    if not good.size:
        step = last_step if last_step >= _SHORTEST_STEP else _USUAL_STEP
        return _constant(stamps.size, step)
    typical = float(np.median(good))
    if good.size < steps.size * (1 - _BAD_SHARE):
        return _constant(stamps.size, typical)
    floor = _SHORTEST_STEP * np.arange(stamps.size, dtype=np.float64)
    times = np.asarray(np.maximum.accumulate(stamps - stamps[0] - floor) + floor, np.float64)
    fps = _usual_rate(times)
    deviation = float(np.abs(times - np.arange(times.size) / fps).max())
    final = last_step if typical / 10 <= last_step <= 10 * typical else typical
    return Timeline(times, float(fps), deviation <= min(_CLOSE, typical / 4), float(times[-1]) + final)


def _constant(frames: int, step: float) -> Timeline:
    return Timeline(np.arange(frames, dtype=np.float64) * np.float64(step), 1 / step, True, frames * step)


def _usual_rate(times: FloatArray) -> float:
    """The mean rate, or the whole or NTSC rate (30 / 1.001) next to it where rounded stamps explain the difference."""
    measured = (times.size - 1) / float(times[-1])
    usual = min(
        (rate for rate in (round(measured), round(measured * 1.001) / 1.001) if rate > 0),
        key=lambda rate: abs(rate - measured),
        default=measured,
    )
    return usual if abs((times.size - 1) / usual - times[-1]) <= _CLOSE else measured
