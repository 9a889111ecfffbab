"""A complete engine without a network: it paints a disc around each point, so that everything above the seam can be
tested without torch. The candidates of a single click are discs of three sizes; within a crop discs are larger."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np

from sam2_core.errors import BadPrompt, SessionChanged, SessionGone
from sam2_core.media import MediaInfo, open_store
from sam2_core.tracking.findings import Findings, Word, stale_spans, unsettled_spans
from sam2_core.types import Candidate, FrameMasks, FrameSpan, Load, Mask, ObjectMask, Prompt, SessionInfo

CANDIDATE_SIZES, CANDIDATE_IOUS = (1.0, 0.6, 1.8), (0.9, 0.8, 0.7)
REFINED_SIZE = 1.4


@dataclass
class _FakeSession:
    info: SessionInfo
    media: MediaInfo
    revision: int = 0
    objects: dict[int, Findings] = field(default_factory=dict)

    @property
    def said(self) -> dict[int, dict[int, Prompt]]:
        """Object -> frame -> prompt."""
        return {number: {at: word.prompt for at, word in known.words.items()} for number, known in self.objects.items()}


class FakeEngine:
    """`Engine` over discs and boxes; deterministic, instant."""

    def __init__(self) -> None:
        self.sessions: dict[str, _FakeSession] = {}
        self.calls: list[str] = []
        self._ids = itertools.count()

    def open(self, media: str) -> SessionInfo:
        self.calls.append("open")
        with open_store(media) as store:
            about = store.info
        info = SessionInfo(f"fake-{next(self._ids)}", about.frames, about.height, about.width, about.fps)
        self.sessions[info.id] = _FakeSession(info, about)
        return info

    def prompt(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        self.calls.append("prompt")
        state = self._session(session)
        if not 0 <= frame < state.info.frames:
            raise BadPrompt(f"Frame {frame} does not exist.")
        state.revision += 1
        found = state.objects.setdefault(object_id, Findings())
        if prompt.is_empty:
            found.words.pop(frame, None)
            if not found.words:
                del state.objects[object_id]  # nobody says any more what the object is
                return FrameMasks(frame, state.revision, ())
            left = found.mask_on(frame, object_id)
            return FrameMasks(frame, state.revision, () if left is None else (left,))
        if replace(prompt, crop=None).is_empty and found.mask_on(frame, object_id) is None:
            raise BadPrompt("Click on a thing first.")
        answer = _paint(state.media.size_of(frame), object_id, _meant(found, frame, prompt))
        found.words[frame] = Word(frame, prompt, answer)
        return FrameMasks(frame, state.revision, (answer,))

    def preview(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        self.calls.append("preview")
        state = self._session(session)
        if not 0 <= frame < state.info.frames:
            raise BadPrompt(f"Frame {frame} does not exist.")
        found = (
            () if prompt.is_empty else (replace(_paint(state.media.size_of(frame), object_id, prompt), candidates=()),)
        )
        return FrameMasks(frame, state.revision, found)

    def track(
        self, session: str, frames: range, revision: int, objects: Collection[int] | None = None
    ) -> tuple[FrameMasks, ...]:
        self.calls.append("track")
        state = self._session(session)
        if state.media.kind == "album":
            raise BadPrompt("Photos do not follow one another.")
        if revision != state.revision:
            raise SessionChanged("Something was said in between.")
        self._need_words(state)
        return tuple(self._track_frame(state, frame, frames.step < 0, objects) for frame in frames)

    def plan(self, session: str, frames: range) -> tuple[FrameSpan, ...]:
        state = self._session(session)
        self._need_words(state)
        return unsettled_spans(state.objects, frames)

    def stale(self, session: str, frames: range) -> tuple[FrameSpan, ...]:
        return stale_spans(self._session(session).objects, frames)

    def untrack(self, session: str, frames: range, objects: Collection[int]) -> int:
        self.calls.append("untrack")
        state = self._session(session)
        for object_id in set(objects) & state.objects.keys():
            for frame in frames:
                state.revision += state.objects[object_id].take_back(frame)
        return state.revision

    def masks(self, session: str, frames: range) -> tuple[FrameMasks, ...]:
        self.calls.append("masks")
        return self._masks(self._session(session), frames)

    def forget(self, session: str, object_id: int) -> int:
        self.calls.append("forget")
        state = self._session(session)
        state.revision += state.objects.pop(object_id, None) is not None
        return state.revision

    def load(self, session: str = "") -> Load:
        return Load("no device", None, 0, 0.0)

    def close(self, session: str) -> None:
        self.calls.append("close")
        self.sessions.pop(session, None)

    def shut_down(self) -> None:
        self.calls.append("shut_down")
        self.sessions.clear()

    def _session(self, session: str) -> _FakeSession:
        if session not in self.sessions:
            raise SessionGone("This session has expired.")
        return self.sessions[session]

    def _track_frame(
        self, state: _FakeSession, frame: int, reverse: bool, objects: Collection[int] | None
    ) -> FrameMasks:
        fresh = []
        for object_id, found in state.objects.items():
            is_wanted = objects is None or object_id in objects
            if is_wanted and frame not in found.words and not found.is_settled(frame):
                mask = self.find(state.media.size_of(frame), frame, object_id, _nearest(found, frame))
                found.put(frame, mask, reverse)
                fresh.append(object_id)
        (now,) = self._masks(state, range(frame, frame + 1))
        return replace(now, objects=tuple(replace(each, fresh=each.object_id in fresh) for each in now.objects))

    def find(self, size: tuple[int, int], frame: int, object_id: int, nearest: Prompt) -> ObjectMask:
        """What tracking finds: what the nearest prompt says."""
        return _paint(size, object_id, nearest)

    @staticmethod
    def _need_words(state: _FakeSession) -> None:
        if state.media.kind == "album":
            raise BadPrompt("Photos do not follow one another.")
        if not state.objects:
            raise BadPrompt("Click on a thing first.")

    @staticmethod
    def _masks(state: _FakeSession, frames: range) -> tuple[FrameMasks, ...]:
        known = [
            [found.mask_on(frame, object_id) for object_id, found in sorted(state.objects.items())] for frame in frames
        ]
        return tuple(
            FrameMasks(frame, state.revision, tuple(mask for mask in here if mask is not None))
            for frame, here in zip(frames, known, strict=True)
        )


def _nearest(found: Findings, frame: int) -> Prompt:
    return found.words[min(found.words, key=lambda other: abs(other - frame))].prompt


def _meant(found: Findings, frame: int, prompt: Prompt) -> Prompt:
    """A crop alone refines what was tracked from elsewhere."""
    return replace(_nearest(found, frame), crop=prompt.crop) if replace(prompt, crop=None).is_empty else prompt


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
    candidates = tuple(Candidate(Mask.from_array(each), predicted_iou) for each, predicted_iou in several)
    return ObjectMask(object_id, mask, predicted_iou=predicted_iou, object_score=4.0, candidates=candidates)


def _discs(pixels: np.ndarray, prompt: Prompt, size: float) -> np.ndarray:
    height, width = pixels.shape
    rows, columns = np.ogrid[:height, :width]
    radius = size * max(2.0, 0.12 * min(height, width))
    for point in prompt.points:
        disc = (columns - point.x) ** 2 + (rows - point.y) ** 2 <= radius**2
        pixels = pixels | disc if point.positive else pixels & ~disc
    return pixels
