"""`EnginePool`: several devices behind one seam; each session stays on the device where it was opened."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TypeVar

from sam2_core.errors import SessionGone
from sam2_core.serving.commands import Command
from sam2_core.serving.engine import Engine, QueueStatus
from sam2_core.serving.model_choice import UNKNOWN_SPEED
from sam2_core.types import LiveMedium, SessionInfo

T = TypeVar("T")


class EnginePool:
    """The `Engine` over engines: a new session goes where the fewest are."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        if not engines:
            raise ValueError("A pool needs at least one engine.")
        self._engine_of: dict[str, Engine] = {}
        self._counts = dict.fromkeys(engines, 0)
        self._lock = threading.Lock()

    def open(self, media: str | LiveMedium) -> Future[SessionInfo]:
        """See `Engine.open`."""
        with self._lock:  # counted before it is open: two users who come together go to different devices
            engine = min(self._counts, key=self._counts.__getitem__)
            self._counts[engine] += 1
        opened: Future[SessionInfo] = Future()
        engine.open(media).add_done_callback(lambda opening: self._settle(engine, opening, opened))
        return opened

    def run(self, session: str, command: Command[T]) -> Future[T]:
        """See `Engine.run`."""
        engine = self._engine_of.get(session)
        if engine is None:
            unknown: Future[T] = Future()
            unknown.set_exception(SessionGone())
            return unknown
        future = engine.run(session, command)
        future.add_done_callback(lambda done: self._drop_if_gone(session, done))
        return future

    def status(self, session: str = "") -> QueueStatus:
        """See `Engine.status`; without a session, of all devices."""
        engine = self._engine_of.get(session)
        if engine is not None:
            return engine.status(session)
        every = [each.status() for each in self._counts]
        shares = [status.memory for status in every if status.memory is not None]
        devices = ", ".join(dict.fromkeys(status.device for status in every))
        speed = next((status.speed for status in every if status.speed != UNKNOWN_SPEED), UNKNOWN_SPEED)
        held = [status.device_bytes for status in every if status.device_bytes is not None]
        return QueueStatus(
            f"{len(every)} × {devices}",
            max(shares, default=None),
            0,
            0.0,
            speed,
            restarts=sum(status.restarts for status in every),
            evictions=sum(status.evictions for status in every),
            waiting=sum(status.waiting for status in every),
            device_bytes=sum(held) if held else None,
        )

    def close(self, session: str) -> Future[None]:
        """See `Engine.close`."""
        engine = self._drop(session)
        if engine is not None:
            return engine.close(session)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def shut_down(self) -> None:
        """See `Engine.shut_down`."""
        for engine in self._counts:
            engine.shut_down()

    def _settle(self, engine: Engine, opening: Future[SessionInfo], opened: Future[SessionInfo]) -> None:
        """Pass on how opening ended, once the session's engine is known here."""
        is_wanted, error = opened.set_running_or_notify_cancel(), opening.exception()
        if error is not None or not is_wanted:
            with self._lock:
                self._counts[engine] -= 1
        if error is not None:
            if is_wanted:
                opened.set_exception(error)
            return
        info = opening.result()
        if not is_wanted:  # whoever opened it has gone
            engine.close(info.id)
            return
        with self._lock:
            self._engine_of[info.id] = engine
        opened.set_result(info)

    def _drop_if_gone(self, session: str, done: Future[T]) -> None:
        """The engine closed it to make room."""
        if not done.cancelled() and isinstance(done.exception(), SessionGone):
            self._drop(session)

    def _drop(self, session: str) -> Engine | None:
        with self._lock:
            engine = self._engine_of.pop(session, None)
            if engine is not None:
                self._counts[engine] -= 1
            return engine
