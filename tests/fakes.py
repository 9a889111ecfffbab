"""A complete engine without a network: it paints a disc around each point, so that everything above the seam can be
tested without torch. The candidates of a single click are discs of three sizes; within a crop discs are larger."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import numpy as np

from sam2_core.errors import BadPrompt, SessionChanged, SessionGone
from sam2_core.media import MediaInfo, open_store
from sam2_core.types import Candidate, FrameMasks, Load, Mask, ObjectMask, Prompt, SessionInfo

CANDIDATE_SIZES, CANDIDATE_QUALITIES = (1.0, 0.6, 1.8), (0.9, 0.8, 0.7)
REFINED_SIZE = 1.4


@dataclass
class _FakeSession:
    info: SessionInfo
    media: MediaInfo
    revision: int = 0
    said: dict[int, dict[int, Prompt]] = field(default_factory=dict)  # object -> frame -> prompt
    masks: dict[int, dict[int, ObjectMask]] = field(default_factory=dict)  # object -> frame -> mask
    tracked: set[int] = field(default_factory=set)


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
        said, masks = state.said.setdefault(object_id, {}), state.masks.setdefault(object_id, {})
        if prompt.is_empty:
            if said.pop(frame, None) is not None and not said:
                masks.clear()  # nobody says any more what the object is
            masks.pop(frame, None)
            if said and frame in state.tracked:
                masks[frame] = _paint(state.media.size_of(frame), object_id, _nearest(said, frame))
            return FrameMasks(frame, state.revision, (masks[frame],) if frame in masks else ())
        if replace(prompt, crop=None).is_empty and frame not in masks:
            raise BadPrompt("Click on a thing first.")
        masks[frame] = _paint(state.media.size_of(frame), object_id, _meant(said, frame, prompt))
        said[frame] = prompt
        return FrameMasks(frame, state.revision, (masks[frame],))

    def preview(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        self.calls.append("preview")
        state = self._session(session)
        if not 0 <= frame < state.info.frames:
            raise BadPrompt(f"Frame {frame} does not exist.")
        found = (
            () if prompt.is_empty else (replace(_paint(state.media.size_of(frame), object_id, prompt), candidates=()),)
        )
        return FrameMasks(frame, state.revision, found)

    def track(self, session: str, frames: range, revision: int) -> tuple[FrameMasks, ...]:
        self.calls.append("track")
        state = self._session(session)
        if state.media.kind == "album":
            raise BadPrompt("Photos do not follow one another.")
        if revision != state.revision:
            raise SessionChanged("Something was said in between.")
        if not any(state.said.values()):
            raise BadPrompt("Click on a thing first.")
        for object_id, said in state.said.items():
            for frame in frames:
                if said and frame not in said:
                    state.masks[object_id][frame] = _paint(state.media.size_of(frame), object_id, _nearest(said, frame))
                    state.tracked.add(frame)
        return self._masks(state, frames)

    def masks(self, session: str, frames: range) -> tuple[FrameMasks, ...]:
        self.calls.append("masks")
        return self._masks(self._session(session), frames)

    def forget(self, session: str, object_id: int) -> int:
        self.calls.append("forget")
        state = self._session(session)
        state.revision += 1
        state.said.pop(object_id, None)
        state.masks.pop(object_id, None)
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

    @staticmethod
    def _masks(state: _FakeSession, frames: range) -> tuple[FrameMasks, ...]:
        return tuple(
            FrameMasks(frame, state.revision, tuple(m[frame] for _, m in sorted(state.masks.items()) if frame in m))
            for frame in frames
        )


def _nearest(said: dict[int, Prompt], frame: int) -> Prompt:
    return said[min(said, key=lambda other: abs(other - frame))]


def _meant(said: dict[int, Prompt], frame: int, prompt: Prompt) -> Prompt:
    """A crop alone refines what was tracked from elsewhere."""
    return replace(_nearest(said, frame), crop=prompt.crop) if replace(prompt, crop=None).is_empty else prompt


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
    mask, quality = Mask.from_array(pixels), CANDIDATE_QUALITIES[prompt.choice or 0]
    several = zip(sizes, CANDIDATE_QUALITIES, strict=True) if len(prompt.points) == 1 and prompt.crop is None else ()
    candidates = tuple(Candidate(Mask.from_array(each), quality) for each, quality in several)
    return ObjectMask(object_id, mask, quality=quality, presence=4.0, candidates=candidates)


def _discs(pixels: np.ndarray, prompt: Prompt, size: float) -> np.ndarray:
    height, width = pixels.shape
    rows, columns = np.ogrid[:height, :width]
    radius = size * max(2.0, 0.12 * min(height, width))
    for point in prompt.points:
        disc = (columns - point.x) ** 2 + (rows - point.y) ** 2 <= radius**2
        pixels = pixels | disc if point.positive else pixels & ~disc
    return pixels
