"""Which frames an object remembers: integer logic without torch (paper, section 4, "memory bank").

A bank keeps what an object left behind on frames, whatever that is. For each frame that is tracked it picks the
prompted frames, the last few tracked ones, and the frames whose object pointers are looked at.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

PROMPTED_SLOT = 0


@dataclass(frozen=True, slots=True)
class Recall(Generic[T]):
    """What to remember on one frame: `memories` as (slot, trace), slot 0 prompted, else the distance in frames;
    `pointers` as (time, trace): the distance as a fraction of the longest way back that is looked, positive for frames
    behind along the tracking direction."""

    memories: tuple[tuple[int, T], ...]
    pointers: tuple[tuple[float, T], ...]


@dataclass(frozen=True, slots=True)
class MemoryRules:
    """Sizes of the memory. `max_prompted` limits the prompted frames to the nearest ones, and `prompted_reach` to those
    that are no more than so many times as far away as the nearest; None takes them all."""

    slots: int = 7
    max_pointers: int = 16
    max_prompted: int | None = None
    prompted_reach: float | None = None


@dataclass(slots=True)
class MemoryBank(Generic[T]):
    """What one object left behind, on prompted and on tracked frames."""

    rules: MemoryRules
    prompted: dict[int, T] = field(default_factory=dict)
    tracked: dict[int, T] = field(default_factory=dict)

    def recall(self, frame: int, reverse: bool, frames: int) -> Recall[T]:
        """Choose for `frame` of a clip of `frames` frames, tracked forwards or in `reverse`."""
        near = self._nearest_prompted(frame)
        memories = [(PROMPTED_SLOT, self.prompted[at]) for at in near]
        behind = -1 if reverse else 1
        for distance in range(self.rules.slots - 1, 0, -1):
            trace = self._tracked_or_far(frame - behind * distance, near)
            if trace is not None:
                memories.append((distance, trace))
        return Recall(tuple(memories), tuple(self._pointers(frame, behind, frames, near)))

    def _pointers(self, frame: int, behind: int, frames: int, near: list[int]) -> Iterable[tuple[float, T]]:
        reach = max(1, min(frames, self.rules.max_pointers) - 1)  # short clips stretch the same time over fewer frames
        # A prompted frame that still lies ahead would tell of the future: its pointer waits.
        for at in near:
            distance = (frame - at) * behind
            if distance >= 0:
                yield distance / reach, self.prompted[at]
        for distance in range(1, reach + 1):
            trace = self._tracked_or_far(frame - behind * distance, near)
            if trace is not None:
                yield distance / reach, trace

    def _tracked_or_far(self, frame: int, near: list[int]) -> T | None:
        """A tracked frame, or a prompted one that is too far away to count as prompted."""
        if frame in near:
            return self.tracked.get(frame)
        return self.tracked.get(frame, self.prompted.get(frame))

    def _nearest_prompted(self, frame: int) -> list[int]:
        """All prompted frames; or the nearest before, the nearest at or after, and then whatever is near."""
        limit, known = self.rules.max_prompted, self._prompted_in_reach(frame)
        if limit is None or len(known) <= limit:
            return known
        before = max((at for at in known if at < frame), default=None)
        after = min((at for at in known if at >= frame), default=None)
        chosen = [at for at in (before, after) if at is not None][:limit]
        rest = sorted((at for at in known if at not in chosen), key=lambda at: abs(at - frame))
        return chosen + rest[: limit - len(chosen)]

    def _prompted_in_reach(self, frame: int) -> list[int]:
        """Beside a near prompt a far one says little about the object, and much about what has come to where it was."""
        known, reach = list(self.prompted), self.rules.prompted_reach
        if reach is None or not known:
            return known
        farthest = reach * max(1, min(abs(at - frame) for at in known))
        return [at for at in known if abs(at - frame) <= farthest]

    def without(self, prompted: Container[int], tracked: Container[int]) -> MemoryBank[T]:
        """The bank as if nothing had been left behind on these prompted and these tracked frames."""
        return MemoryBank(
            self.rules,
            {at: trace for at, trace in self.prompted.items() if at not in prompted},
            {at: trace for at, trace in self.tracked.items() if at not in tracked},
        )

    def keep_tracked(self, first: int, last: int) -> None:
        """Let go of tracked frames outside first..last."""
        for frame in [at for at in self.tracked if not first <= at <= last]:
            del self.tracked[frame]
