"""The functions of the API without Gradio around them, so that tests control clock and engine."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import BadPrompt, Busy, MaskletError, MediaError, SessionGone
from sam2_core.serving.commands import Command, SetPrompt
from sam2_core.serving.engine import Engine
from sam2_core.types import Mask, Progress
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.ui.house import DEADLINE, Builders, GatedEngine, House, open_house, picture_bytes
from tests.ui.trainers import ENDLESS, GOOD, Trainer
from ui.api.clients import ApiClient
from ui.api.endpoints import Endpoints
from ui.protocol import MAX_REQUEST_CHARACTERS
from ui.sessions import Session

TINY = "sam2.1_hiera_tiny"
FRAMES = 12
CLICK: dict[str, Any] = {"points": [[40, 30]]}


class Program:
    """A house, and the API's functions as somebody calls them from another thread."""

    def __init__(self, house: House, cache: Path) -> None:
        self.house, self.cache = house, cache
        self.endpoints = Endpoints(house.sessions)

    def do(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return self.house.call(work)

    def session(self, key: str) -> Session:
        session = self.house.sessions.find(key)
        assert session is not None
        return session

    def sent(self, content: bytes, name: str) -> Any:
        """A file that Gradio has taken in."""
        path = self.cache / name
        path.write_bytes(content)
        return {"path": str(path), "meta": {"_type": "gradio.FileData"}}

    def open(self, content: bytes, name: str = "clip.mp4") -> str:
        file = self.sent(content, name)
        return str(self.do(lambda: self.endpoints.open(file))["session"])

    def prompt(self, session: str, frame: int = 0, object_id: int = 1, **prompt: Any) -> Any:
        return self.do(lambda: self.endpoints.prompt(session, frame, object_id, **(prompt or CLICK)))

    def track(self, session: str) -> Any:
        async def listen() -> Any:
            return [news async for news in self.endpoints.track(session)][-1]

        return self.do(listen)

    def track_start(self, session: str) -> int:
        """The frame at which tracking would start."""

        async def listen() -> Any:
            run = self.endpoints.track(session, direction="one", pause=False)
            try:
                return (await anext(run))["frame"]
            finally:
                await run.aclose()

        return int(self.do(listen))

    def exported(self, session: str, objects: list[int] | None = None) -> list[int]:
        """The objects of a download, in their order."""
        file = Path(self.do(lambda: self.endpoints.export(session, "coco", objects)).path)
        return [each["id"] for each in json.loads(file.read_text("utf-8"))["tracks"]]

    def settle(self, session: str) -> None:
        """Wait until a stopped run has ended its last step."""
        workspace = self.session(session).workspace
        assert workspace is not None

        async def wait() -> None:
            await asyncio.wait_for(asyncio.gather(*workspace._tracking), DEADLINE)

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
def open_program(
    cache: Path, engine: FakeEngine | None = None, others: Builders | None = None, **changes: Any
) -> Iterator[Program]:
    with open_house(engine, others, **changes) as house:
        yield Program(house, cache)


@pytest.fixture
def program(cache: Path) -> Iterator[Program]:
    with open_program(cache) as program:
        yield program


def test_an_idle_session_ends_like_an_idle_page(program: Program, clip: bytes) -> None:
    session = program.open(clip)
    folder = program.session(session).folder
    program.house.now += 29 * 60
    program.house.sweep()
    program.prompt(session)
    program.house.now += 29 * 60
    program.house.sweep()
    assert program.masks(session), "a call is a sign of life"
    program.house.now += 31 * 60
    program.house.sweep()
    assert not folder.exists()
    assert not program.house.engine.sessions
    with pytest.raises(SessionGone, match="Open the file again"):
        program.masks(session)


def test_a_session_takes_a_place_and_gives_it_back(cache: Path, clip: bytes) -> None:
    with open_program(cache, max_sessions=1) as program:
        session = program.open(clip)
        with pytest.raises(Busy, match="All places are taken"):
            program.house.session()
        program.do(lambda: program.endpoints.close(session))
        assert len(program.house.sessions) == 0
        program.house.session()


def test_a_page_is_no_session(program: Program) -> None:
    token = program.house.session().token
    with pytest.raises(SessionGone):
        program.masks(token)
    program.do(lambda: program.endpoints.close(token))
    assert program.house.sessions.find(token) is not None


def test_what_cannot_be_opened_leaves_nothing(program: Program) -> None:
    with pytest.raises(MaskletError, match="neither a picture nor a clip"):
        program.open(b"nonsense")
    assert len(program.house.sessions) == 0


def test_downloads_go_with_their_session(program: Program) -> None:
    session = program.open(picture_bytes(), "photo.png")
    program.prompt(session)
    lent = Path(program.do(lambda: program.endpoints.export(session, "masks")).path)
    assert lent.is_relative_to(program.cache)
    assert len(lent.parent.name) == 40, "a name that nobody guesses"
    assert lent.stat().st_size
    program.do(lambda: program.endpoints.close(session))
    assert not lent.parent.exists()


def test_a_session_that_the_engine_has_lost_is_recovered(program: Program, clip: bytes) -> None:
    session = program.open(clip)
    program.prompt(session, 4)
    program.track(session)
    program.do(lambda: program.endpoints.untrack(session, 10, 11))
    before = program.masks(session)
    program.house.engine.sessions.clear()
    assert program.masks(session) == before
    assert [frame["frame"] for frame in before if frame["objects"]] == list(range(4, 10))


def test_all_work_moves_to_another_network(cache: Path, clip: bytes) -> None:
    tiny = FakeEngine()
    with open_program(cache, others={TINY: lambda progress: tiny}) as program:
        session = program.open(clip)
        program.prompt(session)
        program.track(session)
        before = program.masks(session)
        program.do(lambda: program.endpoints.choose_model(session, TINY))
        assert not program.house.engine.sessions
        assert program.masks(session) == before
        assert tiny.sessions


def test_a_network_is_chosen_with_its_image_size(cache: Path, clip: bytes) -> None:
    fast = FakeEngine()
    with open_program(cache, others={f"{TINY}@512": lambda progress: fast}) as program:
        sizes = {each["name"]: each.get("image_size") for each in program.do(program.endpoints.models)}
        assert (sizes["nano"], sizes[TINY], sizes[f"{TINY}@512"]) == (384, 1024, 512)
        session = program.open(clip)
        program.prompt(session)
        program.do(lambda: program.endpoints.choose_model(session, "facebook/sam2.1-hiera-tiny@512"))
        assert program.session(session).model.entry.name == f"{TINY}@512"
        assert fast.sessions
        with pytest.raises(Busy, match="does not offer"):
            program.do(lambda: program.endpoints.choose_model(session, f"{TINY}@768"))


def test_a_reset_removes_everything(program: Program, clip: bytes) -> None:
    session = program.open(clip)
    program.prompt(session)
    program.do(lambda: program.endpoints.name_object(session, 1, "Nemo"))
    program.do(lambda: program.endpoints.reset(session))
    assert not any(frame["objects"] for frame in program.masks(session))
    program.prompt(session)
    assert program.do(lambda: program.endpoints.name_object(session, 1))["name"] == "Object 1"


def test_objects_are_those_that_have_prompts(program: Program, clip: bytes) -> None:
    session = program.open(clip)
    with pytest.raises(BadPrompt, match="Click on a thing first"):
        program.track_start(session)
    for frame, object_id in ((7, 3), (5, 1), (6, 1)):
        program.prompt(session, frame, object_id)
    assert program.track_start(session) == 5
    assert program.exported(session) == [3, 1]
    assert program.exported(session, [1, 3]) == [1, 3]
    with pytest.raises(BadPrompt, match="numbers 3, 1"):
        program.exported(session, [2])
    program.do(lambda: program.endpoints.prompt(session, 5, 1))
    assert program.track_start(session) == 6
    program.do(lambda: program.endpoints.prompt(session, 6, 1))
    assert program.exported(session) == [3]


def test_a_name_stays_until_it_is_changed(program: Program, clip: bytes) -> None:
    def name(*values: str) -> Any:
        return program.do(lambda: program.endpoints.name_object(session, 2, *values))

    session = program.open(clip)
    program.prompt(session, 0, 2)
    name("Nemo", "fish", "#010203")
    assert name("Marlin") == {"object": 2, "name": "Marlin", "label": "fish", "color": "#010203"}
    assert name() == {"object": 2, "name": "Marlin", "label": "fish", "color": "#010203"}
    program.do(lambda: program.endpoints.remove_object(session, 2))
    with pytest.raises(BadPrompt, match="no such object"):
        name()
    program.prompt(session, 0, 2)
    assert name()["name"] == "Object 2"


def test_calls_wait_until_the_network_is_loaded(cache: Path, clip: bytes) -> None:
    may = threading.Event()

    def build(progress: Progress) -> Engine:
        assert may.wait(DEADLINE)
        return FakeEngine()

    with open_program(cache, others={TINY: build}) as program:
        key = program.open(clip)
        session, loaded = program.session(key), program.session(key).model
        session.model = program.house.services.models.acquire(TINY)  # as if it had begun with this one

        async def ask() -> Any:
            asking = asyncio.create_task(program.endpoints.masks(key))
            await asyncio.sleep(0.05)
            assert not asking.done()
            may.set()
            return await asking

        assert program.do(ask) == [{"frame": 0, "objects": []}]
        session.model.release()
        session.model = program.house.services.models.acquire("sam2.1_hiera_small")  # nobody can build that
        with pytest.raises(Busy, match="cannot be fetched"):
            program.masks(key)
        session.model = loaded


def test_calls_are_limited(cache: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.api.clients.MAX_TASKS", 2)
    engine = SlowEngine()
    with open_program(cache, engine, messages_per_second=3) as program:
        session = program.open(clip)

        async def prompts() -> Any:
            calls = [asyncio.create_task(program.endpoints.prompt(session, 0, number, **CLICK)) for number in (1, 2)]
            await asyncio.to_thread(engine.asked.wait, DEADLINE)
            with pytest.raises(Busy, match="has not answered your last calls"):
                await program.endpoints.prompt(session, 0, 3, **CLICK)
            engine.may.set()
            await asyncio.gather(*calls)
            with pytest.raises(Busy, match="too fast"):
                for _ in range(9):
                    await program.endpoints.masks(session)

        program.do(prompts)


def test_who_stops_waiting_for_a_job_cancels_it(cache: Path, clip: bytes) -> None:
    asked, may = threading.Event(), threading.Event()

    def build(progress: Progress) -> Engine:
        asked.set()
        assert may.wait(DEADLINE)
        return FakeEngine()

    with open_program(cache, others={TINY: build}) as program:
        session = program.open(clip)
        program.prompt(session)

        async def give_up() -> None:
            choosing = asyncio.create_task(program.endpoints.choose_model(session, TINY))
            await asyncio.to_thread(asked.wait, DEADLINE)
            assert program.session(session).is_busy
            choosing.cancel()
            await asyncio.gather(choosing, return_exceptions=True)

        program.do(give_up)
        assert not program.session(session).is_busy
        may.set()
        assert program.masks(session)[0]["objects"]
        assert program.session(session).model.entry.name != TINY


def test_who_stops_waiting_for_a_file_to_be_opened_leaves_nothing(program: Program, clip: bytes) -> None:
    async def give_up() -> None:
        opening = asyncio.create_task(program.endpoints.open(program.sent(clip, "clip.mp4")))
        while not any(session.is_busy for session in program.house.sessions._sessions.values()):
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)

    program.do(give_up)
    assert len(program.house.sessions) == 0


def test_a_newer_choice_of_a_network_takes_the_place_of_an_older_one(cache: Path, clip: bytes) -> None:
    small = "sam2.1_hiera_small"
    with open_program(cache, others={name: lambda progress: FakeEngine() for name in (TINY, small)}) as program:
        session = program.open(clip)

        async def two() -> Any:
            both = [program.endpoints.choose_model(session, TINY), program.endpoints.choose_model(session, small)]
            return await asyncio.gather(*both, return_exceptions=True)

        older, newer = program.do(two)
        assert isinstance(older, Busy) and "took the place" in str(older)
        assert newer == {"session": session}
        assert program.session(session).model.entry.name == small


def test_everything_is_a_stream_that_ends_with_the_masks(program: Program) -> None:
    session = program.open(picture_bytes(80, 120), "a.png")

    def everything(**chosen: Any) -> Any:
        async def listen() -> Any:
            return [news async for news in program.endpoints.everything(session, points_per_side=2, **chosen)]

        return program.do(listen)

    *before, last = everything(min_predicted_iou=0.85, min_stability=0.1)
    assert [(each["done"], each["finished"], each["masks"]) for each in before] == [(4, False, [])]
    assert (last["done"], last["total"], last["finished"]) == (4, 4, True)
    assert [mask["predicted_iou"] for mask in last["masks"]] == [0.9] * 4
    mask = last["masks"][0]
    assert Mask.from_coco(mask["mask"]).area == mask["area"]
    left, top, right, bottom = mask["box"]
    assert (left + right) / 2 == pytest.approx(30, abs=1) and (top + bottom) / 2 == pytest.approx(20, abs=1)
    assert len(everything(min_predicted_iou=0.85, min_stability=0.8)[-1]["masks"]) == 2
    assert everything(min_area=10**6)[-1]["masks"] == []
    for wrong in (
        {"min_stability": 2},
        {"min_predicted_iou": "x"},
        {"max_area": -1},
        {"crop_layers": 9},
        {"max_area": 0},
    ):
        with pytest.raises(BadPrompt, match=f"`{next(iter(wrong))}`"):
            everything(**wrong)
    with pytest.raises(BadPrompt, match="no less than `min_area`"):
        everything(min_area=50, max_area=49)
    assert everything(min_predicted_iou=0.85, min_stability=0.1, max_area=10**6)[-1]["masks"]


def test_who_stops_listening_stops_the_tracking(cache: Path, clip: bytes) -> None:
    engine = GatedEngine()
    with open_program(cache, engine) as program:
        session = program.open(clip)
        program.prompt(session)
        engine.gate.release()  # for one call of tracking

        async def listen_once() -> Any:
            run = program.endpoints.track(session)
            news = await anext(run)
            await run.aclose()
            return news

        assert program.do(listen_once)["done"] == 1
        engine.gate.release(FRAMES)
        program.settle(session)
        assert engine.calls.count("Track") <= 2
        assert not program.masks(session)[-1]["objects"]


def test_a_newer_run_takes_the_place_of_an_older_one(cache: Path, clip: bytes) -> None:
    engine = GatedEngine()
    with open_program(cache, engine) as program:
        session = program.open(clip)
        program.prompt(session)
        engine.gate.release()
        work = program.session(session)

        async def listen_twice() -> Any:
            older = program.endpoints.track(session)
            await anext(older)
            first, newer = work._tracking, asyncio.create_task(_all(program.endpoints.track(session)))
            while work._tracking is first:
                await asyncio.sleep(0)
            engine.gate.release(2 * FRAMES)
            return await _all(older), await newer

        older, newer = program.do(listen_twice)
        assert not older[-1]["finished"]
        assert newer[-1]["finished"]


async def _all(run: AsyncIterator[Any]) -> list[Any]:
    return [news async for news in run]


class SlowEngine(FakeEngine):
    """Answers no prompt before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may = threading.Event(), threading.Event()

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, SetPrompt):
            self.asked.set()
            assert self.may.wait(DEADLINE)
        return super().execute(session, command)


def test_calls_end_with_their_session(cache: Path, clip: bytes) -> None:
    engine = SlowEngine()
    with open_program(cache, engine) as program:
        session = program.open(clip)

        async def close_meanwhile() -> Any:
            waiting = asyncio.create_task(program.endpoints.prompt(session, 0, 1, **CLICK))
            await asyncio.to_thread(engine.asked.wait, DEADLINE)
            closing = asyncio.create_task(program.endpoints.close(session))
            try:
                return await asyncio.gather(waiting, return_exceptions=True)
            finally:
                engine.may.set()
                await closing

        [failure] = program.do(close_meanwhile)
        assert isinstance(failure, SessionGone)


def test_a_prompt_is_recorded_though_nobody_waits(cache: Path, clip: bytes) -> None:
    engine = SlowEngine()
    with open_program(cache, engine) as program:
        session = program.open(clip)

        async def give_up() -> None:
            waiting = asyncio.create_task(program.endpoints.prompt(session, 0, 1, **CLICK))
            await asyncio.to_thread(engine.asked.wait, DEADLINE)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

        program.do(give_up)
        engine.may.set()
        program.prompt(session, 0, 2)  # prompts are answered in their order
        assert [each["object"] for each in program.masks(session)[0]["objects"]] == [1, 2]
        workspace = program.session(session).workspace
        assert workspace is not None and list(workspace.log.state.prompts) == [1, 2]


def test_a_newer_download_takes_the_place_of_an_older_one(program: Program, clip: bytes) -> None:
    session = program.open(clip)
    program.prompt(session)

    async def two() -> Any:
        both = [program.endpoints.export(session, "coco"), program.endpoints.export(session, "masks")]
        return await asyncio.gather(*both, return_exceptions=True)

    older, newer = program.do(two)
    assert isinstance(older, Busy)
    assert Path(newer.path).suffix == ".zip"


def test_what_is_too_long_is_refused_at_once(program: Program) -> None:
    session = program.open(picture_bytes(), "photo.png")
    with pytest.raises(BadPrompt, match="too much to say at once"):
        program.prompt(session, mask={"size": [48, 64], "counts": "0" * MAX_REQUEST_CHARACTERS})
    with pytest.raises(BadPrompt, match="too much to say at once"):
        program.do(lambda: program.endpoints.untrack(session, 0, 0, [1] * MAX_REQUEST_CHARACTERS))
    client = program.session(session).client
    assert isinstance(client, ApiClient) and not client._calls
    assert program.prompt(session)["area"]


def test_only_the_newest_downloads_wait_to_be_fetched(program: Program) -> None:
    session = program.open(picture_bytes(), "photo.png")
    program.prompt(session)
    lent = [Path(program.do(lambda: program.endpoints.export(session, "coco")).path) for _ in range(5)]
    assert [path.exists() for path in lent] == [False, False, True, True, True]


def test_numbered_pictures_are_opened_as_a_clip(program: Program) -> None:
    files = [program.sent(picture_bytes(), f"f_{number}.png") for number in (2, 1, 3)]
    opened = program.do(lambda: program.endpoints.open_with(files, as_clip=True))
    assert (opened["kind"], opened["frames"], opened["warnings"]) == ("clip", 3, [])
    assert opened["names"] == ["f_1.png", "f_2.png", "f_3.png"]
    with pytest.raises(MediaError, match="differ in more than their numbers"):
        program.do(
            lambda: program.endpoints.open_with([program.sent(picture_bytes(), n) for n in ("a.png", "b.png")], True)
        )


def test_training_is_a_stream_and_gives_a_model_of_the_session(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer()
    monkeypatch.setattr("ui.sessions.training_command", trainer)
    with open_program(cache, models="") as program:
        files = [program.sent(picture_bytes(48, 60 + each), f"{each}.png") for each in range(2)]
        session = str(program.do(lambda: program.endpoints.open_album(files))["session"])

        async def listen() -> Any:
            return [news async for news in program.endpoints.train(session, 2)]

        with pytest.raises(BadPrompt, match="no mask to train on"):
            program.do(listen)
        program.prompt(session)
        last = program.do(listen)[-1]
        assert (last["finished"], last["before"], last["after"]) == (True, {"click1": 0.6}, {"click1": 0.75})
        assert program.session(session).models.entries[-1].name == last["model"]
        trainer.program = "say(error='Annotate at least two photos.')"
        with pytest.raises(MaskletError, match="at least two photos"):
            program.do(listen)
        trainer.program = GOOD
        with pytest.raises(BadPrompt, match="`objects` is a list"):
            program.do(lambda: anext(program.endpoints.train(session, 2, [9])))


def test_who_stops_listening_to_a_training_ends_it_quietly(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = Trainer()
    trainer.program = ENDLESS
    monkeypatch.setattr("ui.sessions.training_command", trainer)
    with open_program(cache, models="") as program:
        files = [program.sent(picture_bytes(48, 60 + each), f"{each}.png") for each in range(2)]
        session = str(program.do(lambda: program.endpoints.open_album(files))["session"])
        program.prompt(session)

        async def listen_once() -> None:
            run = program.endpoints.train(session, 2)
            await anext(run)
            await run.aclose()
            del run
            gc.collect()

        program.do(listen_once)
        gc.collect()
    assert "never retrieved" not in caplog.text
