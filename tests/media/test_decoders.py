from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import Busy, MediaError, TooLarge
from sam2_core.media import Limits, decoders, ingest, ingest_album
from sam2_core.media.decoders import DecoderFailed, DecoderLimits, Decoders
from sam2_core.media.ffmpeg import input_arguments
from sam2_core.media.limits import is_memory_short
from sam2_core.media.picture_file import PictureFile
from sam2_core.media.sequence import NoSequence
from tests.media import stand_in_decoders
from tests.media.numbered import make_clip
from ui.files import AS_THEY_ARE, UploadedFile, open_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, and the limit of memory is Linux's")
LIMITS = DecoderLimits(still_seconds=300, max_bytes=900_000_000, cpu_seconds=100)
DEADLINE = 20.0


def silent(fraction: float, message: str) -> None:
    pass


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended but was not asked for its status does not."""
    try:
        os.kill(process, 0)
        about = Path(f"/proc/{process}")
        return ") Z" not in (about / "stat").read_text() or len(list((about / "task").iterdir())) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_end(process: int) -> None:
    end = time.monotonic() + DEADLINE
    while is_alive(process):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def shared() -> Iterator[Decoders]:
    """Its processes are replaced by what each test does to them."""
    made = Decoders(LIMITS, ["ui.files", "tests.media.stand_in_decoders"])
    made.start()
    yield made
    made.close()
    assert made.process_ids == []


def test_results_and_progress_come_back_and_the_process_is_used_again(shared: Decoders) -> None:
    told: list[tuple[float, str]] = []
    results = [shared.run(stand_in_decoders.answer, 4, report=lambda *each: told.append(each)) for _ in range(2)]
    assert [step for step in told if step[1].startswith("Step")] == [
        (each / 4, f"Step {each}") for each in range(4)
    ] * 2
    assert results[0] == results[1]
    assert results[0]["pair"] == [1, 2]
    assert shared.process_ids == [results[0]["process"]]


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("too large", TooLarge, "Much too large"),
        ("no sequence", NoSequence, "Not numbered"),
        ("disk full", OSError, "No space left"),
        ("a bug", DecoderFailed, "KeyError: 'a bug'"),
    ],
)
def test_errors_come_back_as_what_they_are(shared: Decoders, how: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        shared.run(stand_in_decoders.fail, how, report=silent)
    assert shared.run(stand_in_decoders.answer, 1, report=silent)["process"] in shared.process_ids


def test_what_stands_still_is_killed() -> None:
    ticks, told = itertools.count(step=50), list[str]()
    clock = lambda: float(next(ticks)) if "Half is done" in told else 0.0
    with_clock = Decoders(LIMITS, ["tests.media.stand_in_decoders"], clock=clock)
    with pytest.raises(MediaError, match="nothing moved for 300 seconds"):
        with_clock.run(stand_in_decoders.hang, report=lambda _, message: told.append(message))
    assert len(with_clock.process_ids) == 1, "another one waits already"
    with_clock.close()
    assert with_clock.process_ids == []


@pytest.mark.parametrize("how", ["python", "numpy", "opencv"])
def test_what_takes_too_much_memory_is_refused(shared: Decoders, how: str) -> None:
    with pytest.raises(MediaError, match="more memory"):
        shared.run(stand_in_decoders.eat_memory, how, report=silent)
    assert shared.run(stand_in_decoders.answer, 1, report=silent)


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGSEGV, "decoder crash"), (signal.SIGABRT, "decoder crash"), (signal.SIGKILL, "more memory")],
)
def test_what_dies_is_told_of_and_replaced(shared: Decoders, number: int, words: str) -> None:
    shared.start()
    (former,) = shared.process_ids
    with pytest.raises(MediaError, match=words):
        shared.run(stand_in_decoders.die, number, report=silent)
    assert not is_alive(former)
    assert shared.run(stand_in_decoders.answer, 1, report=silent)["process"] != former


def test_one_that_was_killed_while_it_waited_is_replaced(shared: Decoders) -> None:
    former = shared.run(stand_in_decoders.answer, 1, report=silent)["process"]
    os.kill(former, signal.SIGKILL)
    wait_for_end(former)
    assert shared.run(stand_in_decoders.answer, 1, report=silent)["process"] != former


def test_cancelling_kills_it_with_the_program_that_works_for_it(shared: Decoders, tmp_path: Path) -> None:
    told: list[str] = []

    def report(fraction: float, message: str) -> None:
        told.append(message)
        if len(told) > 2 and fraction:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        shared.run(stand_in_decoders.hang_writing, [], tmp_path / "store", None, None, None, report=report)
    for process in map(int, told[-1].split()):
        wait_for_end(process)


def test_processes_are_replaced_after_a_while(shared: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    former = shared.run(stand_in_decoders.answer, 1, report=silent)["process"]
    monkeypatch.setattr(decoders, "MAX_JOBS", 1)
    shared.run(stand_in_decoders.answer, 1, report=silent)
    assert not is_alive(former)
    assert len(shared.process_ids) == 1


def test_closing_ends_what_is_under_way() -> None:
    closing = Decoders(LIMITS, ["tests.media.stand_in_decoders"])
    started = threading.Event()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            closing.run(stand_in_decoders.hang, report=lambda *_: started.set())
        except Busy as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(DEADLINE)
    (process,) = closing.process_ids
    closing.close()
    thread.join(DEADLINE)
    assert "shutting down" in str(errors[0])
    assert not is_alive(process)
    with pytest.raises(Busy, match="shutting down"):
        closing.run(stand_in_decoders.answer, 1, report=silent)


def test_a_server_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    program = f"""
import os, pathlib
from sam2_core.media.decoders import DecoderLimits, Decoders
from tests.media.stand_in_decoders import hang_writing

