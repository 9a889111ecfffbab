"""The better network: measured for once, fetched once for all, told to all, and tried again where that failed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sam2_core.errors import Cancelled, WeightsError
from sam2_core.networks import NETWORKS, KnownNetwork
from sam2_core.serving.better_model import BetterModel, FetchStatus, fetch_weights
from sam2_core.serving.model_choice import Machine, NetworkChoice
from sam2_core.serving.model_registry import ModelEntry, ModelRegistry, model_entries
from sam2_core.types import Progress
from tests.fakes import FakeEngine
from tests.hub import CONTENT, HubServer, hub_server, point_at

DEADLINE = 120.0  # seconds; the machine may be busy
TINY = "sam2.1_hiera_tiny"
MACHINE = Machine("cpu", 8, True, None, 1600.0)


class Fetcher:
    """In the place of a download; the test says what happens."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.steps: list[tuple[float | None, str]] = []
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.gate.set()

    def __call__(self, network: KnownNetwork, progress: Progress) -> object:
        self.fetched.append(network.name)
        for step in self.steps:
            progress(*step)
        self.begun.set()
        assert self.gate.wait(DEADLINE)
        progress(0.99, "")
        if self.error is not None:
            raise self.error
        return None


@pytest.fixture
def registry() -> Iterator[ModelRegistry]:
    registry = ModelRegistry(model_entries("nano"), lambda entry, progress: FakeEngine(), 2)
    yield registry
    registry.close()


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher()


def better(registry: ModelRegistry, fetcher: Fetcher | None) -> BetterModel:
    return BetterModel(registry, lambda: MACHINE, fetcher)


def settled(model: BetterModel) -> FetchStatus | None:
    assert model.wait(DEADLINE)
    return model.status


def test_the_network_that_suits_the_machine_is_on_offer_once_it_is_here(
    registry: ModelRegistry, fetcher: Fetcher
) -> None:
    fetcher.gate.clear()
    model = better(registry, fetcher)
    assert fetcher.begun.wait(DEADLINE)
    assert [entry.name for entry in registry.entries] == ["nano"]
    fetcher.gate.set()
    assert settled(model) == FetchStatus("ready", 1.0, "")
    assert (model.machine, model.replaces) == (MACHINE, "nano")
    assert model.entry is not None
    assert (model.entry.name, model.entry.title, fetcher.fetched) == (TINY, "SAM 2.1 tiny", [TINY])
    assert [entry.name for entry in registry.entries] == ["nano", TINY]
    handle = registry.acquire(TINY)
    assert handle.loader.wait(DEADLINE)


def test_a_network_that_is_on_offer_already_is_not_offered_twice(fetcher: Fetcher) -> None:
    registry = ModelRegistry(model_entries("nano", others=[TINY]), lambda entry, progress: FakeEngine(), 2)
    settled(better(registry, fetcher))
    assert [entry.name for entry in registry.entries] == ["nano", TINY]
    registry.close()


def test_nothing_happens_before_the_first_network_is_there(fetcher: Fetcher) -> None:
    go, measured = threading.Event(), threading.Event()

    def build(entry: ModelEntry, progress: Progress) -> FakeEngine:
        assert go.wait(DEADLINE)
        assert not measured.is_set()
        return FakeEngine()

    def measure() -> Machine:
        measured.set()
        return MACHINE

    registry = ModelRegistry(model_entries("nano"), build, 2)
    model = BetterModel(registry, measure, fetcher)
    go.set()
    assert settled(model) is not None
    assert registry.is_loaded("nano")
    registry.close()


def test_progress_is_told_in_noticeable_steps(registry: ModelRegistry, fetcher: Fetcher) -> None:
    fetcher.steps = [(None, "Looking"), (0.1, "a"), (0.104, "b"), (0.12, "c"), (0.121, "d"), (0.5, "e")]
    told: list[FetchStatus | None] = []
    fetcher.error = WeightsError("no")
    model = better(registry, fetcher)
    settled(model)
    stop = model.listen(lambda: told.append(model.status))
    fetcher.error = None
    model.retry()
    assert settled(model) is not None
    messages = [each.message for each in told if each is not None]
    assert [text for text in messages if text] == ["Looking", "a", "c", "e"]
    assert told[-1] == FetchStatus("ready", 1.0, "")
    stop()
    stop()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (WeightsError("There is no connection.\nAnd more."), "There is no connection."),
        (RuntimeError("/secret/folder"), "The download failed. The server's log says more."),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_failure_is_told_in_a_line_and_tried_again_when_somebody_asks(
    registry: ModelRegistry, fetcher: Fetcher, error: Exception, words: str
) -> None:
    fetcher.error = error
    model = better(registry, fetcher)
    assert settled(model) == FetchStatus("failed", None, words)
    assert [entry.name for entry in registry.entries] == ["nano"]
    fetcher.error = None
    model.retry()
    assert settled(model) == FetchStatus("ready", 1.0, "")
    model.retry()  # nothing is left to do
    assert settled(model) is not None
    assert fetcher.fetched == [TINY, TINY]


