"""The memory bank of one object and the selection of what memory attention sees (paper, section 4, "Memory bank").

Integer logic without torch. A bank maps frames to frame outputs of any type `T`. For each tracked frame it selects the
spatial memories of conditioning (prompted) frames and of the last few tracked frames, and the object pointers.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sam2_core.model.config import NetworkConfig

T = TypeVar("T")

PROMPTED_SLOT = 0
"""The temporal slot that all conditioning frames share."""


@dataclass(frozen=True, slots=True)
class MemorySelection(Generic[T]):
    """The memory that one frame attends to.

    `memories` are (slot, output): slot 0 for conditioning frames, else the distance in frames. `pointers` are
    (time, output): the signed distance as a fraction of the pointers' reach, positive for frames that lie behind in
    the direction of tracking.
    """

    memories: tuple[tuple[int, T], ...]
    pointers: tuple[tuple[float, T], ...]


@dataclass(frozen=True, slots=True)
class MemoryRules:
    """Sizes of the memory.

    `slots` counts the conditioning slot and the tracked frames, `max_pointers` the object pointers. `max_prompted`
    limits the conditioning frames to the nearest ones, `prompted_reach` to those at most that many times as far away
    as the nearest; None is no limit, as in the official code. With a `stride` above 1, the tracked frames are the last
    one and every `stride`-th frame before it.
    """

    slots: int = 7
    max_pointers: int = 16
    max_prompted: int | None = None
    prompted_reach: float | None = None
    stride: int = 1

    @classmethod
    def from_config(cls, config: NetworkConfig) -> MemoryRules:
        """The rules of the official code for a network."""
        limit = config.max_conditioning_frames
        return cls(
            config.memory_slots,
            config.max_pointers,
            max_prompted=None if limit == -1 else limit,
            stride=config.memory_stride,
        )


@dataclass(slots=True)
class MemoryBank(Generic[T]):
    """The frame outputs of one object, on prompted (conditioning) and on tracked frames."""

    rules: MemoryRules
    prompted: dict[int, T] = field(default_factory=dict)
    tracked: dict[int, T] = field(default_factory=dict)

    def select(self, frame: int, reverse: bool, frames: int) -> MemorySelection[T]:
        """Select the memory for `frame` of a clip of `frames` frames, tracked forward or in `reverse`."""
        conditioning = self.nearest_prompted(frame)
        memories = [(PROMPTED_SLOT, self.prompted[at]) for at in conditioning]
        step = -1 if reverse else 1
        for distance in range(self.rules.slots - 1, 0, -1):
            output = self._non_conditioning(self._remembered(frame, step, distance), conditioning)
            if output is not None:
                memories.append((distance, output))
        return MemorySelection(tuple(memories), tuple(self._pointers(frame, step, frames, conditioning)))

    def _remembered(self, frame: int, step: int, slot: int) -> int:
        """The tracked frame of a slot: of slot 1 the last one, of slots 2, 3, … multiples of the stride before it."""
        stride = self.rules.stride
        if slot == 1:
            return frame - step
        newest = step * ((step * frame - 2) // stride) * stride  # rounded away from `frame`
        return newest - step * (slot - 2) * stride

    def _pointers(self, frame: int, step: int, frames: int, conditioning: list[int]) -> Iterable[tuple[float, T]]:
        reach = max(1, min(frames, self.rules.max_pointers) - 1)  # times are scaled to the length of short clips
        for at in conditioning:
            distance = (frame - at) * step
            if distance >= 0:  # pointers of frames ahead are not used
                yield distance / reach, self.prompted[at]
        for distance in range(1, reach + 1):
            output = self._non_conditioning(frame - step * distance, conditioning)
            if output is not None:
                yield distance / reach, output

    def _non_conditioning(self, frame: int, conditioning: list[int]) -> T | None:
        """The output of a tracked frame, or of a prompted one that was not selected as conditioning frame."""
        if frame in conditioning:
            return self.tracked.get(frame)
        return self.tracked.get(frame, self.prompted.get(frame))

    def nearest_prompted(self, frame: int) -> list[int]:
        """All prompted frames in reach; beyond `max_prompted` the nearest before, the nearest at or after, and then
        the nearest of the rest."""
        limit, known = self.rules.max_prompted, self._prompted_in_reach(frame)
        if limit is None or len(known) <= limit:
            return known
        before = max((at for at in known if at < frame), default=None)
        after = min((at for at in known if at >= frame), default=None)
        chosen = [at for at in (before, after) if at is not None][:limit]
        rest = sorted((at for at in known if at not in chosen), key=lambda at: abs(at - frame))
        return chosen + rest[: limit - len(chosen)]

    def _prompted_in_reach(self, frame: int) -> list[int]:
        """Prompted frames within `prompted_reach`. Next to a near one, a far one describes the object's appearance
        poorly and draws the mask to whatever is now at its position."""
        known, reach = list(self.prompted), self.rules.prompted_reach
        if reach is None or not known:
            return known
        farthest = reach * max(1, min(abs(at - frame) for at in known))
        return [at for at in known if abs(at - frame) <= farthest]

    def without(self, prompted: Container[int], tracked: Container[int]) -> MemoryBank[T]:
        """A copy without these prompted and these tracked frames."""
        return MemoryBank(
            self.rules,
            {at: output for at, output in self.prompted.items() if at not in prompted},
            {at: output for at, output in self.tracked.items() if at not in tracked},
        )

    def keep_tracked(self, first: int, last: int) -> None:
        """Drop tracked frames outside first..last (inclusive)."""
        for frame in [at for at in self.tracked if not first <= at <= last]:
            del self.tracked[frame]
