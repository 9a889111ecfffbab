"""The engine's session on a medium, which is replayed from the edit log where the engine has lost it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from sam2_core.errors import MediaError, SessionGone
from sam2_core.serving.commands import Command
from sam2_core.serving.edit_log import Entry
from sam2_core.serving.engine import Engine, QueueStatus
from sam2_core.serving.engine_session import EngineSession
from sam2_core.types import Progress

T = TypeVar("T")

EngineSource: TypeAlias = Callable[[], Engine]
"""Returns the engine to work with; raises `Busy` while it is loading."""


class RecoveryObserver:
    """Is told when a lost session is brought back. Does nothing by itself."""

    def replaying(self, fraction: float | None, message: str) -> None:
        """A lost session is being replayed."""

    def replayed(self, tracking_skipped: bool) -> None:
        """A lost session is back."""


class RecoverableSession:
    """Opened when it is first needed; another one, with the same edits, takes its place where it is lost, and where the
    work moves to another engine. Belongs to one event loop, but for `current`."""

    def __init__(
        self, folder: Path, engine: EngineSource, entries: Callable[[], Sequence[Entry]], observer: RecoveryObserver
    ) -> None:
        """`folder` is what `media.ingest` made; `entries` returns all edits that hold."""
        self._folder, self._engine, self._entries, self._observer = folder, engine, entries, observer
        self.current: EngineSession | None = None
        self.recovering = asyncio.Lock()
        """Held while a lost session is brought back; hold it where none is to be."""
        self.replaced = 0
        """How many times a replayed session has taken the place of another one."""
        self._opening = asyncio.Lock()
        self._skip_tracking = False
        self._replays = 0  # under way
        self._closed = False

    @property
    def is_replaying(self) -> bool:
        """Whether edits are being replayed."""
        return self._replays > 0

    def status(self) -> QueueStatus:
        """See `Engine.status`; raises `Busy` while the engine is loading."""
        session = self.current
        return self._engine().status("" if session is None else session.id)

    async def open(self) -> EngineSession:
        """The session as it is, also a lost one. Raises as `Engine.open` does, and `MediaError` after the end."""
        async with self._opening:
            self._check_open()
            if self.current is not None:
                return self.current
            opened = await EngineSession.open(self._engine(), str(self._folder))
            if self._closed or self.current is not None:  # a replay has brought another one meanwhile
                opened.close()
                self._check_open()
            self.current = self.current or opened
            return self.current

    async def run(self, command: Command[T]) -> T:
        """The result of a command. A lost session is brought back first."""
        session = await self.open()
        try:
            return await session.run(command)
        except SessionGone:
            await self._recover(session)
            return await (await self.open()).run(command)

    async def replay(self, entries: Sequence[Entry], progress: Progress, engine: EngineSource | None = None) -> bool:
        """Replay entries in a fresh session, of another `engine` if given, which then takes the place of the present
        one; whether tracking was skipped. Once it has, nothing is awaited any more.

        Where that fails, or is cancelled, all stays as it was. `progress` may raise to end it.
        """
        self._check_open()
        self._skip_tracking = False
        self._replays += 1
        engine = engine or self._engine

        def report(fraction: float | None, message: str) -> None:
            self._check_open()  # nobody waits for the rest
            progress(fraction, message)

        try:
            fresh = await EngineSession.open(engine(), str(self._folder))
            try:
                await fresh.replay(entries, report, lambda: not self._skip_tracking)
                self._check_open()
            except BaseException:
                fresh.close()
                raise
        finally:
            self._replays -= 1
        if self.current is not None:
            self.current.close()
        self.current, self._engine = fresh, engine
        self.replaced += 1
        return self._skip_tracking

    def skip_tracking(self) -> None:
        """Let a replay that is under way leave out the rest of its tracking."""
        self._skip_tracking = True

    def close(self) -> None:
        """Free the session; calls that wait fail. What the engine still does is not waited for."""
        self._closed = True
        session, self.current = self.current, None
        if session is not None:
            session.close()

    async def _recover(self, lost: EngineSession) -> None:
        async with self.recovering:
            if self.current is not lost:
                return  # another call has been here already
            skipped = await self.replay(self._entries(), self._observer.replaying)
            self._observer.replayed(skipped)

    def _check_open(self) -> None:
        if self._closed:
            raise MediaError("This picture or clip has been closed.")
