"""One camera at work: the engine's session on its frames, and a fresh one where that was lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from sam2_core.errors import SessionGone
from sam2_core.serving.commands import RemoveObject, SetPrompt, TrackLive
from sam2_core.serving.engine import Engine
from sam2_core.serving.engine_session import EngineSession
from sam2_core.serving.recovery import EngineSource
from sam2_core.types import FrameMasks, LiveMedium, Prompt

MAX_PROMPT_DELAY = 4
"""A prompt is about the frame that its user saw, if at most so many have arrived since; else about the newest one."""


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """The masks of a frame. `is_first`: it begins a session, in which there are no objects yet."""

    masks: FrameMasks
    is_first: bool


class LiveWorkspace:
    """A live medium at work. Belongs to one event loop.

    Frames that are gone cannot be replayed. Where the engine has lost the session, or another network has taken its
    place, the next frame begins a new one (`LiveFrame.is_first`), and whoever has the last masks sets them as prompts.
    Frames keep counting then.
    """

    def __init__(self, engine: EngineSource, medium: LiveMedium) -> None:
        self.medium = medium
        self._engine = engine
        self._session: EngineSession | None = None
        self._first = 0  # number of the session's frame 0
        self._count = 0  # of frames
        self._order = asyncio.Lock()

    async def start(self) -> None:
        """Open the session. Raises `Busy` while the network is loading, and as `Engine.open` does."""
        await self._open(self._engine())

    async def add_frame(self, jpeg: bytes) -> LiveFrame:
        """Track all objects onto the next frame. Raises as `TrackLive` does."""
        async with self._order:
            engine = self._engine()
            is_first = self._session is None or self._session.engine is not engine or self._count == self._first
            session = await self._open(engine)
            try:
                masks = await session.run(TrackLive(jpeg))
            except SessionGone:
                self.close()
                is_first, session = True, await self._open(engine)
                masks = await session.run(TrackLive(jpeg))
            masks = replace(masks, frame=masks.frame + self._first)
            self._count = masks.frame + 1
            return LiveFrame(masks, is_first)

    async def prompt(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """Set what holds for an object on the frame that its user saw. Raises `BadPrompt` and `SessionGone`."""
        session = self._open_session()
        newest = self._count - 1
        at = frame if newest - MAX_PROMPT_DELAY <= frame <= newest else newest
        masks = await session.run(SetPrompt(max(at, self._first) - self._first, object_id, prompt))
        return replace(masks, frame=masks.frame + self._first)

    async def remove(self, object_id: int) -> None:
        """Follow an object no longer."""
        await self._open_session().run(RemoveObject(object_id))

    def close(self) -> None:
        """Free the session; never raises."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _open_session(self) -> EngineSession:
        if self._session is None or self._count == self._first:
            raise SessionGone("The camera has no picture here yet. Wait a moment and click again.")
        return self._session

    async def _open(self, engine: Engine) -> EngineSession:
        if self._session is not None and self._session.engine is not engine:
            self.close()
        if self._session is None:
            self._session = await EngineSession.open(engine, self.medium)
            self._first = self._count
        return self._session
