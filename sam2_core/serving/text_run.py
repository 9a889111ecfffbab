"""The one loop that finds what a text names: detect on frames, tell new objects from those that are there, prompt them,
and track all objects from one of these frames to the next.

The page, the API and the command line run it. The page detects on a single frame without the loop, with
`detect_on_frame`, as it makes the objects itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, Protocol, TypeAlias, get_args

from sam2_core.detection.association import new_arrivals
from sam2_core.detection.detector import Detection
from sam2_core.errors import BadPrompt, MaskletError, SessionGone
from sam2_core.media import MAX_NAME_LENGTH, MediaInfo
from sam2_core.serving.detection_engine import Detect
from sam2_core.serving.edit_log import EditLog
from sam2_core.serving.tracking_run import Direction, TrackedSession, TrackingRun, TrackingSummary, TrackingUpdate
from sam2_core.types import FrameMasks, FrameSpan, Mask, Prompt

RunDetection: TypeAlias = Callable[[Detect], Awaitable[tuple[Detection, ...]]]
"""Runs a detector, as `DetectionEngine.run` does."""
TextDirection = Literal["forward", "backward", "both"]
TEXT_DIRECTIONS: tuple[TextDirection, ...] = get_args(TextDirection)

MAX_LOOKS = 1000
"""Frames of one run on which a detector looks."""
_SCRATCH_OBJECT = 1  # previews are of no object; they name one that may or may not be there
_STEPS: Mapping[TextDirection | None, tuple[int, ...]] = {
    None: (1,),
    "forward": (1,),
    "backward": (-1,),
    "both": (1, -1),
}


@dataclass(frozen=True, slots=True)
class TextRequest:
    """Find what `detect` says on its frame, and with `every` on each n-th frame from there on to `first` and `last`.

    All objects are tracked in between and to the ends, in this direction; without one nothing is tracked, and the
    detector looks once.
    """

    detect: Detect
    direction: TextDirection | None = None
    every: int | None = None
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class FoundObject:
    """What a detector found on a frame, and its mask. `is_new`: it is neither an object that is there already nor an
    earlier one of the same list."""

    detection: Detection
    mask: Mask
    is_new: bool

    @property
    def prompt(self) -> Prompt:
        """The mask where the detector segments by itself, else the box."""
        return prompt_of(self.detection)


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object that was found and prompted: its number, name, and the answer to its prompt."""

    id: int
    name: str
    found: FoundObject
    masks: FrameMasks


@dataclass(frozen=True, slots=True)
class TextUpdate:
    """What a detector found on a frame: the new objects, and how many more there was no room for."""

    frame: int
    found: tuple[FoundObject, ...]
    added: tuple[NewObject, ...]
    left_out: int


