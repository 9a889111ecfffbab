"""`EnginePool`: several devices behind one seam; each session stays on the device where it was opened."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from sam2_core.errors import SessionGone
from sam2_core.serving.engine import Engine
from sam2_core.types import FrameMasks, Prompt, SessionInfo


class EnginePool:
    """The `Engine` over engines: a new session goes where the fewest are."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        if not engines:
            raise ValueError("A pool needs at least one engine.")
        self._sessions: dict[Engine, set[str]] = {engine: set() for engine in engines}
        self._lock = threading.Lock()

    def open(self, media: str) -> SessionInfo:
        """See `Engine.open`."""
        with self._lock:
            engine = min(self._sessions, key=lambda engine: len(self._sessions[engine]))
        info = engine.open(media)
        with self._lock:
            self._sessions[engine].add(info.id)
        return info

    def prompt(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """See `Engine.prompt`."""
        return self._engine(session).prompt(session, frame, object_id, prompt)

    def track(self, session: str, frames: range, revision: int) -> tuple[FrameMasks, ...]:
        """See `Engine.track`."""
        return self._engine(session).track(session, frames, revision)

    def masks(self, session: str, frames: range) -> tuple[FrameMasks, ...]:
        """See `Engine.masks`."""
        return self._engine(session).masks(session, frames)

    def forget(self, session: str, object_id: int) -> int:
        """See `Engine.forget`."""
        return self._engine(session).forget(session, object_id)

    def close(self, session: str) -> None:
        """See `Engine.close`."""
        with self._lock:
            owners = [engine for engine, sessions in self._sessions.items() if session in sessions]
            for engine in owners:
                self._sessions[engine].discard(session)
        for engine in owners:
            engine.close(session)

    def _engine(self, session: str) -> Engine:
        with self._lock:
            for engine, sessions in self._sessions.items():
                if session in sessions:
                    return engine
        raise SessionGone("This session has expired; what you said can be replayed.")
