"""`LocalEngine`: all sessions of one device in this process, worked off by one thread.

One thread, because a device does one thing at a time anyway and the tracker then needs no locks. Clicks go before
looks, looks before previews, and all of them before tracking; tracking calls of several users take turns, because each
call is a few frames only.
"""

from __future__ import annotations

import itertools
import queue
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

import torch

from sam2_core.errors import Busy, SessionGone
from sam2_core.media import Store, open_store
from sam2_core.model.network import SAM2
from sam2_core.tracking.device import fast_precision
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, SessionLimits, TrackingSession
from sam2_core.types import FrameMasks, Prompt, SessionInfo, Stretch

T = TypeVar("T")


class Priority(IntEnum):
    """Lower goes first."""

    STOP = 0
    CLICK = 1
    LOOK = 2
    HOVER = 3
    TRACK = 4


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


@dataclass(order=True, slots=True)
class _Job:
    priority: Priority
    number: int
    run: Callable[[], Any] = field(compare=False)
    done: Future[Any] = field(compare=False)


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
        self._jobs: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._closed = False
        self._gate = threading.Lock()
        name = f"masklet-{network.device}"
        self._worker = threading.Thread(target=self._work, name=name, daemon=True)
        self._worker.start()

    # --- the seam ----------------------------------------------------------------------------------------------

    def open(self, media: str) -> SessionInfo:
        """See `Engine.open`."""
        return self._call(Priority.CLICK, lambda: self._open(media))

    def prompt(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """See `Engine.prompt`."""
        return self._call(Priority.CLICK, lambda: self._session(session).prompt(frame, object_id, prompt))

    def preview(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """See `Engine.preview`."""
        return self._call(Priority.HOVER, lambda: self._session(session).preview(frame, object_id, prompt))

    def track(
        self, session: str, frames: range, revision: int, objects: Collection[int] | None = None
    ) -> tuple[FrameMasks, ...]:
        """See `Engine.track`."""
        self._check_length(frames)
        return self._call(Priority.TRACK, lambda: self._session(session).track(frames, revision, objects))

    def plan(self, session: str, frames: range) -> tuple[Stretch, ...]:
        """See `Engine.plan`."""
        return self._call(Priority.LOOK, lambda: self._session(session).plan(frames))

    def stale(self, session: str, frames: range) -> tuple[Stretch, ...]:
        """See `Engine.stale`."""
        return self._call(Priority.LOOK, lambda: self._session(session).stale(frames))

    def untrack(self, session: str, frames: range, objects: Collection[int]) -> int:
        """See `Engine.untrack`."""
        return self._call(Priority.CLICK, lambda: self._session(session).untrack(frames, objects))

    def masks(self, session: str, frames: range) -> tuple[FrameMasks, ...]:
        """See `Engine.masks`."""
        self._check_length(frames)
        return self._call(Priority.LOOK, lambda: self._session(session).masks(frames))

    def forget(self, session: str, object_id: int) -> int:
        """See `Engine.forget`."""
        return self._call(Priority.CLICK, lambda: self._session(session).forget(object_id))

    def close(self, session: str) -> None:
        """See `Engine.close`."""
        self._call(Priority.CLICK, lambda: self._close(session))

    def shut_down(self) -> None:
        """End the worker and free all sessions; calls that still wait fail with `SessionGone`."""
        with self._gate:
            was_closed, self._closed = self._closed, True
        if not was_closed:
            self._submit(Priority.STOP, lambda: None)
            self._worker.join()

    # --- on the worker's thread --------------------------------------------------------------------------------

    def _work(self) -> None:
        while (job := self._jobs.get()).priority != Priority.STOP:
            self._run(job)
        for session in list(self._opened):
            self._close(session)
        while not self._jobs.empty():
            self._jobs.get().done.set_exception(SessionGone("The server is shutting down."))

    def _run(self, job: _Job) -> None:
        try:
            with torch.inference_mode():
                job.done.set_result(job.run())
        except Exception as error:  # the caller gets whatever it is; the worker goes on
            if _is_out_of_memory(error):
                self._cache.drop(lambda key: True)
                error = Busy("The device has no memory left. Wait a moment and try again.")
            job.done.set_exception(error)

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

    # --- between the threads -----------------------------------------------------------------------------------

    def _call(self, priority: Priority, run: Callable[[], T]) -> T:
        with self._gate:  # nobody may join the queue after the worker has left
            if self._closed:
                raise SessionGone("The server is shutting down.")
            done = self._submit(priority, run)
        return done.result()

    def _submit(self, priority: Priority, run: Callable[[], T]) -> Future[T]:
        done: Future[T] = Future()
        self._jobs.put(_Job(priority, next(self._numbers), run, done))
        return done

    def _check_length(self, frames: range) -> None:
        if len(frames) > self.limits.max_frames_per_call:
            raise ValueError(f"Ask for at most {self.limits.max_frames_per_call} frames at a time, not {len(frames)}.")


def _is_out_of_memory(error: Exception) -> bool:
    """CUDA says it with a type of its own, the CPU and MPS only with words."""
    words = ("out of memory", "can't allocate memory")
    return isinstance(error, RuntimeError) and (
        isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)
    )
