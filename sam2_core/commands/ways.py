"""The ways through a clip on which objects are followed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from sam2_core.errors import BadPrompt
from sam2_core.types import TrackEntry

DIRECTIONS = ("both", "forward", "backward")


def ways(starts: Mapping[int, int], frames: range, direction: str) -> list[TrackEntry]:
    """Follow each object from the frame on which it is first spoken of (`starts`) to the ends of `frames` (step 1).

    On each way a frame is visited once, for all objects that have begun by then. Raises `BadPrompt` for a start outside
    of the frames.
    """
    outside = [start for start in starts.values() if start not in frames]
    if outside:
        raise BadPrompt(f"Something is said on frame {outside[0]}, outside of frames {frames[0]} to {frames[-1]}.")
    going = {"both": (1, -1), "forward": (1,), "backward": (-1,)}[direction]
    return [way for step in going for way in _one_way(starts, frames, step)]


def _one_way(starts: Mapping[int, int], frames: range, step: int) -> list[TrackEntry]:
    end = frames[-1] + 1 if step > 0 else frames[0] - 1
    stops = [*sorted(set(starts.values()), reverse=step < 0), end]
    parts = []
    for begin, stop in pairwise(stops):
        begun = tuple(sorted(number for number, start in starts.items() if (begin - start) * step >= 0))
        parts.append(TrackEntry(begin, stop, step, begun))
    return parts
