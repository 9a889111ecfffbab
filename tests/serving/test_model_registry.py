"""Networks on offer: loaded when they are wanted, shared, and given up when others need the room."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sam2_core import networks
from sam2_core.errors import BadPrompt, Busy, Cancelled, ConfigError, WeightsError
from sam2_core.networks import NETWORKS
from sam2_core.serving import model_registry
from sam2_core.serving.engine import Engine
from sam2_core.serving.model_loader import ModelLoader
from sam2_core.serving.model_registry import ModelEntry, ModelHandle, ModelRegistry, SessionModels, model_entries
from sam2_core.types import Progress
from tests.fakes import FakeEngine

DEADLINE = 10.0
ENTRIES = model_entries("nano", others=["sam2.1_hiera_tiny", "sam2.1_hiera_small", "sam2.1_hiera_large"])
NANO, TINY, SMALL, LARGE = (entry.name for entry in ENTRIES)


class Builder:
    """Builds fakes, and remembers for which networks."""

    def __init__(self) -> None:
        self.built: list[str] = []
        self.fails: set[str] = set()

    def __call__(self, entry: ModelEntry, progress: Progress) -> FakeEngine:
        self.built.append(entry.name)
        if entry.name in self.fails:
            raise WeightsError("There is no connection.")
        return FakeEngine()


@pytest.fixture
def builder() -> Builder:
    return Builder()


@pytest.fixture
def registry(builder: Builder) -> ModelRegistry:
    return ModelRegistry(ENTRIES, builder, max_loaded=3)


def loaded(handle: ModelHandle) -> FakeEngine:
    assert handle.loader.wait(DEADLINE)
    engine = handle.loader.engine()
    assert isinstance(engine, FakeEngine)
    return engine


@pytest.mark.parametrize(
    ("model", "checkpoint", "name", "title"),
    [
        ("nano", "", "nano", "nano"),
        ("facebook/sam2-hiera-tiny", "", "sam2_hiera_tiny", "SAM 2 tiny"),
        ("nano", "/models/my tune.pt", "my tune", "my tune"),
        ("/models/mine.safetensors", "", "mine", "mine"),
    ],
)
def test_an_offer_tells_strangers_no_folder(model: str, checkpoint: str, name: str, title: str) -> None:
    (entry,) = model_entries(model, checkpoint)
    assert (entry.name, entry.title, entry.model) == (name, title, name if entry.network else model)
    assert (entry.network is None) == (name in ("my tune", "mine"))


def test_the_model_comes_first_and_none_twice() -> None:
    entries = model_entries(
        "sam2.1_hiera_small", others=["nano", "facebook/sam2.1-hiera-small", "sam2.1_hiera_small.pt"]
    )
    assert [entry.name for entry in entries] == ["sam2.1_hiera_small", "nano"]
    with pytest.raises(ConfigError, match="Known names"):
        model_entries("nano", others=["sam9"])


def test_sizes_of_one_network_are_entries_of_their_own() -> None:
    others = [TINY, f"{TINY}@512", "facebook/sam2.1-hiera-tiny@1024"]
    default, exact, fast = model_entries(SMALL, others=others, image_size=768)
    assert (default.name, default.title, default.model) == (f"{SMALL}@768", "SAM 2.1 small 768", f"{SMALL}@768")
    assert [exact.name, fast.name] == [TINY, f"{TINY}@512"]
    assert model_entries(f"{SMALL}@768", others=others) == [default, exact, fast]
    for arguments in ({"model": "nano", "image_size": 512}, {"model": f"{SMALL}@512", "image_size": 768}):
        with pytest.raises(ConfigError):
            model_entries(**arguments)


@pytest.mark.parametrize("checkpoint", ["", "/secret/mine.pt"])
def test_weights_of_the_operators_own_take_a_size(checkpoint: str) -> None:
    [entry] = model_entries(TINY if checkpoint else "/secret/mine.pt", checkpoint, image_size=512)
    assert (entry.name, entry.title, entry.source) == ("mine", "mine", "/secret/mine.pt")
    assert (entry.model, entry.checkpoint) == (f"{TINY if checkpoint else '/secret/mine.pt'}@512", checkpoint)


def test_a_network_is_chosen_by_any_of_its_spellings(builder: Builder) -> None:
    registry = ModelRegistry(model_entries("nano", others=[TINY, f"{TINY}@512"]), builder, max_loaded=3)
    for name, entry in ((f"{TINY}@1024", TINY), ("facebook/sam2.1-hiera-tiny@512", f"{TINY}@512")):
        handle = registry.acquire(name)
        assert (handle.entry.name, loaded(handle) is loaded(registry.acquire(entry))) == (entry, True)
    assert builder.built == [NANO, TINY, f"{TINY}@512"]
    for wrong in (f"{TINY}@768", f"{TINY}@500", "nano@512"):
        with pytest.raises(BadPrompt, match="does not offer"):
            registry.acquire(wrong)


def test_the_first_is_loaded_at_once_and_the_others_when_they_are_wanted(
    registry: ModelRegistry, builder: Builder
) -> None:
    first = loaded(registry.acquire(NANO))
    assert builder.built == [NANO]
    assert loaded(registry.acquire(NANO)) is first
    assert not registry.is_loaded(TINY)
    one, two = registry.acquire(TINY), registry.acquire(TINY)
    assert loaded(one) is loaded(two)
    assert registry.is_loaded(TINY)
    assert builder.built == [NANO, TINY]


def test_what_was_let_go_longest_ago_makes_room(registry: ModelRegistry, builder: Builder) -> None:
    tiny, small = registry.acquire(TINY), registry.acquire(SMALL)
    engines = [loaded(tiny), loaded(small)]
    small.release()
    tiny.release()
    tiny.release()
    assert [registry.is_loaded(name) for name in (TINY, SMALL)] == [True, True], "they stay while there is room"
    large = registry.acquire(LARGE)
    loaded(large)
    assert [registry.is_loaded(name) for name in (NANO, TINY, SMALL, LARGE)] == [True, True, False, True]
    assert ["shut_down" in engine.calls for engine in engines] == [False, True]
    assert loaded(registry.acquire(TINY)) is engines[0]
    assert builder.built.count(TINY) == 1


def test_what_others_use_is_not_taken_from_them(registry: ModelRegistry) -> None:
    handles = [registry.acquire(TINY), registry.acquire(SMALL), registry.acquire(SMALL)]
    for handle in handles:
        loaded(handle)
    handles[1].release()
    with pytest.raises(Busy, match=r"while others use nano, SAM 2\.1 tiny, SAM 2\.1 small\. Choose one of these"):
        registry.acquire(LARGE)
    handles[2].release()
    loaded(registry.acquire(LARGE))


def test_what_could_not_be_loaded_takes_no_room_and_is_tried_again(registry: ModelRegistry, builder: Builder) -> None:
    builder.fails = {TINY}
    failed = registry.acquire(TINY)
    assert failed.loader.wait(DEADLINE)
    assert failed.loader.status.error == "There is no connection."
    failed.release()
    kept = [registry.acquire(SMALL), registry.acquire(LARGE)]
    for handle in kept:
        loaded(handle)
    kept[0].release()
    builder.fails = set()
    loaded(registry.acquire(TINY))


def test_loading_ends_when_nobody_waits_for_it_any_more(builder: Builder) -> None:
    told, go, ended = threading.Event(), threading.Event(), threading.Event()

    def build(entry: ModelEntry, progress: Progress) -> FakeEngine:
        progress(0.1, "Downloading")
        if entry.name == TINY and not ended.is_set():
            told.set()
            assert go.wait(DEADLINE)
            try:
                progress(0.2, "Downloading")
            except Cancelled:
                ended.set()
                raise
        return FakeEngine()

    registry = ModelRegistry(ENTRIES, build, max_loaded=2)
    one, two = registry.acquire(TINY), registry.acquire(TINY)
    assert told.wait(DEADLINE)
    one.release()
    with pytest.raises(Busy):
        registry.acquire(SMALL)
    two.release()
    with pytest.raises(Busy):  # its thread still has the memory
        registry.acquire(SMALL)
    go.set()
    assert ended.wait(DEADLINE)
    assert one.loader.wait(DEADLINE)
    loaded(registry.acquire(TINY))


def test_one_that_is_wanted_again_in_time_goes_on() -> None:
    told, go = threading.Event(), threading.Event()

    def build(entry: ModelEntry, progress: Progress) -> FakeEngine:
        if entry.name == TINY:
            told.set()
            assert go.wait(DEADLINE)
        progress(0.5, "Downloading")
        return FakeEngine()

    registry = ModelRegistry(ENTRIES, build, max_loaded=2)
    first = registry.acquire(TINY)
    assert told.wait(DEADLINE)
    first.release()
    again = registry.acquire(TINY)
    go.set()
    assert loaded(again)
    assert again.loader is first.loader


def test_only_what_is_offered_can_be_chosen(registry: ModelRegistry) -> None:
    with pytest.raises(BadPrompt, match="does not offer"):
        registry.acquire("sam2_hiera_tiny")


def test_closing_shuts_every_engine_down(registry: ModelRegistry) -> None:
    engines = [loaded(registry.acquire(name)) for name in (NANO, TINY)]
    registry.close()
    assert all("shut_down" in engine.calls for engine in engines)


def test_a_network_knows_where_its_weights_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    tiny = NETWORKS[TINY]
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert tiny.weights_on_disk is None
    folder = tmp_path / "models--facebook--sam2.1-hiera-tiny"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    file = folder / "snapshots" / ("0" * 40) / tiny.file
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    assert tiny.weights_on_disk == file
    assert tiny.megabytes == pytest.approx(156, abs=1)
    assert NETWORKS[NANO].weights_on_disk == networks.ROOT / "assets" / "nano.safetensors"
    assert NETWORKS[NANO].megabytes == pytest.approx(8.9, abs=0.1)


def test_a_network_that_has_just_begun_to_load_can_be_asked_about(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other threads ask at any time, also between the place being taken and the loader being there."""
    registry = ModelRegistry(ENTRIES, builder, max_loaded=2)
    answers: list[bool] = []

    class AskedWhileStarting(ModelLoader):
        def __init__(self, build: Callable[[Progress], Engine]) -> None:
            answers.append(registry.is_loaded(TINY))
            super().__init__(build)

    monkeypatch.setattr(model_registry, "ModelLoader", AskedWhileStarting)
    loaded(registry.acquire(TINY))
    assert answers == [False]
    registry.close()