def test_a_folder_of_the_server_is_told_nobody(registry: ModelRegistry, fetcher: Fetcher) -> None:
    wrapped = WeightsError("cannot be fetched")
    wrapped.__cause__ = PermissionError(13, "Permission denied", "/root/.cache/hub")
    fetcher.error = wrapped
    assert settled(better(registry, fetcher)) == FetchStatus("failed", None, "Permission denied")


def test_many_who_ask_at_once_get_one_download(registry: ModelRegistry, fetcher: Fetcher) -> None:
    fetcher.error = WeightsError("no")
    model = better(registry, fetcher)
    settled(model)
    fetcher.gate.clear()
    for _ in range(5):
        model.retry()
    fetcher.gate.set()
    settled(model)
    assert len(fetcher.fetched) == 2


@pytest.mark.parametrize("reason", ["no fetch", "not wanted", "none suits", "not measured"])
@pytest.mark.filterwarnings("ignore")
def test_without_a_better_network_nothing_is_fetched(registry: ModelRegistry, fetcher: Fetcher, reason: str) -> None:
    def measure() -> Machine:
        if reason == "not measured":
            raise RuntimeError("a device with a fault")
        return MACHINE

    model = BetterModel(
        registry,
        measure,
        None if reason == "no fetch" else fetcher,
        lambda name: reason != "not wanted",
        lambda machine: None if reason == "none suits" else NetworkChoice(TINY),
    )
    assert settled(model) is None
    assert (model.entry, fetcher.fetched) == (None, [])
    assert model.machine == (None if reason == "not measured" else MACHINE)
    model.retry()
    assert fetcher.fetched == []


def test_a_server_that_stops_ends_the_download(registry: ModelRegistry, fetcher: Fetcher) -> None:
    fetcher.gate.clear()
    model = better(registry, fetcher)
    assert fetcher.begun.wait(DEADLINE)
    model.close()
    fetcher.gate.set()
    status = settled(model)
    assert status is not None
    assert status.state == "fetching"
    assert [entry.name for entry in registry.entries] == ["nano"]


# --- with real downloads ---------------------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with hub_server(monkeypatch, tmp_path) as server:
        yield server


def from_hub(registry: ModelRegistry) -> BetterModel:
    return BetterModel(registry, lambda: MACHINE, fetch_weights)


def test_the_weights_come_from_the_hub_once(registry: ModelRegistry, hub: HubServer) -> None:
    assert settled(from_hub(registry)) == FetchStatus("ready", 1.0, "")
    file = NETWORKS[TINY].weights_on_disk
    assert file is not None
    assert file.read_bytes() == CONTENT
    requests = len(hub.requests)
    assert settled(from_hub(registry)) == FetchStatus("ready", 1.0, "")
    assert len(hub.requests) == requests


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("offline", "Downloads are turned off (HF_HUB_OFFLINE)."),
        ("no network", "There is no connection to 127.0.0.1 (Connection refused)."),
        ("full disk", "The disk is too full: 356 MB must be free for it, and 355 MB are."),
    ],
)
def test_why_it_cannot_be_had_is_told_without_a_request(
    registry: ModelRegistry,
    hub: HubServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    reason: str,
    words: str,
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", reason == "offline")
    if reason == "no network":
        point_at("http://127.0.0.1:9", monkeypatch, tmp_path)
    elif reason == "full disk":
        monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=355_000_000))
    model = from_hub(registry)
    assert settled(model) == FetchStatus("failed", None, words)
    assert hub.requests == []
    monkeypatch.undo()
    with pytest.MonkeyPatch.context() as patch:
        point_at(hub.address, patch, tmp_path)
        model.retry()
        assert settled(model) == FetchStatus("ready", 1.0, "")


def test_a_download_that_breaks_off_for_good_can_be_tried_again(
    registry: ModelRegistry, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the downloader's attempts
    hub.breaks_after = [12_000_000] + [1] * 50
    model = from_hub(registry)
    status = settled(model)
    assert status is not None
    assert status.state == "failed"
    hub.breaks_after = []
    model.retry()
    assert settled(model) == FetchStatus("ready", 1.0, "")


def test_cancelled_is_no_failure(registry: ModelRegistry, fetcher: Fetcher) -> None:
    fetcher.error = Cancelled("given up")
    status = settled(better(registry, fetcher))
    assert status is not None
    assert status.state == "fetching"
