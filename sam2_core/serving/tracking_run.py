"""The one loop that propagates objects through a clip: a few frames per command, so that stopping is just not asking
again.

The page, the API, the command line and replay all run it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeVar, get_args

from sam2_core.errors import SessionChanged
from sam2_core.serving.commands import Command, GetMasks, PlanTracking, StaleFrames, Track
from sam2_core.types import FrameMasks, FrameSpan

T = TypeVar("T")

Direction = Literal["forward", "backward", "both", "one", "update"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

STEP_SECONDS = 0.15  # aim of one command: short enough for a click to feel instant in between
MAX_STEP = 4  # frames per command
STEADY_FRAMES = 3  # frames in a row on which an object was present before its absence counts as a loss again


@dataclass(frozen=True, slots=True)
class TrackingRequest:
    """From `frame` through the frames `first` to `last`.

    `direction` is forward, backward, or both; one: this frame only; update: what is stale between first and last. From
    a frame outside of the range all of the range is tracked. With `pause` the run stops where an object is lost.
    """

    direction: Direction
    frame: int
    first: int
    last: int
    pause: bool = False


@dataclass(frozen=True, slots=True)
class TrackingUpdate:
    """What one command of a run brought.

    Attributes:
        masks: What it computed (only fresh masks), in the order of tracking.
        step: 1 forward, -1 backward.
        frame: The newest frame.
        direction: What can be asked for to go on, if the run is stopped now.
        done, total: Frames.
        frames_per_second, seconds_left: None until the pace is known.
    """

    masks: tuple[FrameMasks, ...]
    step: int
    frame: int
    direction: Direction
    done: int
    total: int
    frames_per_second: float | None
    seconds_left: int | None


@dataclass(frozen=True, slots=True)
class TrackingSummary:
    """How a run ended: whether it was stopped, the object at whose loss it paused, on how many frames masks were
    computed, and with which direction and frame it can go on."""

    stopped: bool
    lost: int | None
    changed: int
    direction: Direction
    frame: int


class TrackedSession(Protocol):
    """What a run works on: a workspace, or a bare session of an engine."""

    @property
    def revision(self) -> int:
        """The newest revision that is known here."""
        ...

    async def run(self, command: Command[T]) -> T:
        """The result of a command."""
        ...


@dataclass(slots=True)
class _Sweep:
    """One way through the clip; with `objects` these exactly (none named: all), else what the engine plans."""

    frames: range
    direction: Direction  # what is left to ask for where the run is stopped on it
    objects: tuple[int, ...] | None = None

    def resume_at(self, frame: int) -> None:
        self.frames = range(frame, self.frames.stop, self.frames.step)


def _sweeps(request: TrackingRequest) -> list[_Sweep]:
    """To the end of the range, to its start, or one after the other."""
    frame, first, last = request.frame, request.first, request.last
    inside = first <= frame <= last
    forward = range(frame if inside else first, last + 1)
    backward = range(frame if inside else last, first - 1, -1)
    sweeps: dict[Direction, list[_Sweep]] = {
        "forward": [_Sweep(forward, "forward")],
        "backward": [_Sweep(backward, "backward")],
        "both": [_Sweep(forward, "both"), _Sweep(backward, "backward")],
        "one": [_Sweep(range(frame, frame + 1), "one")],
        "update": [_Sweep(range(first, last + 1), "update")],
    }
    return sweeps[request.direction]


@dataclass(slots=True)
class LossDetector:
    """Tells when an object that was present is lost: only the first frame without it counts, until it was back for
    `STEADY_FRAMES`."""

    streaks: dict[int, int] = field(default_factory=dict)

    def start(self, before: FrameMasks | None) -> None:
        """Tracking begins beside this frame."""
        objects = () if before is None else before.objects
        self.streaks = {each.object_id: STEADY_FRAMES if each.is_present else 0 for each in objects}

    def lost(self, masks: FrameMasks) -> int | None:
        """The object that is lost on this frame, if any."""
        lost = None
        for each in masks.objects:
            streak = self.streaks.get(each.object_id, 0)
            if each.fresh and not each.is_present and streak >= STEADY_FRAMES and lost is None:
                lost = each.object_id
            self.streaks[each.object_id] = streak + 1 if each.is_present else 0
        return lost


class TrackingRun:
    """Iterate over it (`async for`) to track; the `summary` holds once that has ended.

    Between two updates nothing is computed, so a slow consumer slows it down. Prompts that are set meanwhile change
    what is to be done, so it is planned anew then.
    """

    def __init__(self, session: TrackedSession, request: TrackingRequest, frames: int) -> None:
        """`frames` is the length of the clip."""
        self._begin(session, _sweeps(request), request.frame, request.direction)
        self._pause, self._frames = request.pause, frames

    @classmethod
    def over(cls, session: TrackedSession, spans: Sequence[FrameSpan]) -> TrackingRun:
        """Through these spans exactly, for these objects (none named: all)."""
        run = cls.__new__(cls)
        run._begin(session, [_Sweep(span.frames, "forward", span.objects) for span in spans], 0, "forward")
        run._pause, run._frames, run._step = False, 0, MAX_STEP
        return run

    def _begin(self, session: TrackedSession, sweeps: list[_Sweep], frame: int, direction: Direction) -> None:
        self._session, self._sweeps = session, sweeps
        self._frame, self._direction = frame, direction
        self._stopping = False
        self._lost: int | None = None
        self._changed: set[int] = set()
        self._losses = LossDetector()
        self._first_update, self._done_then = 0.0, 0
        self._done = self._total = self._ahead = 0
        self._step = 1
        self._interrupted = False  # the span under way was left before its end

    def stop(self) -> None:
        """End after the command that is under way."""
        self._stopping = True

    @property
    def summary(self) -> TrackingSummary:
        """How it ended; before the end, how it stands."""
        return TrackingSummary(self._stopping, self._lost, len(self._changed), self._direction, self._frame)

    async def __aiter__(self) -> AsyncGenerator[TrackingUpdate, None]:
        lengths = [_length(await self._plan(sweep)) for sweep in self._sweeps]
        for number, sweep in enumerate(self._sweeps):
            self._ahead = sum(lengths[number + 1 :])
            is_done = False
            while not (is_done or self._stopping):
                self._direction, revision = sweep.direction, self._session.revision
                spans = await self._plan(sweep)
                self._total = self._done + _length(spans) + self._ahead
                self._interrupted = False
                for span in spans:
                    async with aclosing(self._track_span(sweep, span, revision)) as updates:
                        async for update in updates:
                            yield update
                    if self._interrupted:
                        break
                is_done = not self._interrupted

    async def _plan(self, sweep: _Sweep) -> tuple[FrameSpan, ...]:
        if not sweep.frames:
            return ()
        if sweep.objects is not None:
            return (FrameSpan(sweep.frames, sweep.objects),)
        plan = StaleFrames(sweep.frames) if sweep.direction == "update" else PlanTracking(sweep.frames)
        return await self._session.run(plan)

    async def _track_span(self, sweep: _Sweep, span: FrameSpan, revision: int) -> AsyncGenerator[TrackingUpdate, None]:
        if self._pause:
            self._losses.start(await self._masks_beside(span.frames))
        position = 0
        while position < len(span.frames):
            if self._stopping or self._session.revision != revision:
                self._interrupted = True
                return
            frames = span.frames[position : position + self._step]
            began = time.monotonic()
            try:
                found = await self._session.run(Track(frames, revision, span.objects or None))
            except SessionChanged:  # a prompt was set in between: learn the newest revision
                await self._session.run(GetMasks(range(frames[0], frames[0] + 1)))
                self._interrupted = True
                return
            frames = frames[: len(found)]
            seconds_per_frame = (time.monotonic() - began) / len(frames)
            # One more at most: the first command may have found everything warm or cold.
            self._step = max(1, min(MAX_STEP, self._step + 1, int(STEP_SECONDS / max(seconds_per_frame, 1e-3))))
            position += len(frames)
            if sweep.direction != "update":
                sweep.resume_at(frames[-1] + frames.step)
            yield self._update(found, frames)

    async def _masks_beside(self, frames: range) -> FrameMasks | None:
        before = frames[0] - frames.step
        if not 0 <= before < self._frames:
            return None
        return (await self._session.run(GetMasks(range(before, before + 1))))[0]

    def _update(self, found: tuple[FrameMasks, ...], frames: range) -> TrackingUpdate:
        self._frame = found[-1].frame
        self._done += len(frames)
        fresh = [replace(masks, objects=tuple(each for each in masks.objects if each.fresh)) for masks in found]
        fresh = [masks for masks in fresh if masks.objects]
        self._changed.update(masks.frame for masks in fresh)
        if self._pause and self._lost is None:
            self._look_for_loss(found)
        pace = self._pace()
        return TrackingUpdate(
            tuple(fresh),
            frames.step,
            self._frame,
            self._direction,
            self._done,
            self._total,
            pace,
            self._seconds_left(pace),
        )

    def _look_for_loss(self, found: tuple[FrameMasks, ...]) -> None:
        for masks in found:
            lost = self._losses.lost(masks)
            if lost is not None:
                self._lost, self._frame, self._stopping = lost, masks.frame, True
                return

    def _pace(self) -> float | None:
        """Frames per second since the first update; None before there is a second one."""
        now = time.monotonic()
        if not self._first_update:
            self._first_update, self._done_then = now, self._done
            return None
        return (self._done - self._done_then) / max(1e-3, now - self._first_update)

    def _seconds_left(self, pace: float | None) -> int | None:
        return None if pace is None else round((self._total - self._done) / pace)


def _length(spans: tuple[FrameSpan, ...]) -> int:
    return sum(len(span.frames) for span in spans)