class TextSession(TrackedSession, Protocol):
    """What a run works on: a workspace."""

    info: MediaInfo
    log: EditLog
    max_objects: int

    async def prompt(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """Set the prompt of an object."""
        ...

    async def preview(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """The mask that a prompt would give."""
        ...

    async def masks(self, frames: range) -> tuple[FrameMasks, ...]:
        """The masks that are known."""
        ...


async def detect_on_frame(session: TextSession, detect: RunDetection, command: Detect) -> tuple[FoundObject, ...]:
    """What a detector finds on a frame, the best first, with masks. Raises `BadPrompt` and `MediaError`."""
    found = (await detect(command))[: session.max_objects]
    [there] = await session.masks(range(command.frame, command.frame + 1))  # brings back a lost session
    masks = [await _mask_of(session, command.frame, each) for each in found]
    new = set(new_arrivals(masks, [each.mask for each in there.objects if each.is_present]))
    return tuple(FoundObject(each, masks[place], place in new) for place, each in enumerate(found))


async def _mask_of(session: TextSession, frame: int, found: Detection) -> Mask:
    if found.mask is not None:
        return found.mask
    try:
        answer = await session.preview(frame, _SCRATCH_OBJECT, prompt_of(found))
    except SessionGone:  # another network took the place of the former one
        await session.masks(range(frame, frame + 1))
        answer = await session.preview(frame, _SCRATCH_OBJECT, prompt_of(found))
    return answer.objects[0].mask


def prompt_of(found: Detection) -> Prompt:
    """The mask of a detection as prompt where it has one, else its box."""
    return Prompt(boxes=(found.box,)) if found.mask is None else Prompt(mask=found.mask)


class TextRun:
    """Iterate over it (`async for`) to find and track; `summary` and `missing` hold once that has ended.

    Yields a `TextUpdate` for each frame on which the detector has looked, and a `TrackingUpdate` for each step of
    tracking. Between two of them nothing is computed.
    """

    def __init__(
        self, session: TextSession, detect: RunDetection, request: TextRequest, first_object: int | None = None
    ) -> None:
        """New objects have numbers from `first_object` on (None: behind all that are there). Raises `BadPrompt`."""
        _check(request, session.info)
        self._session, self._detect, self._request = session, detect, request
        self._next_object = first_object
        self._names: Counter[str] = Counter()
        self._objects: list[int] = []
        self._stopping = False
        self._waiting: asyncio.Future[Any] | None = None
        self._tracking: TrackingRun | None = None
        self._frame = request.detect.frame
        self._changed: set[int] = set()
        self._done = 0
        self._total = sum(abs(self._end(step) - self._frame) for step in self._steps)

    def stop(self) -> None:
        """End: at once where a detector is waited for, else after the command that is under way."""
        self._stopping = True
        if self._tracking is not None:
            self._tracking.stop()
        if self._waiting is not None:
            self._waiting.cancel()

    @property
    def objects(self) -> tuple[int, ...]:
        """The objects that were made."""
        return tuple(self._objects)

    @property
    def missing(self) -> tuple[str, ...]:
        """The phrases for which no object was made."""
        return tuple(phrase for phrase in self._request.detect.phrases if not self._names[phrase])

    @property
    def summary(self) -> TrackingSummary:
        """How it ended; before the end, how it stands. A run that was stopped can go on as ordinary tracking."""
        direction: Direction = self._request.direction or "one"
        return TrackingSummary(self._stopping, None, len(self._changed), direction, self._frame)

    async def __aiter__(self) -> AsyncGenerator[TextUpdate | TrackingUpdate, None]:
        start, late = self._frame, set[int]()
        for number, step in enumerate(self._steps):
            reached = (
                start
                if number == 0
                else min(self._first_frames(step).values(), key=lambda at: at * step, default=start)
            )
            for look in self._looks(step)[number > 0 :]:
                async with aclosing(self._track(range(reached, look + step, step))) as updates:
                    async for update in updates:
                        yield update
                if self._stopping:
                    return
                found = await self._look(look)
                if found is None:
                    return
                late |= {each.id for each in found.added} if number else set()
                yield found
                reached = look
            async with aclosing(self._track(range(reached, self._end(step) + step, step))) as updates:
                async for update in updates:
                    yield update
        if late and not self._stopping:  # those were found on the way back, and are tracked forward, too
            async with aclosing(self._track(range(self._request.first, self._request.last + 1), late)) as updates:
                async for update in updates:
                    yield update

    @property
    def _steps(self) -> tuple[int, ...]:
        return _STEPS[self._request.direction]

    def _end(self, step: int) -> int:
        """The last frame in a direction."""
        if self._request.direction is None:
            return self._request.detect.frame
        return self._request.last if step > 0 else self._request.first

    def _looks(self, step: int) -> range:
        """The frames on which the detector looks."""
        start, every = self._request.detect.frame, self._request.every
        return range(start, self._end(step) + step, step * every) if every else range(start, start + step, step)

    async def _look(self, frame: int) -> TextUpdate | None:
        """Detect on a frame, and prompt what is new there; None where the run was stopped meanwhile."""
        command = replace(self._request.detect, frame=frame)
        work = self._waiting = asyncio.ensure_future(detect_on_frame(self._session, self._detect, command))
        try:
            found = await work
        except (asyncio.CancelledError, MaskletError):
            if self._stopping:  # what it worked on may be closed already
                return None
            raise
        finally:
            self._waiting = None
        self._frame = frame
        new = [each for each in found if each.is_new]
        room = max(0, self._session.max_objects - len(self._session.log.state.prompts))
        added: list[NewObject] = []
        with suppress(BadPrompt):  # no room in the edit log; what was made until then is told
            for each in new[:room]:
                added.append(await self._add(frame, each))  # noqa: PERF401 - those before an error stay
        return TextUpdate(frame, found, tuple(added), len(new) - len(added))

    async def _add(self, frame: int, found: FoundObject) -> NewObject:
        state, phrase = self._session.log.state, found.detection.phrase
        behind = max([*state.prompts, *state.traits, 0]) + 1
        number = behind if self._next_object is None else self._next_object
        masks = await self._session.prompt(frame, number, found.prompt)
        self._next_object = None if self._next_object is None else number + 1
        self._names[phrase] += 1
        name = numbered_name(phrase, self._names[phrase])
        self._session.log.record_traits(number, {"name": name, "label": phrase})
        self._objects.append(number)
        return NewObject(number, name, found, masks)

    async def _track(self, frames: range, objects: Iterable[int] | None = None) -> AsyncGenerator[TrackingUpdate, None]:
        """Propagate all objects, or these, through frames (step 1 or -1), each from its first prompted frame on."""
        first_frames = self._first_frames(frames.step)
        wanted = {number: at for number, at in first_frames.items() if objects is None or number in objects}
        spans = spans_between(wanted, frames) if self._request.direction and len(frames) > 1 else []
        if not spans or self._stopping:
            return
        self._tracking, before = TrackingRun.over(self._session, spans), self._done
        try:
            async with aclosing(aiter(self._tracking)) as updates:
                async for update in updates:
                    self._frame, self._done = update.frame, before + update.done
                    self._changed.update(each.frame for each in update.masks)
                    self._total = max(self._total, self._done)  # what is found later is tracked once more
                    yield replace(update, done=self._done, total=self._total, seconds_left=self._seconds_left(update))
        except MaskletError:
            if not self._stopping:
                raise
        finally:
            self._tracking = None

    def _seconds_left(self, update: TrackingUpdate) -> int | None:
        """At the pace of tracking, without what detectors take."""
        pace = update.frames_per_second
        return None if pace is None else round((self._total - self._done) / pace)

    def _first_frames(self, step: int) -> dict[int, int]:
        """The first prompted frame of each object in this direction, of those within the request's frames."""
        request, prompts = self._request, self._session.log.state.prompts
        inside = {
            number: [at for at in frames if request.first <= at <= request.last] for number, frames in prompts.items()
        }
        return {number: min(frames, key=lambda at: at * step) for number, frames in inside.items() if frames}


def _check(request: TextRequest, info: MediaInfo) -> None:
    frame, every = request.detect.frame, request.every
    if request.direction is not None:
        if info.kind != "clip":
            raise BadPrompt("Photos do not follow one another: there is nothing to track.")
        if not request.first <= frame <= request.last:
            raise BadPrompt(f"Frame {frame} is outside of frames {request.first} to {request.last}.")
    if every is not None and (request.last - request.first) // every >= MAX_LOOKS:
        raise BadPrompt(f"That is more than {MAX_LOOKS} frames to look at. Look at fewer: every n-th for a larger n.")


def numbered_name(phrase: str, count: int) -> str:
    """The name of the n-th object of a phrase: dog, dog 2, dog 3."""
    return phrase if count == 1 else f"{phrase[: MAX_NAME_LENGTH - 5]} {count}"


def spans_between(first_frames: Mapping[int, int], frames: range) -> list[FrameSpan]:
    """The spans of `frames` (step 1 or -1) in which objects are tracked, each object from its first frame on.

    `first_frames` maps object ids to frames.
    """
    starts = {number: max(0, (first - frames.start) * frames.step) for number, first in first_frames.items()}
    starts = {number: start for number, start in starts.items() if start < len(frames)}
    return [
        FrameSpan(frames[start:stop], tuple(sorted(number for number, at in starts.items() if at <= start)))
        for start, stop in pairwise([*sorted(set(starts.values())), len(frames)])
    ]


def spans_to_track(first_frames: Mapping[int, int], frames: range, direction: TextDirection) -> list[FrameSpan]:
    """Plan tracking of each object from its first prompted frame to the ends of `frames` (step 1).

    In each direction a frame is visited once, for all objects whose first prompt lies on or before it in that
    direction. Raises `BadPrompt` for a first frame outside of `frames`.
    """
    outside = [frame for frame in first_frames.values() if frame not in frames]
    if outside:
        raise BadPrompt(f"A prompt is on frame {outside[0]}, outside of frames {frames[0]} to {frames[-1]}.")
    ways: Sequence[range] = [frames if step > 0 else frames[::-1] for step in _STEPS[direction]]
    return [span for way in ways for span in spans_between(first_frames, way)]
