"""Workspaces for tests, and engines that lose their sessions or wait in the middle of a command."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sam2_core.serving.commands import Command
from sam2_core.serving.engine import Engine, QueueStatus
from sam2_core.serving.workspace import Workspace, WorkspaceObserver
from sam2_core.types import Box, Point, Prompt, SessionInfo
from tests.fakes import FakeEngine

T = TypeVar("T")
DEADLINE = 20.0  # seconds, of whatever a test waits for
FRAMES = 12
MAX_OBJECTS = 3
HERE, THERE, BOXED = Prompt((Point(20, 24),)), Prompt((Point(40, 30),)), Prompt(boxes=(Box(5, 6, 30, 40),))


class ForgetfulEngine:
    """Another engine, which loses its newest session where the test says so."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.opened: list[str] = []
        self.loses_before: Callable[[Command[Any]], bool] = lambda command: False

    def open(self, media: str) -> Future[SessionInfo]:
        opening = self.engine.open(media)
        opening.add_done_callback(lambda done: self.opened.append(done.result().id))
        return opening

    def run(self, session: str, command: Command[T]) -> Future[T]:
        if self.loses_before(command):
            self.lose()
        return self.engine.run(session, command)

    def status(self, session: str = "") -> QueueStatus:
        return self.engine.status(session)

    def close(self, session: str) -> Future[None]:
        return self.engine.close(session)

    def shut_down(self) -> None:
        self.engine.shut_down()

    def lose(self) -> None:
        self.engine.close(self.opened[-1]).result(DEADLINE)


class HeldEngine(FakeEngine):
    """Each command of these kinds waits until the test lets it through."""

    def __init__(self, *kinds: type[Command[Any]]) -> None:
        super().__init__()
        self.kinds = kinds
        self.gate, self._entered = threading.Semaphore(0), threading.Semaphore(0)

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, self.kinds):
            self._entered.release()
            assert self.gate.acquire(timeout=DEADLINE)
        return super().execute(session, command)

    async def entered(self) -> None:
        """Until one more command waits."""
        assert await asyncio.to_thread(self._entered.acquire, timeout=DEADLINE)


@asynccontextmanager
async def opened(
    folder: Path, engine: Engine, observer: WorkspaceObserver | None = None, max_objects: int = MAX_OBJECTS
) -> AsyncIterator[Workspace]:
    workspace = Workspace(folder, lambda: engine, max_objects, observer)
    try:
        yield workspace
    finally:
        await workspace.close()


def run(scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """To its end on an event loop of its own, within the deadline."""
    return asyncio.run(asyncio.wait_for(scenario(), DEADLINE))


def no_progress(fraction: float | None, message: str) -> None:
    """Ignore it."""
