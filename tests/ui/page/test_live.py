"""The live camera: frames by POST, prompts by the socket, and limits on both."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sam2_core.errors import BadPrompt
from sam2_core.serving.commands import Command, TrackLive
from sam2_core.types import LiveMedium
from tests.fakes import FakeEngine
from tests.serving.test_engine_contract import jpeg
from tests.ui.house import DEADLINE, House, Page, open_house, picture_bytes, unpack

CLICK = {"points": [[20, 24, 1]]}


def start(page: Page) -> None:
    page.send("live_start", width=64, height=48)
    assert page.receive("live_started")["rate"] == 30


def post(house: House, token: str, content: bytes) -> Any:
    return house.client.post(f"/s/{token}/live", content=content)


def track(house: House, token: str, number: int) -> dict[str, Any]:
    response = post(house, token, jpeg(number))
    assert response.status_code == 200, response.text
    return unpack(response.content)[0]


def test_masks_come_with_each_frame(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        start(page)
        first = track(house, token, 0)
        assert (first["frame"], first["objects"], first["is_first"]) == (0, [], True)
        page.send("live_prompt", frame=0, object=3, prompt=CLICK)
        header, (picture,) = page.receive_all("live_masks")
        assert (header["frame"], header["object"]) == (0, 3) and picture.startswith(b"\x89PNG")
        second = track(house, token, 1)
        assert (second["frame"], [each["id"] for each in second["objects"]]) == (1, [3])
        assert "is_first" not in second and second["revision"] == header["revision"]
        page.send("live_remove", object=3)
        page.send("live_prompt", frame=1, object=4, prompt=CLICK)
        page.receive("live_masks", object=4)
        assert [each["id"] for each in track(house, token, 2)["objects"]] == [4]


def test_a_camera_and_a_picture_do_not_disturb_each_other(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, picture_bytes(100, 200))
        page.receive("opened")
        start(page)
        track(house, token, 0)
        page.send("set_prompt", seq=1, frame=0, object=1, prompt={"points": [[150, 90, 1]]})
        assert page.receive("masks", seq=1)["objects"]
        page.send("live_prompt", frame=0, object=1, prompt={"points": [[150, 90, 1]]})
        assert "outside" in page.receive("error", job="live")["text"]
        page.send("live_stop")
        page.send("live_prompt", frame=0, object=1, prompt=CLICK)
        assert "camera first" in page.receive("error", job="live")["text"]
        assert len(house.engine.sessions) == 1


def test_the_objects_of_a_lost_session_are_set_again_by_the_page(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        start(page)
        track(house, token, 0)
        page.send("live_prompt", frame=0, object=1, prompt=CLICK)
        page.receive("live_masks")
        house.engine.sessions.clear()
        again = track(house, token, 1)
        assert (again["frame"], again["objects"], again["is_first"]) == (1, [], True)


def test_with_a_session_its_camera_ends(house: House) -> None:
    session = house.session()
    with house.page(session.token) as page:
        start(page)
        track(house, session.token, 0)
        assert house.engine.sessions
    house.call(house.sessions.close, session)
    assert not house.engine.sessions
    assert post(house, session.token, jpeg(0)).status_code == 404


@pytest.mark.parametrize(
    ("content", "status", "text"),
    [
        (b"x" * 1_000_001, 413, "too large"),
        (b"no picture", 400, "Start the camera again"),
        (jpeg(0, width=65), 400, "Start the camera again"),
        (jpeg(0, kind="PNG"), 400, "Start the camera again"),
    ],
)
def test_frames_that_cannot_be_used_are_refused(house: House, content: bytes, status: int, text: str) -> None:
    token = house.session().token
    assert post(house, token, jpeg(0)).status_code == 410, "the camera is off"
    with house.page(token) as page:
        start(page)
        response = post(house, token, content)
        assert response.status_code == status and text in response.json()["error"]
        assert track(house, token, 0)["frame"] == 0


@pytest.mark.parametrize(
    "size", [{"width": 641, "height": 480}, {"width": 8, "height": 480}, {"width": 1e9, "height": 10}, {"width": "64"}]
)
def test_cameras_of_other_sizes_are_refused_in_words(house: House, size: dict[str, Any]) -> None:
    with house.page(house.session().token) as page:
        page.send("live_start", **size)
        assert "pixels" in page.receive("error", job="live")["text"]


def test_frames_come_one_at_a_time_and_not_too_often() -> None:
    class SlowEngine(FakeEngine):
        entered, gate = threading.Semaphore(0), threading.Semaphore(0)

        def execute(self, session: str, command: Command[Any]) -> Any:
            if isinstance(command, TrackLive):
                self.entered.release()
                assert self.gate.acquire(timeout=DEADLINE)
            return super().execute(session, command)

    engine = SlowEngine()
    with open_house(engine, max_live_rate=2) as house:
        token = house.session().token
        with house.page(token) as page:
            page.send("live_start", width=64, height=48)
            page.receive("live_started")
            answers: list[Any] = []
            first = threading.Thread(target=lambda: answers.append(post(house, token, jpeg(0))))
            first.start()
            assert engine.entered.acquire(timeout=DEADLINE)
            assert post(house, token, jpeg(1)).status_code == 429
            engine.gate.release()
            first.join(DEADLINE)
            assert answers[0].status_code == 200
            for _ in range(10):
                engine.gate.release()
            statuses = [post(house, token, jpeg(2)).status_code for _ in range(4)]
            assert 429 in statuses and statuses[0] == 200


def test_a_network_that_cannot_track_says_so() -> None:
    class StillEngine(FakeEngine):
        def _open(self, media: str | LiveMedium) -> Any:
            raise BadPrompt("SAM 1 cannot track.")

    with open_house(StillEngine()) as house, house.page(house.session().token) as page:
        page.send("live_start", width=64, height=48)
        assert page.receive("error", job="live")["text"] == "SAM 1 cannot track."
