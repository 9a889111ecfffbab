"""Engine calls that wait for their result, as most tests want them."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from typing import TypeVar

from sam2_core.serving.commands import (
    Command,
    GetMasks,
    PlanTracking,
    Preview,
    RemoveObject,
    SetPrompt,
    StaleFrames,
    Track,
    TrackLive,
    Untrack,
)
from sam2_core.serving.engine import Engine, QueueStatus
from sam2_core.types import FrameMasks, FrameSpan, LiveMedium, Prompt, SessionInfo

T = TypeVar("T")
DEADLINE = 30.0  # seconds


class Calls:
    """One method for each command."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def open(self, media: str | LiveMedium) -> SessionInfo:
        return _result(self.engine.open(media))

    def set_prompt(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        return self._run(session, SetPrompt(frame, object_id, prompt))

    def preview(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        return self._run(session, Preview(frame, object_id, prompt))

    def track(
        self, session: str, frames: range, revision: int, objects: Collection[int] | None = None
    ) -> tuple[FrameMasks, ...]:
        return self._run(session, Track(frames, revision, None if objects is None else tuple(objects)))

    def track_live(self, session: str, jpeg: bytes) -> FrameMasks:
        return self._run(session, TrackLive(jpeg))

    def plan_tracking(self, session: str, frames: range) -> tuple[FrameSpan, ...]:
        return self._run(session, PlanTracking(frames))

    def stale_frames(self, session: str, frames: range) -> tuple[FrameSpan, ...]:
        return self._run(session, StaleFrames(frames))

    def untrack(self, session: str, frames: range, objects: Collection[int]) -> int:
        return self._run(session, Untrack(frames, tuple(objects)))

    def get_masks(self, session: str, frames: range) -> tuple[FrameMasks, ...]:
        return self._run(session, GetMasks(frames))

    def remove_object(self, session: str, object_id: int) -> int:
        return self._run(session, RemoveObject(object_id))

    def status(self, session: str = "") -> QueueStatus:
        return self.engine.status(session)

    def close(self, session: str) -> None:
        _result(self.engine.close(session))

    def shut_down(self) -> None:
        self.engine.shut_down()

    def _run(self, session: str, command: Command[T]) -> T:
        return _result(self.engine.run(session, command))


def _result(future: Future[T]) -> T:
    return future.result(DEADLINE)
