"""The frames of a clip that a result shows, and their times."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sam2_core.media.masked_media import MaskedMedia

_ROUNDING = 0.9  # steps may be a little shorter than 1 / max_rate because times are rounded


@dataclass(frozen=True, slots=True)
class Schedule:
    """The shown frames and their times: `ticks` in microseconds from the first frame, and the end of the last one.

    `start` and `end` are seconds in the source, whose audio is cut there unless the clip `is_whole`.
    """

    frames: tuple[int, ...]
    ticks: tuple[int, ...]
    start: float
    end: float
    is_whole: bool


def schedule_frames(media: MaskedMedia, max_rate: float = math.inf) -> Schedule:
    """The chosen frames, without as many of them as exceed `max_rate` per second, each at its own time."""
    times, chosen = media.store.times, media.frames
    stop, count = min(chosen.stop, media.info.frames), media.info.frames
    end = float(times[stop]) if stop < count else media.info.duration
    frames = [chosen[0]]
    for frame in chosen[1:]:
        if times[frame] - times[frames[-1]] >= _ROUNDING / max_rate:
            frames.append(frame)
    first, start = float(times[frames[0]]), media.store.start
    ticks = [round((float(time) - first) * 1e6) for time in (*times[frames], end)]
    return Schedule(tuple(frames), tuple(ticks), start + first, start + end, frames[0] == 0 and stop == count)
