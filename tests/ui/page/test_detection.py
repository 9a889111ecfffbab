"""Text prompts of a page, over a socket; the detector is a fake."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sam2_core.detection.detector import Detection
from sam2_core.errors import WeightsError
from sam2_core.types import Box, Mask
from tests.media.numbered import make_clip
from tests.ui.house import House, Page, picture_bytes

DETECTOR = {"detector": "grounding_dino_tiny"}
FRAMES = 16


@pytest.fixture
def page(house: House) -> Iterator[Page]:
    session = house.session()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes(60, 80))
        page.receive("opened")
        yield page


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_clip(tmp_path_factory.mktemp("clips") / "film.mp4", frames=FRAMES, size=(60, 80)).read_bytes()


@pytest.fixture
def film(house: House, clip: bytes) -> Iterator[Page]:
    session = house.session()
    with house.page(session.token) as page:
        house.upload(session.token, clip, "film.mp4")
        page.receive("opened")
        yield page


def test_all_is_sent_that_low_scores_have(house: House, page: Page) -> None:
    page.send("detect", run=7, frame=0, text=" dog,wheel. ", **DETECTOR)
    found = page.receive("detected", run=7)
    assert found["phrases"] == ["dog", "wheel"]
    assert [(each["phrase"], each["score"], each["known"]) for each in found["objects"]] == [
        ("dog", 0.8, False),
        ("wheel", 0.8, False),
        ("dog", 0.2, False),
        ("wheel", 0.2, False),
    ]
    assert found["objects"][0]["box"] == [4, 6, 16, 24]
    assert found["objects"][0]["words"] == {"dog": [0.8]}
    [command] = house.detection.calls
    assert (command.detector, command.box_threshold, command.text_threshold) == ("grounding_dino_tiny", 0.1, 0.1)
    page.receive("done", job="detect", run=7)


def test_objects_that_are_there_already_are_known(page: Page) -> None:
    page.send("set_prompt", seq=1, frame=0, object=1, prompt={"boxes": [[4, 6, 16, 24]]})
    page.receive("masks", seq=1)
    page.send("detect", run=1, frame=0, text="dog", **DETECTOR)
    assert [each["known"] for each in page.receive("detected")["objects"]] == [True, False]


def test_masks_of_a_detector_come_along(house: House, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = Mask.from_array(np.eye(60, 80))
    found = (Detection("line", 0.9, Box(0, 0, 60, 60), mask), Detection("line", 0.8, Box(20, 0, 80, 20)))
    monkeypatch.setattr(house.detection, "_found", lambda command: found)
    page.send("detect", run=1, frame=0, text="line", detector="sam3")
    with_mask, without = page.receive("detected")["objects"]
    assert Mask.from_coco(with_mask["mask"]) == mask
    assert "mask" not in without


def test_places_of_files_are_not_told(house: House, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: object) -> tuple[Detection, ...]:
        raise WeightsError(f"Nothing is in {Path.home()}/cache.")

    monkeypatch.setattr(house.detection, "_found", fail)
    page.send("detect", run=1, frame=0, text="dog", **DETECTOR)
    assert page.receive("error")["text"] == "Nothing is in ~/cache."


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({"text": " , .", **DETECTOR}, "Say in words what to find"),
        ({"text": "a" * 10_000, **DETECTOR}, "is longer than 80 characters"),
        ({"text": "a, b" * 5000, **DETECTOR}, "This text is too long"),
        ({"text": "🐕, <b>"}, "the name of a detector"),
        ({"text": "dog", "detector": "/etc"}, "does not offer that detector"),
    ],
)
def test_what_cannot_be_asked_is_told(page: Page, request_: dict[str, str], complaint: str) -> None:
    page.send("detect", run=1, frame=0, **request_)
    error = page.receive("error")
    assert (error["job"], complaint in error["text"]) == ("detect", True), error


def test_a_canceled_search_ends_at_once_and_a_new_one_begins(house: House, page: Page) -> None:
    house.detection.gate, house.detection.loading = threading.Event(), (0.25, "Downloading 1 of 4 MB")
    page.send("detect", run=1, frame=0, text="dog", **DETECTOR)
    progress = page.receive("progress", message="Downloading 1 of 4 MB")
    assert (progress["job"], progress["run"], progress["fraction"]) == ("detect", 1, 0.25)
    page.send("cancel", job="detect")
    house.detection.gate, house.detection.loading = None, None
    page.send("detect", run=2, frame=0, text="dog", **DETECTOR)
    assert page.receive("detected")["run"] == 2


def test_detectors_are_listed(house: House, page: Page) -> None:
    page.send("list_detectors")
    found = page.receive("detectors")
    assert found["problem"] == ""
    assert [each["name"] for each in found["detectors"]][:2] == ["grounding_dino_tiny", "grounding_dino_base"]
    tiny, *_, sam3 = found["detectors"]
    assert (tiny["megabytes"], tiny["downloaded"], sam3["downloaded"]) == (690, True, False)
    assert (tiny["box"], tiny["text"]) == ({"default": 0.3, "floor": 0.1}, {"default": 0.25, "floor": 0.1})
    assert "text" not in sam3
    house.sweep()
    assert house.detection.freed == 0  # it was not needed yet


def test_a_run_through_a_clip_makes_objects_and_tracks_them(house: House, film: Page) -> None:
    film.send(
        "detect_clip", run=5, direction="both", frame=8, text="dog, cat, unicorn", first_object=21, every=4, **DETECTOR
    )
    found = film.receive("detected", run=5)
    assert [(each["phrase"], each["object"]) for each in found["objects"]] == [("dog", 21)]
    assert film.receive("masks", object=21)["frame"] == 8
    assert film.receive("progress", message="Tracking")["run"] == 5
    later = film.receive("detected", frame=12)
    assert [(each["phrase"], each["object"]) for each in later["objects"]] == [("cat", 22)]
    done = film.receive("done", job="track")
    assert (done["objects"], done["missing"], done["stopped"]) == ([21, 22], ["unicorn"], False)
    assert [call.frame for call in house.detection.calls] == [8, 12, 4, 0]
    film.send("get_masks", first=0, last=0, seq=9)
    assert [each["id"] for each in film.receive("masks", seq=9)["objects"]] == [21, 22]


def test_a_run_that_waits_for_the_detector_can_be_stopped(house: House, film: Page) -> None:
    house.detection.gate = threading.Event()
    film.send("detect_clip", run=5, direction="forward", frame=0, text="dog", first_object=1, every=4, **DETECTOR)
    film.receive("progress", run=5)
    film.send("stop")
    done = film.receive("done", job="track")
    assert (done["stopped"], done["objects"]) == (True, [])


def test_a_run_in_other_directions_or_through_a_picture_is_refused(film: Page, page: Page) -> None:
    film.send("detect_clip", run=5, direction="update", frame=0, text="dog", first_object=1, **DETECTOR)
    assert "forward, backward or both" in film.receive("error", run=5)["text"]
    page.send("detect_clip", run=5, direction="both", frame=0, text="dog", first_object=1, **DETECTOR)
    assert "nothing to track" in page.receive("error", run=5)["text"]


def test_the_page_opens_something_else_meanwhile(house: House) -> None:
    session = house.session()
    house.detection.gate = threading.Event()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes(60, 80))
        page.receive("opened")
        page.send("detect", run=1, frame=0, text="dog", **DETECTOR)
        page.receive("progress", job="detect")
        house.upload(session.token, picture_bytes(60, 80))
        page.receive("opened", version=2)
        house.detection.gate.set()
        page.send("detect", run=2, frame=0, text="dog", **DETECTOR)
        assert page.receive("detected")["run"] == 2
