"""A long run.

    python -m tests.fuzz [--inputs 1000000] [--seed 0] [--targets messages pictures] [--failures fuzz-failures]

Hypothesis draws a tenth of the inputs; the others are cheap variants of these. Prints for each target how many inputs
were read and how many refused, and how long the slowest took. An error that was not declared, and an input that takes
longer than a second of processor time, are failures: their inputs are written to a folder, as files that belong into
tests/fuzz/corpus once they are mended. Fails if there are any.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.inputs import variants
from tests.fuzz.targets import TARGETS, Target, is_declared

MAX_SECONDS = 1.0
_BATCH = 20_000  # inputs of one search; it remembers them all
_VARIANTS = 9  # damaged copies of each input that Hypothesis draws


@dataclass
class Tally:
    """What became of the inputs of a target."""

    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)


def write_input(folder: Path, name: str, value: str | bytes) -> Path:
    """Keep an input as a file that `read_input` reads."""
    content = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    file = folder / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def read_input(file: Path) -> tuple[Target, str | bytes]:
    """The target of a kept input, and the input."""
    name, content = file.name.rsplit("-", 1)[0], file.read_bytes()
    target = TARGETS[name]
    return target, content.decode("utf-8", "surrogatepass") if target.is_text else content


def _time(target: Target, value: Any) -> tuple[float, Exception | None]:
    """How many seconds of the processor a target takes for an input, and what it raises."""
    started = time.process_time()
    try:
        target.read(value)
    except Exception as error:
        return time.process_time() - started, error
    return time.process_time() - started, None


def run(name: str, inputs: int, first_seed: int, failures: Path) -> Tally:
    """Feed a target."""
    target, tally = TARGETS[name], Tally()

    def feed_all(value: Any) -> None:
        for each in (value, *variants(value, _VARIANTS)):
            feed(each)

    def feed(value: Any) -> None:
        seconds, error = _time(target, value)
        if seconds > MAX_SECONDS:
            seconds = min(seconds, _time(target, value)[0])  # memory of the whole run may have been collected meanwhile
        tally.slowest = max(tally.slowest, seconds)
        tally.read += error is None
        tally.refused += error is not None
        reason = f"{seconds:.1f} seconds" if seconds > MAX_SECONDS else ""
        if error is not None and not is_declared(error):
            where = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}"
        if reason and reason not in tally.failures:
            tally.failures[reason] = str(write_input(failures, name, value))

    drawn = max(1, inputs // (1 + _VARIANTS))
    for batch, start in enumerate(range(0, drawn, _BATCH)):
        search = settings(
            max_examples=min(_BATCH, drawn - start),
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(first_seed + batch)(search(given(target.inputs())(feed_all)))()
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"))
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    cv2.utils.logging.setLogLevel(0)  # it tells of each damaged tag
    shares = {name: TARGETS[name].share for name in options.targets}
    failed = False
    print(f"{'target':<18}{'read':>10}{'refused':>10}{'slowest s':>11}{'failures':>10}", flush=True)
    for name, share in shares.items():
        tally = run(name, max(1, round(options.inputs * share / sum(shares.values()))), options.seed, options.failures)
        count = len(tally.failures)
        print(f"{name:<18}{tally.read:>10}{tally.refused:>10}{tally.slowest:>11.2f}{count:>10}", flush=True)
        for reason, file in tally.failures.items():
            print(f"    {reason}: {file}", flush=True)
        failed = failed or bool(tally.failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
