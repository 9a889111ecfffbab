"""One session of an engine, awaited from an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from sam2_core.errors import BadPrompt, SessionGone
from sam2_core.serving.commands import Command, RemoveObject, SetPrompt, Untrack
from sam2_core.serving.edit_log import Entry, PromptEntry, RemoveEntry, TrackEntry, needed_for_replay
from sam2_core.serving.engine import Engine
from sam2_core.serving.tracking_run import TrackingRun
from sam2_core.types import FrameMasks, FrameSpan, LiveMedium, Progress, SessionInfo

T = TypeVar("T")


class EngineSession:
    """Knows the newest revision, and can be brought up to date by a replay. Waiting takes no thread."""

    def __init__(self, engine: Engine, session: str) -> None:
        self.engine, self.id = engine, session
        self.revision = 0

    @classmethod
    async def open(cls, engine: Engine, media: str | LiveMedium) -> EngineSession:
        """Open a session; raises as `Engine.open` does."""
        try:
            return await cls._open(engine, media)
        except SessionGone:  # the engine's worker was replaced while this waited: there is nothing to be lost yet
            return await cls._open(engine, media)

    @classmethod
    async def _open(cls, engine: Engine, media: str | LiveMedium) -> EngineSession:
        opening = engine.open(media)
        try:
            return cls(engine, (await asyncio.wrap_future(opening)).id)
        except asyncio.CancelledError:
            opening.add_done_callback(partial(_close_unwanted, engine))
            raise

    async def run(self, command: Command[T]) -> T:
        """The result of a command; raises as `Engine.run` does."""
        result = await asyncio.wrap_future(self.engine.run(self.id, command))
        self.revision = max(self.revision, _revision(command, result))
        return result

    async def replay(
        self,
        entries: Sequence[Entry],
        progress: Progress | None = None,
        is_tracking_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Do everything in an edit log that still has an effect again, in a fresh session.

        `is_tracking_wanted` is asked before each run of tracking and between its steps. An exception raised by
        `progress` ends the replay and comes through; so do `SessionGone` and `MediaError`. Entries that are no valid
        commands any more are skipped: they had no effect the first time either.
        """
        needed = needed_for_replay(entries)
        total, done = max(1, sum(map(_cost, needed))), 0
        for entry in needed:
            if progress is not None and not isinstance(entry, TrackEntry):
                progress(done / total, "Bringing your work back")
            try:
                if isinstance(entry, PromptEntry):
                    await self.run(SetPrompt(entry.frame, entry.object_id, entry.prompt))
                elif isinstance(entry, RemoveEntry):
                    await self.run(RemoveObject(entry.object_id))
                elif isinstance(entry, TrackEntry) and is_tracking_wanted():
                    run = TrackingRun.over(self, [FrameSpan(entry.frames, entry.objects)])
                    async for update in run:
                        if progress is not None:
                            progress((done + update.done) / total, "Bringing your work back")
                        if not is_tracking_wanted():
                            run.stop()
            except BadPrompt:
                pass
            done += _cost(entry)

    def close(self) -> None:
        """Free everything as soon as the engine gets to it; never raises."""
        self.engine.close(self.id)


def _close_unwanted(engine: Engine, opening: Future[SessionInfo]) -> None:
    """A session was opened for a caller that has stopped waiting for it."""
    if not opening.cancelled() and opening.exception() is None:
        engine.close(opening.result().id)


def _cost(entry: Entry) -> int:
    return len(entry.frames) if isinstance(entry, TrackEntry) else 1


def _revision(command: Command[T], result: object) -> int:
    """What a result says about the session's revision; 0 for nothing."""
    if isinstance(command, Untrack | RemoveObject) and isinstance(result, int):
        return result
    first = result[0] if isinstance(result, tuple) and result else result
    return first.revision if isinstance(first, FrameMasks) else 0
