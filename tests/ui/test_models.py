from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from sam2_core.errors import BadPrompt, Busy, WeightsError
from sam2_core.paths import ROOT
from sam2_core.serving.engine import Engine, QueueStatus
from sam2_core.serving.model_choice import UNKNOWN_SPEED, Speed
from sam2_core.serving.model_registry import ModelEntry, ModelRegistry, model_entries
from sam2_core.types import Progress
from tests.fakes import FakeEngine
from tests.hub import hub_server
from ui.jobs import Job, JobCancelled
from ui.models import describe_models, load_model, model_event, models_event, report_loading
from ui.protocol import Event, ModelEvent, ProgressEvent
from ui.serve import engine_builder
from ui.settings import load_settings

DEADLINE = 10.0  # seconds
TINY, SMALL = "sam2.1_hiera_tiny", "sam2.1_hiera_small"


@contextmanager
def registry_of(builders: Mapping[str, Callable[[Progress], Engine]]) -> Iterator[ModelRegistry]:
    """Nano, with a fake engine that is there, and two others, built by name."""

    def build(entry: ModelEntry, progress: Progress) -> Engine:
        if entry.name == "nano":
            return FakeEngine()
        if entry.name not in builders:
            raise WeightsError(f"{entry.title} cannot be fetched.")
        return builders[entry.name](progress)

    registry = ModelRegistry(model_entries("nano", others=[TINY, SMALL]), build, 2)
    handle = registry.acquire("nano")
    assert handle.loader.wait(DEADLINE)
    handle.release()
    try:
        yield registry
    finally:
        registry.close()


def test_what_is_offered_is_described() -> None:
    with registry_of({}) as registry:
        nano, tiny, _ = describe_models(registry)
        assert (nano.weights, nano.loaded, nano.picture, nano.frame) == ("bundled", True, 1, 1)
        assert (tiny.title, tiny.loaded) == ("SAM 2.1 tiny", False)
        assert tiny.weights in ("remote", "downloaded")
        assert (nano.network, nano.image_size, tiny.network, tiny.image_size) == ("nano", 384, TINY, 1024)
        event = models_event(registry.acquire("nano"), [nano, tiny])
        assert (event.current, event.device, event.memory, event.models) == ("nano", "no device", None, (nano, tiny))


def test_work_is_that_of_the_image_size() -> None:
    entries = model_entries("nano", others=[TINY, f"{TINY}@512"])
    registry = ModelRegistry(entries, lambda entry, progress: FakeEngine(), 1)
    _, exact, fast = describe_models(registry)
    assert (fast.name, fast.title, fast.network, fast.image_size) == (f"{TINY}@512", "SAM 2.1 tiny 512", TINY, 512)
    assert (exact.picture, exact.frame) == (pytest.approx(85, abs=1), pytest.approx(144, abs=1))
    assert (fast.picture, fast.frame) == (pytest.approx(18, abs=1), pytest.approx(18, abs=1))
    assert (fast.megabytes, fast.parameters) == (exact.megabytes, exact.parameters)
    registry.close()


def test_a_download_that_is_damaged_tells_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with hub_server(monkeypatch, tmp_path, b"no weights"):
        [entry] = model_entries(TINY)
        with pytest.raises(WeightsError, match=r"^sam2\.1_hiera_tiny\.pt \(10 bytes\) cannot be read as weights"):
            engine_builder(load_settings(["--device", "cpu"]))(entry, lambda fraction, message: None)
    assert str(tmp_path) in capsys.readouterr().err, "the operator sees where it lies"


def test_a_speed_that_was_measured_is_kept_when_the_network_is_unloaded() -> None:
    class Quick(FakeEngine):
        def status(self, session: str = "") -> QueueStatus:
            return QueueStatus("no device", None, 0, 0.0, Speed(0.6212, 3.333))

    with registry_of({TINY: lambda progress: Quick(), SMALL: lambda progress: FakeEngine()}) as registry:
        assert registry.speed(TINY) == UNKNOWN_SPEED
        for name in (TINY, SMALL):
            handle = registry.acquire(name)
            assert handle.loader.wait(DEADLINE)
            handle.release()
        nano, tiny, small = describe_models(registry)
        assert (tiny.loaded, small.loaded) == (False, True)
        assert tiny.model_dump()["measured"] == {"photo_seconds": 0.62, "frames_per_second": 3.3}
        assert "measured" not in small.model_dump()
        assert "estimated" not in nano.model_dump()


