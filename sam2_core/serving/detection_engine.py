"""Detectors beside the engine of a network: loaded when they are first asked for, and run by one thread."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

from sam2_core.detection.detector import Detection, Detector
from sam2_core.detection.finding import find_objects
from sam2_core.detection.known import DEFAULT_DETECTOR
from sam2_core.errors import Cancelled
from sam2_core.media import open_store
from sam2_core.media.source_frames import read_full_frame
from sam2_core.serving.commands import Priority
from sam2_core.serving.worker import Worker
from sam2_core.types import Progress

LoadDetector: TypeAlias = Callable[[str, Progress], Detector]
"""Loads a detector by name. Raises `ConfigError` where the library is missing, and `WeightsError`."""


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


class DetectionEngine:
    """Runs `Detect` on one device. Any thread may call; nothing blocks but `shut_down`.

    At most `max_detectors` are in memory; the one that was not used for the longest makes room for another.
    """

    def __init__(self, load: LoadDetector, max_detectors: int = 1) -> None:
        self._load, self._max_detectors = load, max_detectors
        self._loaded: OrderedDict[str, Detector] = OrderedDict()
        self._loading: tuple[float | None, str] | None = None
        self._closed = False
        self._worker = Worker("masklet-detection", lambda work: work(), self._loaded.clear)

    def run(self, command: Detect) -> Future[tuple[Detection, ...]]:
        """What is found, the best first, when its turn comes; the detector is loaded, and downloaded, if need be.

        The future raises `ConfigError` where the library is missing, `WeightsError` where the weights are, `BadPrompt`,
        `MediaError`, and `SessionGone` after the end. One that is cancelled before its turn is not run.
        """
        return self._worker.submit(Priority.CLICK, command.media, lambda: self._detect(command))

    @property
    def loading(self) -> tuple[float | None, str] | None:
        """How far the loading of a detector is, and what is done; None where none is loaded."""
        return self._loading

    def shut_down(self) -> None:
        """Free the detectors and end the thread; a download that is under way is cancelled."""
        self._closed = True
        self._worker.end()

    def _detect(self, command: Detect) -> tuple[Detection, ...]:
        detector = self._detector(command.detector)
        with open_store(command.media) as store:
            image = read_full_frame(store, command.frame)
        return find_objects(detector, image, command.phrases, command.box_threshold, command.text_threshold)

    def _detector(self, name: str) -> Detector:
        if name not in self._loaded:
            while len(self._loaded) >= self._max_detectors:
                self._loaded.popitem(last=False)  # before the other one is loaded: memory may not suffice for both
            try:
                self._loaded[name] = self._load(name, self._report)
            finally:
                self._loading = None
        self._loaded.move_to_end(name)
        return self._loaded[name]

    def _report(self, fraction: float | None, message: str) -> None:
        if self._closed:
            raise Cancelled("The server is shutting down.")
        self._loading = (fraction, message)
