"""A session on frames that arrive one by one, as from a camera, in constant memory.

Frames are numbered in the order of their arrival. Everything that only older frames need is dropped: pixels and image
features, memories, masks, and prompts but for the newest ones of each object.
"""

from __future__ import annotations

from typing import NoReturn

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.model.preprocess import Pixels
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.objects import TrackedObject
from sam2_core.tracking.segmenter import CANNOT_TRACK, Segmenter
from sam2_core.tracking.session import MAX_PROMPTED_IN_MEMORY, ClipSize, SessionLimits, TrackingSession
from sam2_core.types import FrameMasks, LiveMedium

MAX_FRAMES = 2**53
"""More than any camera delivers."""

FEATURES_KEPT = 2
"""Newest frames whose image features may stay in the cache."""


class RecentFrames:
    """The pixels of the newest frames: a ring buffer that keeps the numbers of its frames."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.count = 0
        self._pixels: dict[int, Pixels] = {}

    def append(self, pixels: Pixels) -> int:
        """Add a frame; returns its number."""
        number = self.count
        self._pixels[number] = pixels
        self._pixels.pop(number - self.length, None)
        self.count += 1
        return number

    def frame(self, frame: int) -> Pixels:
        """See `FrameSource`."""
        return self._pixels[frame]

    def __contains__(self, frame: int) -> bool:
        return frame in self._pixels


class LiveSession(TrackingSession):
    """Prompts on the newest frames, and tracking onto each frame as it arrives.

    `set_prompt`, `preview` and `get_masks` take the frames that memory can reach; older ones raise `BadPrompt`.
    """

    def __init__(
        self,
        session_id: str,
        segmenter: Segmenter,
        medium: LiveMedium,
        cache: FeatureCache,
        limits: SessionLimits | None = None,
    ) -> None:
        """Raises `BadPrompt` for a network that cannot track."""
        if not segmenter.can_track:
            raise BadPrompt(CANNOT_TRACK)
        self._recent = RecentFrames(0)
        size = ClipSize(MAX_FRAMES, medium.height, medium.width)
        super().__init__(session_id, segmenter, self._recent, size, cache, limits)
        self._recent.length = self.rules.slots + 1

    def add_frame(self, pixels: Pixels) -> FrameMasks:
        """See `TrackingSession.add_frame`."""
        if pixels.shape[:2] != (self.size.height, self.size.width):
            raise MediaError(
                f"This frame is {pixels.shape[1]} x {pixels.shape[0]} pixels, the first one was {self.size.width} x "
                f"{self.size.height}. Start the camera again."
            )
        for target in self.objects.values():  # while the frames that were prompted are still there
            self._propagator.encode_prompted(target)
        # The number is used up even where tracking fails: what was found under it is of this frame.
        frame = self._recent.append(pixels)
        self._forget(frame)
        return self._track_frame(frame, reverse=False, objects=None)

    def _forget(self, newest: int) -> None:
        oldest = newest - max(self.rules.slots, self.rules.max_pointers)
        for target in self.objects.values():
            _forget_before(target, oldest)
        first = newest - FEATURES_KEPT + 1
        self._cache.drop(lambda key: isinstance(key, tuple) and key[0] == self.id and key[1] < first)

    def _check_frame(self, frame: int) -> None:
        if frame not in self._recent:
            newest = f"Prompt the newest one, {self._recent.count - 1}" if self._recent.count else "There is none yet"
            raise BadPrompt(f"Frame {frame} of the camera is not here any more. {newest}.")

    def _check_trackable(self) -> NoReturn:
        raise BadPrompt("The frames of a camera are tracked as they arrive, and only then.")


def _forget_before(target: TrackedObject, oldest: int) -> None:
    """Drop tracked masks before a frame, and all prompts but the newest ones."""
    history, bank = target.history, target.bank
    for frame in [at for at in history.tracked if at < oldest]:
        del history.tracked[frame]
    for frame in sorted(history.prompted)[:-MAX_PROMPTED_IN_MEMORY]:
        del history.prompted[frame], bank.prompted[frame]
