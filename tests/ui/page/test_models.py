"""Changing the network while other things happen, and hearing what a request waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sam2_core.serving.commands import Command, SetPrompt, Track
from sam2_core.serving.engine import QueueStatus
from sam2_core.types import Progress
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.ui.house import DEADLINE, Builders, GatedEngine, House, Page, open_house, picture_bytes
from ui.page.connection import PageObserver

TINY, SMALL = "sam2.1_hiera_tiny", "sam2.1_hiera_small"
CLICK = {"points": [[20, 24, 1]]}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=12).read_bytes()


def others(**engines: FakeEngine) -> Builders:
    """Engines of the second network and so on, which are there at once."""
    names = {"tiny": TINY, "small": SMALL}
    return {names[name]: lambda progress, engine=engine: engine for name, engine in engines.items()}


def open_and_click(house: House, page: Page, token: str, content: bytes) -> None:
    assert house.upload(token, content, "clip.mp4").status_code == 202
    page.receive("opened")
    page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
    page.receive("masks", seq=1)


def track_all(page: Page) -> None:
    page.send("track", run=1, direction="forward", frame=0)
    page.receive("done", job="track")


def change(page: Page, name: str) -> dict[str, Any]:
    page.send("choose_model", name=name)
    told = page.receive("model", name=name)
    assert page.receive("done", job="model")["name"] == name
    return told


class HeldEngine(FakeEngine):
    """The first prompt waits until the test lets it through."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go = threading.Event(), threading.Event()

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, SetPrompt):
            self.entered.set()
            assert self.go.wait(DEADLINE)
        return super().execute(session, command)


def test_the_page_is_told_what_there_is() -> None:
    with open_house(models="nano, sam2.1_hiera_large") as house, house.page(house.session().token) as page:
        told = page.receive("model")
        assert (told["ready"], told["name"], told["title"], told["device"]) == (True, "nano", "nano", "no device")
        page.send("list_models")
        list_ = page.receive("models")
        assert (list_["current"], list_["device"], list_["memory"]) == ("nano", "no device", None)
        nano, large = list_["models"]
        assert (nano["weights"], nano["loaded"], nano["picture"], nano["frame"]) == ("bundled", True, 1, 1)
        assert (large["title"], large["loaded"], large["megabytes"]) == ("SAM 2.1 large", False, 897.6)
        assert large["weights"] in ("remote", "downloaded")
        assert large["picture"] > 100
        assert "Meta" in large["licence"]


def test_the_work_moves_to_the_other_network_and_other_visitors_keep_theirs(clip: bytes) -> None:
    nano, tiny = FakeEngine(), FakeEngine()
    with open_house(nano, others(tiny=tiny)) as house:
        tokens = [house.session().token for _ in range(2)]
        with house.page(tokens[0]) as page, house.page(tokens[1]) as other:
            for each, token in ((page, tokens[0]), (other, tokens[1])):
                open_and_click(house, each, token, clip)
            track_all(page)
            change(page, TINY)
            assert (len(nano.sessions), len(tiny.sessions)) == (1, 1)
            page.send("get_masks", first=0, last=11)
            assert [page.receive("masks")["objects"][0]["id"] for _ in range(12)] == [1] * 12
            calls = len(nano.calls)
            page.send("set_prompt", seq=2, frame=5, object=2, prompt=CLICK)
            page.receive("masks", seq=2)
            assert len(nano.calls) == calls
            other.send("set_prompt", seq=2, frame=5, object=2, prompt=CLICK)
            other.receive("masks", seq=2)
            assert len(nano.calls) == calls + 1
            change(page, "nano")
            assert (len(nano.sessions), len(tiny.sessions)) == (2, 0)


def test_the_work_moves_to_another_resolution_of_the_same_network(clip: bytes) -> None:
    exact, fast = FakeEngine(), FakeEngine()
    builders: Builders = {f"{TINY}@512": lambda progress: fast}
    with open_house(exact, builders, model=TINY) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, clip)
            track_all(page)
            assert change(page, f"{TINY}@512")["title"] == "SAM 2.1 tiny 512"
            assert (len(exact.sessions), len(fast.sessions)) == (0, 1)
            page.send("get_masks", first=0, last=11)
            assert [page.receive("masks")["objects"][0]["id"] for _ in range(12)] == [1] * 12
            change(page, TINY)
            assert (len(exact.sessions), len(fast.sessions)) == (1, 0)


