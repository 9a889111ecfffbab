"""`LocalEngine`: all sessions of one device in this process, worked off by one thread.

One thread, because a device does one thing at a time anyway and the tracker then needs no locks. Clicks go before
looks, looks before previews, and all of them before tracking; tracking calls of several users take turns, because each
call is a few frames only.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

import torch

from sam2_core.errors import Busy, SessionGone
from sam2_core.media import Store, open_store
from sam2_core.model.network import SAM2
from sam2_core.serving.worker import Priority, Worker
from sam2_core.tracking.device import device_name, fast_precision, memory_in_use
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, SessionLimits, TrackingSession
from sam2_core.types import FrameMasks, FrameSpan, Load, Prompt, SessionInfo

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What strangers may use.

    `max_objects` and `max_prompts` (frames on which something is said, over all objects) are for one session,
    `feature_bytes` is the budget for encoded frames on the device.
    """

    max_sessions: int = 32
    max_objects: int = 64
    max_prompts: int = 1000
    max_frames_per_call: int = 256
    feature_bytes: int = 256 * 2**20


@dataclass(slots=True)
class _Opened:
    session: TrackingSession
    store: Store


class LocalEngine:
    """The `Engine` on one device. Beyond `max_sessions` the one that was longest idle is given up (`SessionGone`)."""

    def __init__(self, network: SAM2, limits: EngineLimits | None = None) -> None:
        self.network = network
        self.limits = limits or EngineLimits()
        self._segmenter = Segmenter(network, fast_precision(network.device))
        self._cache = FeatureCache(self.limits.feature_bytes)
        self._opened: OrderedDict[str, _Opened] = OrderedDict()
        self._device = device_name(network.device)
        self._worker = Worker(f"masklet-{network.device}", self._run, self._close_all)

    # --- the seam ----------------------------------------------------------------------------------------------

    def open(self, media: str) -> SessionInfo:
        """See `Engine.open`."""
        return self._worker.call(Priority.CLICK, "", lambda: self._open(media))

    def prompt(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """See `Engine.prompt`."""
        return self._ask(Priority.CLICK, session, lambda opened: opened.prompt(frame, object_id, prompt))

    def preview(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """See `Engine.preview`."""
        return self._ask(Priority.HOVER, session, lambda opened: opened.preview(frame, object_id, prompt))

    def track(
        self, session: str, frames: range, revision: int, objects: Collection[int] | None = None
    ) -> tuple[FrameMasks, ...]:
        """See `Engine.track`."""
        self._check_length(frames)
        return self._ask(Priority.TRACK, session, lambda opened: opened.track(frames, revision, objects))

    def plan(self, session: str, frames: range) -> tuple[FrameSpan, ...]:
        """See `Engine.plan`."""
        return self._ask(Priority.LOOK, session, lambda opened: opened.plan(frames))

    def stale(self, session: str, frames: range) -> tuple[FrameSpan, ...]:
        """See `Engine.stale`."""
        return self._ask(Priority.LOOK, session, lambda opened: opened.stale(frames))

    def untrack(self, session: str, frames: range, objects: Collection[int]) -> int:
        """See `Engine.untrack`."""
        return self._ask(Priority.CLICK, session, lambda opened: opened.untrack(frames, objects))

    def masks(self, session: str, frames: range) -> tuple[FrameMasks, ...]:
        """See `Engine.masks`."""
        self._check_length(frames)
        return self._ask(Priority.LOOK, session, lambda opened: opened.masks(frames))

    def forget(self, session: str, object_id: int) -> int:
        """See `Engine.forget`."""
        return self._ask(Priority.CLICK, session, lambda opened: opened.forget(object_id))

    def close(self, session: str) -> None:
        """See `Engine.close`."""
        self._worker.call(Priority.CLICK, session, lambda: self._close(session))

    def load(self, session: str = "") -> Load:
        """See `Engine.load`."""
        waiting, seconds = self._worker.wait_of(session)
        return Load(self._device, memory_in_use(self.network.device), waiting, seconds)

    def shut_down(self) -> None:
        """End the worker and free all sessions; calls that still wait fail with `SessionGone`."""
        self._worker.end()

    def _ask(self, priority: Priority, session: str, work: Callable[[TrackingSession], T]) -> T:
        return self._worker.call(priority, session, lambda: work(self._session(session)))

    # --- on the worker's thread --------------------------------------------------------------------------------

    @torch.inference_mode()
    def _run(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            self._cache.drop(lambda key: True)
            raise Busy("The device has no memory left. Wait a moment and try again.") from None

    def _close_all(self) -> None:
        for session in list(self._opened):
            self._close(session)

    def _open(self, media: str) -> SessionInfo:
        store = open_store(media)
        about = store.info
        while len(self._opened) >= self.limits.max_sessions:
            self._close(next(iter(self._opened)))
        session_id = secrets.token_hex(12)
        size = ClipSize(about.frames, about.height, about.width, about.sizes)
        bounds = SessionLimits(self.limits.max_objects, self.limits.max_prompts)
        session = TrackingSession(session_id, self._segmenter, store, size, self._cache, bounds)
        self._opened[session_id] = _Opened(session, store)
        return SessionInfo(session_id, about.frames, about.height, about.width, about.fps)

    def _session(self, session: str) -> TrackingSession:
        if session not in self._opened:
            raise SessionGone("This session has expired; what you said can be replayed.")
        self._opened.move_to_end(session)
        return self._opened[session].session

    def _close(self, session: str) -> None:
        opened = self._opened.pop(session, None)
        if opened is not None:
            opened.store.close()
            self._cache.drop(lambda key: isinstance(key, tuple) and key[0] == session)

    def _check_length(self, frames: range) -> None:
        if len(frames) > self.limits.max_frames_per_call:
            raise ValueError(f"Ask for at most {self.limits.max_frames_per_call} frames at a time, not {len(frames)}.")


def _is_out_of_memory(error: Exception) -> bool:
    """CUDA says it with a type of its own, the CPU and MPS only with words."""
    words = ("out of memory", "can't allocate memory")
    return isinstance(error, RuntimeError) and (
        isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)
    )
