"""Simulate many visitors on many engines, by the service times of one.

    python -m benchmarks.scale [--visitors 10 1000 100000] [--tracking 0.1] [--think 8] [--click-ms 24] \
        [--step-ms 140] [--blocks 12] [--target-ms 300] [--rate 5] [--seconds 120] [--seed 0]
    python -m benchmarks.scale --check

Each visitor either clicks, with some seconds of looking between an answer and the next click, or tracks a clip, step
after step. A session stays on the engine to which consistent hashing leads it, and an engine does one thing at a time,
clicks before steps of tracking and between two blocks of one. Of many engines a sample is simulated, each with as many
visitors as hashing gives it.

For each number of visitors two rows tell the fewest engines with which 95 % of the clicks are answered in time, and
with which a session that tracks gets its frames besides: latency of clicks, frames a second, and what bounds a server
beside its engines, see the constants. `--check` simulates the load that `benchmarks.load` has measured.
"""

from __future__ import annotations

import argparse
import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

POINTS = 64  # of each engine on the ring of consistent hashing
MAX_SIMULATED = 48  # engines; more of them are a sample
WARM_UP = 0.2  # of the simulated time, which does not count
VISITORS_PER_PROXY = 32_000  # two of the 65,536 descriptors that a process usually may have are for each
VISITORS_PER_SERVER = 1_000  # the setting max-connections
SESSION_MEGABYTES = 24.0  # of an engine's device: three objects of an official network
MEASURED = ((1, 0, 26, 30), (9, 0, 29, 59), (9, 8, 35, 48), (32, 31, 36, 49))
"""Visitors, so many of whom track, and the median and 95th percentile of a click in milliseconds: `benchmarks.load`
with `nano` on two cores of a CPU, which the visitors share."""

SHARED_CORES = 0.003
"""Seconds that a click took longer there while others tracked, beside waiting for its turn: page, masks and visitors
use the same two cores. Only this is fitted to the table; clicks alone and the frames a second are as measured."""

USUAL_PAUSE = 0.4  # seconds between two clicks there


@dataclass(frozen=True, slots=True)
class Load:
    """What visitors do, and how long an engine takes for it.

    Attributes:
        tracking: Share of the visitors that track.
        think: Seconds between an answer and the next click, on average.
        click, step: Seconds that an engine takes for a click, and for a step of tracking.
        blocks: Parts of a step between which clicks run.
        overhead: Seconds of a click outside of its engine: page, network, server.
        spread: Standard deviation of the logarithm of service times.
    """

    tracking: float = 0.1
    think: float = 8.0
    click: float = 0.024
    step: float = 0.14
    blocks: int = 12
    overhead: float = 0.002
    spread: float = 0.2


@dataclass(slots=True)
class Figures:
    """What the visitors of simulated engines have met: latencies of clicks, and frames a second of each tracker."""

    clicks: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        """Seconds within which so many of the clicks are answered; NaN where there was none."""
        return float(np.percentile(self.clicks, percent)) if self.clicks else math.nan

    @property
    def rate(self) -> float:
        """Frames a second of a tracking session (median), at one frame a step."""
        return float(np.median(self.rates)) if self.rates else math.nan


