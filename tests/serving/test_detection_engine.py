"""Detectors are loaded when they are asked for, one at a time."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.detection.detector import Detection, Detector, RgbPixels, Thresholds
from sam2_core.errors import Busy, Cancelled, MediaError, SessionGone, WeightsError
from sam2_core.media import Limits, ingest
from sam2_core.media.decoders import DecoderLimits, Decoders
from sam2_core.serving.build import build_detection_engine
from sam2_core.serving.detection_engine import Detect, DetectionEngine
from sam2_core.types import Box, Progress
from tests.detection.stand_in import StandInDetector
from tests.media.numbered import make_clip, read_number

DEADLINE = 10.0
DOG = Detection("dog", 0.8, Box(10, 20, 40, 50))


def ignore(fraction: float | None, message: str) -> None:
    pass


@pytest.fixture
def image(tmp_path: Path) -> str:
    Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(tmp_path / "a.png")
    ingest(tmp_path / "a.png", tmp_path / "store", Limits(), ignore)
    return str(tmp_path / "store")


class Loader:
    """Loads stand-ins that find a dog, once or twice."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.detectors: dict[str, StandInDetector] = {}
        self.find: Callable[[RgbPixels], list[Detection]] = lambda image: [DOG, Detection("dog", 0.5, DOG.box)]

    def __call__(self, name: str, progress: Progress) -> Detector:
        progress(0.5, f"Loading {name}")
        if name == "missing":
            raise WeightsError("There is no such detector.")
        self.loaded.append(name)
        self.detectors[name] = StandInDetector(lambda image: self.find(image))
        return self.detectors[name]


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def engine(loader: Loader) -> Iterator[DetectionEngine]:
    engine = DetectionEngine(loader)
    yield engine
    engine.shut_down()


def test_the_uploaded_file_is_read_by_a_process_with_limits(loader: Loader, image: str) -> None:
    with closing(Decoders(DecoderLimits(300, 4_000_000_000))) as decoders:
        engine = DetectionEngine(loader, decoders=decoders)
        assert engine.run(Detect(image, 0, ("dog",))).result(DEADLINE) == (DOG,)
        assert len(decoders.process_ids) == 1
        engine.shut_down()


def test_objects_are_found_once_each(engine: DetectionEngine, loader: Loader, image: str) -> None:
    command = pickle.loads(pickle.dumps(Detect(image, 0, ("dog",), "a", box_threshold=0.4)))
    assert engine.run(command).result(DEADLINE) == (DOG,)
    assert loader.detectors["a"].asked == [((64, 96, 3), ("dog",), Thresholds(0.4, 0.25))]
    assert engine.loading is None


def test_detectors_are_kept_until_another_is_needed(engine: DetectionEngine, loader: Loader, image: str) -> None:
    assert loader.loaded == []
    for name in ("a", "a", "b", "a"):
        engine.run(Detect(image, 0, ("dog",), name)).result(DEADLINE)
    assert loader.loaded == ["a", "b", "a"]


def test_frames_of_clips_are_read_by_number(engine: DetectionEngine, loader: Loader, tmp_path: Path) -> None:
    ingest(make_clip(tmp_path / "clip.mp4", frames=8), tmp_path / "store", Limits(), ignore)
    seen: list[int] = []
    loader.find = lambda image: seen.append(read_number(image)) or []  # type: ignore[func-returns-value]
    for frame in (6, 0, 3):
        engine.run(Detect(str(tmp_path / "store"), frame, ("dog",))).result(DEADLINE)
    assert seen == [6, 0, 3]
    with pytest.raises(MediaError):
        engine.run(Detect(str(tmp_path / "store"), 8, ("dog",))).result(DEADLINE)


def test_what_fails_does_not_end_it(engine: DetectionEngine, image: str) -> None:
    with pytest.raises(WeightsError):
        engine.run(Detect(image, 0, ("dog",), "missing")).result(DEADLINE)
    with pytest.raises(MediaError):
        engine.run(Detect(image + "x", 0, ("dog",))).result(DEADLINE)
    assert engine.loading is None
    assert engine.run(Detect(image, 0, ("dog",))).result(DEADLINE) == (DOG,)


def test_loading_is_told_and_ends_with_the_engine(image: str) -> None:
    started, go_on = threading.Event(), threading.Event()

    def load(name: str, progress: Progress) -> Detector:
        progress(0.25, "Downloading 1 of 4 MB")
        started.set()
        assert go_on.wait(DEADLINE)
        progress(0.5, "Downloading 2 of 4 MB")
        raise AssertionError("the download went on")

    engine = DetectionEngine(load)
    first, waiting = engine.run(Detect(image, 0, ("dog",))), engine.run(Detect(image, 0, ("cat",)))
    assert started.wait(DEADLINE)
    assert engine.loading == (0.25, "Downloading 1 of 4 MB")
    ending = threading.Thread(target=engine.shut_down)
    ending.start()
    while not engine._closed:
        pass
    go_on.set()
    with pytest.raises(Cancelled):
        first.result(DEADLINE)
    ending.join(DEADLINE)
    with pytest.raises(SessionGone):
        waiting.result(DEADLINE)


def test_the_usual_one_loads_nothing_before_it_is_asked() -> None:
    engine = build_detection_engine("cpu")
    assert engine.loading is None
    engine.shut_down()


def test_idle_detectors_are_freed(loader: Loader, image: str) -> None:
    now = [0.0]
    engine = DetectionEngine(loader, clock=lambda: now[0])
    engine.run(Detect(image, 0, ("dog",), "a")).result(DEADLINE)
    for now[0], loaded in ((500.0, 1), (1101.0, 2)):
        engine.free_idle(600)
        engine.run(Detect(image, 0, ("dog",), "a")).result(DEADLINE)
        assert loader.loaded == ["a"] * loaded
    engine.shut_down()


def test_a_lack_of_memory_frees_detectors(engine: DetectionEngine, loader: Loader, image: str) -> None:
    def find(image: RgbPixels) -> list[Detection]:
        raise RuntimeError("CUDA out of memory. Tried to allocate 20 MiB")

    loader.find = find
    with pytest.raises(Busy, match="does not fit"):
        engine.run(Detect(image, 0, ("dog",), "a")).result(DEADLINE)
    assert not engine.is_loaded("a")


def test_a_download_that_nobody_waits_for_ends(image: str) -> None:
    started, go_on = threading.Event(), threading.Event()

    def load(name: str, progress: Progress) -> Detector:
        started.set()
        assert go_on.wait(DEADLINE)
        progress(0.5, "Downloading 2 of 4 MB")
        return StandInDetector(lambda image: [DOG])

    engine = DetectionEngine(load)
    given_up, wanted = engine.run(Detect(image, 0, ("dog",))), engine.run(Detect(image, 0, ("dog",)))
    assert started.wait(DEADLINE)
    assert not given_up.cancel()  # it runs; but the next report ends it
    go_on.set()
    with pytest.raises(Cancelled):
        given_up.result(DEADLINE)
    assert wanted.result(DEADLINE) == (DOG,)
    engine.shut_down()
