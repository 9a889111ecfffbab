"""The state of one object in a session: its prompts and masks, and the tensors that tracking needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import torch

from sam2_core.tracking.memory_bank import MemoryBank
from sam2_core.tracking.object_history import ObjectHistory
from sam2_core.tracking.segmenter import FrameOutput
from sam2_core.types import Prompt

Step: TypeAlias = tuple[Prompt, FrameOutput]
Steps: TypeAlias = tuple[Step, ...]
"""Growing prompts on a frame with their outputs, see `growing_prompts`."""


@dataclass(slots=True)
class TrackedObject:
    """One object of a session.

    `bank` holds tensors: of all prompted frames, but only of the tracked frames that memory can still reach.
    `history` holds all prompts and the masks of all tracked frames. `prompt_steps` caches the last prompted frame.
    """

    bank: MemoryBank[FrameOutput]
    history: ObjectHistory = field(default_factory=ObjectHistory)
    prompt_steps: PromptSteps | None = None

    @property
    def outputs(self) -> int:
        """How many frame outputs it holds."""
        steps = 0 if self.prompt_steps is None else len(self.prompt_steps.steps)
        return len(self.bank.prompted) + len(self.bank.tracked) + steps

    def move(self, device: torch.device) -> None:
        """Keep the tensors in the memory of a device; those of the last prompt's steps are dropped."""
        for outputs in (self.bank.prompted, self.bank.tracked):
            outputs.update({frame: output.to(device) for frame, output in outputs.items()})
        self.prompt_steps = None

    def untrack(self, frames: range) -> bool:
        """Remove the newest tracked mask of each frame; returns whether there was any."""
        removed = [frame for frame in frames if self.history.untrack(frame)]
        for frame in removed:
            self.bank.tracked.pop(frame, None)
        if removed:
            self.prompt_steps = None
        return bool(removed)


@dataclass(frozen=True, slots=True)
class PromptSteps:
    """The outputs for the growing prompt of one frame, so that one more point costs one more decoder step."""

    frame: int
    steps: Steps

    def longest_prefix(self, frame: int, prompts: list[Prompt]) -> Steps:
        """The steps that are already computed for the first of these prompts."""
        if frame != self.frame:
            return ()
        count = 0
        for (known, _), wanted in zip(self.steps, prompts, strict=False):
            if known != wanted:
                break
            count += 1
        return self.steps[:count]
