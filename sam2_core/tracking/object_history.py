"""The prompts and tracked masks of one object through a clip, and which of the masks are stale.

Bookkeeping without torch. A tracked mask depends on the nearest prompted frame before it and the nearest one after it.
Setting a prompt therefore makes only the tracked masks stale that lie between its two neighboring prompted frames, and
clearing it restores their state.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from sam2_core.tracking.mask_warnings import MaskShape
from sam2_core.types import FrameSpan, Mask, MaskWarning, ObjectMask, Prompt, Rating

MAX_TRACKED_PER_FRAME = 6
"""Tracked masks kept for one frame; `ObjectHistory.untrack` removes the newest and uncovers the one before."""


@dataclass(frozen=True, slots=True)
class PromptedFrame:
    """The prompt on a frame and the mask that it gave."""

    frame: int
    prompt: Prompt
    result: ObjectMask


@dataclass(frozen=True, slots=True)
class PromptInterval:
    """The frames between two consecutive prompted frames; None where the clip's start or end bounds them."""

    before: PromptedFrame | None
    after: PromptedFrame | None

    def within(self, frames: range) -> range:
        """The part of `frames` (step 1) that lies in the interval."""
        first = frames.start if self.before is None else max(frames.start, self.before.frame + 1)
        last = frames.stop if self.after is None else min(frames.stop, self.after.frame)
        return range(first, max(first, last))

    def __contains__(self, frame: int) -> bool:
        return frame in self.within(range(frame, frame + 1))

    def is_nearer_to_end(self, frame: int) -> bool:
        """Whether `after` is the only prompted frame, or strictly nearer than `before`."""
        if self.before is None or self.after is None:
            return self.before is None
        return self.after.frame - frame < frame - self.before.frame


@dataclass(frozen=True, slots=True)
class TrackedMask:
    """A tracked mask, compressed so that one can be kept for every frame of a long clip.

    `interval` is the one that contained the frame when it was tracked, `reverse` the direction of tracking.
    """

    height: int
    width: int
    packed_runs: bytes
    predicted_iou: float
    object_score: float
    interval: PromptInterval
    reverse: bool
    warnings: tuple[MaskWarning, ...] | None = None
    rating: Rating | None = None
    shape: MaskShape | None = None
    """What the checks of the next frames need; None for an empty mask."""

    @classmethod
    def pack(
        cls, result: ObjectMask, interval: PromptInterval, reverse: bool, shape: MaskShape | None = None
    ) -> TrackedMask:
        """Compress a mask."""
        mask = result.mask
        return cls(
            mask.height,
            mask.width,
            zlib.compress(mask.runs, 1),
            result.predicted_iou,
            result.object_score,
            interval,
            reverse,
            result.warnings,
            result.rating,
            shape,
        )

    def unpack(self, object_id: int) -> ObjectMask:
        """Decompress the mask."""
        mask = Mask(self.height, self.width, zlib.decompress(self.packed_runs))
        return ObjectMask(
            object_id, mask, self.predicted_iou, self.object_score, warnings=self.warnings, rating=self.rating
        )


