"""A complete engine without a network: it paints a disc around each point, so that everything above the seam can be
tested without torch. The candidates of a single click are discs of three sizes; within a crop discs are larger."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from sam2_core.detection.detector import Detection
from sam2_core.errors import BadPrompt, Cancelled, MediaError, SessionChanged, SessionGone
from sam2_core.media import MediaInfo, open_store
from sam2_core.serving.commands import Command, EncodeFrame, PlanTracking, StaleFrames
from sam2_core.serving.detection_engine import Detect, DetectionFuture
from sam2_core.serving.engine import QueueStatus
from sam2_core.tracking.mask_warnings import Evidence, MaskShape, find_warnings, measure_shape
from sam2_core.tracking.object_history import ObjectHistory, PromptedFrame, spans_to_track, stale_spans
from sam2_core.types import (
    AutomaticMask,
    AutomaticSettings,
    Box,
    Candidate,
    FrameMasks,
    FrameSpan,
    LiveMedium,
    Mask,
    MaskWarning,
    ObjectMask,
    Point,
    Prompt,
    Rating,
    SessionInfo,
)

T = TypeVar("T")
CANDIDATE_SIZES, CANDIDATE_IOUS = (1.0, 0.6, 1.8), (0.9, 0.8, 0.7)
REFINED_SIZE = 1.4


@dataclass
class FakeSession:
    """Answers the same commands as `TrackingSession`."""

    info: SessionInfo
    media: MediaInfo
    find: Callable[[tuple[int, int], int, int, Prompt], ObjectMask]
    revision: int = 0
    objects: dict[int, ObjectHistory] = field(default_factory=dict)
    is_live: bool = False

    @property
    def size(self) -> LiveMedium:
        """Of a live medium."""
        return LiveMedium(self.info.height, self.info.width)

    @property
    def prompts(self) -> dict[int, dict[int, Prompt]]:
        """Object -> frame -> prompt."""
        return {
            number: {at: each.prompt for at, each in history.prompted.items()}
            for number, history in self.objects.items()
        }

    def set_prompt(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        self._check_frame(frame)
        history = self.objects.get(object_id, ObjectHistory())
        if prompt.is_empty:
            self.revision += 1
            history.prompted.pop(frame, None)
            if not history.prompted:
                self.objects.pop(object_id, None)  # nothing says any more what the object is
                return FrameMasks(frame, self.revision, ())
            left = history.mask_on(frame, object_id)
            return FrameMasks(frame, self.revision, () if left is None else (left,))
        if replace(prompt, crop=None).is_empty and history.mask_on(frame, object_id) is None:
            raise BadPrompt("Click on a thing first.")
        self.revision += 1
        self.objects[object_id] = history
        answer = _paint(self.media.size_of(frame), object_id, _meant(history, frame, prompt))
        history.prompted[frame] = PromptedFrame(frame, prompt, answer)
        return FrameMasks(frame, self.revision, (answer,))

    def preview(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        self._check_frame(frame)
        painted = replace(_paint(self.media.size_of(frame), object_id, prompt), candidates=())
        return FrameMasks(frame, self.revision, () if prompt.is_empty else (painted,))

    def track(self, frames: range, revision: int, objects: Collection[int] | None) -> tuple[FrameMasks, ...]:
        self._check_trackable()
        if revision != self.revision:
            raise SessionChanged("A prompt was set in between.")
        return tuple(self._track_frame(frame, frames.step < 0, objects) for frame in frames)

    def add_frame(self, pixels: np.ndarray) -> FrameMasks:
        if not self.is_live:
            raise MediaError("Only a camera takes frames.")
        self.info = replace(self.info, frames=self.info.frames + 1)
        return self._track_frame(self.info.frames - 1, reverse=False, objects=None)

    def encode_frame(self, frame: int) -> None:
        self._check_frame(frame)

    def untrack(self, frames: range, objects: Collection[int]) -> int:
        for object_id in set(objects) & self.objects.keys():
            for frame in frames:
                self.revision += self.objects[object_id].untrack(frame)
        return self.revision

    def get_masks(self, frames: range) -> tuple[FrameMasks, ...]:
        known = [
            [history.mask_on(frame, object_id) for object_id, history in sorted(self.objects.items())]
            for frame in frames
        ]
        return tuple(
            FrameMasks(frame, self.revision, tuple(mask for mask in here if mask is not None))
            for frame, here in zip(frames, known, strict=True)
        )

    def plan_tracking(self, frames: range) -> tuple[FrameSpan, ...]:
        self._check_trackable()
        return spans_to_track(self.objects, frames)

    def stale_frames(self, frames: range) -> tuple[FrameSpan, ...]:
        return stale_spans(self.objects, frames)

    def remove_object(self, object_id: int) -> int:
        self.revision += self.objects.pop(object_id, None) is not None
        return self.revision

    @property
    def automatic_settings(self) -> AutomaticSettings:
        return AutomaticSettings(points_per_side=4, min_predicted_iou=0.75, floor_predicted_iou=0.5)

    def segment_everything(
        self,
        frame: int,
        crop: Box,
        points: Collection[tuple[float, float]],
        min_predicted_iou: float,
        min_stability: float,
        stability_offset: float,
        min_region_area: int,
    ) -> tuple[AutomaticMask, ...]:
        """Three discs for each point, the more stable the farther to the right."""
        self._check_frame(frame)
        found = []
        for x, y in points:
            stability = round(0.6 + 0.39 * x / self.media.size_of(frame)[1], 3)
            painted = _paint(self.media.size_of(frame), 0, Prompt((Point(x, y),)))
            for each in painted.candidates:
                if each.predicted_iou > min_predicted_iou and stability >= min_stability:
                    box = _box_of(each.mask)
                    found.append(
                        AutomaticMask(each.mask, each.predicted_iou, stability, box, Point(x, y), crop, each.rating)
                    )
        return tuple(found)

    def _track_frame(self, frame: int, reverse: bool, objects: Collection[int] | None) -> FrameMasks:
        fresh = []
        for object_id, history in list(self.objects.items()):  # a prompt may come on another thread
            is_wanted = objects is None or object_id in objects
            if is_wanted and frame not in history.prompted and not history.is_up_to_date(frame):
                mask = self.find(self.media.size_of(frame), frame, object_id, _nearest(history, frame))
                before = history.mask_on(frame + (1 if reverse else -1), object_id)
                warnings = _check(mask, before)
                history.add(frame, replace(mask, warnings=warnings), reverse)
                fresh.append(object_id)
        (now,) = self.get_masks(range(frame, frame + 1))
        return replace(now, objects=tuple(replace(each, fresh=each.object_id in fresh) for each in now.objects))

    def _check_frame(self, frame: int) -> None:
        if not 0 <= frame < self.info.frames:
            raise BadPrompt(f"Frame {frame} does not exist.")

    def _check_trackable(self) -> None:
        if self.is_live:
            raise BadPrompt("The frames of a camera are tracked as they arrive.")
        if self.media.kind == "album":
            raise BadPrompt("Photos do not follow one another.")
        if not self.objects:
            raise BadPrompt("Click on a thing first.")


class FakeEngine:
    """`Engine` over discs and boxes; deterministic, instant. Commands run on threads, which a test may hold up."""

    def __init__(self) -> None:
        self.sessions: dict[str, FakeSession] = {}
        self.calls: list[str] = []
        self._ids = itertools.count()
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="fake-engine")

    def open(self, media: str | LiveMedium) -> Future[SessionInfo]:
        return self._threads.submit(self._open, media)

    def run(self, session: str, command: Command[T]) -> Future[T]:
        return self._threads.submit(self.execute, session, command)

    def execute(self, session: str, command: Command[Any]) -> Any:
        """Run a command at once; tests override it."""
        if not isinstance(command, EncodeFrame | PlanTracking | StaleFrames):
            self.calls.append(type(command).__name__)
        if session not in self.sessions:
            raise SessionGone("This session has expired.")
        return command.apply(self.sessions[session])  # type: ignore[arg-type]

    def status(self, session: str = "") -> QueueStatus:
        return QueueStatus("no device", None, 0, 0.0)

    def close(self, session: str) -> Future[None]:
        self.calls.append("close")
        self.sessions.pop(session, None)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def shut_down(self) -> None:
        self.calls.append("shut_down")
        self.sessions.clear()

    def find(self, size: tuple[int, int], frame: int, object_id: int, nearest: Prompt) -> ObjectMask:
        """What tracking finds on a frame of this (height, width): what the nearest prompt says."""
        return _paint(size, object_id, nearest)

    def _open(self, media: str | LiveMedium) -> SessionInfo:
        self.calls.append("open")
        if isinstance(media, LiveMedium):
            size = (media.height, media.width)
            about = MediaInfo("clip", "camera", 0, *size, *size)
        else:
            with open_store(media) as store:
                about = store.info
        info = SessionInfo(f"fake-{next(self._ids)}", about.frames, about.height, about.width, about.fps)
        self.sessions[info.id] = FakeSession(info, about, self.find, is_live=isinstance(media, LiveMedium))
        return info


class FakeDetectionEngine:
    """Detectors without a network: each phrase is found twice, as a box in a column of its own, at the top of the frame
    with a score of 0.8, and at the bottom with 0.2; "cat" only from frame 10 on, and "unicorn" nowhere.

    With `gate` each call waits until the test opens it.
    """

    def __init__(self) -> None:
        self.calls: list[Detect] = []
        self.gate: threading.Event | None = None
        self.loading: tuple[float | None, str] | None = None
        self.freed = 0
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="fake-detection")

    def run(self, command: Detect) -> DetectionFuture:
        self.calls.append(command)
        future = DetectionFuture()
        self._threads.submit(self._answer, command, future)
        return future

    def position(self, media: str) -> int:
        return 0

    def is_loaded(self, name: str) -> bool:
        return bool(self.calls)

    def free_idle(self) -> None:
        self.freed += 1

    def shut_down(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _answer(self, command: Detect, future: DetectionFuture) -> None:
        future.set_running_or_notify_cancel()
        try:
            while self.gate is not None and not self.gate.wait(0.01):
                if not future.is_wanted:
                    raise Cancelled("Looking was canceled.")
            future.set_result(self._found(command))
        except Exception as error:
            future.set_exception(error)

    def _found(self, command: Detect) -> tuple[Detection, ...]:
        with open_store(command.media) as store:
            height, width = store.info.size_of(command.frame)
        found = []
        for column, phrase in enumerate(command.phrases):
            left = width * (column + 0.2) / max(4, len(command.phrases))
            right = left + width * 0.6 / max(4, len(command.phrases))
            if phrase == "unicorn" or (phrase == "cat" and command.frame < 10):
                continue
            for score, top in ((0.8, 0.1), (0.2, 0.6)):
                if score >= (command.box_threshold or 0.3):
                    box = Box(left, top * height, right, (top + 0.3) * height)
                    found.append(Detection(phrase, score, box, words={phrase: (score,)}))
        return tuple(sorted(found, key=lambda each: -each.score))


def _box_of(mask: Mask) -> Box:
    rows, columns = np.nonzero(mask.to_array())
    return Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def _nearest(history: ObjectHistory, frame: int) -> Prompt:
    return history.prompted[min(history.prompted, key=lambda other: abs(other - frame))].prompt


def _meant(history: ObjectHistory, frame: int, prompt: Prompt) -> Prompt:
    """A crop alone refines what was tracked from elsewhere."""
    return replace(_nearest(history, frame), crop=prompt.crop) if replace(prompt, crop=None).is_empty else prompt


def _paint(size: tuple[int, int], object_id: int, prompt: Prompt) -> ObjectMask:
    height, width = size
    rows, columns = np.ogrid[:height, :width]
    pixels = np.zeros((height, width), bool)
    if prompt.mask is not None:
        pixels |= prompt.mask.to_array()
    for box in prompt.boxes:
        pixels |= (columns >= box.left) & (columns < box.right) & (rows >= box.top) & (rows < box.bottom)
    sizes = [_discs(pixels, prompt, size) for size in CANDIDATE_SIZES]
    pixels = sizes[prompt.choice or 0]
    if prompt.crop is not None:
        crop = prompt.crop
        inside = (columns >= crop.left) & (columns < crop.right) & (rows >= crop.top) & (rows < crop.bottom)
        pixels = np.where(inside, _discs(pixels, prompt, REFINED_SIZE), pixels)
    mask, predicted_iou = Mask.from_array(pixels), CANDIDATE_IOUS[prompt.choice or 0]
    several = zip(sizes, CANDIDATE_IOUS, strict=True) if len(prompt.points) == 1 and prompt.crop is None else ()
    candidates = tuple(Candidate(Mask.from_array(each), iou, _rate(iou)) for each, iou in several)
    rating = None if replace(prompt, mask=None).is_empty else _rate(predicted_iou)
    return ObjectMask(object_id, mask, predicted_iou, object_score=4.0, candidates=candidates, rating=rating)


def _check(found: ObjectMask, before: ObjectMask | None) -> tuple[MaskWarning, ...]:
    """What can be seen of a mask without the areas of earlier ones."""
    shape, previous = _shape(found), None if before is None else _shape(before)
    return find_warnings(Evidence(shape, found.predicted_iou, found.object_score, previous=previous))


def _shape(found: ObjectMask) -> MaskShape | None:
    return measure_shape(found.mask.to_array(), found.mask.width / found.mask.height)


def _rate(predicted_iou: float) -> Rating:
    return "good" if predicted_iou >= 0.85 else "check" if predicted_iou >= 0.75 else "poor"


def _discs(pixels: np.ndarray, prompt: Prompt, size: float) -> np.ndarray:
    height, width = pixels.shape
    rows, columns = np.ogrid[:height, :width]
    radius = size * max(2.0, 0.12 * min(height, width))
    for point in prompt.points:
        disc = (columns - point.x) ** 2 + (rows - point.y) ** 2 <= radius**2
        pixels = pixels | disc if point.positive else pixels & ~disc
    return pixels
