from __future__ import annotations

import threading

import pytest

from sam2_core.errors import Busy, WeightsError
from sam2_core.serving.startup import Progress, Startup
from tests.fakes import FakeEngine


def test_the_engine_is_there_once_it_is_built() -> None:
    go, engine = threading.Event(), FakeEngine()

    def build(progress: Progress) -> FakeEngine:
        progress(0.25, "Downloading the weights")
        halfway.set()
        assert go.wait(10)
        return engine

    halfway = threading.Event()
    startup = Startup(build)
    assert halfway.wait(10)
    assert (startup.status.fraction, startup.status.message) == (0.25, "Downloading the weights")
    assert not startup.status.ready
    with pytest.raises(Busy, match="Downloading the weights"):
        startup.engine()
    go.set()
    assert startup.wait(10)
    assert startup.engine() is engine
    assert startup.status.ready


def test_an_error_of_ours_is_shown_as_it_is() -> None:
    def build(progress: Progress) -> FakeEngine:
        raise WeightsError("The weights are missing. Put them there.")

    startup = Startup(build)
    assert startup.wait(10)
    assert startup.status.error == "The weights are missing. Put them there."
    assert not startup.status.ready
    with pytest.raises(Busy, match="Put them there"):
        startup.engine()


def test_a_foreign_error_tells_visitors_no_details() -> None:
    def build(progress: Progress) -> FakeEngine:
        raise RuntimeError("/home/somebody/secret.txt")

    startup = Startup(build)
    assert startup.wait(10)
    assert startup.status.error is not None
    assert "secret" not in startup.status.error
    assert "RuntimeError" in startup.status.error


def test_waiting_has_an_end() -> None:
    go = threading.Event()

    def build(progress: Progress) -> FakeEngine:
        assert go.wait(10)
        return FakeEngine()

    startup = Startup(build)
    assert not startup.wait(0.01)
    go.set()
    assert startup.wait(10)
