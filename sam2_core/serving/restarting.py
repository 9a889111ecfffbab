"""`RestartingEngine`: an engine that is replaced where its worker hangs or dies, behind the same seam."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeAlias, TypeVar

from sam2_core.serving.commands import Command
from sam2_core.serving.engine import Engine, QueueStatus
from sam2_core.types import LiveMedium, SessionInfo

T = TypeVar("T")

StartEngine: TypeAlias = Callable[[Callable[[], None]], Engine]
"""Starts an engine that calls its argument once, from any thread, where its worker is lost."""


class RestartingEngine:
    """The `Engine` over one that is started anew where its worker is lost.

    All sessions are gone then (`SessionGone`), and whoever has an edit log replays it. The command under way at that
    moment is the one that may be to blame: it fails with `Busy`, so that nobody repeats it unasked.
    """

    def __init__(self, start: StartEngine) -> None:
        self._start = start
        self._restarts = 0
        self._closed = False
        self._lock = threading.Lock()
        self._engine = start(self._replace)

    def open(self, media: str | LiveMedium) -> Future[SessionInfo]:
        """See `Engine.open`."""
        return self._engine.open(media)

    def run(self, session: str, command: Command[T]) -> Future[T]:
        """See `Engine.run`."""
        return self._engine.run(session, command)

    def status(self, session: str = "") -> QueueStatus:
        """See `Engine.status`."""
        return replace(self._engine.status(session), restarts=self._restarts)

    def close(self, session: str) -> Future[None]:
        """See `Engine.close`."""
        return self._engine.close(session)

    def shut_down(self) -> None:
        """See `Engine.shut_down`."""
        with self._lock:
            self._closed = True
        self._engine.shut_down()

    def _replace(self) -> None:
        with self._lock:
            if not self._closed:
                self._engine = self._start(self._replace)
                self._restarts += 1
