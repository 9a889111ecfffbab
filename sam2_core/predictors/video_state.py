"""The inference state of `SAM2VideoPredictor` for one clip: its frames, and prompts and memory of its objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from sam2_core.model.network import ImageFeatures
from sam2_core.predictors.frames import Frames
from sam2_core.predictors.video_inputs import PointInputs
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.segmenter import FrameOutput


@dataclass(slots=True)
class ObjectState:
    """State of one object: its memory bank, and by frame its prompts, new outputs and directions of tracking.

    Outputs of prompts are kept in `pending_conditioning`, or in `pending_corrections` for frames that were tracked
    before, until tracking starts; then their memory is encoded and they move into the bank.
    """

    bank: MemoryBank[FrameOutput]
    points: dict[int, PointInputs] = field(default_factory=dict)
    masks: dict[int, Tensor] = field(default_factory=dict)
    pending_conditioning: dict[int, FrameOutput] = field(default_factory=dict)
    pending_corrections: dict[int, FrameOutput] = field(default_factory=dict)
    tracked_in_reverse: dict[int, bool] = field(default_factory=dict)

    def pending(self, conditioning: bool) -> dict[int, FrameOutput]:
        """The pending outputs of one kind."""
        return self.pending_conditioning if conditioning else self.pending_corrections

    def latest(self, frame: int, conditioning: bool) -> FrameOutput | None:
        """The newest output on a frame: pending, prompted or tracked."""
        for outputs in (self.pending(conditioning), self.bank.prompted, self.bank.tracked):
            if frame in outputs:
                return outputs[frame]
        return None

    @property
    def prompt_state(self) -> tuple[dict[int, Any], ...]:
        """The mappings from frames that a prompt changes."""
        return self.points, self.masks, self.pending_conditioning, self.pending_corrections

    def clear_frame(self, frame: int) -> None:
        """Clear the prompt of a frame; a conditioning frame becomes a tracked one."""
        for by_frame in self.prompt_state:
            by_frame.pop(frame, None)
        if frame in self.bank.prompted:
            self.bank.tracked[frame] = self.bank.prompted.pop(frame)
            self.tracked_in_reverse.pop(frame, None)


class VideoState:
    """The inference state. Official snippets read it as a dictionary: `state["num_frames"]`, `state["obj_ids"]`, …"""

    def __init__(self, frames: Frames, rules: MemoryRules, storage: torch.device, cache_bytes: int) -> None:
        self.frames = frames
        self.rules = rules
        self.storage = storage
        self.objects: dict[Any, ObjectState] = {}
        self._features = FeatureCache(cache_bytes)

    def __getitem__(self, key: str) -> Any:
        values = {
            "num_frames": len(self.frames),
            "video_height": self.frames.height,
            "video_width": self.frames.width,
            "obj_ids": list(self.objects),
            "storage_device": self.storage,
        }
        return values[key]

    @contextmanager
    def prompting(self, obj_id: Any) -> Iterator[ObjectState]:
        """The object to prompt, created if it does not exist; if the block raises, the state is restored."""
        is_new = obj_id not in self.objects
        target = self.objects.setdefault(obj_id, ObjectState(MemoryBank(self.rules)))
        before = [dict(by_frame) for by_frame in target.prompt_state]
        try:
            yield target
        except BaseException:
            for by_frame, content in zip(target.prompt_state, before, strict=True):
                by_frame.clear()
                by_frame.update(content)
            if is_new:
                del self.objects[obj_id]
            raise

    def features(self, frame: int, compute: Callable[[int], ImageFeatures]) -> ImageFeatures:
        """The image features of a frame, cached."""
        return self._features.get(frame, lambda: compute(frame))

    def check_frame(self, frame: int) -> None:
        """Raise `IndexError` for a frame that does not exist."""
        if not 0 <= frame < len(self.frames):
            raise IndexError(f"Frame {frame} does not exist: the clip has {len(self.frames)} frames, counted from 0.")

    def processing_order(self, start: int | None, limit: int | None, reverse: bool) -> range:
        """The frames to track: `start` (None: the earliest prompted one) and at most `limit` frames after it.

        Raises `IndexError` if `start` does not exist.
        """
        last = len(self.frames) - 1
        if start is None:
            start = min(frame for target in self.objects.values() for frame in target.bank.prompted)
        self.check_frame(start)
        if limit is None:
            limit = len(self.frames)
        if not reverse:
            return range(start, min(start + limit, last) + 1)
        return range(start, max(start - limit, 0) - 1, -1) if start > 0 else range(0)
