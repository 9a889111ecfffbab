"""The frames of a clip at any size, decoded once more from its source, and the times at which a result shows them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.clips import decoding
from sam2_core.media.ffmpeg import Ffmpeg
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.material import Material
from sam2_core.media.probe import ClipProbe, probe_clip
from sam2_core.media.store import Store

TIME_LIMIT = 3600.0  # seconds of wall-clock time for each process
GONE = "The source of this is no longer here. Upload it again."
NO_MATCH = "The clip's source no longer matches its frames. Upload the clip again."
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


def schedule(material: Material, most_rate: float = math.inf) -> Schedule:
    """The chosen frames, or as many of them as make no more than `most_rate` in a second, each at its own time."""
    times, wished = material.store.times, material.frames
    stop, count = min(wished.stop, material.info.frames), material.info.frames
    end = float(times[stop]) if stop < count else material.info.duration
    frames = [wished[0]]
    for frame in wished[1:]:
        if times[frame] - times[frames[-1]] >= _ROUNDING / most_rate:
            frames.append(frame)
    first, start = float(times[frames[0]]), material.store.start
    ticks = [round((float(time) - first) * 1e6) for time in (*times[frames], end)]
    return Schedule(tuple(frames), tuple(ticks), start + first, start + end, frames[0] == 0 and stop == count)


def probe_source(store: Store) -> ClipProbe:
    """Look at the source again. Raises `MediaError` where it is gone, or another one."""
    if not store.source.is_file():
        raise MediaError(GONE)
    side, pixels = 2 * max(store.info.height, store.info.width), 4 * store.info.height * store.info.width
    probe = probe_clip(
        store.source,
        replace(DEFAULT_LIMITS, max_clip_side=side, max_clip_pixels=pixels, max_seconds=math.inf),
    )
    if (probe.height, probe.width) != (store.info.height, store.info.width):
        raise MediaError(NO_MATCH)
    return probe


def aspect_of(probe: ClipProbe) -> Fraction:
    """The width of a pixel over its height."""
    return Fraction(probe.pixel_aspect)


@contextmanager
def decoded(
    store: Store, probe: ClipProbe, frames: Sequence[int], height: int, width: int
) -> Iterator[Iterator[tuple[int, RgbArray]]]:
    """Those frames (numbers that grow) one after the other, each with its number, as (height, width, 3).

    The iterator raises `MediaError` where the source turns out to be another one.
    """
    decoding_frames = decoding(store.source, probe, height, width, "out_range=full,format=rgb24")
    arguments = ["-loglevel", "error", *decoding_frames, "-f", "rawvideo", "pipe:1"]
    with Ffmpeg(arguments, store.folder, TIME_LIMIT) as decoder:
        yield _pictures(decoder, store.info.frames, frames, (height, width, 3))


def _pictures(
    decoder: Ffmpeg, count: int, frames: Sequence[int], shape: tuple[int, int, int]
) -> Iterator[tuple[int, RgbArray]]:
    wished = frozenset(frames)
    for frame in range(frames[-1] + 1):
        pixels = decoder.stdout.read(math.prod(shape))
        if len(pixels) < math.prod(shape):
            decoder.finish()
            raise MediaError(NO_MATCH)
        if frame in wished:
            yield frame, np.frombuffer(pixels, np.uint8).reshape(shape)
    if frames[-1] == count - 1:  # what comes after the last wished frame has not been looked at otherwise
        if decoder.stdout.read(1):
            raise MediaError(NO_MATCH)
        decoder.finish()