def test_a_network_of_one_session_is_there_for_no_other(builder: Builder, tmp_path: Path) -> None:
    registry = ModelRegistry(ENTRIES, builder, max_loaded=2)
    mine, theirs = SessionModels(registry), SessionModels(registry)
    entry = mine.add("nano, trained on 3 photos", NANO, tmp_path / "weights.safetensors", NANO)
    assert mine.entries == (*ENTRIES, entry)
    assert theirs.entries == registry.entries
    handle = mine.acquire(entry.name)
    loaded(handle)
    assert builder.built == [NANO, entry.name]
    for others in (theirs, registry):
        with pytest.raises(BadPrompt, match="does not offer"):
            others.acquire(entry.name)
    with pytest.raises(Busy, match="while others use nano, a model of another visitor"):
        theirs.acquire(TINY)
    handle.release()
    loaded(theirs.acquire(TINY))
    assert not mine.is_loaded(entry.name)


def test_networks_of_a_session_go_with_it(registry: ModelRegistry, tmp_path: Path) -> None:
    models = SessionModels(registry)
    entry = models.add("mine", NANO, tmp_path / "weights.safetensors", NANO)
    handle = models.acquire(entry.name)
    engine = loaded(handle)
    handle.release()
    models.close()
    assert "shut_down" in engine.calls
    assert not registry.is_loaded(entry.name)
    with pytest.raises(BadPrompt):
        models.acquire(entry.name)


def test_the_oldest_network_of_a_session_goes_unless_it_is_in_use(registry: ModelRegistry, tmp_path: Path) -> None:
    models, files = SessionModels(registry, max_own=2), [tmp_path / f"{number}.safetensors" for number in range(4)]
    names: list[str] = []
    for file in files:
        file.write_bytes(b"weights")
        names.append(models.add(file.stem, NANO, file, names[0] if names else NANO).name)
    assert [entry.name for entry in models.entries[len(ENTRIES) :]] == [names[0], names[3]]
    assert [file.exists() for file in files] == [True, False, False, True]
    assert len(set(names)) == len(files)
