"""The functions of the API without Gradio around them, so that clocks and engines can be had in hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ui.reading import MAX_MESSAGE

from sam2_core.errors import BadPrompt, Busy, MaskletError, SessionGone
from sam2_core.types import FrameMasks, Prompt
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.ui.house import DEADLINE, Builders, GatedEngine, House, open_house, picture_bytes
from ui.endpoints import Endpoints
from ui.reception import Reception
from ui.takeaway import Takeaway

TINY = "sam2.1_hiera_tiny"
FRAMES = 12
CLICK = {"points": [[40, 30]]}


class Desk:
    """A house, and the API's functions as somebody calls them from another thread."""

    def __init__(self, house: House, cache: Path) -> None:
        self.house, self.cache = house, cache
        self.reception = Reception(house.visitors, house.resources)
        self.endpoints = Endpoints(self.reception, house.resources)
        self.takeaway = Takeaway(self.reception, house.resources)

    def do(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        assert self.house.client.portal is not None
        return self.house.client.portal.call(work)

    def sent(self, content: bytes, name: str) -> Any:
        """A file that Gradio has taken in."""
        path = self.cache / name
        path.write_bytes(content)
        return {"path": str(path), "meta": {"_type": "gradio.FileData"}}

    def open(self, content: bytes, name: str = "clip.mp4") -> str:
        file = self.sent(content, name)
        return str(self.do(lambda: self.endpoints.open(file))["session"])

    def prompt(self, session: str, frame: int = 0, object_id: int = 1, **said: Any) -> Any:
        return self.do(lambda: self.endpoints.prompt(session, frame, object_id, **(said or CLICK)))

    def track(self, session: str) -> Any:
        async def listen() -> Any:
            return [news async for news in self.endpoints.track(session)][-1]

        return self.do(listen)

    def settle(self, session: str) -> None:
        """Wait until a stopped run has ended its last call."""
        bench = self.house.visitors._visitors[session].bench

        async def wait() -> None:
            await asyncio.wait_for(asyncio.gather(*bench._runs), DEADLINE)

        self.do(wait)

    def masks(self, session: str) -> Any:
        return self.do(lambda: self.endpoints.masks(session, 0, FRAMES - 1))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=FRAMES).read_bytes()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder through which files pass."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@contextmanager
def open_desk(
    cache: Path, engine: FakeEngine | None = None, others: Builders | None = None, **changes: Any
) -> Iterator[Desk]:
    with open_house(engine, others, **changes) as house:
        yield Desk(house, cache)


@pytest.fixture
def desk(cache: Path) -> Iterator[Desk]:
    with open_desk(cache) as desk:
        yield desk


def test_an_idle_session_ends_like_an_idle_page(desk: Desk, clip: bytes) -> None:
    session = desk.open(clip)
    folder = desk.house.visitors._visitors[session].folder
    desk.house.now += 29 * 60
    desk.house.sweep()
    desk.prompt(session)
    desk.house.now += 29 * 60
    desk.house.sweep()
    assert desk.masks(session), "a call is a sign of life"
    desk.house.now += 31 * 60
    desk.house.sweep()
    assert not folder.exists()
    assert not desk.house.engine.sessions
    with pytest.raises(SessionGone, match="Open the file again"):
        desk.masks(session)


def test_a_session_takes_a_place_and_gives_it_back(cache: Path, clip: bytes) -> None:
    with open_desk(cache, max_sessions=1) as desk:
        session = desk.open(clip)
        with pytest.raises(Busy, match="All places are taken"):
            desk.house.session()
        desk.do(lambda: desk.endpoints.close(session))
        assert len(desk.house.visitors) == 0
        desk.house.session()


def test_a_page_is_no_session(desk: Desk) -> None:
    token = desk.house.session().token
    with pytest.raises(SessionGone):
        desk.masks(token)
    desk.do(lambda: desk.endpoints.close(token))
    assert desk.house.visitors.find(token) is not None


def test_what_cannot_be_opened_leaves_nothing(desk: Desk) -> None:
    with pytest.raises(MaskletError, match="neither a picture nor a clip"):
        desk.open(b"nonsense")
    assert len(desk.house.visitors) == 0
    assert not desk.reception._callers


def test_downloads_go_with_their_session(desk: Desk) -> None:
    session = desk.open(picture_bytes(), "photo.png")
    desk.prompt(session)
    lent = Path(desk.do(lambda: desk.takeaway.export(session, "masks")).path)
    assert lent.is_relative_to(desk.cache)
    assert len(lent.parent.name) == 40, "a name that nobody guesses"
    assert lent.stat().st_size
    desk.do(lambda: desk.endpoints.close(session))
    assert not lent.parent.exists()


def test_a_session_that_the_engine_has_lost_is_said_again(desk: Desk, clip: bytes) -> None:
    session = desk.open(clip)
    desk.prompt(session, 4)
    desk.track(session)
    desk.do(lambda: desk.endpoints.untrack(session, 10, 11))
    before = desk.masks(session)
    desk.house.engine.sessions.clear()
    assert desk.masks(session) == before
    assert [frame["frame"] for frame in before if frame["objects"]] == list(range(4, 10))


