"""Segment everything, as a page asks for it."""

from __future__ import annotations

import threading
from typing import Any

from sam2_core.errors import Busy
from sam2_core.serving.commands import Command, SegmentEverything
from tests.fakes import FakeEngine
from tests.ui.house import DEADLINE, House, Page, open_house, picture_bytes

HEIGHT, WIDTH = 80, 120


def open_picture(house: House, page: Page, token: str) -> None:
    assert house.upload(token, picture_bytes(HEIGHT, WIDTH), "a.png").status_code == 202
    page.receive("opened")


def candidates_of(page: Page, run: int) -> dict[int, dict[str, Any]]:
    """All that are left once the run is done."""
    candidates: dict[int, dict[str, Any]] = {}
    while True:
        event = page.receive("automatic_masks", "done", run=run)
        if event["t"] == "done":
            assert (event["job"], event["stopped"]) == ("everything", False)
            return candidates
        candidates.update({mask["id"]: mask for mask in event["masks"]})
        for number in event["dropped"]:
            del candidates[number]


def test_candidates_come_with_what_the_filter_needs() -> None:
    with open_house() as house:
        token = house.session().token
        with house.page(token) as page:
            open_picture(house, page, token)
            page.send("segment_everything", run=3, frame=0, points_per_side=2)
            started = page.receive("automatic_started", run=3)
            assert (started["points_per_side"], started["crop_layers"]) == (2, 0)
            assert (started["min_predicted_iou"], started["floor_predicted_iou"]) == (0.75, 0.5)
            candidates = candidates_of(page, 3)
            assert [mask["crop"] for mask in candidates.values()] == [[0, 0, WIDTH, HEIGHT]] * len(candidates)
            assert sorted({mask["predicted_iou"] for mask in candidates.values()}) == [0.7, 0.8, 0.9]
            for mask in candidates.values():
                assert mask["bytes"] > 0 and 0 < mask["area"] <= mask["place"][2] * mask["place"][3]
            page.send("get_masks", first=0, last=0, seq=1)
            assert page.receive("masks", seq=1)["objects"] == [], "the session is as it was"


def test_a_run_ends_where_it_is_cancelled_and_a_newer_one_takes_its_place() -> None:
    class StoppingEngine(FakeEngine):
        """Cancels from the page while the second command is under way."""

        def execute(self, session: str, command: Command[Any]) -> Any:
            if isinstance(command, SegmentEverything) and self.calls.count("SegmentEverything") == 1:
                page.send("cancel", job="everything")
            return super().execute(session, command)

    engine = StoppingEngine()
    with open_house(engine) as house:
        token = house.session().token
        with house.page(token) as page:
            open_picture(house, page, token)
            page.send("segment_everything", run=1, frame=0, points_per_side=32)
            assert page.receive("done", job="everything")["stopped"] is True
            assert engine.calls.count("SegmentEverything") < 20
            page.send("segment_everything", run=2, frame=0, points_per_side=2)
            assert candidates_of(page, 2)


def test_what_goes_wrong_names_the_run() -> None:
    class BusyEngine(FakeEngine):
        def execute(self, session: str, command: Command[Any]) -> Any:
            if isinstance(command, SegmentEverything):
                raise Busy("The device has no memory left.")
            return super().execute(session, command)

    with open_house(BusyEngine()) as house:
        token = house.session().token
        with house.page(token) as page:
            open_picture(house, page, token)
            page.send("segment_everything", run=5, frame=0)
            assert page.receive("error", run=5, job="everything")["text"] == "The device has no memory left."
            page.send("segment_everything", run=6, frame=0, points_per_side=65)
            refused = page.receive("error", run=6, job="everything")
            assert refused["text"] == "`points_per_side` must be a whole number from 1 to 64."
            page.send("segment_everything", run=7, frame=1)
            assert "`frame` must be a whole number" in page.receive("error", run=7)["text"]


def test_a_new_connection_is_told_of_the_run_under_way() -> None:
    gate = threading.Event()

    class HeldEngine(FakeEngine):
        def execute(self, session: str, command: Command[Any]) -> Any:
            if isinstance(command, SegmentEverything):
                assert gate.wait(DEADLINE)
            return super().execute(session, command)

    with open_house(HeldEngine()) as house:
        token = house.session().token
        with house.page(token) as page:
            assert "everything" not in page.receive("hello")
            open_picture(house, page, token)
            page.send("segment_everything", run=8, frame=0, points_per_side=2)
            page.receive("automatic_started", run=8)
        with house.page(token) as page:
            assert page.receive("hello")["everything"] == 8
            gate.set()
            assert candidates_of(page, 8)
