"""`ZeroGPUEngine`: sessions of this process on GPUs that are lent for the length of a call, behind the same seam.

All that is to last stays here, in the memory of the computer: the medium, prompts and masks, and the memory bank. What
runs the network is done in a call (zero_gpu_call.py), which gets the state that it needs as bytes and answers with what
has changed; everything else is answered here. A call that fails, or whose process dies, has therefore changed nothing.

Image features are not kept here. Those of an official network are 16 MB for each frame, and such a GPU should encode it
in less time than it takes to carry them; a process that serves several calls keeps them on its GPU.

A call costs a fraction of a second by itself, so the one in which a session begins to track goes on with the frames
behind those that were asked for, until it has taken some seconds. Its results wait outside of the session, and each
`Track` that asks for the next ones takes them from there. Any change of the session meanwhile drops what the call
computes ahead.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import takewhile
from typing import Any, TypeVar, cast

import torch

from sam2_core.errors import BadPrompt, SessionGone
from sam2_core.media import open_store
from sam2_core.model.sam import Network
from sam2_core.serving.commands import Command, EncodeFrame, Preview, SetPrompt, Track
from sam2_core.serving.engine import QueueStatus
from sam2_core.serving.local import EngineLimits
from sam2_core.serving.speed_meter import SpeedMeter
from sam2_core.serving.zero_gpu_call import CallStep, GpuCall, NetworkSource, RunCall, share_network, unshare_network
from sam2_core.serving.zero_gpu_session import OpenedSession, RunningCall, in_our_words
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, SessionLimits, TrackingSession
from sam2_core.tracking.session_transfer import TransferTable, apply_changes, needed_objects
from sam2_core.types import FrameMasks, LiveMedium, SessionInfo

T = TypeVar("T")

AHEAD_SECONDS = 4.0
"""About how long a call may track: the longer, the more is lost where the visitor stops or changes something."""

MAX_AHEAD = 64
"""Frames of one call."""

_START_SECONDS = 5.0  # that a call may take beside what it computes: a new process has to read the network first
_MARGIN = 2.0  # times what it should take; a call that takes longer may be ended
_FIRST_SECONDS = 0.2  # of a frame and an object, until some have been measured
_NEWEST_WEIGHT = 0.2
_CPU = torch.device("cpu")


class ZeroGPUEngine:
    """The `Engine` over calls. Sessions do not wait for each other here: how many GPUs there are is not known to it.
    There is no live camera, whose frames would each be a call."""

    def __init__(
        self,
        network: Network,
        source: NetworkSource,
        run_call: RunCall,
        limits: EngineLimits | None = None,
        device: str = "cuda",
    ) -> None:
        """`network` is only looked at here; `run_call` is what lends a `device`."""
        self.network, self.limits = network, limits or EngineLimits()
        self._source, self._run_call, self._device = source, run_call, device
        share_network(source, network)
        self._opened: OrderedDict[str, OpenedSession] = OrderedDict()
        self._lock = threading.Lock()
        self._opening = ThreadPoolExecutor(2, "masklet-zero-open")
        self._evictions = 0
        self._meter = SpeedMeter()
        self._seconds = _FIRST_SECONDS

    # --- the seam ----------------------------------------------------------------------------------------------

    def open(self, media: str | LiveMedium) -> Future[SessionInfo]:
        """See `Engine.open`."""
        try:
            return self._opening.submit(self._open, media)
        except RuntimeError:
            return _failed(SessionGone("The server is shutting down."))

    def run(self, session: str, command: Command[T]) -> Future[T]:
        """See `Engine.run`. The context of the caller is that of the call, and tells whose quota it takes."""
        with self._lock:
            opened = self._opened.get(session)
            if opened is None:
                return _failed(SessionGone())
            self._opened.move_to_end(session)
        context = copy_context()
        return opened.worker.submit(command.priority, session, lambda: context.run(self._apply, opened, command))

    def status(self, session: str = "") -> QueueStatus:
        """See `Engine.status`."""
        with self._lock:
            opened, every = self._opened.get(session), tuple(self._opened.values())
        position, seconds = (0, 0.0) if opened is None else opened.worker.queue_position(session)
        waiting = sum(each.worker.waiting for each in every)
        return QueueStatus(
            "ZeroGPU",
            None,
            position,
            seconds,
            self._meter.speed,
            evictions=self._evictions,
            waiting=waiting,
            session_bytes=sum(each.bytes for each in every),
            is_metered=True,
        )

    def close(self, session: str) -> Future[None]:
        """See `Engine.close`."""
        with self._lock:
            opened = self._opened.pop(session, None)
        done: Future[None] = Future()
        if opened is None:
            done.set_result(None)
        else:  # a call that is under way takes its time
            threading.Thread(target=opened.end, args=(done,), name="masklet-zero-close", daemon=True).start()
        return done

    def shut_down(self) -> None:
        """See `Engine.shut_down`."""
        self._opening.shutdown(cancel_futures=True)
        with self._lock:
            sessions = tuple(self._opened)
        for closing in [self.close(session) for session in sessions]:
            closing.result()
        unshare_network(self._source)

    # --- sessions ----------------------------------------------------------------------------------------------

    def _open(self, media: str | LiveMedium) -> SessionInfo:
        if isinstance(media, LiveMedium):
            raise BadPrompt(
                "This model runs on a GPU that is lent by the call, too slowly for a camera. Choose another."
            )
        session_id, store = secrets.token_hex(12), open_store(media)
        about = store.info
        size = ClipSize(about.frames, about.height, about.width, about.sizes)
        limits = SessionLimits(self.limits.max_objects, self.limits.max_prompts, self.limits.max_frames_per_call)
        session = TrackingSession(session_id, Segmenter(self.network), store, size, FeatureCache(0), limits)
        self._keep(OpenedSession(session, store, media))
        return SessionInfo(session_id, about.frames, about.height, about.width, about.fps)

    def _keep(self, opened: OpenedSession) -> None:
        with self._lock:
            self._opened[opened.session.id] = opened
        self._make_room(opened)

    def _make_room(self, newest: OpenedSession) -> None:
        """End the longest idle sessions, but not the newest and those at work, while they are too many or their memory
        takes too much."""
        with self._lock:
            too_many = len(self._opened) - self.limits.max_sessions
            too_much = sum(each.bytes for each in self._opened.values()) - self.limits.memory_bytes
            ended = []
            for opened in self._opened.values():
                if opened is newest or opened.worker.under_way:
                    continue
                if too_many > 0 or (too_much > 0 and opened.bytes):
                    too_many, too_much = too_many - 1, too_much - opened.bytes
                    ended.append(opened.session.id)
            self._evictions += len(ended)
        for session in ended:
            self.close(session)

    # --- on the thread of a session ----------------------------------------------------------------------------

    @torch.inference_mode()
    def _apply(self, opened: OpenedSession, command: Command[T]) -> T:
        if isinstance(command, EncodeFrame):  # the features would be gone with the call
            return cast(T, None)
        if isinstance(command, Track):
            return cast(T, self._track(opened, command))
        if not command.encoded_frames:
            before = opened.session.revision
            result = command.apply(opened.session)
            if opened.session.revision != before:
                opened.drop_ahead()
            return result
        if isinstance(command, SetPrompt | Preview):  # before a call is spent on it
            opened.session.check_prompt(command.frame, command.object_id, command.prompt)
        if isinstance(command, SetPrompt):
            opened.drop_ahead()
        with_memory = (command.object_id,) if isinstance(command, SetPrompt | Preview) else ()
        start, call = time.perf_counter(), self._begin(opened, command, command.encoded_frames, with_memory)
        try:
            step = self._take(opened, call)
        finally:
            call.end()
        # With the time until there was a GPU: that is what somebody waits for.
        self._meter.add(command, step.result, time.perf_counter() - start, step.encoded)
        return cast(T, step.result)

    def _track(self, opened: OpenedSession, command: Track) -> tuple[FrameMasks, ...]:
        opened.session.check_tracking(command.frames, command.revision)
        tracked: list[FrameMasks] = []
        try:
            tracked.extend(self._tracked_frames(opened, command))  # up to the one that fails
        except Exception:
            if not tracked:
                raise
        return tuple(tracked)

    def _tracked_frames(self, opened: OpenedSession, command: Track) -> Iterator[FrameMasks]:
        for place, frame in enumerate(command.frames):
            if opened.session.objects_to_track(frame, command.objects):
                yield self._track_frame(opened, command, command.frames[place:])
            else:
                yield from opened.session.track(command.frames[place : place + 1], command.revision, command.objects)

    def _track_frame(self, opened: OpenedSession, command: Track, rest: range) -> FrameMasks:
        """The first of these frames, from the call that has computed it ahead, or from a new one."""
        wanted = Track(rest, command.revision, command.objects)
        if opened.ahead is None or not opened.ahead.goes_on_with(wanted):
            opened.drop_ahead()
            frames = self._frames_of_call(opened.session, wanted)
            opened.ahead = self._begin(
                opened, Track(frames, command.revision, command.objects), frames, command.objects
            )
        call = opened.ahead
        try:
            step = self._take(opened, call)
        except BaseException:
            opened.drop_ahead()
            raise
        if not call.frames:
            opened.drop_ahead()
        self._meter.add(wanted, step.result, step.seconds, step.encoded)
        (masks,) = step.result
        count = max(1, sum(each.fresh for each in masks.objects))
        self._seconds += _NEWEST_WEIGHT * (step.seconds / count - self._seconds)
        return cast(FrameMasks, masks)

    def _frames_of_call(self, session: TrackingSession, command: Track) -> range:
        """As many as a call may take, without a gap, from those that are asked for on."""
        first, step = command.frames[0], command.frames.step
        per_frame = self._seconds * len(session.objects_to_track(first, command.objects))
        count = min(MAX_AHEAD, max(len(command.frames), int(AHEAD_SECONDS / max(per_frame, 1e-3))))
        inside = takewhile(
            lambda frame: 0 <= frame < session.size.frames and bool(session.objects_to_track(frame, command.objects)),
            range(first, first + step * count, step),
        )
        return range(first, first + step * sum(1 for _ in inside), step)

    def _begin(
        self, opened: OpenedSession, command: Command[Any], frames: range, with_memory: Collection[int] | None
    ) -> RunningCall:
        session, table = opened.session, TransferTable(_CPU)
        objects = needed_objects(session.objects, frames, with_memory)
        count = len(session.objects if with_memory is None else with_memory)
        call = GpuCall(
            self._source,
            self._device,
            session.id,
            opened.media,
            session.limits,
            session.revision,
            table.pack(objects),
            command,
            _START_SECONDS + _MARGIN * self._seconds * len(frames) * max(1, count),
        )
        return RunningCall(command, frames, table, self._run_call(call))

    def _take(self, opened: OpenedSession, call: RunningCall) -> CallStep:
        """The next step of a call, done to the session."""
        try:
            step = call.next_step()
        except Exception as error:
            raise in_our_words(error) from error
        if step.error is not None:
            raise step.error
        session = opened.session
        apply_changes(session.objects, step.changes, session.rules)
        session.revision, opened.bytes = step.revision, session.memory_bytes
        self._make_room(opened)
        return step


def _failed(error: Exception) -> Future[Any]:
    failed: Future[Any] = Future()
    failed.set_exception(error)
    return failed
