"""What a session keeps of one object: what was said and found, and the tensors that go with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sam2_core.tracking.findings import Findings
from sam2_core.tracking.memory_bank import MemoryBank
from sam2_core.tracking.segmenter import Trace
from sam2_core.types import Prompt


@dataclass(slots=True)
class TrackedObject:
    """One object of a session.

    `bank` holds tensors: all prompted frames, but only the tracked frames that memory can still reach. `found` holds
    what was said, and the masks of all tracked frames.
    """

    bank: MemoryBank[Trace]
    found: Findings = field(default_factory=Findings)
    refinement: Refinement | None = None

    def untrack(self, frames: range) -> bool:
        """Take back what tracking found last on these frames; False where there is nothing to take back."""
        taken = [frame for frame in frames if self.found.take_back(frame)]
        for frame in taken:
            self.bank.tracked.pop(frame, None)
        if taken:
            self.refinement = None
        return bool(taken)


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
