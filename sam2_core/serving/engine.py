"""The seam between whoever talks to users and whatever runs the network.

Every call is short, atomic and picklable: no generator, tensor, lock or callback crosses it. Streaming is a loop on
the caller's side, so cancelling means to stop looping, and other users' clicks slip in between two steps. An engine
in another process or on another machine is a thin adapter over the same few calls.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from sam2_core.types import FrameMasks, FrameSpan, Load, Prompt, SessionInfo


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

    def track(
        self, session: str, frames: range, revision: int, objects: Collection[int] | None = None
    ) -> tuple[FrameMasks, ...]:
        """Follow objects (None: all) through a few frames, in the order of the range; its step's sign is the direction.

        Masks that would come out the same are not computed again; those that were are `fresh` in the result, which
        holds all masks of these frames. Raises `SessionChanged` where `revision` is not the newest, `BadPrompt` where
        nothing was said yet, and `SessionGone`.
        """
        ...

    def plan(self, session: str, frames: range) -> tuple[FrameSpan, ...]:
        """What of these frames (step 1 or -1) `track` would compute, in their order. Any number of frames may be asked.

        Raises `BadPrompt` where nothing was said yet, and `SessionGone`.
        """
        ...

    def stale(self, session: str, frames: range) -> tuple[FrameSpan, ...]:
        """What of these frames (step 1) was tracked before something was said nearby, and how to track it again.

        A word about an object makes stale what was tracked of it between its prompted frames before and after that
        frame, and nothing else; one that is taken back makes it good again. Each frame comes from the side of the
        nearer prompted frame. Any number of frames may be asked.
        """
        ...

    def untrack(self, session: str, frames: range, objects: Collection[int]) -> int:
        """Take back the newest masks that tracking found for these objects on these frames (step 1); what it had found
        before, if anything, is back. Returns the new revision. What is not there is no error."""
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
