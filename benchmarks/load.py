"""How quick a server is for each of many visitors, over real sockets.

    python -m benchmarks.load [--sessions 1 8 32] [--tracking 0 8 31] [--clicks 20] [--seed 0] [--model nano] \
        [--server "--ray auto --ray-engines 2"]

Each row is a number of visitors, so many of whom track a clip all the time while the others (one at least) click on
photos of their own, with a quarter to half a second between two clicks. Columns: seconds to open a photo, the first
click on it, milliseconds of further clicks (median and 95th percentile), frames per second that all trackers get
together, the slowest tracker's share of the mean, and refusals. Server and visitors share this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import statistics
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.visitors import Refused, Visitor, photo, served
from ui.examples import examples

PAUSE = (0.25, 0.55)  # seconds between two clicks
LEAVE_SECONDS = 3.0  # until the places of one row are free for the next
FIRST = (480.0, 360.0)
HEADER = ("visitors", "tracking", "open s", "first s", "p50 ms", "p95 ms", "frames/s", "min/mean", "refused")


@dataclass
class Figures:
    """What the visitors of one row have met."""

    opened: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    seconds: float = 0.0
    refused: int = 0


async def click_around(visitor: Visitor, figures: Figures, clicks: int, seed: int) -> None:
    """Open a photo and click on it."""
    rng = np.random.default_rng(seed)
    try:
        figures.opened.append(await visitor.open(photo(seed)))
        figures.first.append(await visitor.click(*FIRST))
        for _ in range(clicks):
            await asyncio.sleep(rng.uniform(*PAUSE))
            figures.clicks.append(await visitor.click(rng.uniform(240, 720), rng.uniform(180, 540)))
    except Refused:
        figures.refused += 1


async def measure(address: str, sessions: int, tracking: int, clicks: int, seed: int) -> Figures:
    """One row."""
    figures = Figures()
    async with AsyncExitStack() as stack:
        visitors = [await stack.enter_async_context(Visitor(address)) for _ in range(sessions)]
        trackers, others = visitors[:tracking], visitors[tracking:]
        tasks = [asyncio.create_task(await start_tracking(visitor)) for visitor in trackers]
        before, start = [visitor.frames for visitor in trackers], time.perf_counter()
        await asyncio.gather(
            *(click_around(visitor, figures, clicks, seed + number) for number, visitor in enumerate(others))
        )
        figures.seconds = time.perf_counter() - start
        figures.frames = [visitor.frames - already for visitor, already in zip(trackers, before, strict=True)]
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        figures.refused += sum(isinstance(each, Refused) for each in ended)
    return figures


async def start_tracking(visitor: Visitor) -> Coroutine[Any, Any, None]:
    """Open a clip and click on what is to be tracked; the coroutine that tracks it for ever."""
    frames = await visitor.open_example(next(name for name, each in examples().items() if each.kind == "clip"))
    await visitor.click(80.0, 60.0)
    return visitor.track(frames)


def row(sessions: int, tracking: int, figures: Figures) -> str:
    """A line of the table."""
    milliseconds = [1000 * each for each in figures.clicks] or [float("nan")]
    mean = statistics.fmean(figures.frames) if figures.frames else 0.0
    cells = (
        str(sessions),
        str(tracking),
        f"{statistics.median(figures.opened or [float('nan')]):.2f}",
        f"{statistics.median(figures.first or [float('nan')]):.2f}",
        f"{statistics.median(milliseconds):.0f}",
        f"{np.percentile(milliseconds, 95):.0f}",
        f"{sum(figures.frames) / figures.seconds:.1f}" if tracking else "",
        f"{min(figures.frames) / mean:.2f}" if mean else "",
        str(figures.refused),
    )
    return "".join(f"{cell:>10}" for cell in cells)


async def run(arguments: argparse.Namespace) -> None:
    """All rows, against one server."""
    places = ("--max-sessions", str(max(arguments.sessions)), "--farewell-seconds", "0")
    flags = ("--model", arguments.model, "--device", arguments.device, *places, *shlex.split(arguments.server))
    async with served(*flags) as (address, _):
        print("".join(f"{name:>10}" for name in HEADER), flush=True)
        for sessions in arguments.sessions:
            for tracking in arguments.tracking:
                if tracking < sessions:
                    figures = await measure(address, sessions, tracking, arguments.clicks, arguments.seed)
                    print(row(sessions, tracking, figures), flush=True)
                    await asyncio.sleep(LEAVE_SECONDS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--tracking", type=int, nargs="+", default=[0, 8, 31])
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--server", default="", help="further flags of the server")
    asyncio.run(run(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
