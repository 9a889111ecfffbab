"""Whether a server stays as it is while visitors come and go: memory, descriptors, threads and temporary files.

    python -m benchmarks.soak [--minutes 30] [--visitors 8] [--seed 0] [--model nano]

Each visitor opens a photo, clicks on it a few times and leaves, and another one comes. The server is looked at every
few seconds; the table has the mean of each tenth of the time. Succeeds where the last tenth is no more than 10 % (and
8 descriptors or threads, and no file but those of the visitors who are there) above the fifth. Linux only: /proc tells.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.visitors import Refused, Visitor, photo, served

SAMPLE_SECONDS = 2.0
PARTS = 10
CLICKS = 4
FILES_PER_VISITOR = 8  # of one who is there, and of one who has just left
MARGIN, MORE = 1.1, 8
GRADIO = "gradio"  # an empty folder that it makes when it is imported


@dataclass(frozen=True)
class Sample:
    """How the server is at one moment."""

    megabytes: float
    descriptors: float
    threads: float
    files: float
    visits: float

    @classmethod
    def take(cls, process: int, folder: Path, visits: int) -> Sample:
        """Look at a process and its folder for temporary files."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
        return cls(
            int(status["VmRSS"].split()[0]) / 1024,
            sum(1 for _ in Path(f"/proc/{process}/fd").iterdir()),
            int(status["Threads"]),
            sum(len(files) for _, _, files in os.walk(folder)),  # which come and go meanwhile
            visits,
        )

    @classmethod
    def mean(cls, samples: Sequence[Sample]) -> Sample:
        """Of some samples."""
        names = cls.__dataclass_fields__
        return cls(*(statistics.fmean(getattr(each, name) for each in samples) for name in names))

    def row(self) -> str:
        """A line of the table."""
        return "".join(f"{getattr(self, name):>13.0f}" for name in self.__dataclass_fields__)


class Visits:
    """Visitors who come and go until the end."""

    def __init__(self, address: str, end: float) -> None:
        self._address, self._end = address, end
        self.count = self.refused = 0

    async def go_on(self, seed: int) -> None:
        """One visitor after the other."""
        rng = np.random.default_rng(seed)
        while time.monotonic() < self._end:
            try:
                async with Visitor(self._address) as visitor:
                    height, width = rng.integers(400, 1400, 2)
                    await visitor.open(photo(int(rng.integers(1 << 30)), int(height), int(width)))
                    for number in range(CLICKS):
                        x, y = rng.uniform(50, 350, 2)
                        await visitor.click(float(x), float(y), number=1 + number % 2)
            except Refused:
                self.refused += 1
                await asyncio.sleep(1.0)
            self.count += 1


def is_flat(middle: Sample, last: Sample, visitors: int) -> bool:
    """Whether the last part is about as the middle one."""
    return (
        last.megabytes <= MARGIN * middle.megabytes
        and last.descriptors <= middle.descriptors + MORE
        and last.threads <= middle.threads + MORE
        and last.files <= max(middle.files, FILES_PER_VISITOR * visitors) + MORE
    )


async def run(arguments: argparse.Namespace) -> bool:
    """Whether the server stayed as it was."""
    samples: list[Sample] = []
    places = ("--max-sessions", str(4 * arguments.visitors), "--farewell-seconds", "1")
    flags = ("--model", arguments.model, "--device", arguments.device, *places)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder
        async with served(*flags) as (address, process):
            visits = Visits(address, time.monotonic() + 60 * arguments.minutes)
            tasks = [asyncio.create_task(visits.go_on(arguments.seed + each)) for each in range(arguments.visitors)]
            while not all(task.done() for task in tasks):
                await asyncio.sleep(SAMPLE_SECONDS)
                samples.append(await asyncio.to_thread(Sample.take, process.pid, Path(folder), visits.count))
            await asyncio.gather(*tasks)
        left = sorted(path.name for path in Path(folder).iterdir() if path.name != GRADIO)
    print("".join(f"{name:>13}" for name in Sample.__dataclass_fields__))
    size = max(1, len(samples) // PARTS)
    parts = [Sample.mean(samples[start : start + size]) for start in range(0, size * PARTS, size) if samples[start:]]
    print("\n".join(part.row() for part in parts))
    print(f"{visits.count} visits, {visits.refused} refused, left after the end: {', '.join(left) or 'nothing'}")
    return is_flat(parts[len(parts) // 2 - 1], parts[-1], arguments.visitors) and not left


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak and print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="auto")
    return 0 if asyncio.run(run(parser.parse_args(arguments))) else 1


if __name__ == "__main__":
    sys.exit(main())
