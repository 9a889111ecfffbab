"""What an engine can be asked about a session, as plain data.

A command is a frozen, picklable dataclass; its type parameter is the type of its result. A new verb is one dataclass
here and the method of `TrackingSession` that it calls: engines, pools and adapters run any command.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from sam2_core.media import decode_frame
from sam2_core.types import AutomaticMask, AutomaticSettings, Box, FrameMasks, FrameSpan, Prompt

if TYPE_CHECKING:  # it needs torch, which whoever makes a command need not load
    from sam2_core.tracking.session import TrackingSession

T_co = TypeVar("T_co", covariant=True)


class Priority(IntEnum):
    """Which of the waiting commands runs next: the lowest, and among equals the oldest."""

    CLICK = 1
    READ = 2
    PREVIEW = 3
    TRACK = 4
    AHEAD = 5
    """What nobody has asked for yet."""


class Command(ABC, Generic[T_co]):
    """Something short and atomic to be done with a session."""

    __slots__ = ()
    priority: ClassVar[Priority]
    is_repeatable: ClassVar[bool] = True
    """Whether it may be applied once more after it failed halfway, and then does the same."""

    @abstractmethod
    def apply(self, session: TrackingSession) -> T_co:
        """Do it; runs on the engine's own thread."""

    @property
    def encoded_frames(self) -> range:
        """Frames whose image features it uses in any case: where one is being encoded, it waits for that."""
        return range(0)


@dataclass(frozen=True, slots=True)
class SetPrompt(Command[FrameMasks]):
    """Replace the prompt of one object on one frame; repeating it is harmless.

    The result follows from the prompt and, on a frame that was tracked, from the memory of other frames. It holds the
    objects of that frame whose mask this command changed. An empty prompt clears the frame: the result then holds no
    object if none of its mask is left there. Raises `BadPrompt`.
    """

    priority = Priority.CLICK
    frame: int
    object_id: int
    prompt: Prompt

    def apply(self, session: TrackingSession) -> FrameMasks:
        """See `Command.apply`."""
        return session.set_prompt(self.frame, self.object_id, self.prompt)

    @property
    def encoded_frames(self) -> range:
        """See `Command.encoded_frames`."""
        return range(0) if self.prompt.is_empty else _only(self.frame)


@dataclass(frozen=True, slots=True)
class Preview(Command[FrameMasks]):
    """The mask that a prompt would give, without candidates; nothing is remembered, so the revision stays.

    An empty prompt gives no mask. Raises `BadPrompt`.
    """

    priority = Priority.PREVIEW
    frame: int
    object_id: int
    prompt: Prompt

    def apply(self, session: TrackingSession) -> FrameMasks:
        """See `Command.apply`."""
        return session.preview(self.frame, self.object_id, self.prompt)

    @property
    def encoded_frames(self) -> range:
        """See `Command.encoded_frames`."""
        return range(0) if self.prompt.is_empty else _only(self.frame)


@dataclass(frozen=True, slots=True)
class Track(Command[tuple[FrameMasks, ...]]):
    """Propagate objects (None: all) through a few frames, in the order of the range; the sign of its step is the
    direction.

    Masks that would come out the same are not computed again; those that were are `fresh` in the result, which holds
    all masks of these frames; where one of them fails, of those before it, and a command that begins with it raises
    why. Raises `SessionChanged` where `revision` is not the newest, and `BadPrompt` where no
    object has a prompt.
    """

    priority = Priority.TRACK
    frames: range
    revision: int
    objects: tuple[int, ...] | None = None

    def apply(self, session: TrackingSession) -> tuple[FrameMasks, ...]:
        """See `Command.apply`."""
        return session.track(self.frames, self.revision, self.objects)

    @property
    def encoded_frames(self) -> range:
        """See `Command.encoded_frames`."""
        return self.frames


@dataclass(frozen=True, slots=True)
class TrackLive(Command[FrameMasks]):
    """Add the next frame of a live medium and propagate all objects onto it; the result holds the frame's number.

    It needs no revision, because it uses the prompts that hold when its turn comes. Raises `MediaError` for what is no
    JPEG of the medium's size.
    """

    is_repeatable = False  # the frame's number is used up
    priority = Priority.TRACK
    jpeg: bytes

    def apply(self, session: TrackingSession) -> FrameMasks:
        """See `Command.apply`."""
        return session.add_frame(decode_frame(self.jpeg, session.size.height, session.size.width))


@dataclass(frozen=True, slots=True)
class Untrack(Command[int]):
    """Take back the newest masks that tracking found for these objects on these frames (step 1); what it had found
    before, if anything, is back. The result is the new revision. What is not there is no error."""

    priority = Priority.CLICK
    frames: range
    objects: tuple[int, ...]

    def apply(self, session: TrackingSession) -> int:
        """See `Command.apply`."""
        return session.untrack(self.frames, self.objects)


