"""Calls that hang, and whatever kills the thread of an engine: nobody waits for ever, and nobody's work is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import Busy, SessionGone
from sam2_core.media import ingest
from sam2_core.serving import worker as worker_module
from sam2_core.serving.build import build_engine
from sam2_core.serving.commands import Command, Priority
from sam2_core.serving.detection_engine import Detect, DetectionEngine
from sam2_core.serving.local import EngineLimits, LocalEngine
from sam2_core.serving.pool import EnginePool
from sam2_core.serving.restarting import RestartingEngine
from sam2_core.serving.worker import Worker
from sam2_core.serving.workspace import Workspace
from sam2_core.types import Progress
from tests.detection.stand_in import StandInDetector
from tests.media.numbered import make_clip
from tests.networks import tiny_network
from tests.serving.test_worker import Clock, block
from tests.serving.workspaces import BOXED, DEADLINE, FRAMES, HERE, THERE, opened, run

WATCHED = EngineLimits(max_step_seconds=1000.0)


class Panic(BaseException):
    """As libraries in other languages raise it."""


class Watched(Worker):
    """A worker whose time the test tells, and what it was called back with."""

    def __init__(self, clock: Clock) -> None:
        self.lost: list[bool] = []
        self.ended = threading.Event()
        self.futures: list[Future[Any]] = []
        super().__init__("watched", lambda run: run(), self.ended.set, clock, 10.0, self._note)

    def _note(self) -> None:
        self.lost.append(any(future.done() for future in self.futures))

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        self.futures.append(super().submit(*args, **kwargs))
        return self.futures[-1]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(clock: Clock) -> Iterator[Watched]:
    worker = Watched(clock)
    yield worker
    worker.end()


def test_a_call_that_hangs_is_given_up_and_nobody_waits_behind_it(worker: Watched, clock: Clock) -> None:
    hung, go_on = block(worker, Priority.TRACK, "a")
    waiting = worker.submit(Priority.CLICK, "b", lambda: None)
    clock.now += 9.0
    worker.check()
    assert not hung.done()
    clock.now += 2.0
    worker.check()
    worker.check()
    with pytest.raises(Busy, match="did not answer for 10 seconds"):
        hung.result(0)
    with pytest.raises(SessionGone, match="replay"):
        waiting.result(0)
    assert worker.lost == [False], "once, and before anybody was told"
    with pytest.raises(SessionGone):
        worker.submit(Priority.CLICK, "b", lambda: None).result(0)
    assert worker.queue_position("b") == (0, 0.0)
    go_on()
    assert worker.ended.wait(DEADLINE), "a thread that goes on after all frees what it holds"


def test_a_long_call_that_goes_on_step_by_step_is_not_given_up(worker: Watched, clock: Clock) -> None:
    done, go_on = block(worker, Priority.TRACK, "a")
    for _ in range(10):
        clock.now += 9.0
        worker.check()
        worker.beat()
    go_on()
    done.result(DEADLINE)
    clock.now += 1000.0
    worker.check()
    assert worker.submit(Priority.CLICK, "a", lambda: 1).result(DEADLINE) == 1, "nor one that has nothing to do"
    assert worker.lost == []


@pytest.mark.parametrize("error", [SystemExit, Panic, KeyboardInterrupt])
def test_what_kills_the_thread_is_told_like_a_hang(
    worker: Watched, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    _, go_on = block(worker, Priority.CLICK, "c")

    def die() -> None:
        raise error

    culprit, waiting = (worker.submit(Priority.CLICK, name, work) for name, work in (("a", die), ("b", lambda: None)))
    go_on()
    with pytest.raises(Busy, match="was started again"):
        culprit.result(DEADLINE)
    with pytest.raises(SessionGone):
        waiting.result(DEADLINE)
    assert worker.ended.wait(DEADLINE)
    assert len(worker.lost) == 1
    assert "has died" in caplog.text


def test_a_call_within_another_takes_that_with_it(worker: Watched, clock: Clock) -> None:
    started, within, go_on = threading.Event(), threading.Event(), threading.Event()

    def work_ahead() -> None:
        started.set()
        assert go_on.wait(DEADLINE)
        worker.give_way()
        worker.give_way()

    def hang() -> None:
        within.set()
        assert stay.wait(DEADLINE)

    stay = threading.Event()
    ahead = worker.submit(Priority.AHEAD, "a", work_ahead)
    assert started.wait(DEADLINE)
    hung = worker.submit(Priority.CLICK, "b", hang)
    go_on.set()
    assert within.wait(DEADLINE)
    clock.now += 11.0
    worker.check()
    with pytest.raises(Busy):
        hung.result(0)
    with pytest.raises(SessionGone):
        ahead.result(0)
    stay.set()
    assert worker.ended.wait(DEADLINE)


def test_the_end_does_not_wait_for_a_call_that_hangs(worker: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "END_SECONDS", 0.01)
    hung, go_on = block(worker, Priority.TRACK, "a")
    waiting = worker.submit(Priority.CLICK, "b", lambda: None)
    worker.end()
    for future in (hung, waiting):
        with pytest.raises(SessionGone, match=r"expired|shutting down"):
            future.result(0)
    assert worker.lost == [], "nothing is started in its place"
    go_on()
    assert worker.ended.wait(DEADLINE)


# --- engines ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hang(Command[None]):
    """Waits for an event, or dies."""

    priority = Priority.TRACK
    started: threading.Event
    go_on: threading.Event
    error: type[BaseException] | None = None

    def apply(self, session: object) -> None:
        self.started.set()
        if self.error is not None:
            raise self.error
        assert self.go_on.wait(DEADLINE)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    ingest(make_clip(folder / "clip.mp4", frames=FRAMES), folder / "store")
    return folder / "store"


@pytest.fixture
def engine() -> Iterator[RestartingEngine]:
    network = tiny_network()
    engine = RestartingEngine(lambda on_lost: LocalEngine(network, WATCHED, on_lost))
    yield engine
    engine.shut_down()


def worker_of(engine: RestartingEngine) -> Worker:
    local = engine._engine
    assert isinstance(local, LocalEngine)
    return local._worker


def stand_still(worker: Worker) -> None:
    """As if the call under way had been hanging for very long."""
    worker._moved_at -= 10_000
    worker.check()


async def work(workspace: Workspace) -> None:
    await workspace.prompt(0, 1, HERE)
    await workspace.prompt(3, 2, BOXED)
    await workspace.prompt(0, 1, THERE)


async def masks_of(workspace: Workspace) -> list[object]:
    return [masks.objects for masks in await workspace.masks(range(FRAMES))]


@pytest.mark.parametrize("error", [None, SystemExit, Panic])
def test_what_one_visitor_hangs_costs_the_others_a_replay(
    engine: RestartingEngine, clip: Path, error: type[BaseException] | None
) -> None:
    async def scenario() -> None:
        async with opened(clip, engine) as undisturbed:
            await work(undisturbed)
            expected = await masks_of(undisturbed)
        hang = Hang(threading.Event(), threading.Event(), error)
        async with opened(clip, engine) as culprit, opened(clip, engine) as other, opened(clip, engine) as newcomer:
            await work(culprit)
            await work(other)
            lost = worker_of(engine)
            hanging = asyncio.ensure_future(culprit.run(hang))
            assert await asyncio.to_thread(hang.started.wait, DEADLINE)
            waiting = [asyncio.ensure_future(each) for each in (masks_of(other), newcomer.prompt(0, 1, HERE))]
            await asyncio.sleep(0)
            if error is None:
                stand_still(lost)
            with pytest.raises(Busy, match="was started again"):
                await hanging
            found, first = await asyncio.gather(*waiting)
            assert found == expected
            assert first.objects
            assert await masks_of(culprit) == expected
            assert worker_of(engine) is not lost
            assert engine.status().restarts == 1
            hang.go_on.set()
            await asyncio.to_thread(lost._thread.join, DEADLINE)
            assert await masks_of(other) == expected, "a thread that goes on after all changes nothing"

    run(scenario)


def test_a_pool_counts_the_restarts_of_all_its_engines(engine: RestartingEngine, clip: Path) -> None:
    pool = EnginePool([engine])
    info = pool.open(str(clip)).result(DEADLINE)
    hang = Hang(threading.Event(), threading.Event(), SystemExit)
    with pytest.raises(Busy):
        pool.run(info.id, hang).result(DEADLINE)
    assert pool.status().restarts == 1
    assert pool.open(str(clip)).result(DEADLINE).frames == FRAMES


def test_an_engine_that_was_shut_down_is_not_started_again(
    engine: RestartingEngine, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "END_SECONDS", 0.01)
    info, local = engine.open(str(clip)).result(DEADLINE), worker_of(engine)
    hang = Hang(threading.Event(), threading.Event())
    hung = engine.run(info.id, hang)
    assert hang.started.wait(DEADLINE)
    engine.shut_down()
    assert isinstance(hung.exception(0), SessionGone)
    assert worker_of(engine) is local
    hang.go_on.set()
    local._thread.join(DEADLINE)


def test_the_end_does_not_wait_for_a_frame_that_is_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "END_SECONDS", 0.01)
    engine, go_on = LocalEngine(tiny_network(), WATCHED), threading.Event()
    engine._reading = ThreadPoolExecutor(1)  # as on a GPU
    reading = engine._reading.submit(go_on.wait, DEADLINE)
    engine.shut_down()
    assert not reading.done()
    go_on.set()
    engine._worker._thread.join(DEADLINE)


def test_each_step_of_the_network_counts_as_progress(engine: RestartingEngine, clip: Path) -> None:
    worker, beats = worker_of(engine), list[Callable[[], None]]()
    beat = worker.beat
    worker.beat = lambda: (beats.append(beat), beat())[1]  # type: ignore[method-assign]

    async def scenario() -> None:
        async with opened(clip, engine) as workspace:
            await workspace.prompt(0, 1, HERE)

    run(scenario)
    assert beats


@pytest.mark.parametrize("seconds", [None, 60.0])
def test_only_engines_with_a_limit_are_watched(seconds: float | None) -> None:
    engine = build_engine("nano", "cpu", limits=EngineLimits(max_step_seconds=seconds))
    engine.shut_down()
    assert isinstance(engine, LocalEngine if seconds is None else RestartingEngine)


def test_a_detector_that_hangs_is_loaded_again_by_another_thread(clip: Path) -> None:
    started, go_on, loads = threading.Event(), threading.Event(), list[str]()

    def load(name: str, progress: Progress) -> StandInDetector:
        loads.append(name)
        if len(loads) == 1:
            started.set()
            assert go_on.wait(DEADLINE)
        return StandInDetector(lambda image: [])

    engine = DetectionEngine(load, max_call_seconds=1000.0)
    command = Detect(str(clip), 0, ("dog",))
    hung = engine.run(command)
    assert started.wait(DEADLINE)
    lost = engine._worker
    stand_still(lost)
    with pytest.raises(Busy, match="was started again"):
        hung.result(0)
    assert engine.run(command).result(DEADLINE) == ()
    assert len(loads) == 2
    go_on.set()
    lost._thread.join(DEADLINE)
    engine.shut_down()
