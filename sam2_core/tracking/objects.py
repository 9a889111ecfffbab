"""What a session keeps of one object: what was said, the answers, and the masks of the frames it was tracked on."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from sam2_core.tracking.memory_bank import MemoryBank
from sam2_core.tracking.segmenter import Trace
from sam2_core.types import Mask, ObjectMask, Prompt


@dataclass(frozen=True, slots=True)
class TrackedMask:
    """A mask found by tracking, small enough to be kept for every frame of a long clip.

    `revision` is the session's when it was found, `reverse` the direction.
    """

    height: int
    width: int
    packed_runs: bytes
    quality: float
    presence: float
    revision: int
    reverse: bool

    @classmethod
    def of(cls, found: ObjectMask, revision: int, reverse: bool) -> TrackedMask:
        """Pack a mask."""
        mask = found.mask
        packed = zlib.compress(mask.runs, 1)
        return cls(mask.height, mask.width, packed, found.quality, found.presence, revision, reverse)

    def as_object(self, object_id: int) -> ObjectMask:
        """Unpack it again."""
        mask = Mask(self.height, self.width, zlib.decompress(self.packed_runs))
        return ObjectMask(object_id, mask, self.quality, self.presence)


@dataclass(slots=True)
class TrackedObject:
    """One object of a session.

    `bank` holds tensors: all prompted frames, but only the tracked frames that memory can still reach. `found` holds
    the masks of all tracked frames; a prompt does not delete the one below it, so taking the prompt back uncovers it.
    """

    bank: MemoryBank[Trace]
    prompts: dict[int, Prompt] = field(default_factory=dict)
    answers: dict[int, ObjectMask] = field(default_factory=dict)
    found: dict[int, TrackedMask] = field(default_factory=dict)
    changed: dict[int, int] = field(default_factory=dict)
    """Frame -> revision of the last word on it, also where that word was taken back."""

    refinement: Refinement | None = None

    def mask_on(self, frame: int, object_id: int) -> ObjectMask | None:
        """The newest mask on a frame: the answer to a prompt, else what tracking found."""
        if frame in self.answers:
            return self.answers[frame]
        found = self.found.get(frame)
        return None if found is None else found.as_object(object_id)

    def is_settled(self, frame: int) -> bool:
        """Nothing was said since the frame was tracked, so tracking it again would find the same."""
        found = self.found.get(frame)
        return found is not None and found.revision >= max(self.changed.values(), default=0)

    def is_outdated(self, frame: int, reach: int) -> bool:
        """A word was said within `reach` frames since the frame was tracked, so its mask may show the old mistake."""
        found = self.found[frame]
        return any(abs(at - frame) <= reach and revision > found.revision for at, revision in self.changed.items())


@dataclass(frozen=True, slots=True)
class Refinement:
    """The answers to the growing list of points on one frame, so that one more point costs one more step."""

    frame: int
    steps: tuple[tuple[Prompt, Trace], ...]

    def longest_prefix(self, frame: int, prompts: list[Prompt]) -> tuple[tuple[Prompt, Trace], ...]:
        """The steps that were already made for these prompts."""
        if frame != self.frame:
            return ()
        count = 0
        for (known, _), wanted in zip(self.steps, prompts, strict=False):
            if known != wanted:
                break
            count += 1
        return self.steps[:count]
