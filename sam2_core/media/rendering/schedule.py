"""Which frames of a clip a result shows, and when."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sam2_core.media.masked_media import MaskedMedia

_ROUNDING = 0.9  # steps a little shorter than asked for are steps of rounded times


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which frames are shown, and when: `ticks` (millionths of a second) from the first one, and when the last ends.

    `start` and `end` are seconds on the clock of the source, whose sound is cut there unless the clip `is_whole`.
    """

    frames: tuple[int, ...]
    ticks: tuple[int, ...]
    start: float
    end: float
    is_whole: bool


def schedule(media: MaskedMedia, most_rate: float = math.inf) -> Schedule:
    """The chosen frames, or as many of them as make no more than `most_rate` in a second, each at its own time."""
    times, wished = media.store.times, media.frames
    stop, count = min(wished.stop, media.info.frames), media.info.frames
    end = float(times[stop]) if stop < count else media.info.duration
    frames = [wished[0]]
    for frame in wished[1:]:
        if times[frame] - times[frames[-1]] >= _ROUNDING / most_rate:
            frames.append(frame)
    first, start = float(times[frames[0]]), media.store.start
    ticks = [round((float(time) - first) * 1e6) for time in (*times[frames], end)]
    return Schedule(tuple(frames), tuple(ticks), start + first, start + end, frames[0] == 0 and stop == count)
