"""What tracking found for one object, frame by frame, and what of it is older than what was said nearby.

Book-keeping without torch. The rule: a mask that was found between two prompted frames follows from these two, its
neighbours. So a word on a frame makes stale only what was found between the prompted frames before and after it, and a
word that is taken back, as if it had never been said, makes it good again.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from sam2_core.types import FrameSpan, Mask, ObjectMask, Prompt

LAYERS_KEPT = 6  # masks of a frame that can be uncovered again, one under the other


@dataclass(frozen=True, slots=True)
class Word:
    """What was said on a frame, and the answer."""

    frame: int
    prompt: Prompt
    answer: ObjectMask


@dataclass(frozen=True, slots=True)
class Gap:
    """The frames between two prompted ones that follow each other; None where there is none on that side."""

    before: Word | None
    after: Word | None

    def within(self, frames: range) -> range:
        """Those of the consecutive `frames` (step 1) that lie in the gap."""
        first = frames.start if self.before is None else max(frames.start, self.before.frame + 1)
        last = frames.stop if self.after is None else min(frames.stop, self.after.frame)
        return range(first, max(first, last))

    def __contains__(self, frame: int) -> bool:
        return frame in self.within(range(frame, frame + 1))

    def is_nearer_to_end(self, frame: int) -> bool:
        """Whether the prompted frame after it is nearer than the one before, or the only one."""
        if self.before is None or self.after is None:
            return self.before is None
        return self.after.frame - frame < frame - self.before.frame


@dataclass(frozen=True, slots=True)
class TrackedMask:
    """A mask found by tracking, small enough to be kept for every frame of a long clip.

    `gap` is the one that its frame lay in when it was found, `reverse` the direction.
    """

    height: int
    width: int
    packed_runs: bytes
    predicted_iou: float
    object_score: float
    gap: Gap
    reverse: bool

    @classmethod
    def of(cls, found: ObjectMask, gap: Gap, reverse: bool) -> TrackedMask:
        """Pack a mask."""
        mask = found.mask
        packed = zlib.compress(mask.runs, 1)
        return cls(mask.height, mask.width, packed, found.predicted_iou, found.object_score, gap, reverse)

    def as_object(self, object_id: int) -> ObjectMask:
        """Unpack it again."""
        mask = Mask(self.height, self.width, zlib.decompress(self.packed_runs))
        return ObjectMask(object_id, mask, self.predicted_iou, self.object_score)


@dataclass(slots=True)
class Findings:
    """All that was said about one object, and the masks that tracking found.

    A prompt does not delete the mask below it, nor does tracking a frame again: what is taken back uncovers what was
    there before.
    """

    words: dict[int, Word] = field(default_factory=dict)
    layers: dict[int, tuple[TrackedMask, ...]] = field(default_factory=dict)
    """Frame -> what tracking found there, the newest last."""

    def get(self, frame: int) -> TrackedMask | None:
        """What tracking found last on a frame, also where a prompt covers it."""
        return self.layers[frame][-1] if frame in self.layers else None

    def put(self, frame: int, found: ObjectMask, reverse: bool) -> None:
        """Tracking has found this, with all that is said now."""
        below = self.layers.get(frame, ())[-(LAYERS_KEPT - 1) :]
        self.layers[frame] = (*below, TrackedMask.of(found, self.gap(frame), reverse))

    def take_back(self, frame: int) -> bool:
        """Uncover what tracking had found before, if anything; False where there is nothing to take back."""
        if frame not in self.layers:
            return False
        *below, _ = self.layers.pop(frame)
        if below:
            self.layers[frame] = tuple(below)
        return True

    def gap(self, frame: int) -> Gap:
        """The gap that a frame lies in; for a prompted frame, the one that there would be without its word."""
        before = max((at for at in self.words if at < frame), default=frame)
        after = min((at for at in self.words if at > frame), default=frame)
        return Gap(*(self.words[at] if at != frame else None for at in (before, after)))

    def gaps(self) -> Iterator[Gap]:
        """All of them, from the start of the clip to its end."""
        words = [None, *(self.words[at] for at in sorted(self.words)), None]
        return (Gap(before, after) for before, after in pairwise(words))

    def is_settled(self, frame: int) -> bool:
        """The frame was tracked, and its neighbours are still what they were: tracking it again is no use."""
        found = self.get(frame)
        return found is not None and frame not in self.words and found.gap == self.gap(frame)

    def unsettled(self, frames: range) -> set[int]:
        """Those of the consecutive `frames` that tracking would compute."""
        return {at for gap in self.gaps() for at in gap.within(frames) if not self._has(at, gap)}

    def from_nearer_side(self, frames: range, again: bool) -> list[range]:
        """Those of the consecutive `frames` that tracking would compute, as stretches: each frame from the side of the
        nearer prompted frame. With `again` only those that were tracked before something was said nearby."""
        stretches: list[range] = []
        for gap in self.gaps():
            near_end = [at for at in gap.within(frames) if gap.is_nearer_to_end(at)]
            near_start = [at for at in gap.within(frames) if not gap.is_nearer_to_end(at)]
            for side, step in ((near_start, 1), (near_end[::-1], -1)):
                wanted = (at for at in side if not self._has(at, gap) and (at in self.layers or not again))
                stretches += runs(wanted, step)
        return stretches

    def mask_on(self, frame: int, object_id: int) -> ObjectMask | None:
        """The newest mask on a frame: the answer to a prompt, else what tracking found."""
        if frame in self.words:
            return self.words[frame].answer
        found = self.get(frame)
        return None if found is None else replace(found.as_object(object_id), stale=not self.is_settled(frame))

    def _has(self, frame: int, gap: Gap) -> bool:
        found = self.get(frame)
        return found is not None and found.gap == gap


def runs(frames: Iterable[int], step: int) -> list[range]:
    """Ranges without holes that visit `frames`, which rise (step 1) or fall (-1), in their order."""
    found: list[range] = []
    for frame in frames:
        if found and found[-1].stop == frame:
            found[-1] = range(found[-1].start, frame + step, step)
        else:
            found.append(range(frame, frame + step, step))
    return found


def unsettled_spans(objects: Mapping[int, Findings], frames: range) -> tuple[FrameSpan, ...]:
    """What of `frames` (step 1 or -1) is left to be tracked, in their order, all objects together; a single frame has
    no order and comes from the nearer side."""
    if len(frames) == 1:
        return _together(objects, frames, again=False)
    ascending = frames if frames.step > 0 else frames[::-1]
    left = {object_id: found.unsettled(ascending) for object_id, found in sorted(objects.items())}
    wanted = set[int]().union(*left.values())
    return tuple(
        FrameSpan(run, tuple(object_id for object_id, of_object in left.items() if not of_object.isdisjoint(run)))
        for run in runs((at for at in frames if at in wanted), frames.step)
    )


def stale_spans(objects: Mapping[int, Findings], frames: range) -> tuple[FrameSpan, ...]:
    """What of the consecutive `frames` was tracked before something was said nearby, as it is to be tracked again."""
    return _together(objects, frames, again=True)


def _together(objects: Mapping[int, Findings], frames: range, again: bool) -> tuple[FrameSpan, ...]:
    """Objects that need the same stretch go through it together."""
    together: dict[tuple[int, int, int], list[int]] = {}  # ranges of one frame are equal whatever their direction is
    for object_id, found in sorted(objects.items()):
        for run in found.from_nearer_side(frames, again):
            together.setdefault((run.start, run.stop, run.step), []).append(object_id)
    return tuple(FrameSpan(range(*run), tuple(named)) for run, named in together.items())
