"""What engines on a Ray cluster cost and bring, beside the engine of this process.

    python -m benchmarks.ray_actors [--engines 1 2] [--sessions 8] [--rounds 5] [--seconds 5]

Needs the extra `ray`. All engines are on this machine, with `nano` on the processor; what differs is where they run:
`here` is a thread of this process, which may use all cores, and each engine on the cluster gets one core. In each round
all of them are measured after one another, and medians of the rounds are printed. Columns: milliseconds of a command
that does nothing in the engine, milliseconds of a click on an encoded photo, tracked frames per second of so many
sessions together, and milliseconds of a click (median and 95th percentile of all rounds) while the other sessions
track. Then the bytes that cross for a command and its result.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import ray

from benchmarks.visitors import photo
from sam2_core.media import ingest
from sam2_core.networks import BUNDLED
from sam2_core.paths import ROOT
from sam2_core.serving import build_engine
from sam2_core.serving.commands import Command, GetMasks, SetPrompt, Track
from sam2_core.serving.engine import Engine
from sam2_core.serving.ray_engine import RayCluster, RayEngine
from sam2_core.types import Point, Prompt

CLIP = ROOT / "assets" / "examples" / "rolling_ball.mp4"
BALL, ON_PHOTO = Point(80.0, 60.0), Point(480.0, 360.0)
CALLS, CLICKS = 100, 20
PAUSE_SECONDS = 0.2  # between two clicks while others track
HEADER = ("engines", "call ms", "click ms", "frames/s", "p50 ms", "p95 ms")


@dataclass
class Figures:
    """Of one kind of engine, in all rounds."""

    calls: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    busy_clicks: list[float] = field(default_factory=list)


def timed(engine: Engine, session: str, command: Command[Any]) -> float:
    """Milliseconds until its result is here."""
    start = time.perf_counter()
    engine.run(session, command).result()
    return 1000 * (time.perf_counter() - start)


def click(number: int = 0) -> SetPrompt:
    """On a photo, at one of many places."""
    return SetPrompt(0, 1, Prompt((Point(ON_PHOTO.x + number % 7, ON_PHOTO.y + number // 7),)))


@contextmanager
def tracking(engine: Engine, clip: Path, sessions: int) -> Iterator[list[int]]:
    """So many sessions that track all the time; the number of frames of each."""
    stop, counts = threading.Event(), [0] * sessions
    opened = [engine.open(str(clip)).result() for _ in range(sessions)]

    def track(place: int) -> None:
        session = opened[place]
        revision = engine.run(session.id, SetPrompt(0, 1, Prompt((BALL,)))).result().revision
        while not stop.is_set():
            frame = counts[place] % session.frames
            engine.run(session.id, Track(range(frame, frame + 1), revision)).result()
            counts[place] += 1

    threads = [threading.Thread(target=track, args=(place,)) for place in range(sessions)]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for session in opened:
            engine.close(session.id).result()


def measure(engine: Engine, picture: Path, clip: Path, sessions: int, seconds: float, figures: Figures) -> None:
    """One round."""
    session = engine.open(str(picture)).result().id
    timed(engine, session, click())  # encodes
    nothing = GetMasks(range(0))
    figures.calls.append(statistics.median(timed(engine, session, nothing) for _ in range(CALLS)))
    figures.clicks.append(statistics.median(timed(engine, session, click(number)) for number in range(CLICKS)))
    with tracking(engine, clip, sessions) as counts:
        time.sleep(1.0)
        before, start = sum(counts), time.perf_counter()
        time.sleep(seconds)
        figures.rates.append((sum(counts) - before) / (time.perf_counter() - start))
    with tracking(engine, clip, sessions - 1):
        time.sleep(1.0)
        for number in range(CLICKS):
            figures.busy_clicks.append(timed(engine, session, click(number)))
            time.sleep(PAUSE_SECONDS)
    engine.close(session).result()


def row(name: str, figures: Figures) -> str:
    """A line of the table."""
    medians = (statistics.median(each) for each in (figures.calls, figures.clicks, figures.rates, figures.busy_clicks))
    values = (*medians, float(np.percentile(figures.busy_clicks, 95)))
    return f"{name:>10}" + "".join(f"{value:>10.1f}" for value in values)


def crossings(engine: Engine, clip: Path) -> list[tuple[str, int, int]]:
    """What a command does, and the bytes of it and of its result."""
    session = engine.open(str(clip)).result().id
    asked = SetPrompt(0, 1, Prompt((BALL,)))
    revision = engine.run(session, asked).result().revision
    commands: dict[str, Command[Any]] = {
        "a call": GetMasks(range(0)),
        "a tracked frame": Track(range(1, 2), revision),
        "a click": asked,
    }
    engine.run(session, Track(range(1), revision)).result()
    return [
        (name, len(pickle.dumps(command, -1)), len(pickle.dumps(engine.run(session, command).result(), -1)))
        for name, command in commands.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args(arguments)
    build = partial(build_engine, BUNDLED, "cpu")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "photo.jpg").write_bytes(photo(0))
        picture, clip = folder / "photo", folder / "clip"
        ingest(folder / "photo.jpg", picture)
        ingest(CLIP, clip)
        ray.init(num_cpus=sum(options.engines), include_dashboard=False, log_to_driver=False)
        stack.callback(ray.shutdown)
        engines: dict[str, Engine] = {"here": build()}
        for count in options.engines:
            cluster = RayCluster(least=count, most=count, device="cpu")
            engines[f"{count} on Ray"] = RayEngine(f"benchmark-{count}", build, cluster)
        for engine in engines.values():
            stack.callback(engine.shut_down)
        figures = {name: Figures() for name in engines}
        for _ in range(options.rounds):
            for name, engine in engines.items():
                measure(engine, picture, clip, options.sessions, options.seconds, figures[name])
        print("".join(f"{name:>10}" for name in HEADER))
        for name, each in figures.items():
            print(row(name, each))
        for what, sent, received in crossings(engines["here"], clip):
            print(f"{what}: {sent:,} bytes there, {received:,} back")


if __name__ == "__main__":
    main()
