"""The live camera of one page: frames come in by POST, are tracked one by one, and are answered by their masks."""

from __future__ import annotations

from collections.abc import Callable

from sam2_core.errors import Busy, MediaError
from sam2_core.serving.live import LiveWorkspace
from sam2_core.types import LiveMedium
from ui.jobs import RateLimit
from ui.protocol import (
    MAX_NUMBER,
    Bounds,
    Event,
    LivePromptRequest,
    LiveRemoveRequest,
    LiveRequest,
    LiveStartedEvent,
    LiveStartRequest,
    pack_live_masks,
)
from ui.sessions import Session

MAX_FRAME_BYTES = 1_000_000  # of a JPEG; one of 640 x 480 pixels takes about a twentieth of it


class NotLive(MediaError):
    """There is no camera: the page starts it once more."""


class LiveCamera:
    """One camera at a time, none at first. Belongs to one event loop."""

    def __init__(self, session: Session, send: Callable[[Event], None], put: Callable[[bytes], None]) -> None:
        """`send` takes an event, `put` one that is packed."""
        self._session, self._send, self._put = session, send, put
        self._workspace: LiveWorkspace | None = None
        self._rate = RateLimit(session.services.settings.max_live_rate)
        self._is_tracking = False

    @property
    def bounds(self) -> Bounds | None:
        """What the numbers of a request may be; None while there is no camera."""
        if self._workspace is None:
            return None
        medium, settings = self._workspace.medium, self._session.services.settings
        return Bounds(MAX_NUMBER, medium.height, medium.width, settings.max_objects, settings.max_points)

    async def handle(self, request: LiveRequest) -> None:
        """Do what a message asks for. Raises what may be told to the page."""
        if isinstance(request, LiveStartRequest):
            await self._start(LiveMedium(request.height, request.width))
        elif isinstance(request, LivePromptRequest):
            masks = await self._open_workspace().prompt(request.frame, request.object, request.prompt)
            encode = self._session.services.executors.encode
            self._put(await encode(pack_live_masks, masks, object=request.object))
        elif isinstance(request, LiveRemoveRequest):
            await self._open_workspace().remove(request.object)
        else:
            self.stop()

    async def track(self, jpeg: bytes) -> bytes:
        """The `live_masks` event of the next frame. One at a time: raises `Busy` for what should be dropped."""
        workspace = self._open_workspace()
        self._rate.count()
        if self._is_tracking:
            raise Busy("The frame before this one is still being worked on.")
        self._is_tracking = True
        try:
            found = await workspace.add_frame(jpeg)
        finally:
            self._is_tracking = False
        return await self._session.services.executors.encode(
            pack_live_masks, found.masks, is_first=found.is_first or None
        )

    def stop(self) -> None:
        """Free everything; never raises."""
        workspace, self._workspace = self._workspace, None
        if workspace is not None:
            workspace.close()

    async def _start(self, medium: LiveMedium) -> None:
        settings = self._session.services.settings
        if max(medium.height, medium.width) > settings.max_live_side:
            raise MediaError(f"A camera's frames have up to {settings.max_live_side} pixels on the long side here.")
        self.stop()
        workspace = LiveWorkspace(lambda: self._session.model.loader.engine(), medium)
        await workspace.start()
        self.stop()  # one that was started meanwhile
        self._workspace = workspace
        self._send(LiveStartedEvent(rate=settings.max_live_rate))

    def _open_workspace(self) -> LiveWorkspace:
        if self._workspace is None:
            raise NotLive("Start the camera first.")
        return self._workspace
