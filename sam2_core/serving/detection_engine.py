"""Detectors beside the engine of a network: loaded when they are first asked for, and run by one thread."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

from sam2_core.detection.detector import Detection, Detector
from sam2_core.detection.finding import find_objects
from sam2_core.detection.known import DEFAULT_DETECTOR
from sam2_core.errors import Busy, Cancelled
from sam2_core.media import open_store
from sam2_core.media.decoders import IN_PROCESS, Decoders
from sam2_core.media.source_frames import read_full_frame
from sam2_core.serving.commands import Priority
from sam2_core.serving.worker import Worker
from sam2_core.types import Progress

LoadDetector: TypeAlias = Callable[[str, Progress], Detector]
"""Loads a detector by name. Raises `ConfigError` where the library is missing, and `WeightsError`."""

MAX_IDLE_SECONDS = 600.0
"""A detector that was not used for this long is freed."""


@dataclass(frozen=True, slots=True)
class Detect:
    """Find what phrases name on a frame of an ingested medium; plain data, as commands are.

    `media` is the folder that `media.ingest` made. Thresholds of None are those that suit the detector. Of overlapping
    boxes, of whichever phrases, the best is in the result, whose coordinates are pixels of the frame.
    """

    media: str
    frame: int
    phrases: tuple[str, ...]
    detector: str = DEFAULT_DETECTOR
    box_threshold: float | None = None
    text_threshold: float | None = None


def detect_in(detector: Detector, command: Detect, decoders: Decoders = IN_PROCESS) -> tuple[Detection, ...]:
    """Run a command with a loaded detector; `decoders` read the uploaded file. Raises `BadPrompt` and `MediaError`."""
    with open_store(command.media, decoders) as store:
        image = read_full_frame(store, command.frame)
    return find_objects(detector, image, command.phrases, command.box_threshold, command.text_threshold)


class DetectionFuture(Future[tuple[Detection, ...]]):
    """The result of a `Detect`. `cancel` also ends a download or loading that is under way for it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_wanted = True

    def cancel(self) -> bool:
        """See `Future.cancel`; where it is too late for that, the result is `Cancelled` as soon as possible."""
        self.is_wanted = False
        return super().cancel()


class DetectionEngine:
    """Runs `Detect` on one device. Any thread may call; nothing blocks but `shut_down`.

    At most `max_detectors` are in memory; the one that was not used for the longest makes room for another. A call that
    stands still for `max_call_seconds` fails with `Busy` (None: it is waited for), and another thread takes over.
    `decoders` read the uploaded files.
    """

    def __init__(
        self,
        load: LoadDetector,
        max_detectors: int = 1,
        clock: Callable[[], float] = time.monotonic,
        max_call_seconds: float | None = None,
        decoders: Decoders = IN_PROCESS,
    ) -> None:
        self._load, self._max_detectors, self._clock = load, max_detectors, clock
        self._loading: tuple[float | None, str] | None = None
        self._current: DetectionFuture | None = None
        self._closed = False
        self._max_call_seconds, self._decoders = max_call_seconds, decoders
        self._worker = self._start_worker()

    def run(self, command: Detect) -> DetectionFuture:
        """What is found, the best first, when its turn comes; the detector is loaded, and downloaded, if need be.

        The future raises `ConfigError` where the library is missing, `WeightsError` where the weights are, `BadPrompt`,
        `MediaError`, `Busy` where the memory of the device does not suffice, and `SessionGone` after the end. One that
        is cancelled before its turn is not run.
        """
        future = DetectionFuture()
        self._worker.submit(Priority.CLICK, command.media, lambda: self._detect(command, future), future)
        return future

    @property
    def loading(self) -> tuple[float | None, str] | None:
        """How far the loading of a detector is, and what is done; None where none is loaded."""
        return self._loading

    def position(self, media: str) -> int:
        """How many sessions come before the next call about this medium; 0 where none waits."""
        return self._worker.queue_position(media)[0]

    def is_loaded(self, name: str) -> bool:
        """Whether a detector is in memory."""
        return name in self._loaded

    def free_idle(self, max_idle_seconds: float = MAX_IDLE_SECONDS) -> None:
        """Free the detectors that were not used for so long. Call it from time to time."""
        if any(self._clock() - used > max_idle_seconds for used in tuple(self._used_at.values())):
            self._worker.submit(Priority.CLICK, "", lambda: self._free_idle(max_idle_seconds))

    def shut_down(self) -> None:
        """Free the detectors and end the thread; a download that is under way is cancelled."""
        self._closed = True
        self._worker.end()

    def _start_worker(self) -> Worker:
        """A thread with no detector in memory: one that hangs may still use what it has loaded."""
        self._loaded: OrderedDict[str, Detector] = OrderedDict()
        self._used_at: dict[str, float] = {}
        clear, seconds = self._loaded.clear, self._max_call_seconds
        return Worker("masklet-detection", lambda work: work(), clear, max_seconds=seconds, on_lost=self._replace)

    def _replace(self) -> None:
        self._worker = self._start_worker()

    def _free_idle(self, max_idle_seconds: float) -> None:
        now = self._clock()  # a call that waited before this one may have used it
        for name in [name for name, used in self._used_at.items() if now - used > max_idle_seconds]:
            self._free(name)

    def _free(self, name: str) -> None:
        self._loaded.pop(name, None)
        self._used_at.pop(name, None)

    def _detect(self, command: Detect, future: DetectionFuture) -> tuple[Detection, ...]:
        self._current = future
        try:
            detector = self._detector(command.detector)
            self._check_wanted()
            return detect_in(detector, command, self._decoders)
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            if "out of memory" not in str(error).lower():
                raise
            for name in tuple(self._loaded):
                self._free(name)
            raise Busy(
                "The detector does not fit into this device's memory now. Try a smaller one, or later."
            ) from error
        finally:
            self._current = None
            if command.detector in self._loaded:
                self._used_at[command.detector] = self._clock()

    def _detector(self, name: str) -> Detector:
        if name not in self._loaded:
            while len(self._loaded) >= self._max_detectors:
                self._free(next(iter(self._loaded)))  # before the other one is loaded: memory may not suffice for both
            try:
                self._loaded[name] = self._load(name, self._report)
            finally:
                self._loading = None
        self._loaded.move_to_end(name)
        return self._loaded[name]

    def _report(self, fraction: float | None, message: str) -> None:
        self._check_wanted()
        self._worker.beat()
        self._loading = (fraction, message)

    def _check_wanted(self) -> None:
        if self._closed:
            raise Cancelled("The server is shutting down.")
        if self._current is not None and not self._current.is_wanted:
            raise Cancelled("Looking for what the text names was canceled.")