@dataclass(frozen=True, slots=True)
class GetMasks(Command[tuple[FrameMasks, ...]]):
    """The masks known so far (for scrubbing and export), one entry per frame, also where there is none."""

    priority = Priority.READ
    frames: range

    def apply(self, session: TrackingSession) -> tuple[FrameMasks, ...]:
        """See `Command.apply`."""
        return session.get_masks(self.frames)


@dataclass(frozen=True, slots=True)
class PlanTracking(Command[tuple[FrameSpan, ...]]):
    """What of these frames (step 1 or -1) `Track` would compute, in their order. Any number of frames may be asked.

    Raises `BadPrompt` where no object has a prompt.
    """

    priority = Priority.READ
    frames: range

    def apply(self, session: TrackingSession) -> tuple[FrameSpan, ...]:
        """See `Command.apply`."""
        return session.plan_tracking(self.frames)


@dataclass(frozen=True, slots=True)
class StaleFrames(Command[tuple[FrameSpan, ...]]):
    """What of these frames (step 1) was tracked before a prompt nearby was changed, and how to track it again.

    A prompt makes stale what was tracked of its object between the prompted frames before and after it, and nothing
    else; clearing it makes that good again. Each frame is reached from the side of the nearer prompted frame. Any
    number of frames may be asked.
    """

    priority = Priority.READ
    frames: range

    def apply(self, session: TrackingSession) -> tuple[FrameSpan, ...]:
        """See `Command.apply`."""
        return session.stale_frames(self.frames)


@dataclass(frozen=True, slots=True)
class RemoveObject(Command[int]):
    """Remove an object with all its masks; the result is the new revision. An unknown object is no error."""

    priority = Priority.CLICK
    object_id: int

    def apply(self, session: TrackingSession) -> int:
        """See `Command.apply`."""
        return session.remove_object(self.object_id)


@dataclass(frozen=True, slots=True)
class SegmentEverything(Command[tuple[AutomaticMask, ...]]):
    """The masks that a few points (x, y), each on its own, give within a crop of a frame: three for each point.

    Left out are those that are not above `min_predicted_iou` or below `min_stability`, and those that an edge of the
    crop cuts off. Holes and islands of fewer than `min_region_area` pixels are removed. Changes nothing in the session.
    Raises `BadPrompt`.
    """

    priority = Priority.TRACK
    frame: int
    crop: Box
    points: tuple[tuple[float, float], ...]
    min_predicted_iou: float
    min_stability: float
    stability_offset: float
    min_region_area: int = 0

    def apply(self, session: TrackingSession) -> tuple[AutomaticMask, ...]:
        """See `Command.apply`."""
        return session.segment_everything(
            self.frame,
            self.crop,
            self.points,
            self.min_predicted_iou,
            self.min_stability,
            self.stability_offset,
            self.min_region_area,
        )

    @property
    def encoded_frames(self) -> range:
        """See `Command.encoded_frames`."""
        return _only(self.frame)


@dataclass(frozen=True, slots=True)
class FitMasks(Command[tuple[AutomaticMask, ...]]):
    """Fit the boundaries of masks of `SegmentEverything` that have a `candidate`, all of one crop, to the picture.

    Holes and islands of fewer than `min_region_area` pixels are removed. Changes nothing in the session.
    """

    priority = Priority.TRACK
    frame: int
    masks: tuple[AutomaticMask, ...]
    min_region_area: int = 0

    def apply(self, session: TrackingSession) -> tuple[AutomaticMask, ...]:
        """See `Command.apply`."""
        return session.fit_masks(self.frame, self.masks, self.min_region_area)

    @property
    def encoded_frames(self) -> range:
        """See `Command.encoded_frames`."""
        return _only(self.frame)


@dataclass(frozen=True, slots=True)
class EncodeFrame(Command[None]):
    """Encode a frame that a user looks at, so that the first click on it need not wait for that.

    Changes nothing else. It may be cancelled while it waits. Raises `BadPrompt`.
    """

    priority = Priority.AHEAD
    frame: int

    def apply(self, session: TrackingSession) -> None:
        """See `Command.apply`."""
        session.encode_frame(self.frame)

    @property
    def encoded_frames(self) -> range:
        """See `Command.encoded_frames`."""
        return _only(self.frame)


@dataclass(frozen=True, slots=True)
class GetAutomaticSettings(Command[AutomaticSettings]):
    """How the network of this session segments everything by default."""

    priority = Priority.READ

    def apply(self, session: TrackingSession) -> AutomaticSettings:
        """See `Command.apply`."""
        return session.automatic_settings


def _only(frame: int) -> range:
    return range(frame, frame + 1)
