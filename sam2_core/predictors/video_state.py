"""What `SAM2VideoPredictor` remembers of one clip: frames, objects, and what each object left behind where."""

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
    """One object.

    New answers wait in `pending` (frames that become conditioning frames) or in `corrected` (frames that were tracked
    before) until tracking starts; then they are memorised and move into the bank.
    """

    bank: MemoryBank[FrameOutput]
    points: dict[int, PointInputs] = field(default_factory=dict)
    masks: dict[int, Tensor] = field(default_factory=dict)
    pending: dict[int, FrameOutput] = field(default_factory=dict)
    corrected: dict[int, FrameOutput] = field(default_factory=dict)
    tracked_in_reverse: dict[int, bool] = field(default_factory=dict)

    def waiting(self, conditioning: bool) -> dict[int, FrameOutput]:
        """The answers of one kind that wait for tracking to start."""
        return self.pending if conditioning else self.corrected

    def latest(self, frame: int, conditioning: bool) -> FrameOutput | None:
        """The newest answer on a frame, first among those that wait."""
        for place in (self.waiting(conditioning), self.bank.prompted, self.bank.tracked):
            if frame in place:
                return place[frame]
        return None

    @property
    def said(self) -> tuple[dict[int, Any], ...]:
        """All that was said and is not tracked yet, by frame."""
        return self.points, self.masks, self.pending, self.corrected

    def clear_frame(self, frame: int) -> None:
        """Take back what was said on a frame; a conditioning frame becomes an ordinary tracked one."""
        for place in self.said:
            place.pop(frame, None)
        if frame in self.bank.prompted:
            self.bank.tracked[frame] = self.bank.prompted.pop(frame)
            self.tracked_in_reverse.pop(frame, None)


class VideoState:
    """The inference state. Snippets read it like a dictionary: `state["num_frames"]`, `state["obj_ids"]`, …"""

    def __init__(self, frames: Frames, rules: MemoryRules, storage: torch.device, cache_bytes: int) -> None:
        self.frames = frames
        self.rules = rules
        self.storage = storage
        self.objects: dict[Any, ObjectState] = {}
        self._features = FeatureCache(cache_bytes)

    def __getitem__(self, key: str) -> Any:
        facts = {
            "num_frames": len(self.frames),
            "video_height": self.frames.height,
            "video_width": self.frames.width,
            "obj_ids": list(self.objects),
            "storage_device": self.storage,
        }
        return facts[key]

    @contextmanager
    def prompting(self, obj_id: Any) -> Iterator[ObjectState]:
        """The object to be prompted, new if it was not known; where the block raises, all is as it was before."""
        is_new = obj_id not in self.objects
        target = self.objects.setdefault(obj_id, ObjectState(MemoryBank(self.rules)))
        before = [dict(place) for place in target.said]
        try:
            yield target
        except BaseException:
            for place, content in zip(target.said, before, strict=True):
                place.clear()
                place.update(content)
            if is_new:
                del self.objects[obj_id]
            raise

    def features(self, frame: int, compute: Callable[[int], ImageFeatures]) -> ImageFeatures:
        """The encoded frame, from the cache if it is there."""
        return self._features.get(frame, lambda: compute(frame))

    def check_frame(self, frame: int) -> None:
        """Raise `IndexError` for a frame that does not exist."""
        if not 0 <= frame < len(self.frames):
            raise IndexError(f"Frame {frame} does not exist: the clip has {len(self.frames)} frames, counted from 0.")

    def processing_order(self, start: int | None, limit: int | None, reverse: bool) -> range:
        """The frames to track: from `start` (None: the earliest prompted one) and at most `limit` beyond it.

        Raises `IndexError` for a start that does not exist.
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
