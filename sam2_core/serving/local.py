"""`LocalEngine`: all sessions of one device in this process, served by one thread.

One thread, because a device does one thing at a time anyway and the tracker then needs no locks. Clicks go before
reads, reads before previews, and all of them before tracking; the tracking of several users is interleaved, because
each command covers a few frames only. Even within one, between two blocks of the network, it gives way to what is more
urgent, but for what its own session needs of it.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from sam2_core.errors import Busy, SessionGone
from sam2_core.media import Store, open_store
from sam2_core.model.derived import without_autocast
from sam2_core.model.image_encoder import ImageEncoder
from sam2_core.model.network import SAM2
from sam2_core.model.sam import Network
from sam2_core.serving.commands import Command, Priority
from sam2_core.serving.engine import QueueStatus
from sam2_core.serving.speed_meter import SpeedMeter
from sam2_core.serving.worker import Worker
from sam2_core.tracking.device import (
    bytes_held,
    device_name,
    fast_precision,
    is_out_of_memory,
    memory_in_use,
    release_unused,
)
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.live_session import LiveSession
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, SessionLimits, TrackingSession
from sam2_core.types import LiveMedium, SessionInfo

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What users may take.

    `max_objects`, `max_prompts` (prompted frames, over all objects) and `max_frames_per_call` are for one session.
    `feature_bytes` is the budget for encoded frames on the device, `memory_bytes` that for the tensors of all sessions'
    objects there, and for those that had to move to the computer's memory. A command whose network stands still for
    `max_step_seconds` is given up together with its thread (None: it is waited for); see `RestartingEngine`.
    """

    max_sessions: int = 32
    max_objects: int = 64
    max_prompts: int = 1000
    max_frames_per_call: int = 256
    feature_bytes: int = 256 * 2**20
    memory_bytes: int = 4 * 2**30
    max_step_seconds: float | None = None


@dataclass(slots=True)
class _Opened:
    session: TrackingSession
    store: Store | None
    """Of a live medium there is none."""
    is_moved: bool = False
    """Whether its memory has made room on the device and lies in that of the computer."""
    bytes: int = 0
    """What its memory took after its last command."""


