"""The loop that follows objects through a clip: a few frames a call, so that stopping is just not calling again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from sam2_core.errors import SessionChanged
from sam2_core.types import FrameMasks, FrameSpan
from ui.medium import Medium
from ui.outbox import Outbox
from ui.wire import Track, pack, pack_masks

Result = TypeVar("Result")
STEP_SECONDS = 0.15  # aim of one call: short enough for a click to feel instant in between
MAX_STEP = 4
STEADY = 3  # frames in a row on which an object was present before its absence is news again


class Ask(Protocol):
    """Runs something that blocks on the engine, and brings a lost session back."""

    async def __call__(self, medium: Medium, work: Callable[[], Result]) -> Result:
        """The result of `work`."""
        ...


@dataclass(slots=True)
class Leg:
    """One way through the clip. `left` is what the page can ask for where the run is stopped on it."""

    frames: range
    left: str

    def go_on(self, frame: int) -> None:
        """Leave out what lies before `frame`."""
        self.frames = range(frame, self.frames.stop, self.frames.step)


def legs(wish: Track) -> list[Leg]:
    """The ways to go within the range: to its end, to its start, or one after the other. From a frame outside of it,
    all of the range."""
    first, last = wish.first, wish.last
    inside = first <= wish.frame <= last
    forward = range(wish.frame if inside else first, last + 1)
    backward = range(wish.frame if inside else last, first - 1, -1)
    ways = {
        "forward": [Leg(forward, "forward")],
        "backward": [Leg(backward, "backward")],
        "both": [Leg(forward, "both"), Leg(backward, "backward")],
        "one": [Leg(range(wish.frame, wish.frame + 1), "one")],
        "update": [Leg(range(first, last + 1), "update")],
    }
    return ways[wish.direction]


@dataclass(slots=True)
class Presence:
    """Tells when an object that was there is lost: only the first frame without it counts, until it was back for a
    while."""

    streaks: dict[int, int] = field(default_factory=dict)

    def start(self, before: FrameMasks | None) -> None:
        """Tracking begins beside this frame."""
        objects = () if before is None else before.objects
        self.streaks = {each.object_id: STEADY if each.is_present else 0 for each in objects}

    def lost(self, masks: FrameMasks) -> int | None:
        """The object that is lost on this frame, if any."""
        lost = None
        for each in masks.objects:
            streak = self.streaks.get(each.object_id, 0)
            if each.fresh and not each.is_present and streak >= STEADY and lost is None:
                lost = each.object_id
            self.streaks[each.object_id] = streak + 1 if each.is_present else 0
        return lost


class Tracker:
    """One run of tracking for one visitor. What is up to date is skipped, and not sent again."""

    def __init__(self, outbox: Outbox, ask: Ask, medium: Medium, wish: Track) -> None:
        self._outbox, self._ask, self._medium, self._wish = outbox, ask, medium, wish
        self._stopping = False
        self._lost: int | None = None
        self._frame, self._left = wish.frame, wish.direction  # what is left to do if it is stopped now
        self._changed: set[int] = set()
        self._presence = Presence()
        self._first_answer = 0.0
        self._done = self._total = self._ahead = self._free = 0
        self._step = 1

    def describe(self) -> dict[str, Any]:
        """What a page must know to show this run as its own."""
        return asdict(self._wish)

    def stop(self) -> None:
        """End after the call that is under way."""
        self._stopping = True

    async def run(self) -> None:
        """Track and send the masks as they come. Pauses while no page listens."""
        ways = legs(self._wish)
        lengths = [_length(await self._plan(leg)) for leg in ways]
        for number, leg in enumerate(ways):
            self._ahead = sum(lengths[number + 1 :])
            await self._walk(leg)
        about = {"run": self._wish.run, "stopped": self._stopping, "lost": self._lost, "changed": len(self._changed)}
        self._outbox.put(pack({"t": "done", "job": "track", **about, "direction": self._left, "frame": self._frame}))

    async def _plan(self, leg: Leg) -> tuple[FrameSpan, ...]:
        look = self._medium.stale if leg.left == "update" else self._medium.plan
        return await self._ask(self._medium, partial(look, leg.frames)) if leg.frames else ()

    async def _walk(self, leg: Leg) -> None:
        """Go along a leg; what is said meanwhile changes what is to be done, so it is planned anew then."""
        finished = False
        while not (finished or self._stopping):
            self._left, revision = leg.left, self._medium.revision
            stretches = await self._plan(leg)
            self._total = self._done + _length(stretches) + self._ahead
            finished = await self._visit(leg, stretches, revision)

    async def _visit(self, leg: Leg, stretches: tuple[FrameSpan, ...], revision: int) -> bool:
        """Whether all was done before something was said."""
        for stretch in stretches:
            if self._wish.pause:
                self._presence.start(await self._look_before(stretch.frames))
            position = 0
            while position < len(stretch.frames):
                await self._outbox.room()
                if self._stopping or self._medium.revision != revision:
                    return False
                frames = stretch.frames[position : position + self._step]
                if not await self._follow(frames, stretch.objects):
                    return False
                position += len(frames)
                if leg.left != "update":
                    leg.go_on(frames[-1] + frames.step)
        return True

    async def _look_before(self, frames: range) -> FrameMasks | None:
        before = frames[0] - frames.step
        if not 0 <= before < self._medium.info.frames:
            return None
        return (await self._ask(self._medium, partial(self._medium.masks, range(before, before + 1))))[0]

    async def _follow(self, frames: range, objects: tuple[int, ...]) -> bool:
        """A few frames; False where somebody clicked in between."""
        begun = time.monotonic()
        try:
            found, messages = await self._ask(self._medium, partial(self._compute, frames, objects))
        except SessionChanged:
            await self._ask(self._medium, partial(self._medium.look_again, frames[0]))
            return False
        self._take_note(found)
        self._send(messages, len(frames))
        a_frame = (time.monotonic() - begun) / len(frames)
        # One more at most: the first call may have found everything warm or cold.
        self._step = max(1, min(MAX_STEP, self._step + 1, int(STEP_SECONDS / max(a_frame, 1e-3))))
        return True

    def _compute(self, frames: range, objects: tuple[int, ...]) -> tuple[tuple[FrameMasks, ...], list[bytes]]:
        found = self._medium.track(frames, objects)
        about = {"version": self._medium.version, "run": self._wish.run, "tracked": frames.step}
        return found, [pack_masks(fresh, **about) for fresh in map(_fresh, found) if fresh.objects]

    def _take_note(self, found: tuple[FrameMasks, ...]) -> None:
        self._frame = found[-1].frame
        for masks in found:
            if any(each.fresh for each in masks.objects):
                self._changed.add(masks.frame)
            lost = self._presence.lost(masks) if self._wish.pause and self._lost is None else None
            if lost is not None:
                self._lost, self._frame, self._stopping = lost, masks.frame, True
                return

    def _send(self, messages: list[bytes], frames: int) -> None:
        for message in messages:
            self._outbox.put(message)
        self._done += frames
        reached = {"frame": self._frame, "done": self._done, "total": self._total}
        about = {"run": self._wish.run, "direction": self._left, **reached, **self._pace()}
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


def _length(stretches: tuple[FrameSpan, ...]) -> int:
    return sum(len(stretch.frames) for stretch in stretches)


def _fresh(masks: FrameMasks) -> FrameMasks:
    return replace(masks, objects=tuple(each for each in masks.objects if each.fresh))
