"""What only the local engine promises: order of work, limits, and that nobody is left waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from sam2_core.errors import BadPrompt, Busy, ConfigError, MediaError, SessionGone, WeightsError
from sam2_core.media.draw import encode_jpeg
from sam2_core.model.network import SAM2
from sam2_core.networks import ROOT
from sam2_core.serving import build
from sam2_core.serving.build import build_engine, choose_device, choose_devices
from sam2_core.serving.commands import EncodeFrame, Preview, Priority, SetPrompt, Track, TrackLive
from sam2_core.serving.local import EngineLimits, LocalEngine
from sam2_core.serving.model_choice import UNKNOWN_SPEED
from sam2_core.serving.pool import EnginePool
from sam2_core.serving.worker import _STOP
from sam2_core.types import FrameMasks, LiveMedium, Point, Prompt
from tests.networks import TINY, tiny_network
from tests.predictors.golden_inputs import small_sam
from tests.serving.calls import Calls

CLICK = Prompt((Point(30, 20),))


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine(tiny_network(), EngineLimits(max_sessions=2, max_objects=3, max_frames_per_call=8))
    yield engine
    engine.shut_down()


@pytest.fixture
def calls(engine: LocalEngine) -> Calls:
    return Calls(engine)


def test_the_speed_is_measured_while_it_works(engine: LocalEngine, calls: Calls, clip: str) -> None:
    assert engine.status().speed == UNKNOWN_SPEED
    info = calls.open(clip)
    revision = calls.set_prompt(info.id, 0, 1, CLICK).revision
    photo = engine.status().speed.photo_seconds
    assert photo is not None
    assert photo > 0
    calls.set_prompt(info.id, 0, 1, Prompt((Point(31, 20),)))  # on a frame that was encoded already
    assert engine.status().speed.photo_seconds == photo
    calls.track(info.id, range(1, 4), revision + 1)
    rate = engine.status().speed.frames_per_second
    assert rate is not None
    assert rate > 0
    assert EnginePool([engine]).status().speed == engine.status().speed


def test_two_users_track_in_turns(calls: Calls, clip: str) -> None:
    """Neither waits for the other's whole clip: their steps alternate."""
    order: list[str] = []
    ready = threading.Barrier(2)

    def track(name: str) -> None:
        info = calls.open(clip)
        revision = calls.set_prompt(info.id, 0, 1, CLICK).revision
        ready.wait(10)
        for frame in range(12):
            calls.track(info.id, range(frame, frame + 1), revision)
            order.append(name)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(track, name) for name in ("a", "b")]:
            done.result(timeout=60)
    first_half = order[: len(order) // 2]
    assert {"a", "b"} == set(first_half)


def test_the_longest_idle_session_makes_room(calls: Calls, clip: str) -> None:
    first, second = calls.open(clip), calls.open(clip)
    calls.get_masks(first.id, range(1))  # the second is now the longest idle one
    third = calls.open(clip)
    calls.get_masks(first.id, range(1))
    calls.get_masks(third.id, range(1))
    with pytest.raises(SessionGone):
        calls.get_masks(second.id, range(1))


def test_closing_frees_the_features(engine: LocalEngine, calls: Calls, clip: str) -> None:
    info = calls.open(clip)
    calls.set_prompt(info.id, 0, 1, CLICK)
    assert engine._cache.bytes > 0
    calls.close(info.id)
    assert engine._cache.bytes == 0


def test_limits_on_objects_and_frames(calls: Calls, clip: str) -> None:
    info = calls.open(clip)
    for object_id in range(3):
        calls.set_prompt(info.id, 0, object_id, CLICK)
    with pytest.raises(Busy):
        calls.set_prompt(info.id, 0, 3, CLICK)
    with pytest.raises(ValueError, match="at most 8 frames"):
        calls.get_masks(info.id, range(9))


def test_a_full_device_is_told_as_busy_and_the_engine_goes_on(engine: LocalEngine, calls: Calls, clip: str) -> None:
    def fill() -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(Busy):
        engine._worker.submit(Priority.CLICK, "", fill).result(10)
    assert calls.open(clip).frames == 12


@pytest.fixture
def full(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The device has no room for the next steps of memory attention, as many as its only number says; batch limits at
    these moments follow it."""
    record, network = [0], engine.network
    assert isinstance(network, SAM2)
    attend = network.attend

    def attend_if_there_is_room(*arguments: Any) -> torch.Tensor:
        if record[0]:
            record[0] -= 1
            record.append(engine._segmenter.max_batch)
            raise torch.OutOfMemoryError
        return attend(*arguments)

    monkeypatch.setattr(network, "attend", attend_if_there_is_room)
    return record


def test_what_fails_for_want_of_memory_is_done_once_more_with_less(
    engine: LocalEngine, calls: Calls, clip: str, full: list[int]
) -> None:
    engine._has_own_memory = True  # as a GPU has
    here, other = calls.open(clip).id, calls.open(clip).id
    for session in (here, other):
        calls.set_prompt(session, 0, 1, CLICK)
    revision = calls.set_prompt(other, 0, 2, CLICK).revision
    expected = calls.track(other, range(1, 4), revision)
    engine._opened[other].session.untrack(range(1, 4), [1, 2])
    revision = calls.set_prompt(here, 0, 2, CLICK).revision

    full[0] = 1
    assert [each.objects for each in calls.track(here, range(1, 4), revision)] == [each.objects for each in expected]
    assert full == [0, 16], "the first attempt, with the usual batch"
    assert [opened.is_moved for opened in engine._opened.values()] == [True, False]

    revision = engine._opened[other].session.revision
    again = calls.track(other, range(1, 4), revision)
    assert [each.objects for each in again] == [each.objects for each in expected]
    assert not any(opened.is_moved for opened in engine._opened.values())


@pytest.mark.parametrize("has_own_memory", [False, True])
def test_the_longest_idle_sessions_make_room_within_the_budget(
    engine: LocalEngine, calls: Calls, clip: str, has_own_memory: bool
) -> None:
    """On a GPU they move to the computer's memory first, which has the same budget."""
    engine._has_own_memory = has_own_memory
    engine.limits = replace(engine.limits, max_sessions=8, memory_bytes=int(2.5 * engine._segmenter.output_bytes))
    sessions = [calls.open(clip).id for _ in range(5 if has_own_memory else 3)]
    expected = calls.set_prompt(sessions[0], 0, 1, CLICK).objects
    for session in sessions[1:]:
        calls.set_prompt(session, 0, 1, CLICK)
    # Each has two outputs, that of the click and that of the step of its prompt: one session fits.
    there = {session: opened.is_moved for session, opened in engine._opened.items()}
    assert there == ({sessions[-2]: True, sessions[-1]: False} if has_own_memory else {sessions[-1]: False})
    assert engine.status().evictions == len(sessions) - len(there)
    with pytest.raises(SessionGone):
        calls.get_masks(sessions[0], range(1))
    if has_own_memory:
        assert calls.get_masks(sessions[-2], range(1))[0].objects == expected
        assert not engine._opened[sessions[-2]].is_moved
        assert engine._opened[sessions[-1]].is_moved
    before = list(engine._opened)
    calls.set_prompt(before[-1], 0, 2, CLICK)
    assert engine._opened[before[-1]].bytes > engine.limits.memory_bytes, "one alone may have more"
    assert engine.status().session_bytes >= 3 * engine._segmenter.output_bytes


def test_a_second_time_without_memory_is_told(engine: LocalEngine, calls: Calls, clip: str, full: list[int]) -> None:
    session = calls.open(clip).id
    revision = calls.set_prompt(session, 0, 1, CLICK).revision
    full[0] = 2
    with pytest.raises(Busy, match="no memory left"):
        calls.track(session, range(1, 4), revision)
    assert (full, engine._segmenter.max_batch) == ([0, 16, 1], 16)
    assert len(calls.track(session, range(1, 4), revision)) == 3


def test_a_live_frame_is_not_added_twice(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    session, added = engine.open(LiveMedium(48, 64)).result(10).id, []

    def fail(pixels: object) -> None:
        added.append(pixels)
        raise torch.OutOfMemoryError

    monkeypatch.setattr(engine._opened[session].session, "add_frame", fail)
    with pytest.raises(Busy, match="Try it again"):
        engine.run(session, TrackLive(encode_jpeg(np.zeros((48, 64, 3), np.uint8)))).result(10)
    assert len(added) == 1


@pytest.mark.parametrize(
    "words", ["[enforce fail] DefaultCPUAllocator: can't allocate memory", "MPS backend out of memory"]
)
def test_devices_without_an_error_type_of_their_own_can_be_full_too(
    engine: LocalEngine, calls: Calls, clip: str, words: str
) -> None:
    def fill() -> None:
        raise RuntimeError(words)

    calls.set_prompt(calls.open(clip).id, 0, 1, CLICK)
    with pytest.raises(Busy):
        engine._worker.submit(Priority.CLICK, "", fill).result(10)
    assert engine._cache.bytes == 0


def test_an_unexpected_error_reaches_the_caller_and_the_engine_goes_on(
    engine: LocalEngine, calls: Calls, clip: str
) -> None:
    with pytest.raises(ZeroDivisionError):
        engine._worker.submit(Priority.CLICK, "", lambda: 1 // 0).result(10)
    assert calls.open(clip).frames == 12


def test_after_shut_down_nobody_waits(clip: str) -> None:
    engine = LocalEngine(tiny_network())
    calls = Calls(engine)
    info = calls.open(clip)
    started, go_on = threading.Event(), threading.Event()
    engine._worker.submit(Priority.CLICK, "", lambda: (started.set(), go_on.wait(10)))
    assert started.wait(10)
    waiting = engine._worker.submit(Priority.TRACK, "", lambda: None)
    stopper = threading.Thread(target=engine.shut_down)
    stopper.start()
    go_on.set()
    stopper.join(10)
    with pytest.raises(SessionGone):
        waiting.result(timeout=10)
    with pytest.raises(SessionGone):
        calls.get_masks(info.id, range(1))
    engine.shut_down()
    assert not engine._worker._thread.is_alive()


def test_shut_down_closes_the_clips_also_when_the_worker_is_about_to_wait(clip: str) -> None:
    engine = LocalEngine(tiny_network())
    calls = Calls(engine)
    calls.open(clip)
    (opened,) = engine._opened.values()
    started, go_on = threading.Event(), threading.Event()
    engine._worker.submit(Priority.CLICK, "", lambda: (started.set(), go_on.wait(10)))
    assert started.wait(10)
    engine._worker._closed = True  # as if shut_down had come this far and the worker were faster
    go_on.set()
    engine._worker._put(_STOP, "", lambda: None, Future())
    engine._worker._thread.join(10)
    with pytest.raises(MediaError, match="was closed"):
        opened.store.jpeg(0)


def test_the_pool_forgets_what_its_engines_gave_up(clip: str) -> None:
    engines = [LocalEngine(tiny_network(), EngineLimits(max_sessions=1)) for _ in range(2)]
    pool = EnginePool(engines)
    try:
        infos = [Calls(pool).open(clip) for _ in range(4)]
        for info in infos[:2]:
            with pytest.raises(SessionGone):
                Calls(pool).get_masks(info.id, range(1))
        assert [len(engine._opened) for engine in engines] == list(pool._counts.values()) == [1, 1]
        assert set(pool._engine_of) == {info.id for info in infos[2:]}
    finally:
        pool.shut_down()


def test_devices_are_named_once_and_must_exist() -> None:
    assert choose_devices("cpu, cpu") == [torch.device("cpu")]
    for wrong in ("meta", "hpu", "cuda:99", "cpu,"):
        with pytest.raises(ConfigError):
            choose_devices(wrong)


def test_build_engine_tells_what_it_does_and_runs(clip: str) -> None:
    said: list[str] = []
    engine = build_engine("nano", "cpu", lambda fraction, text: said.append(text))
    calls = Calls(engine)
    assert isinstance(engine, LocalEngine)
    try:
        info = calls.open(clip)
        assert calls.set_prompt(info.id, 0, 1, CLICK).objects
    finally:
        engine.shut_down()
    assert "Warming up" in said


@pytest.mark.parametrize("by_name", [True, False])
def test_build_engine_takes_the_size_of_the_input_from_the_name(by_name: bool, clip: str, tmp_path: Path) -> None:
    config, weights = tmp_path / "mine.yaml", tmp_path / "mine.pt"
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(TINY).items()}
    config.write_text(yaml.safe_dump(plain))
    torch.save(tiny_network().state_dict(), weights)
    if by_name:
        engine = build_engine(f"{config}@96", "cpu", checkpoint=weights)
    else:
        engine = build_engine(f"{ROOT / 'assets' / 'nano.safetensors'}@384", "cpu")
    assert isinstance(engine, LocalEngine)
    try:
        calls = Calls(engine)
        info = calls.open(clip)
        assert calls.set_prompt(info.id, 0, 1, CLICK).objects
        assert engine.network.image_size == (96 if by_name else 384)
    finally:
        engine.shut_down()


def test_a_network_of_sam_1_segments_frames_and_says_that_it_cannot_track(clip: str, tmp_path: Path) -> None:
    network = small_sam()
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(network.config).items()}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(plain | {"encoder": "vit"}))
    torch.save(network.state_dict(), tmp_path / "small.pth")
    engine = build_engine(tmp_path / "small.yaml", "cpu", checkpoint=tmp_path / "small.pth")
    try:
        calls = Calls(engine)
        info = calls.open(clip)
        first = calls.set_prompt(info.id, 0, 1, CLICK)
        assert len(first.objects[0].candidates) == 3
        assert calls.set_prompt(info.id, 5, 1, CLICK).objects[0].mask.height == info.height
        with pytest.raises(BadPrompt, match="cannot track through a clip: choose a SAM 2 model"):
            calls.track(info.id, range(1, 3), first.revision + 1)
    finally:
        engine.shut_down()


def test_several_devices_share_the_sessions(clip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "choose_devices", lambda devices: [torch.device("cpu")] * 2)
    pool = build_engine("nano", "cuda:0,cuda:1")
    assert isinstance(pool, EnginePool)
    for _ in range(2):
        Calls(pool).open(clip)
    engines = [engine for engine in pool._counts if isinstance(engine, LocalEngine)]
    assert [len(engine._opened) for engine in engines] == [1, 1]
    pool.shut_down()


def test_wrong_names_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Known names: nano"):
        build_engine("sam9")
    with pytest.raises(WeightsError, match="no weights file"):
        build_engine(str(tmp_path / "mine.pt"))
    with pytest.raises(WeightsError, match=r"no weights file at .*mine\.pt\."):
        build_engine(f"{tmp_path / 'mine.pt'}@512")
    with pytest.raises(ConfigError, match="nano takes an image size of 384 only, not 512"):
        build_engine(f"{ROOT / 'assets' / 'nano.safetensors'}@512")
    with pytest.raises(ConfigError, match="--device auto"):
        choose_device("abacus")


def count_encodings(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each image that is encoded."""
    encoded: list[int] = []
    encode = engine.network.encode_image
    monkeypatch.setattr(engine.network, "encode_image", lambda image: (encoded.append(1), encode(image))[1])
    return encoded


def test_a_click_on_a_frame_that_was_encoded_ahead_encodes_nothing(
    engine: LocalEngine, calls: Calls, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = calls.set_prompt(calls.open(clip).id, 2, 1, CLICK).objects
    info, encoded = calls.open(clip), count_encodings(engine, monkeypatch)
    engine.run(info.id, EncodeFrame(2)).result(10)
    assert calls.set_prompt(info.id, 2, 1, CLICK).objects == expected
    assert len(encoded) == 1
    with pytest.raises(BadPrompt, match="does not exist"):
        engine.run(info.id, EncodeFrame(12)).result(10)


@pytest.mark.parametrize("small", [False, True])
def test_encoding_ahead_gives_way_between_two_blocks(clip: str, monkeypatch: pytest.MonkeyPatch, small: bool) -> None:
    """A click of another user and one on another frame are answered within; one on the same frame after."""
    engine = LocalEngine(small_sam() if small else tiny_network())
    calls = Calls(engine)
    looking, other = calls.open(clip).id, calls.open(clip).id
    expected = calls.set_prompt(other, 0, 1, CLICK).objects
    encoded, pauses, order = count_encodings(engine, monkeypatch), [], []
    give_way = engine._worker.give_way

    def pause() -> None:
        if len(encoded) == 1 and not pauses.append("pause") and len(pauses) == 2:
            for name, session, frame in (("same", looking, 3), ("another", looking, 5), ("other", other, 0)):
                prompt = SetPrompt(frame, 1, CLICK)
                answers[name] = engine.run(session, prompt if name != "same" else Preview(frame, 1, CLICK))
                answers[name].add_done_callback(lambda _, name=name: order.append(name))
        give_way()

    answers: dict[str, Future[FrameMasks]] = {}
    monkeypatch.setattr(engine._worker, "give_way", pause)
    engine.run(looking, EncodeFrame(3)).add_done_callback(lambda _: order.append("ahead"))
    while "same" not in answers:
        time.sleep(0.001)
    assert answers["same"].result(10).objects
    assert answers["other"].result(10).objects == expected
    assert order[:3] == ["another", "other", "ahead"]
    assert len(encoded) == 2
    engine.shut_down()


def test_tracking_gives_way_to_other_sessions(clip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A click of another user is answered within the frame, one of the same session after it; no mask changes."""
    engine = LocalEngine(tiny_network())
    calls = Calls(engine)
    tracking, undisturbed, other = (calls.open(clip).id for _ in range(3))
    expected = calls.set_prompt(other, 0, 1, CLICK).objects
    for session in (tracking, undisturbed):
        calls.set_prompt(session, 0, 1, CLICK)
    [wanted] = engine.run(undisturbed, Track(range(1, 2), 1)).result(10)
    order: list[str] = []
    answers: dict[str, Future[FrameMasks]] = {}
    give_way = engine._worker.give_way

    def pause() -> str:
        if not answers:
            for name, session in (("own", tracking), ("other", other)):
                answers[name] = engine.run(session, SetPrompt(0, 1, CLICK))
                answers[name].add_done_callback(lambda _, name=name: order.append(name))
        return give_way()

    engine._cache.drop(lambda key: True)
    monkeypatch.setattr(engine._worker, "give_way", pause)
    tracked = engine.run(tracking, Track(range(1, 2), 1))
    tracked.add_done_callback(lambda _: order.append("track"))
    assert tracked.result(10) == (wanted,)
    assert answers["other"].result(10).objects == expected
    assert answers["own"].result(10).revision == 2
    assert order == ["other", "track", "own"]
    engine.shut_down()


def test_closing_a_session_ends_its_encoding_ahead(
    engine: LocalEngine, calls: Calls, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, give_way = calls.open(clip).id, engine._worker.give_way
    monkeypatch.setattr(engine._worker, "give_way", lambda: (engine.close(session), give_way()))
    with pytest.raises(SessionGone):
        engine.run(session, EncodeFrame(0)).result(10)
    assert engine._cache.bytes == 0
