"""What pages are told about the network that is fetched in the background, and how one changes to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sam2_core.errors import WeightsError
from sam2_core.networks import KnownNetwork
from sam2_core.serving.better_model import BetterModel
from sam2_core.serving.model_choice import Machine
from sam2_core.serving.model_registry import ModelRegistry
from sam2_core.types import Progress
from tests.fakes import FakeEngine
from tests.ui.house import DEADLINE, House, open_house, picture_bytes

TINY = "sam2.1_hiera_tiny"
CLICK = {"points": [[20, 24, 1]]}


class Download:
    """Steps that the test allows."""

    def __init__(self) -> None:
        self.count = 0
        self.fails = False
        self.go = threading.Event()

    def __call__(self, network: KnownNetwork, progress: Progress) -> object:
        self.count += 1
        progress(0.4, "Downloading 62 of 156 MB")
        assert self.go.wait(6 * DEADLINE)
        progress(0.9, "Downloading 140 of 156 MB")
        if self.fails:
            raise WeightsError("There is no connection.")
        return None


@pytest.fixture
def download() -> Iterator[Download]:
    download = Download()
    yield download
    download.go.set()


@pytest.fixture
def house(download: Download) -> Iterator[House]:
    """A server that strangers can reach, so that nothing but nano is on offer."""

    def better(registry: ModelRegistry) -> BetterModel:
        return BetterModel(registry, lambda: Machine("cpu", 8, True, None, 1600.0), download)

    with open_house(others={TINY: lambda progress: FakeEngine()}, better=better, host="0.0.0.0") as house:
        yield house


def test_visitors_see_one_download_and_change_when_it_is_ready(house: House, download: Download) -> None:
    first, second = house.session().token, house.session().token
    with house.page(first) as page, house.page(second) as other:
        for each in (page, other):
            told = each.receive("better_model", fraction=0.4)
            assert told == {
                "t": "better_model",
                "state": "fetching",
                "name": TINY,
                "title": "SAM 2.1 tiny",
                "replaces": "nano",
                "megabytes": 156.0,
                "fraction": 0.4,
                "message": "Downloading 62 of 156 MB",
            }
        page.send("list_models")
        assert [each["name"] for each in page.receive("models")["models"]] == ["nano"]
        assert house.upload(first, picture_bytes()).status_code == 202
        page.receive("opened")
        page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
        page.receive("masks", seq=1)
        download.go.set()
        for each in (page, other):
            assert each.receive("better_model", state="ready")["fraction"] == 1.0
        page.send("choose_model", name=TINY)
        assert page.receive("model", name=TINY)["title"] == "SAM 2.1 tiny"
        page.receive("done", job="model")
        page.send("get_masks", first=0, last=0)
        assert len(page.receive("masks")["objects"]) == 1
        other.send("list_models")
        listed = other.receive("models")
        assert (listed["current"], [each["name"] for each in listed["models"]]) == ("nano", ["nano", TINY])
    with house.page(house.session().token) as late:
        late.receive("better_model", state="ready")
        late.send("list_models")
        assert late.receive("models")["current"] == "nano"
    assert download.count == 1


def test_a_failure_is_told_and_any_visitor_may_have_it_tried_again(house: House, download: Download) -> None:
    download.fails = True
    download.go.set()
    with house.page(house.session().token) as page, house.page(house.session().token) as other:
        for each in (page, other):
            assert each.receive("better_model", state="failed")["message"] == "There is no connection."
        download.fails = False
        other.send("retry_download")
        page.receive("better_model", state="ready")
        other.receive("better_model", state="ready")
        other.send("retry_download")  # all is well: nothing happens
        other.send("list_models")
        assert len(other.receive("models")["models"]) == 2
    assert download.count == 2


def test_networks_are_described_by_quality_and_speed(house: House, download: Download) -> None:
    download.go.set()
    with house.page(house.session().token) as page:
        page.receive("better_model", state="ready")
        page.send("list_models")
        nano, tiny = page.receive("models")["models"]
        assert (tiny["quality"], tiny["figure"], tiny["source"]) == (
            "Very good",
            "76.5 J&F on SA-V test",
            "SAM 2 repository",
        )
        assert tiny["estimated"] == {"photo_seconds": 0.64, "frames_per_second": 0.52}
        assert "measured" not in tiny
        assert nano["quality"] == "Fair"


def test_without_one_nothing_is_said_and_a_second_try_is_no_error() -> None:
    with open_house() as house, house.page(house.session().token) as page:
        page.send("retry_download")
        page.send("list_models")
        nano = page.receive("better_model", "models")
        assert nano["t"] == "models"
        assert "estimated" not in nano["models"][0]


def test_a_page_that_has_left_is_told_nothing_more(house: House, download: Download) -> None:
    session = house.session()
    house.call(house.sessions.close, session)
    better = house.services.better
    assert better is not None
    download.go.set()
    assert better.wait(6 * DEADLINE)
    assert better.status is not None
    assert better.status.state == "ready"