def test_another_network_is_told_everything(cache: Path, clip: bytes) -> None:
    tiny = FakeEngine()
    with open_desk(cache, others={TINY: lambda progress: tiny}) as desk:
        session = desk.open(clip)
        desk.prompt(session)
        desk.track(session)
        before = desk.masks(session)
        desk.do(lambda: desk.endpoints.choose_model(session, TINY))
        assert not desk.house.engine.sessions
        assert desk.masks(session) == before
        assert tiny.sessions


def test_all_can_begin_anew(desk: Desk, clip: bytes) -> None:
    session = desk.open(clip)
    desk.prompt(session)
    desk.do(lambda: desk.takeaway.name_object(session, 1, "Nemo"))
    desk.do(lambda: desk.endpoints.reset(session))
    assert not any(frame["objects"] for frame in desk.masks(session))
    desk.prompt(session)
    assert desk.do(lambda: desk.takeaway.name_object(session, 1))["name"] == "Object 1"


def test_who_stops_listening_stops_the_tracking(cache: Path, clip: bytes) -> None:
    engine = GatedEngine()
    with open_desk(cache, engine) as desk:
        session = desk.open(clip)
        desk.prompt(session)
        engine.gate.release()  # for one call of tracking

        async def listen_once() -> Any:
            run = desk.endpoints.track(session)
            news = await anext(run)
            await run.aclose()
            return news

        assert desk.do(listen_once)["done"] == 1
        engine.gate.release(FRAMES)
        desk.settle(session)
        assert engine.calls.count("track") <= 2
        assert not desk.masks(session)[-1]["objects"]


def test_a_newer_run_takes_the_place_of_an_older_one(cache: Path, clip: bytes) -> None:
    engine = GatedEngine()
    with open_desk(cache, engine) as desk:
        session = desk.open(clip)
        desk.prompt(session)
        engine.gate.release()
        bench = desk.house.visitors._visitors[session].bench

        async def listen_twice() -> Any:
            older = desk.endpoints.track(session)
            await anext(older)
            first, newer = bench._tracker, asyncio.create_task(_all(desk.endpoints.track(session)))
            while bench._tracker is first:
                await asyncio.sleep(0)
            engine.gate.release(2 * FRAMES)
            return await _all(older), await newer

        older, newer = desk.do(listen_twice)
        assert not older[-1]["finished"]
        assert newer[-1]["finished"]


async def _all(run: AsyncIterator[Any]) -> list[Any]:
    return [news async for news in run]


class SlowEngine(FakeEngine):
    """Answers no prompt before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may = threading.Event(), threading.Event()

    def prompt(self, session: str, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        self.asked.set()
        assert self.may.wait(DEADLINE)
        return super().prompt(session, frame, object_id, prompt)


def test_who_waits_hears_that_the_session_has_ended(cache: Path, clip: bytes) -> None:
    engine = SlowEngine()
    with open_desk(cache, engine) as desk:
        session = desk.open(clip)

        async def close_meanwhile() -> Any:
            waiting = asyncio.create_task(desk.endpoints.prompt(session, 0, 1, **CLICK))
            await asyncio.to_thread(engine.asked.wait, DEADLINE)
            closing = asyncio.create_task(desk.endpoints.close(session))
            try:
                return await asyncio.gather(waiting, return_exceptions=True)
            finally:
                engine.may.set()
                await closing

        [failure] = desk.do(close_meanwhile)
        assert isinstance(failure, SessionGone)


def test_what_was_said_is_noted_though_nobody_waits(cache: Path, clip: bytes) -> None:
    engine = SlowEngine()
    with open_desk(cache, engine) as desk:
        session = desk.open(clip)

        async def give_up() -> None:
            waiting = asyncio.create_task(desk.endpoints.prompt(session, 0, 1, **CLICK))
            await asyncio.to_thread(engine.asked.wait, DEADLINE)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

        desk.do(give_up)
        engine.may.set()
        desk.prompt(session, 0, 2)  # prompts are answered in their order
        assert [each["object"] for each in desk.masks(session)[0]["objects"]] == [1, 2]
        assert [each["id"] for each in desk.reception.find(session).notes.objects] == [1, 2]


def test_a_newer_download_takes_the_place_of_an_older_one(desk: Desk, clip: bytes) -> None:
    session = desk.open(clip)
    desk.prompt(session)

    async def two() -> Any:
        both = [desk.takeaway.export(session, "coco"), desk.takeaway.export(session, "masks")]
        return await asyncio.gather(*both, return_exceptions=True)

    older, newer = desk.do(two)
    assert isinstance(older, Busy)
    assert Path(newer.path).suffix == ".zip"


def test_what_is_too_long_is_refused_at_once(desk: Desk) -> None:
    session = desk.open(picture_bytes(), "photo.png")
    with pytest.raises(BadPrompt, match="too much to say at once"):
        desk.prompt(session, mask={"size": [48, 64], "counts": "0" * MAX_MESSAGE})
    with pytest.raises(BadPrompt, match="too much to say at once"):
        desk.do(lambda: desk.endpoints.untrack(session, 0, 0, [1] * MAX_MESSAGE))
    caller = desk.reception.find(session)
    assert not caller._due
    assert not caller._wishes
    assert desk.prompt(session)["area"]


def test_only_the_newest_downloads_wait_to_be_fetched(desk: Desk) -> None:
    session = desk.open(picture_bytes(), "photo.png")
    desk.prompt(session)
    lent = [Path(desk.do(lambda: desk.takeaway.export(session, "coco")).path) for _ in range(5)]
    assert [path.exists() for path in lent] == [False, False, True, True, True]
