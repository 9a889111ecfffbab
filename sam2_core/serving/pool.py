"""`EnginePool`: several devices behind one seam; each session stays on the device where it was opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from sam2_core.errors import SessionGone
from sam2_core.serving.engine import Engine
from sam2_core.types import FrameMasks, FrameSpan, Load, Prompt, SessionInfo

T = TypeVar("T")


class EnginePool:
    """The `Engine` over engines: a new session goes where the fewest are."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        if not engines:
            raise ValueError("A pool needs at least one engine.")
        self._homes: dict[str, Engine] = {}
        self._counts = dict.fromkeys(engines, 0)
        self._lock = threading.Lock()

    def open(self, media: str) -> SessionInfo:
        """See `Engine.open`."""
        with self._lock:  # counted before it is open: two visitors who come together go to different devices
            engine = min(self._counts, key=self._counts.__getitem__)
            self._counts[engine] += 1
        try:
            info = engine.open(media)
        except BaseException:
            with self._lock:
                self._counts[engine] -= 1
            raise
        with self._lock:
            self._homes[info.id] = engine
        return info

    def prompt(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """See `Engine.prompt`."""
        return self._ask(session, lambda engine: engine.prompt(session, frame, object_id, prompt))

    def preview(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """See `Engine.preview`."""
        return self._ask(session, lambda engine: engine.preview(session, frame, object_id, prompt))

    def track(
        self, session: str, frames: range, revision: int, objects: Collection[int] | None = None
    ) -> tuple[FrameMasks, ...]:
        """See `Engine.track`."""
        return self._ask(session, lambda engine: engine.track(session, frames, revision, objects))

    def plan(self, session: str, frames: range) -> tuple[FrameSpan, ...]:
        """See `Engine.plan`."""
        return self._ask(session, lambda engine: engine.plan(session, frames))

    def stale(self, session: str, frames: range) -> tuple[FrameSpan, ...]:
        """See `Engine.stale`."""
        return self._ask(session, lambda engine: engine.stale(session, frames))

    def untrack(self, session: str, frames: range, objects: Collection[int]) -> int:
        """See `Engine.untrack`."""
        return self._ask(session, lambda engine: engine.untrack(session, frames, objects))

    def masks(self, session: str, frames: range) -> tuple[FrameMasks, ...]:
        """See `Engine.masks`."""
        return self._ask(session, lambda engine: engine.masks(session, frames))

    def forget(self, session: str, object_id: int) -> int:
        """See `Engine.forget`."""
        return self._ask(session, lambda engine: engine.forget(session, object_id))

    def load(self, session: str = "") -> Load:
        """See `Engine.load`; without a session, of all devices."""
        engine = self._homes.get(session)
        if engine is not None:
            return engine.load(session)
        loads = [each.load() for each in self._counts]
        shares = [load.memory for load in loads if load.memory is not None]
        devices = ", ".join(dict.fromkeys(load.device for load in loads))
        return Load(f"{len(loads)} × {devices}", max(shares, default=None), 0, 0.0)

    def close(self, session: str) -> None:
        """See `Engine.close`."""
        engine = self._drop(session)
        if engine is not None:
            engine.close(session)

    def shut_down(self) -> None:
        """See `Engine.shut_down`."""
        for engine in self._counts:
            engine.shut_down()

    def _ask(self, session: str, call: Callable[[Engine], T]) -> T:
        engine = self._homes.get(session)
        if engine is None:
            raise SessionGone("This session has expired; what you said can be replayed.")
        try:
            return call(engine)
        except SessionGone:  # the engine gave it up to make room
            self._drop(session)
            raise

    def _drop(self, session: str) -> Engine | None:
        with self._lock:
            engine = self._homes.pop(session, None)
            if engine is not None:
                self._counts[engine] -= 1
            return engine
