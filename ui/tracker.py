"""The loop that follows objects through a clip: a few frames a call, so that stopping is just not calling again."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from sam2_core.errors import SessionChanged
from ui.medium import Medium
from ui.outbox import Outbox
from ui.wire import Track, pack, pack_masks

Result = TypeVar("Result")
STEP_SECONDS = 0.15  # aim of one call: short enough for a click to feel instant in between
MAX_STEP = 4


class Ask(Protocol):
    """Runs something that blocks on the engine, and brings a lost session back."""

    async def __call__(self, medium: Medium, work: Callable[[], Result]) -> Result:
        """The result of `work`."""
        ...


def legs(direction: str, frame: int, frames: int) -> list[range]:
    """The frames to visit: forward to the end, backward to the start, or one after the other."""
    forward, backward = range(frame, frames), range(frame, -1, -1)
    return {"forward": [forward], "backward": [backward], "both": [forward, backward]}[direction]


class Tracker:
    """One run of tracking for one visitor."""

    def __init__(self, outbox: Outbox, ask: Ask, medium: Medium, wish: Track) -> None:
        self._outbox, self._ask, self._medium, self._wish = outbox, ask, medium, wish
        self._stopping = False
        self._first_answer = 0.0
        self._done = self._total = self._free = 0
        self._step = 1

    def describe(self) -> dict[str, Any]:
        """What a page must know to show this run as its own."""
        return {"run": self._wish.run, "direction": self._wish.direction}

    def stop(self) -> None:
        """End after the call that is under way."""
        self._stopping = True

    async def run(self) -> None:
        """Track and send the masks as they come. Pauses while no page listens."""
        ways = legs(self._wish.direction, self._wish.frame, self._medium.info.frames)
        self._total = sum(len(way) for way in ways)
        for way in ways:
            await self._walk(way)
        self._outbox.put(pack({"t": "done", "job": "track", "run": self._wish.run, "stopped": self._stopping}))

    async def _walk(self, way: range) -> None:
        position = 0
        while position < len(way):
            await self._outbox.room()
            if self._stopping:
                return
            frames = way[position : position + self._step]
            begun = time.monotonic()
            try:
                messages = await self._ask(self._medium, partial(self._follow, frames))
            except SessionChanged:  # somebody clicked in between: go on from here with what is said now
                await self._ask(self._medium, partial(self._medium.look_again, frames[0]))
                continue
            position += len(frames)
            self._done += len(frames)
            self._send(messages, frames[-1])
            a_frame = (time.monotonic() - begun) / len(frames)
            # One more at most: the first frame is prompted, so it costs nothing and says nothing about the others.
            self._step = max(1, min(MAX_STEP, self._step + 1, int(STEP_SECONDS / max(a_frame, 1e-3))))

    def _follow(self, frames: range) -> list[bytes]:
        found = self._medium.track(frames)
        return [
            pack_masks(masks, version=self._medium.version, run=self._wish.run, tracked=frames.step) for masks in found
        ]

    def _send(self, messages: list[bytes], frame: int) -> None:
        for message in messages:
            self._outbox.put(message)
        about = {"run": self._wish.run, "frame": frame, **self._pace()}
        header = {"t": "progress", "job": "track", "fraction": self._done / self._total, "message": "Tracking", **about}
        self._outbox.put(pack(header), "progress track")

    def _pace(self) -> dict[str, Any]:
        """Frames a second since the first answer, and seconds that are left; nothing before there is a second one."""
        now = time.monotonic()
        if not self._first_answer:
            self._first_answer, self._free = now, self._done
            return {}
        rate = (self._done - self._free) / max(1e-3, now - self._first_answer)
        return {"fps": round(rate, 2), "left": round((self._total - self._done) / rate)}
