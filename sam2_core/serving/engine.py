"""The seam between the callers of a network and whatever runs it.

A session is opened on a medium and then asked by commands (commands.py), which are plain data: no generator, tensor,
lock or callback crosses the seam. Streaming is a loop on the caller's side, so cancelling means to stop looping, and
other users' clicks slip in between two steps. An engine in another process or on another machine is a thin adapter.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sam2_core.serving.commands import Command
from sam2_core.serving.model_choice import UNKNOWN_SPEED, Speed
from sam2_core.types import LiveMedium, SessionInfo

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """How busy an engine is, for one of its sessions.

    Attributes:
        device: Name of what the engine runs on.
        memory: Share of the device's memory in use, 0..1; None where that cannot be told.
        position: Number of other sessions that come before this one's next command.
        seconds: About how long it takes until that command is done (0: none waits, or nothing is known yet).
        speed: How fast the network has been so far.
        restarts: How often its worker hung or died and was replaced.
        evictions: How many sessions it has closed to make room for others.
        waiting: Commands of all sessions that wait.
        device_bytes: Of the device's memory that this process holds; None where that cannot be told.
        session_bytes: What the tensors of all sessions' objects take, wherever they lie.
        is_metered: Whether what it computes is taken from the visitor's quota: nothing should be asked of it unasked.
    """

    device: str
    memory: float | None
    position: int
    seconds: float
    speed: Speed = UNKNOWN_SPEED
    restarts: int = 0
    evictions: int = 0
    waiting: int = 0
    device_bytes: int | None = None
    session_bytes: int = 0
    is_metered: bool = False


class Engine(Protocol):
    """Many sessions, each on one image, clip, album or live medium.

    Any thread may call; nothing here blocks but `shut_down`. Errors arrive through the futures. A future that is
    cancelled before its turn is not run.
    """

    def open(self, media: str | LiveMedium) -> Future[SessionInfo]:
        """Start a session on an ingested medium (the folder that `media.ingest` made), or a live one.

        Raises `MediaError` where the folder cannot be read, `BadPrompt` where the network cannot track what is live,
        and `Busy` where no further session fits.
        """
        ...

    def run(self, session: str, command: Command[T]) -> Future[T]:
        """Run a command when its turn comes. Raises `SessionGone` for an unknown session and whatever the command
        raises."""
        ...

    def status(self, session: str = "") -> QueueStatus:
        """What this session waits for right now. Answers at once, however busy the engine is; never raises."""
        ...

    def close(self, session: str) -> Future[None]:
        """Free everything of a session. An unknown session is no error."""
        ...

    def shut_down(self) -> None:
        """End all sessions and every thread of the engine's own. Later calls raise `SessionGone`."""
        ...
