from __future__ import annotations

import threading

import pytest

from sam2_core.errors import Busy, WeightsError
from sam2_core.serving.model_loader import ModelLoader, Progress
from tests.fakes import FakeEngine


def test_the_engine_is_there_once_it_is_built() -> None:
    go, engine = threading.Event(), FakeEngine()

    def build(progress: Progress) -> FakeEngine:
        progress(0.25, "Downloading the weights")
        halfway.set()
        assert go.wait(10)
        return engine

    halfway = threading.Event()
    loader = ModelLoader(build)
    assert halfway.wait(10)
    assert (loader.status.fraction, loader.status.message) == (0.25, "Downloading the weights")
    assert not loader.status.ready
    with pytest.raises(Busy, match="Downloading the weights"):
        loader.engine()
    go.set()
    assert loader.wait(10)
    assert loader.engine() is engine
    assert loader.status.ready


def test_an_error_of_ours_is_shown_as_it_is() -> None:
    def build(progress: Progress) -> FakeEngine:
        raise WeightsError("The weights are missing. Put them there.")

    loader = ModelLoader(build)
    assert loader.wait(10)
    assert loader.status.error == "The weights are missing. Put them there."
    assert not loader.status.ready
    with pytest.raises(Busy, match="Put them there"):
        loader.engine()


def test_a_foreign_error_tells_visitors_no_details() -> None:
    def build(progress: Progress) -> FakeEngine:
        raise RuntimeError("/home/somebody/secret.txt")

    loader = ModelLoader(build)
    assert loader.wait(10)
    assert loader.status.error is not None
    assert "secret" not in loader.status.error
    assert "RuntimeError" in loader.status.error


def test_loading_ends_with_the_server() -> None:
    begun, go, engine = threading.Event(), threading.Event(), FakeEngine()

    def build(progress: Progress) -> FakeEngine:
        begun.set()
        assert go.wait(10)
        progress(0.5, "Reading the weights")
        raise AssertionError("it was closed")

    def build_to_the_end(progress: Progress) -> FakeEngine:
        begun.set()
        assert go.wait(10)
        return engine

    for each in (build, build_to_the_end):
        begun.clear()
        go.clear()
        loader = ModelLoader(each)
        assert begun.wait(10)
        loader.close()
        go.set()
        assert loader.wait(10)
    assert engine.calls == ["shut_down"]


def test_waiting_has_an_end() -> None:
    go = threading.Event()

    def build(progress: Progress) -> FakeEngine:
        assert go.wait(10)
        return FakeEngine()

    loader = ModelLoader(build)
    assert not loader.wait(0.01)
    go.set()
    assert loader.wait(10)