def shares(engines: int, rng: np.random.Generator) -> np.ndarray:
    """The part of all sessions that consistent hashing gives to each engine: (engines,)."""
    places = rng.random(engines * POINTS)
    order = np.argsort(places)
    gaps = np.diff(places[order], append=places[order][0] + 1.0)
    return np.bincount(order // POINTS, weights=gaps, minlength=engines)


def simulate_engine(clickers: int, trackers: int, load: Load, seconds: float, rng: np.random.Generator) -> Figures:
    """One engine with these visitors."""
    figures, start = Figures(), WARM_UP * seconds
    # When a visitor asks for something next: time, visitor; trackers are counted behind the clickers.
    arrivals = [(float(rng.uniform(0, load.think)), visitor) for visitor in range(clickers)]
    arrivals += [(0.0, clickers + tracker) for tracker in range(trackers)]
    heapq.heapify(arrivals)
    waiting_clicks: list[tuple[float, int]] = []
    waiting_steps: list[tuple[float, int]] = []
    steps, now = np.zeros(trackers), 0.0
    blocks_left = 0  # of the step that is under way
    while now < seconds and (arrivals or waiting_clicks or waiting_steps):
        while arrivals and (arrivals[0][0] <= now or not (waiting_clicks or waiting_steps)):
            since, visitor = heapq.heappop(arrivals)
            now = max(now, since)
            heapq.heappush(waiting_clicks if visitor < clickers else waiting_steps, (since, visitor))
        is_click = bool(waiting_clicks)
        since, visitor = heapq.heappop(waiting_clicks) if is_click else waiting_steps[0]
        mean = load.click if is_click else load.step / load.blocks
        now += mean * math.exp(load.spread * float(rng.standard_normal()) - load.spread**2 / 2)
        if is_click:
            if since >= start:
                figures.clicks.append(now - since + load.overhead)
            heapq.heappush(arrivals, (now + float(rng.exponential(load.think)), visitor))
            continue
        blocks_left = (blocks_left or load.blocks) - 1
        if not blocks_left:
            heapq.heappop(waiting_steps)
            steps[visitor - clickers] += now >= start
            heapq.heappush(arrivals, (now, visitor))
    figures.rates = list(steps / (seconds - start))
    return figures


def simulate(visitors: int, engines: int, load: Load, seconds: float, seed: int) -> Figures:
    """All engines, or a sample of them, in which each visitor counts once."""
    rng = np.random.default_rng(seed)
    part = shares(engines, rng)[: min(engines, MAX_SIMULATED)]
    figures = Figures()
    for count in rng.binomial(visitors, np.minimum(part, 1.0)):
        trackers = int(rng.binomial(count, load.tracking))
        found = simulate_engine(int(count) - trackers, trackers, load, seconds, rng)
        figures.clicks += found.clicks
        figures.rates += found.rates
    return figures


def fewest_engines(
    visitors: int, load: Load, seconds: float, seed: int, is_enough: Callable[[Figures], bool]
) -> tuple[int, Figures]:
    """The fewest engines with which it is enough, to a twentieth, and what visitors meet there."""
    busy = visitors * ((1 - load.tracking) * load.click / (load.think + load.click))
    fewest, most = 0, max(1, int(busy))
    while not is_enough(figures := simulate(visitors, most, load, seconds, seed)) and most < visitors:
        fewest, most = most, min(2 * most, visitors)
    while most - fewest > max(1, most // 20):
        middle = (fewest + most) // 2
        found = simulate(visitors, middle, load, seconds, seed)
        if is_enough(found):
            most, figures = middle, found
        else:
            fewest = middle
    return most, figures


def check(load: Load, seconds: float, seed: int) -> list[tuple[float, float]]:
    """The median and 95th percentile of a click, in milliseconds, simulated for each row of `MEASURED`."""
    rows = []
    for visitors, tracking, _, _ in MEASURED:
        there = replace(load, think=USUAL_PAUSE, overhead=load.overhead + (SHARED_CORES if tracking else 0.0))
        found = simulate_engine(visitors - tracking, tracking, there, seconds, np.random.default_rng(seed))
        rows.append((1000 * found.percentile(50), 1000 * found.percentile(95)))
    return rows


def row(visitors: int, aim: str, engines: int, figures: Figures) -> str:
    """A line of the table."""
    each = visitors / engines
    cells = (
        f"{visitors:,}",
        aim,
        f"{engines:,}",
        f"{each:.0f}",
        f"{1000 * figures.percentile(50):.0f}",
        f"{1000 * figures.percentile(95):.0f}",
        f"{figures.rate:.2g}",
        f"{math.ceil(visitors / VISITORS_PER_SERVER):,}",
        f"{math.ceil(visitors / VISITORS_PER_PROXY):,}",
        f"{each * SESSION_MEGABYTES / 1000:.2g}",
    )
    return "".join(f"{cell:>10}" for cell in cells)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Load()
    parser.add_argument("--visitors", type=int, nargs="+", default=[10, 1_000, 100_000])
    parser.add_argument("--tracking", type=float, default=usual.tracking, help="share of the visitors")
    parser.add_argument("--think", type=float, default=usual.think, help="seconds between two clicks")
    parser.add_argument("--click-ms", type=float, default=1000 * usual.click)
    parser.add_argument("--step-ms", type=float, default=1000 * usual.step, help="of tracking, one frame each")
    parser.add_argument("--blocks", type=int, default=usual.blocks, help="of a step, between which clicks run")
    parser.add_argument("--target-ms", type=float, default=300.0)
    parser.add_argument("--rate", type=float, default=5.0, help="frames a second that a session should get")
    parser.add_argument("--seconds", type=float, default=120.0, help="of the visitors' time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    load = Load(options.tracking, options.think, options.click_ms / 1000, options.step_ms / 1000, options.blocks)
    if options.check:
        print(f"{'visitors':>10}{'tracking':>10}{'p50 ms':>10}{'p95 ms':>10}{'measured':>14}")
        for (p50, p95), (visitors, tracking, *known) in zip(
            check(load, options.seconds, options.seed), MEASURED, strict=True
        ):
            print(f"{visitors:>10}{tracking:>10}{p50:>10.0f}{p95:>10.0f}{f'{known[0]} / {known[1]}':>14}")
        return

    def is_quick(figures: Figures) -> bool:
        return figures.percentile(95) <= options.target_ms / 1000

    def is_fluent(figures: Figures) -> bool:
        return is_quick(figures) and not figures.rate < options.rate

    names = ("visitors", "aim", "engines", "each", "p50 ms", "p95 ms", "frames/s", "servers", "proxies", "device GB")
    print("".join(f"{name:>10}" for name in names))
    for visitors in options.visitors:
        for aim, is_enough in (("clicks", is_quick), ("tracking", is_fluent)):
            engines, figures = fewest_engines(visitors, load, options.seconds, options.seed, is_enough)
            print(row(visitors, aim, engines, figures), flush=True)


if __name__ == "__main__":
    main()