class LocalEngine:
    """The `Engine` on one device. Beyond `max_sessions` the one that was idle the longest is closed (`SessionGone`)."""

    def __init__(
        self, network: Network, limits: EngineLimits | None = None, on_lost: Callable[[], None] = lambda: None
    ) -> None:
        """`on_lost` is called in some thread where the worker hangs or dies, after which this engine is of no use."""
        self.network = network
        self.limits = limits or EngineLimits()
        self._precision = fast_precision(network.device)
        self._segmenter = Segmenter(network, self._begin_step)
        self._given_seconds, self._given_encoded = 0.0, 0  # what ran within commands that gave way
        self._cache = FeatureCache(self.limits.feature_bytes)
        self._opened: OrderedDict[str, _Opened] = OrderedDict()
        self._meter = SpeedMeter()
        self._evictions = 0
        self._device = device_name(network.device)
        self._has_own_memory = network.device.type != "cpu"
        # While a GPU computes; a CPU has enough to do.
        self._reading = ThreadPoolExecutor(1, "masklet-frames") if self._has_own_memory else None
        name, max_seconds = f"masklet-{network.device}", self.limits.max_step_seconds
        # A GPU is through its blocks before anybody could wait; a compiled network would lose them.
        blocks = [] if self._has_own_memory else _blocks(network)
        self._hooks = [block.register_forward_pre_hook(lambda *_: self._give_way()) for block in blocks]
        self._worker = Worker(name, self._run, self._close_all, max_seconds=max_seconds, on_lost=on_lost)

    # --- the seam ----------------------------------------------------------------------------------------------

    def open(self, media: str | LiveMedium) -> Future[SessionInfo]:
        """See `Engine.open`."""
        return self._worker.submit(Priority.CLICK, "", lambda: self._open(media))

    def run(self, session: str, command: Command[T]) -> Future[T]:
        """See `Engine.run`."""
        return self._worker.submit(
            command.priority, session, lambda: self._apply(session, command), frames=command.encoded_frames
        )

    def status(self, session: str = "") -> QueueStatus:
        """See `Engine.status`."""
        position, seconds = self._worker.queue_position(session)
        return QueueStatus(
            self._device,
            memory_in_use(self.network.device),
            position,
            seconds,
            self._meter.speed,
            evictions=self._evictions,
            waiting=self._worker.waiting,
            device_bytes=bytes_held(self.network.device),
            session_bytes=sum(opened.bytes for opened in tuple(self._opened.values())),
        )

    def close(self, session: str) -> Future[None]:
        """See `Engine.close`."""
        return self._worker.submit(Priority.CLICK, session, lambda: self._close(session))

    def shut_down(self) -> None:
        """See `Engine.shut_down`."""
        self._worker.end()

    # --- on the worker's thread --------------------------------------------------------------------------------

    @torch.inference_mode()
    def _run(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        self._make_room()
        raise Busy("The device has no memory left. Wait a moment and try again, or select fewer objects.")

    def _begin_step(self) -> AbstractContextManager[object]:
        """The context of each step of the network."""
        self._worker.beat()
        self._give_way()
        return self._precision()

    def _apply(self, session: str, command: Command[T]) -> T:
        encoded, start = self._own_encoded, self._own_seconds
        result = self._apply_frugally(session, command)
        self._meter.add(command, result, self._own_seconds - start, self._own_encoded - encoded)
        if session in self._opened:
            self._opened[session].bytes = self._opened[session].session.memory_bytes
            self._keep_within_budget()
        return result

    def _apply_frugally(self, session: str, command: Command[T]) -> T:
        """Where the device is full, once more with all of it for this session, and one object at a time."""
        try:
            return command.apply(self._session(session))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        # Here rather than within `except`, where the error still holds what the failed step has allocated.
        self._make_room()
        if not command.is_repeatable:
            raise Busy("The device had no memory left, and has made room. Try it again.")
        usual, self._segmenter.max_batch = self._segmenter.max_batch, 1
        try:
            return command.apply(self._session(session))
        finally:
            self._segmenter.max_batch = usual

    def _make_room(self) -> None:
        """Drop all features, and where the device has a memory of its own move that of all sessions to the computer's,
        but for those of which a command is under way."""
        self._cache.drop(lambda key: True)
        under_way = self._worker.under_way
        for opened in self._opened.values() if self._has_own_memory else ():
            if opened.session.id not in under_way and not opened.is_moved:
                self._move_away(opened)
        release_unused(self.network.device)

    def _keep_within_budget(self) -> None:
        """Move the memory of the longest idle sessions to the computer's, and end those for which there is no room
        either: their edit logs bring them back."""
        for is_moved in (False, True) if self._has_own_memory else (False,):
            there = [opened for opened in self._opened.values() if opened.is_moved == is_moved and opened.bytes]
            excess = sum(opened.bytes for opened in there) - self.limits.memory_bytes
            for opened in there:  # the longest idle one first
                if excess <= 0:
                    break
                if opened.session.id in self._worker.under_way:
                    continue
                excess -= opened.bytes
                if self._has_own_memory and not is_moved:
                    self._move_away(opened)
                else:
                    self._close(opened.session.id)
                    self._evictions += 1

    def _move_away(self, opened: _Opened) -> None:
        opened.session.move_memory(torch.device("cpu"))
        opened.is_moved = True

    @property
    def _own_seconds(self) -> float:
        """A clock that stands still while the command under way gives way."""
        return time.perf_counter() - self._given_seconds

    @property
    def _own_encoded(self) -> int:
        """Images encoded so far, but for those while the command under way gave way."""
        return self._cache.computed - self._given_encoded

    def _close_all(self) -> None:
        for hook in self._hooks:
            hook.remove()
        for session in list(self._opened):
            self._close(session)
        if self._reading is not None:
            self._reading.shutdown(cancel_futures=True)

    def _open(self, media: str | LiveMedium) -> SessionInfo:
        session_id = secrets.token_hex(12)
        bounds = SessionLimits(self.limits.max_objects, self.limits.max_prompts, self.limits.max_frames_per_call)
        if isinstance(media, LiveMedium):
            live = LiveSession(session_id, self._segmenter, media, self._cache, bounds)
            self._keep(_Opened(live, None))
            return SessionInfo(session_id, 0, media.height, media.width, 0.0)
        store = open_store(media)
        about = store.info
        size = ClipSize(about.frames, about.height, about.width, about.sizes)
        session = TrackingSession(session_id, self._segmenter, store, size, self._cache, bounds, self._reading)
        self._keep(_Opened(session, store))
        return SessionInfo(session_id, about.frames, about.height, about.width, about.fps)

    def _give_way(self) -> None:
        """Run what is more urgent than the command under way; raises `SessionGone` where that closed its session."""
        encoded, start = self._own_encoded, self._own_seconds
        with without_autocast(self.network.device.type):  # as outside of the network
            session = self._worker.give_way()
        self._given_seconds += self._own_seconds - start
        self._given_encoded += self._own_encoded - encoded
        if session and session not in self._opened:
            raise SessionGone()

    def _keep(self, opened: _Opened) -> None:
        """Make room for a session and add it."""
        while len(self._opened) >= self.limits.max_sessions:
            self._close(next(iter(self._opened)))
            self._evictions += 1
        self._opened[opened.session.id] = opened

    def _session(self, session: str) -> TrackingSession:
        if session not in self._opened:
            raise SessionGone()
        self._opened.move_to_end(session)
        opened = self._opened[session]
        if opened.is_moved:
            opened.session.move_memory(self.network.device)
            opened.is_moved = False
        return opened.session

    def _close(self, session: str) -> None:
        opened = self._opened.pop(session, None)
        if opened is not None:
            if opened.store is not None:
                opened.store.close()
            self._cache.drop(lambda key: isinstance(key, tuple) and key[0] == session)


def _blocks(network: Network) -> list[nn.Module]:
    """The blocks of a network that take the time: those of the encoder's transformer, and of memory attention."""
    encoder = network.image_encoder
    blocks = list(encoder.trunk.blocks if isinstance(encoder, ImageEncoder) else encoder.blocks)
    return [*blocks, *network.memory_attention.layers] if isinstance(network, SAM2) else blocks