def test_a_network_that_cannot_track_has_no_work_for_a_frame() -> None:
    registry = ModelRegistry(model_entries("nano", others=["sam_vit_b"]), lambda entry, progress: FakeEngine(), 1)
    sam = describe_models(registry)[1]
    assert (sam.title, sam.parameters, sam.licence) == ("SAM ViT-B", 93.7, "Apache 2.0, from Meta")
    assert sam.model_dump()["picture"] == pytest.approx(287, abs=1)
    assert "frame" not in sam.model_dump()
    registry.close()


def test_weights_of_the_operators_own_are_described_by_name_alone() -> None:
    registry = ModelRegistry(model_entries("nano", "/secret/ours.pt"), lambda entry, progress: FakeEngine(), 1)
    [own] = describe_models(registry)
    assert own.model_dump(exclude={"loaded"}) == {"name": "ours", "title": "ours", "weights": "own"}
    registry.close()


def test_loading_is_reported_and_can_be_cancelled() -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(progress: Progress) -> Engine:
        progress(0.25, "Downloading 10 of 40 MB")
        begun.set()
        assert go.wait(DEADLINE)
        return FakeEngine()

    async def scene(registry: ModelRegistry) -> list[Event]:
        events: list[Event] = []
        job = Job("model", events.append, model=TINY)
        handle = registry.acquire(TINY)
        assert await asyncio.to_thread(begun.wait, DEADLINE)
        assert (model_event(handle).ready, model_event(handle).fraction, model_event(handle).device) == (
            False,
            0.25,
            "",
        )
        loading = asyncio.create_task(load_model(registry, TINY, job))
        while not events:
            await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(JobCancelled):
            await loading
        states: list[Event] = []
        reporting = asyncio.create_task(report_loading(lambda: handle, states.append))
        while not states:
            await asyncio.sleep(0)
        go.set()
        again = await load_model(registry, TINY, Job("model", events.append))
        assert again.loader is handle.loader
        await reporting
        assert [state.ready for state in states if isinstance(state, ModelEvent)][:: len(states) - 1] == [False, True]
        return events

    with registry_of({TINY: slow}) as registry:
        first = asyncio.run(asyncio.wait_for(scene(registry), 3 * DEADLINE))[0]
        assert first == ProgressEvent(job="model", fraction=0.25, message="Downloading 10 of 40 MB", model=TINY)


def test_what_cannot_be_loaded_is_refused_and_released() -> None:
    async def scene(registry: ModelRegistry) -> None:
        with pytest.raises(Busy, match="cannot be fetched"):
            await load_model(registry, SMALL, Job("model", lambda event: None))
        with pytest.raises(BadPrompt, match="does not offer"):
            await load_model(registry, "/etc/passwd", Job("model", lambda event: None))
        await load_model(registry, TINY, Job("model", lambda event: None))  # the other one has made room

    with registry_of({TINY: lambda progress: FakeEngine()}) as registry:
        asyncio.run(asyncio.wait_for(scene(registry), 3 * DEADLINE))


def test_where_gpus_are_lent_the_bundled_network_runs_here() -> None:
    build = engine_builder(load_settings(["--device", "zerogpu"]), lambda call: iter(()))
    (bundled,) = model_entries("nano")
    own = ModelEntry("own", "own", str(ROOT / "assets" / "nano.safetensors"))
    here, lent = (build(entry, lambda fraction, message: None) for entry in (bundled, own))
    assert [engine.status().is_metered for engine in (here, lent)] == [False, True]
    assert here.status().device.startswith("CPU") and lent.status().device == "ZeroGPU"
    for engine in (here, lent):
        engine.shut_down()