def test_weights_of_the_session_are_chosen_like_any_other_and_go_with_it(clip: bytes, tmp_path: Path) -> None:
    nano, trained = FakeEngine(), FakeEngine()
    own: dict[str, Callable[[Progress], FakeEngine]] = {TINY: lambda progress: trained}
    with open_house(nano, own, models="") as house:
        session, other = house.session(), house.session()
        with house.page(session.token) as page, house.page(other.token) as stranger:
            open_and_click(house, page, session.token, clip)
            entry = session.models.add("nano, trained on 3 photos", "nano", tmp_path / "w.pt", session.model.entry.name)
            own[entry.name] = lambda progress: trained
            page.send("list_models")
            listed = page.receive("models")["models"]
            assert [(each["title"], each["weights"]) for each in listed[1:]] == [(entry.title, "trained")]
            stranger.send("list_models")
            assert [each["name"] for each in stranger.receive("models")["models"]] == ["nano"]
            stranger.send("choose_model", name=entry.name)
            assert "does not offer" in stranger.receive("error", job="model")["text"]
            change(page, entry.name)
            assert (len(nano.sessions), len(trained.sessions)) == (0, 1)
            change(page, "nano")
            assert (len(nano.sessions), len(trained.sessions)) == (1, 0)
            house.call(house.sessions.close, session)
            assert "shut_down" in trained.calls


def test_without_a_medium_there_is_nothing_to_move() -> None:
    tiny = FakeEngine()
    with open_house(others=others(tiny=tiny)) as house:
        token = house.session().token
        with house.page(token) as page:
            page.send("choose_model", name=TINY)
            page.receive("done", job="model")
            open_and_click(house, page, token, picture_bytes())
            assert "SetPrompt" in tiny.calls


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": SMALL}, r"SAM 2.1 small cannot be fetched. You go on with nano."),
        ({"name": "/etc/passwd"}, r"does not offer that model. Choose one from the list. You go on with nano."),
        ({"name": 5}, "must be the name"),
        ({}, "must be the name"),
    ],
)
def test_a_failure_leaves_all_as_it_was(fields: dict[str, Any], words: str) -> None:
    engine = FakeEngine()
    with open_house(engine) as house:
        session = house.session()
        with house.page(session.token) as page:
            open_and_click(house, page, session.token, picture_bytes())
            page.send("choose_model", **fields)
            assert words in page.receive("error", job="model")["text"]
            page.send("set_prompt", seq=2, frame=0, object=2, prompt=CLICK)
            page.receive("masks", seq=2)
            assert "close" not in engine.calls
            assert not session.is_busy


def test_a_network_that_stumbles_over_the_journal_is_let_go(clip: bytes) -> None:
    class Stumbling(FakeEngine):
        def execute(self, session: str, command: Command[Any]) -> Any:
            if isinstance(command, Track):
                raise ZeroDivisionError
            return super().execute(session, command)

    nano, tiny = FakeEngine(), Stumbling()
    with open_house(nano, others(tiny=tiny)) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, clip)
            track_all(page)
            page.send("choose_model", name=TINY)
            page.receive("error", job="model")
            assert tiny.sessions == {}
            page.send("get_masks", first=0, last=0)
            assert page.receive("masks")["objects"][0]["id"] == 1
            assert len(nano.sessions) == 1


def test_loading_is_told_and_can_be_given_up(clip: bytes) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(progress: Progress) -> FakeEngine:
        progress(0.25, "Downloading 10 of 40 MB")
        begun.set()
        assert go.wait(DEADLINE)
        progress(0.5, "Downloading 20 of 40 MB")
        raise AssertionError("nobody waits for it any more")

    with open_house(others={TINY: slow}) as house:
        session = house.session()
        with house.page(session.token) as page:
            open_and_click(house, page, session.token, clip)
            page.send("choose_model", name=TINY)
            assert begun.wait(DEADLINE)
            told = page.receive("progress", job="model", fraction=0.25)
            assert (told["model"], told["message"]) == (TINY, "Downloading 10 of 40 MB")
            page.send("set_prompt", seq=2, frame=3, object=1, prompt=CLICK)
            page.receive("masks", seq=2)  # the work goes on meanwhile
            page.send("cancel", job="model")
            page.send("choose_model", name="nano")  # what is there already needs no loading
            page.receive("done", job="model")
            go.set()


