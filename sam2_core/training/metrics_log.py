"""The metrics log of a run: a progress bar, `figures.csv`, and `curves.png` drawn from it."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from sam2_core.training.checkpoint import Position
from sam2_core.training.curves import draw_curves

METRICS_FILE = "figures.csv"
CURVES_FILE = "curves.png"
_HEADER = ("step", "samples", "minutes", "figure", "value")
_EVERY_SECONDS = 30.0
_IN_BAR = ("loss", "click1", "box", "frame 2")
HELD_OUT_PREFIX = "held out: "
"""Prefix of metrics from held-out images."""


class MetricsLog:
    """Writes the means of metrics every half minute. Rows of an earlier process beyond `position` are dropped.

    Without `bar` nothing is printed.
    """

    def __init__(self, folder: Path, position: Position, bar: bool = True) -> None:
        self._folder = folder
        self._rows: list[Mapping[str, float]] = []
        self._position = position
        self._written = position.seconds
        self._bar: Any = tqdm(
            total=1.0,
            bar_format="{desc} {percentage:5.1f}% |{bar}| {elapsed} {postfix}",
            desc="training",
            disable=not bar,
            mininterval=0.5 if sys.stderr.isatty() else _EVERY_SECONDS,  # fewer lines in a log file
        )
        self._drop_rows_after(position)

    def log_step(self, position: Position, done: float, metrics: Mapping[str, float]) -> None:
        """Record the metrics of one step; `done` is the fraction of the run."""
        self._rows.append(metrics)
        self._position = position
        self._bar.update(done - self._bar.n)
        if position.seconds - self._written > _EVERY_SECONDS:
            self._write_means()

    def log_evaluation(self, position: Position, metrics: Mapping[str, float]) -> None:
        """Write metrics from held-out images and redraw all curves."""
        self._write(position, {HELD_OUT_PREFIX + name: value for name, value in metrics.items()})
        draw_curves(self._folder / METRICS_FILE, self._folder / CURVES_FILE)
        line = "  ".join(f"{name} {100 * value:.1f}" for name, value in metrics.items())
        if not self._bar.disable:
            self._bar.write(f"{position.seconds / 60:6.1f} min, {position.samples:,} seen, held out: {line}")

    def close(self) -> None:
        """Write what is left, draw the curves and close the progress bar."""
        self._write_means()
        draw_curves(self._folder / METRICS_FILE, self._folder / CURVES_FILE)
        self._bar.close()

    def _write_means(self) -> None:
        position, means = self._position, mean_metrics(self._rows)
        self._write(position, means)
        shown = {name: f"{means[name]:.3f}" for name in _IN_BAR if name in means}
        self._bar.set_postfix(shown | {"step": position.steps, "seen": position.samples})
        self._rows.clear()
        self._written = position.seconds

    def _write(self, position: Position, metrics: Mapping[str, float]) -> None:
        with (self._folder / METRICS_FILE).open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            where = position.steps, position.samples, f"{position.seconds / 60:.2f}"
            writer.writerows([(*where, name, f"{value:.5g}") for name, value in metrics.items()])

    def _drop_rows_after(self, position: Position) -> None:
        """Drop what an interrupted run wrote after its last checkpoint."""
        file = self._folder / METRICS_FILE
        rows: list[list[str]] = []
        if file.is_file():
            with file.open(newline="", encoding="utf-8") as old:
                rows = [row for row in csv.reader(old) if len(row) == len(_HEADER) and row[0].isdigit()]
        with file.open("w", newline="", encoding="utf-8") as new:
            csv.writer(new).writerows([_HEADER, *(row for row in rows if int(row[0]) <= position.steps)])


def mean_metrics(rows: list[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric over the rows that have it."""
    names = sorted({name for row in rows for name in row})
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}
