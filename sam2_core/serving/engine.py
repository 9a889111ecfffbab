"""The seam between whoever talks to users and whatever runs the network.

Every call is short, atomic and picklable: no generator, tensor, lock or callback crosses it. Streaming is a loop on
the caller's side, so cancelling means to stop looping, and other users' clicks slip in between two steps. An engine
in another process or on another machine is a thin adapter over the same few calls.
"""

from __future__ import annotations

from typing import Protocol

from sam2_core.types import FrameMasks, Load, Prompt, SessionInfo


class Engine(Protocol):
    """Many sessions, each on one picture or clip. Any thread may call."""

    def open(self, media: str) -> SessionInfo:
        """Start a session on an ingested medium (the folder that `media.ingest` made).

        Raises `MediaError` where the folder cannot be read and `Busy` where no further session fits.
        """
        ...

    def prompt(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """Replace what was said for one object on one frame; repeating it is harmless.

        The answer follows from the prompt and, on a frame that was tracked, from what is remembered of other frames.
        The answer holds the objects of that frame whose mask this call changed. An empty prompt takes back what was
        said: the answer then holds no object if none of its mask is left on that frame.
        Raises `BadPrompt` and `SessionGone`.
        """
        ...

    def preview(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """The mask that `prompt` would give, without candidates; nothing is remembered, so the revision stays.

        Goes after clicks and looks, before tracking. An empty prompt gives no mask. Raises as `prompt` does.
        """
        ...

    def track(self, session: str, frames: range, revision: int) -> tuple[FrameMasks, ...]:
        """Follow all objects through a few frames, in the order of the range; its step's sign is the direction.

        Raises `SessionChanged` where `revision` is not the newest, `BadPrompt` where nothing was said yet, and
        `SessionGone`.
        """
        ...

    def masks(self, session: str, frames: range) -> tuple[FrameMasks, ...]:
        """The masks known so far (for scrubbing and export), one entry a frame, also where there is none."""
        ...

    def forget(self, session: str, object_id: int) -> int:
        """Remove an object with all its masks; returns the new revision. An unknown object is no error."""
        ...

    def load(self, session: str = "") -> Load:
        """What this session waits for right now. Answers at once, however busy the engine is; never raises."""
        ...

    def close(self, session: str) -> None:
        """Free everything. An unknown session is no error."""
        ...

    def shut_down(self) -> None:
        """End all sessions and every thread of the engine's own. Later calls raise `SessionGone`."""
        ...