def test_clicks_that_are_made_while_the_work_moves_reach_the_new_network(clip: bytes) -> None:
    nano, tiny = FakeEngine(), HeldEngine()
    with open_house(nano, others(tiny=tiny)) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, clip)
            track_all(page)
            page.send("choose_model", name=TINY)
            assert tiny.entered.wait(DEADLINE)
            page.send("set_prompt", seq=2, frame=4, object=2, prompt=CLICK)
            tiny.go.set()
            page.receive("done", job="model")
            page.receive("masks", seq=2)
            page.send("get_masks", first=4, last=4)
            assert [each["id"] for each in page.receive("masks", seq=None)["objects"]] == [1, 2]
            assert nano.sessions == {}


def test_tracking_ends_before_the_work_moves(clip: bytes) -> None:
    nano, tiny = GatedEngine(), FakeEngine()
    with open_house(nano, others(tiny=tiny)) as house:
        token = house.session().token
        with house.page(token) as page:
            open_and_click(house, page, token, clip)
            page.send("track", run=1, direction="forward", frame=0)
            assert nano.entered.acquire(timeout=DEADLINE)
            page.send("choose_model", name=TINY)
            page.send("list_models")
            page.receive("models")  # so the request before it was heard
            nano.gate.release()
            page.receive("masks", step=1)
            assert page.receive("done", job="track")["stopped"] is True
            page.receive("done", job="model")


def test_visitors_who_leave_let_their_network_go(clip: bytes) -> None:
    with open_house(others=others(tiny=FakeEngine(), small=FakeEngine()), max_models=2) as house:
        tokens = [house.session().token for _ in range(2)]
        with house.page(tokens[1]) as page:
            with house.page(tokens[0]) as first:
                first.send("choose_model", name=TINY)
                first.receive("done", job="model")
            page.send("choose_model", name=SMALL)
            assert "No further model fits" in page.receive("error", job="model")["text"]
            house.client.post(f"/s/{tokens[0]}/bye")
            house.now += 60
            house.sweep()
            page.send("choose_model", name=SMALL)
            page.receive("done", job="model")


class BusyEngine(FakeEngine):
    """Answers a click when the test says so, and is as busy as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.now = QueueStatus("no device", None, 0, 0.0)

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, SetPrompt):
            assert self.gate.wait(DEADLINE)
        return super().execute(session, command)

    def status(self, session: str = "") -> QueueStatus:
        return self.now


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PageObserver, "NOTICED_SECONDS", 0.01)
    monkeypatch.setattr(PageObserver, "REPEAT_SECONDS", 0.01)


def test_a_wish_that_waits_hears_for_whom_and_how_long(impatient: None) -> None:
    engine = BusyEngine()
    engine.now = QueueStatus("no device", None, 2, 3.21)
    with open_house(engine) as house:
        token = house.session().token
        with house.page(token) as page:
            house.upload(token, picture_bytes())
            page.receive("opened")
            page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
            told = page.receive("queue")
            assert (told["position"], told["seconds"]) == (2, 3.2)
            engine.now = QueueStatus("no device", None, 1, 1.5)
            page.receive("queue", position=1)
            engine.gate.set()
            assert page.receive("queue", position=0)["seconds"] == 0
            page.receive("masks", seq=1)


def test_what_is_quick_is_not_talked_about(impatient: None) -> None:
    engine = BusyEngine()
    engine.now = QueueStatus("no device", None, 0, 0.9)
    with open_house(engine) as house:
        session = house.session()
        with house.page(session.token) as page:
            house.upload(session.token, picture_bytes())
            page.receive("opened")
            page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
            threading.Timer(0.1, engine.gate.set).start()
            assert page.receive("queue", "masks")["t"] == "masks"


def test_long_jobs_hear_how_many_come_first(clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    begun: list[object] = []

    def slow(*about: object) -> None:
        begun.append(about)
        assert go.wait(DEADLINE)

    with open_house(max_jobs=1) as house:
        tokens = [house.session().token for _ in range(3)]
        with house.page(tokens[0]) as one, house.page(tokens[1]) as two, house.page(tokens[2]) as three:
            with monkeypatch.context() as patch:
                patch.setattr("ui.files.ingest", slow)
                house.upload(tokens[0], clip)
                one.receive("progress", message="Starting")
                house.upload(tokens[1], clip)
                two.receive("progress", message="Waiting for a free place: you are next")
                house.upload(tokens[2], clip)
                three.receive("progress", message="Waiting for a free place: 1 comes before you")
                two.send("cancel", job="ingest")
                three.receive("progress", message="Waiting for a free place: you are next")
                one.send("cancel", job="ingest")
                one.send("stop")
                one.receive("error")  # nothing is open; so the cancel was heard
                go.set()
                three.receive("error", job="ingest")  # it has read nothing
            assert len(begun) == 2, "what was cancelled while it waited never began"