def report(fraction, message):
    if fraction:
        print(message, flush=True)
        os.kill(os.getpid(), 9)

folder = pathlib.Path({str(tmp_path)!r}) / "store"
Decoders(DecoderLimits(300, 4_000_000_000)).run(hang_writing, [], folder, None, None, None, report=report)
"""
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=60, check=False)
    processes = list(map(int, done.stdout.split()))
    assert len(processes) == 2
    for process in processes:
        wait_for_end(process)


def test_without_limits_functions_are_simply_called() -> None:
    inside = Decoders()
    inside.start()
    assert inside.process_ids == []
    with pytest.raises(TooLarge):
        inside.run(stand_in_decoders.fail, "too large", report=silent)
    inside.close()


def test_a_small_picture_that_needs_much_memory_is_refused(shared: Decoders, tmp_path: Path) -> None:
    file, store = tmp_path / "picture.png", tmp_path / "store"
    Image.new("1", (17_000, 10_000)).save(file)
    assert file.stat().st_size < 100_000
    for limits, words in ((Limits(max_pixels=10**9), "more memory"), (Limits(), "limit is 80.0 million")):
        with pytest.raises(MediaError, match=words):
            open_files(shared, [UploadedFile(file, file.name)], store, limits, AS_THEY_ARE, None, silent)
    assert list(tmp_path.iterdir()) == [file]


def test_a_clip_for_which_ffmpeg_finds_no_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_clip(tmp_path / "clip.mp4", frames=2)
    most = ["-max_alloc", "20000"]  # bytes of one piece of memory
    monkeypatch.setattr("sam2_core.media.probe.input_arguments", lambda *each: [*most, *input_arguments(*each)])
    with pytest.raises(MediaError, match="more memory"):
        ingest(tmp_path / "clip.mp4", tmp_path / "store")


def test_a_picture_without_memory_is_left_out_of_an_album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    Image.new("I;16", (40, 30)).save(tmp_path / "b.png")

    def no_memory(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(PictureFile, "_deep_gray", no_memory)
    _, skipped = ingest_album([tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "store")
    assert [(each.name, "more memory" in each.reason) for each in skipped] == [("b.png", True)]


def test_libraries_say_in_several_ways_that_memory_is_short() -> None:
    assert is_memory_short(MemoryError())
    assert is_memory_short(OSError("out of memory error when reading image file"))
    assert is_memory_short(RuntimeError("can't start new thread"))
    with pytest.raises(cv2.error) as refused:
        cv2.resize(np.zeros((0, 0), np.uint8), (2, 2))
    assert not is_memory_short(refused.value)
    assert not is_memory_short(OSError("decoding error when reading image file"))
    assert not is_memory_short(ValueError("out of memory"))
