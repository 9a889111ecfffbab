"""A session's work when things happen at the same time, get lost, or fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from sam2_core.errors import Busy
from sam2_core.serving.commands import Command, EncodeFrame, SetPrompt
from sam2_core.serving.model_registry import ModelEntry, ModelRegistry, model_entries
from sam2_core.types import Progress
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.serving.workspaces import HeldEngine
from tests.ui.house import DEADLINE, GatedEngine, House, Page, open_house, picture_bytes
from ui.page.connection import PageConnection
from ui.protocol import Bounds, Request, parse_request

CLICK = {"points": [[20, 24, 1]]}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=12).read_bytes()


def open_and_click(house: House, page: Page, token: str, content: bytes) -> None:
    assert house.upload(token, content, "clip.mp4").status_code == 202
    page.receive("opened")
    page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
    page.receive("masks", seq=1)


def test_tracking_stops_at_once_and_goes_on(clip: bytes) -> None:
    engine = GatedEngine()
    with open_house(engine) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, clip)
            page.send("track", run=1, direction="forward", frame=0)
            assert engine.entered.acquire(timeout=DEADLINE)
            page.send("stop")
            page.send("get_masks", first=0, last=0)
            page.receive("masks", step=None)  # the answer proves that the stop before it was heard
            engine.gate.release()
            last = page.receive("masks", step=1)["frame"]
            assert page.receive("done", job="track")["stopped"] is True
            assert engine.calls.count("Track") == 1
            for _ in range(12):
                engine.gate.release()
            page.send("track", run=1, direction="forward", frame=last)
            frames = [page.receive("masks", step=1)["frame"] for _ in range(11 - last)]
            assert frames == list(range(last + 1, 12))
            assert page.receive("done", job="track")["stopped"] is False


def test_a_click_while_tracking_is_answered_and_tracking_goes_on_with_it(clip: bytes) -> None:
    engine = GatedEngine()
    with open_house(engine) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, clip)
            page.send("track", run=1, direction="forward", frame=0)
            assert engine.entered.acquire(timeout=DEADLINE)
            page.send("set_prompt", seq=2, frame=5, object=2, prompt={"points": [[60, 40, 1]]})
            page.receive("masks", seq=2)
            for _ in range(30):
                engine.gate.release()
            seen = [page.receive("masks", step=1) for _ in range(12)]
            assert [each["frame"] for each in seen] == list(range(12))
            assert [[each["id"] for each in seen[at]["objects"]] for at in (0, 5, 11)] == [[2], [1], [1, 2]]
            assert page.receive("done", job="track")


def test_tracking_waits_for_a_page_that_is_away(clip: bytes) -> None:
    engine = GatedEngine()
    with open_house(engine) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, clip)
            page.send("track", run=1, direction="forward", frame=0)
            assert engine.entered.acquire(timeout=DEADLINE)
        for _ in range(30):
            engine.gate.release()
        with house.page(token) as page:
            request = {"run": 1, "direction": "forward", "frame": 0, "first": 0, "last": 11, "pause": False}
            assert page.receive("hello")["tracking"] == request
            frames = [page.receive("masks", step=1)["frame"] for _ in range(11)]
            assert frames == list(range(1, 12))


def test_every_run_of_tracking_ends_under_its_own_name(clip: bytes) -> None:
    engine = GatedEngine()
    with open_house(engine) as house:
        session = house.session()
        with house.page(session.token) as page:
            open_and_click(house, page, session.token, clip)
            page.send("track", run=1, direction="forward", frame=0)
            assert engine.entered.acquire(timeout=DEADLINE)
            assert session.is_busy
            page.send("track", run=2, direction="backward", frame=11)
            assert engine.entered.acquire(timeout=DEADLINE)
            for _ in range(30):
                engine.gate.release()
            endings = [page.receive("done", job="track") for _ in range(2)]
            assert [(each["run"], each["stopped"]) for each in endings] == [(1, True), (2, False)]
            page.send("get_masks", first=0, last=0)
            page.receive("masks")
            assert not session.is_busy


def test_all_masks_that_were_asked_for_arrive_however_slowly_the_page_takes_them(tmp_path: Path) -> None:
    film = make_clip(tmp_path / "long.mp4", frames=600, size=(48, 64)).read_bytes()
    with open_house() as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, film)
            for first in range(0, 600, 64):
                page.send("get_masks", first=first, last=min(599, first + 63))
            frames = [page.receive("masks")["frame"] for _ in range(600)]
            assert frames == list(range(600))


def test_a_session_that_the_engine_gave_up_is_brought_back(clip: bytes) -> None:
    engine = FakeEngine()
    with open_house(engine) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, clip)
            page.send("track", run=1, direction="forward", frame=0)
            page.receive("done", job="track")
            engine.sessions.clear()
            page.send("set_prompt", seq=2, frame=3, object=2, prompt={"points": [[60, 40, 1]]})
            assert page.receive("progress")["job"] == "replay"
            assert page.receive("done", "error")["job"] == "replay"
            assert page.receive("masks", "error", seq=2)["objects"][0]["id"] == 2
            page.send("get_masks", first=0, last=11)
            assert [page.receive("masks")["objects"][0]["id"] for _ in range(12)] == [1] * 12
            assert len(engine.sessions) == 1


def test_an_error_of_the_engine_reaches_the_page_and_nothing_else_changes() -> None:
    class BrokenEngine(FakeEngine):
        fails: Callable[[], None] | None = None

        def execute(self, session: str, command: Command[Any]) -> Any:
            if self.fails and isinstance(command, SetPrompt):
                self.fails()
            return super().execute(session, command)

    def crash() -> None:
        raise ZeroDivisionError("/secret/path")

    def busy() -> None:
        raise Busy("The device is full. Try again later.")

    engine = BrokenEngine()
    with open_house(engine) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, picture_bytes())
            for failure, words in ((crash, "your work is kept"), (busy, "The device is full")):
                engine.fails = failure
                page.send("set_prompt", seq=5, frame=0, object=1, prompt=CLICK)
                error = page.receive("error")
                assert words in error["text"]
                assert "secret" not in error["text"]
                assert error["seq"] == 5
            engine.fails = None
            page.send("set_prompt", seq=6, frame=0, object=1, prompt=CLICK)
            assert page.receive("masks", seq=6)["objects"]


def test_the_page_hears_how_the_model_loads_and_can_upload_meanwhile() -> None:
    go, engine = threading.Event(), FakeEngine()

    def build(entry: ModelEntry, progress: Progress) -> FakeEngine:
        progress(0.5, "Downloading")
        assert go.wait(DEADLINE)
        return engine

    with open_house() as house:
        object.__setattr__(house.services, "models", ModelRegistry(model_entries("nano"), build, 1))
        token = house.session().token
        with house.page(token) as page:
            about: dict[str, Any] = page.receive("model")
            assert (about["ready"], about["error"]) == (False, None)
            house.upload(token, picture_bytes())
            page.receive("opened")
            page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
            assert "Try again in a moment" in page.receive("error")["text"]
            go.set()
            while not page.receive("model")["ready"]:
                pass
            page.send("set_prompt", seq=2, frame=0, object=1, prompt=CLICK)
            assert page.receive("masks", seq=2)


def test_the_number_of_objects_has_a_limit() -> None:
    with open_house(max_objects=2) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, picture_bytes())
            page.send("set_prompt", seq=2, frame=0, object=2, prompt=CLICK)
            page.receive("masks", seq=2)
            page.send("set_prompt", seq=3, frame=0, object=3, prompt=CLICK)
            assert "At most 2 objects" in page.receive("error")["text"]
            page.send("remove_object", seq=4, object=1)
            page.receive("object_removed", seq=4)
            page.send("set_prompt", seq=5, frame=0, object=3, prompt=CLICK)
            assert page.receive("masks", seq=5)


@pytest.mark.parametrize(
    "flood",
    [
        {"t": "remove_object", "seq": 6, "object": 9},
        {"t": "list_models"},
        {"t": "preview", "seq": 1, "frame": 0, "object": 1, "prompt": {}},
        {"t": "live_stop"},
        {"t": "unheard_of"},
        None,
    ],
)
def test_a_flood_is_slowed_down_and_then_closed_with_a_sentence(flood: dict[str, Any] | None) -> None:
    with open_house(messages_per_second=100, flood_seconds=0.5) as house:
        token = house.session().token
        with house.page(token) as page:
            with pytest.raises(WebSocketDisconnect) as closed:
                for _ in range(3000):
                    page.socket.send_text("x" if flood is None else json.dumps(flood))
                while True:
                    page.receive("error")
            assert closed.value.code == 4429
            assert "more than the server can take" in closed.value.reason
        answer = house.client.post(f"/s/{token}/send", content=json.dumps(flood))
        assert answer.status_code in (204, 429)


def test_a_burst_is_answered_in_full() -> None:
    with open_house(messages_per_second=50) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, picture_bytes())
            for seq in range(2, 120):
                page.send("remove_object", seq=seq, object=9)
            assert page.receive("object_removed", seq=119)


def test_opening_and_downloading_can_be_cancelled(clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    started, go = threading.Event(), threading.Event()

    def slow(source: Path, folder: Path, limits: object, report: Callable[[float, str], None], name: str) -> None:
        started.set()
        assert go.wait(DEADLINE)
        report(0.5, "half")
        raise AssertionError("a cancelled job does not come this far")

    with open_house() as house:
        session = house.session()
        with house.page(session.token) as page:
            with monkeypatch.context() as patch:
                patch.setattr("ui.files.ingest", slow)
                house.upload(session.token, clip)
                assert started.wait(DEADLINE)
                page.send("cancel", job="ingest")
                page.send("stop")  # answered with a complaint: nothing is open; so the cancel was heard
                assert "Open a picture" in page.receive("error")["text"]
                go.set()
            open_and_click(house, page, session.token, clip)


def test_a_job_that_was_given_up_ends_without_a_word(clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    started, go = threading.Event(), threading.Event()

    def slow(*about: object) -> Path:
        started.set()
        assert go.wait(DEADLINE)
        raise OSError("its folder is gone")

    with open_house() as house:
        session = house.session()
        with house.page(session.token) as page:
            open_and_click(house, page, session.token, clip)
            request = {"format": "coco", "objects": [{"id": 1, "name": "x", "color": [0, 0, 0]}]}
            with monkeypatch.context() as patch:
                patch.setattr("sam2_core.serving.workspace.export", slow)
                page.send("export", **request)
                assert started.wait(DEADLINE)
            page.send("export", **request)
            go.set()
            assert page.receive("done", "error", job="export")["name"] == "clip_coco.json"


def test_a_picture_is_not_tracked_and_nobody_is_not_tracked(clip: bytes) -> None:
    with open_house() as house:
        token = house.session().token
        with house.page(token) as page:
            house.upload(token, picture_bytes())
            page.receive("opened")
            page.send("track", run=1, direction="forward", frame=0)
            assert "nothing to track" in page.receive("error", job="track")["text"]
            house.upload(token, clip)
            page.receive("opened")
            page.send("track", run=1, direction="forward", frame=0)
            assert "Click on a thing" in page.receive("error", job="track")["text"]


def test_a_page_sends_its_edit_log_and_all_begins_anew(clip: bytes) -> None:
    engine = FakeEngine()
    with open_house(engine, max_objects=2) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, clip)
            other = {"frame": 2, "object": 7, "prompt": {"points": [[60, 40, 1]]}}
            page.send("edit_log", seq=9, entries=[other, {"track": [2, 12, 1]}])
            assert page.receive("done", job="replay") == {"t": "done", "job": "replay", "seq": 9, "stopped": False}
            page.send("get_masks", first=0, last=11)
            found = [[each["id"] for each in page.receive("masks", run=None)["objects"]] for _ in range(12)]
            assert found == [[], [], *[[7]] * 10]
            assert len(engine.sessions) == 1
            page.send("set_prompt", seq=10, frame=0, object=1, prompt=CLICK)  # one object is left of the two before
            page.receive("masks", seq=10)
            crowd = [{"frame": 0, "object": number, "prompt": CLICK} for number in (1, 2, 3)]
            page.send("edit_log", seq=11, entries=crowd)
            assert page.receive("error", seq=11, job="replay")["text"].startswith("At most 2 objects")
            page.send("edit_log", seq=12, entries=[*crowd, {"forget": 1}])
            page.receive("done", job="replay", seq=12)
            page.send("edit_log", seq=13, entries=[{"frame": 99, "object": 1, "prompt": CLICK}])
            assert page.receive("error", seq=13)["job"] == "replay"


def test_cancelling_a_replay_keeps_the_prompts(clip: bytes) -> None:
    engine = GatedEngine()
    with open_house(engine) as house:
        token = house.session().token
        with house.page(token) as page:
            assert house.upload(token, clip, "clip.mp4").status_code == 202
            page.receive("opened")
            last = {"frame": 11, "object": 2, "prompt": {"points": [[60, 40, 1]]}}
            entries = [{"frame": 0, "object": 1, "prompt": CLICK}, {"track": [0, 12, 1]}, last]
            page.send("edit_log", seq=1, entries=entries)
            assert engine.entered.acquire(timeout=DEADLINE)
            page.send("cancel", job="replay")
            page.send("stop")
            page.send("get_masks", first=0, last=0)
            page.receive("masks", frame=0)  # the answer proves that the cancel before it was heard
            engine.gate.release()
            assert page.receive("done", job="replay", seq=1)["stopped"] is True
            page.send("get_masks", first=0, last=11)
            found = [[each["id"] for each in page.receive("masks", run=None)["objects"]] for _ in range(12)]
            assert found == [*[[1]] * 4, *[[]] * 7, [2]]
            assert engine.calls.count("Track") == 1


@pytest.mark.parametrize("failure", [RuntimeError, KeyError])
def test_an_error_of_our_own_reaches_the_page_and_the_socket_stays(
    monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    """A closed socket raises the one, a binary message the other: ours must not pass for these."""

    def fail(*arguments: object) -> None:
        raise failure("of our own")

    with open_house() as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, picture_bytes())
            with monkeypatch.context() as patch:
                patch.setattr(PageConnection, "_begin", fail)
                page.send("stop")
                assert "your work is kept" in page.receive("error")["text"]
            page.send("set_prompt", seq=2, frame=0, object=1, prompt=CLICK)
            assert page.receive("masks", seq=2)


def test_a_long_edit_log_is_parsed_once_and_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    def noting(text: str, bounds: Bounds | None) -> Request:
        threads.append(threading.current_thread().name)
        return parse_request(text, bounds)

    monkeypatch.setattr("ui.protocol.parse_request", noting)
    with open_house() as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, picture_bytes())
            loop_thread = threads[-1]
            entries = [{"frame": 0, "object": 1, "prompt": {"points": [[x % 60, 9, 1]]}} for x in range(5000)]
            page.send("edit_log", seq=2, entries=entries)
            page.send("set_prompt", seq=3, frame=0, object=2, prompt=CLICK)
            page.receive("done", job="replay", seq=2)
            assert [each["id"] for each in page.receive("masks", seq=3)["objects"]] == [2], "in the order of sending"
            assert len(threads) == 3
            assert threads[1] != loop_thread == threads[2]


def test_an_object_that_was_cleared_or_refused_makes_room(clip: bytes) -> None:
    with open_house(max_objects=2) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, clip)
            page.send("set_prompt", seq=2, frame=0, object=2, prompt=CLICK)
            page.receive("masks", seq=2)
            page.send("set_prompt", seq=3, frame=0, object=2, prompt={})
            page.receive("masks", seq=3)
            page.send("set_prompt", seq=4, frame=0, object=3, prompt={"crop": [1, 1, 20, 20]})
            page.receive("error", seq=4)  # there is nothing to refine
            page.send("set_prompt", seq=5, frame=0, object=4, prompt=CLICK)
            assert page.receive("masks", "error", seq=5)["t"] == "masks"


def test_a_frame_that_is_looked_at_is_encoded_and_nothing_is_said(clip: bytes) -> None:
    engine = HeldEngine(EncodeFrame)
    with open_house(engine) as house:
        token = house.session().token
        with house.page(token) as page:
            assert house.upload(token, clip, "clip.mp4").status_code == 202
            page.receive("opened")
            page.send("encode_frame", frame=2)
            assert engine._entered.acquire(timeout=DEADLINE)
            page.send("encode_frame", frame=3)
            assert engine._entered.acquire(timeout=DEADLINE)
            engine.sessions.clear()  # nobody asked for it, so nobody is told
            engine.gate.release(2)
            page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
            assert page.receive("masks", seq=1)["objects"]  # and no error before it