@dataclass(slots=True)
class ObjectHistory:
    """All prompts and tracked masks of one object.

    A prompt does not delete the tracked mask of its frame, and tracking a frame again keeps the former mask:
    clearing the prompt, or `untrack`, uncovers it.
    """

    prompted: dict[int, PromptedFrame] = field(default_factory=dict)
    tracked: dict[int, tuple[TrackedMask, ...]] = field(default_factory=dict)
    """Frame -> its tracked masks, newest last, never empty."""

    def latest(self, frame: int) -> TrackedMask | None:
        """The newest tracked mask of a frame, even if the frame is prompted."""
        return self.tracked[frame][-1] if frame in self.tracked else None

    def add(self, frame: int, result: ObjectMask, reverse: bool, shape: MaskShape | None = None) -> None:
        """Store a mask that was tracked with the current prompts."""
        former = self.tracked.get(frame, ())[-(MAX_TRACKED_PER_FRAME - 1) :]
        self.tracked[frame] = (*former, TrackedMask.pack(result, self.interval(frame), reverse, shape))

    def untrack(self, frame: int) -> bool:
        """Remove the newest tracked mask of a frame; returns whether there was one."""
        if frame not in self.tracked:
            return False
        *former, _ = self.tracked.pop(frame)
        if former:
            self.tracked[frame] = tuple(former)
        return True

    def interval(self, frame: int) -> PromptInterval:
        """The interval that contains a frame; a prompt on the frame itself is ignored."""
        before = max((at for at in self.prompted if at < frame), default=None)
        after = min((at for at in self.prompted if at > frame), default=None)
        return PromptInterval(*(None if at is None else self.prompted[at] for at in (before, after)))

    def intervals(self) -> Iterator[PromptInterval]:
        """All intervals from the start of the clip to its end."""
        bounds = [None, *(self.prompted[at] for at in sorted(self.prompted)), None]
        return (PromptInterval(before, after) for before, after in pairwise(bounds))

    def is_up_to_date(self, frame: int) -> bool:
        """Whether the frame is not prompted and was tracked with its current neighboring prompts."""
        return frame not in self.prompted and self._is_current(frame, self.interval(frame))

    def frames_to_track(self, frames: range) -> set[int]:
        """The frames of `frames` (step 1) that are neither prompted nor up to date."""
        return {
            at for interval in self.intervals() for at in interval.within(frames) if not self._is_current(at, interval)
        }

    def ranges_to_track(self, frames: range, stale_only: bool) -> list[range]:
        """The frames of `frames` (step 1) that are neither prompted nor up to date, each in a range that starts from
        the nearer prompted frame. `stale_only` leaves out frames that were never tracked."""
        ranges: list[range] = []
        for interval in self.intervals():
            near_end = [at for at in interval.within(frames) if interval.is_nearer_to_end(at)]
            near_start = [at for at in interval.within(frames) if not interval.is_nearer_to_end(at)]
            for side, step in ((near_start, 1), (near_end[::-1], -1)):
                wanted = (
                    at for at in side if not self._is_current(at, interval) and (at in self.tracked or not stale_only)
                )
                ranges += contiguous_ranges(wanted, step)
        return ranges

    def mask_on(self, frame: int, object_id: int) -> ObjectMask | None:
        """The current mask of a frame: the result of its prompt, else the newest tracked mask, else None."""
        if frame in self.prompted:
            return self.prompted[frame].result
        latest = self.latest(frame)
        return None if latest is None else replace(latest.unpack(object_id), stale=not self.is_up_to_date(frame))

    def _is_current(self, frame: int, interval: PromptInterval) -> bool:
        latest = self.latest(frame)
        return latest is not None and latest.interval == interval


def contiguous_ranges(frames: Iterable[int], step: int) -> list[range]:
    """Split rising (`step` 1) or falling (-1) frame numbers into ranges without gaps, in the same order."""
    ranges: list[range] = []
    for frame in frames:
        if ranges and ranges[-1].stop == frame:
            ranges[-1] = range(ranges[-1].start, frame + step, step)
        else:
            ranges.append(range(frame, frame + step, step))
    return ranges


def spans_to_track(histories: Mapping[int, ObjectHistory], frames: range) -> tuple[FrameSpan, ...]:
    """The part of `frames` (step 1 or -1) that is not up to date, in the same order, with the objects of each span.

    `histories` maps object ids to histories. A single frame has no direction: it is tracked from the nearer prompt.
    """
    if len(frames) == 1:
        return _grouped(histories, frames, stale_only=False)
    ascending = frames if frames.step > 0 else frames[::-1]
    wanted = {object_id: history.frames_to_track(ascending) for object_id, history in sorted(histories.items())}
    union = set[int]().union(*wanted.values())
    return tuple(
        FrameSpan(run, tuple(object_id for object_id, of_object in wanted.items() if not of_object.isdisjoint(run)))
        for run in contiguous_ranges((at for at in frames if at in union), frames.step)
    )


def stale_spans(histories: Mapping[int, ObjectHistory], frames: range) -> tuple[FrameSpan, ...]:
    """The stale frames of `frames` (step 1) as spans to be tracked again, each from the nearer prompt."""
    return _grouped(histories, frames, stale_only=True)


def _grouped(histories: Mapping[int, ObjectHistory], frames: range, stale_only: bool) -> tuple[FrameSpan, ...]:
    """One span for all objects that need the same range."""
    # Ranges of one frame are equal whatever their step is, hence the tuples as keys.
    groups: dict[tuple[int, int, int], list[int]] = {}
    for object_id, history in sorted(histories.items()):
        for run in history.ranges_to_track(frames, stale_only):
            groups.setdefault((run.start, run.stop, run.step), []).append(object_id)
    return tuple(FrameSpan(range(*run), tuple(object_ids)) for run, object_ids in groups.items())
