"""What a run says about itself: a progress bar, `figures.csv`, and `curves.png` drawn from it."""

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

FIGURES = "figures.csv"
CURVES = "curves.png"
_HEADER = ("step", "samples", "minutes", "figure", "value")
_EVERY_SECONDS = 30.0
_IN_BAR = ("loss", "click1", "box", "frame 2")
MEASURED = "held out: "
"""Figures from pictures that are not trained on begin so."""


class RunJournal:
    """Collects figures and writes their means every half minute; steps after `position` of an earlier try are cut."""

    def __init__(self, folder: Path, position: Position) -> None:
        self._folder = folder
        self._rows: list[Mapping[str, float]] = []
        self._position = position
        self._written = position.seconds
        self._bar: Any = tqdm(
            total=1.0,
            bar_format="{desc} {percentage:5.1f}% |{bar}| {elapsed} {postfix}",
            desc="training",
            mininterval=0.5 if sys.stderr.isatty() else _EVERY_SECONDS,  # a log file wants fewer lines than a terminal
        )
        self._cut(position)

    def note(self, position: Position, done: float, figures: Mapping[str, float]) -> None:
        """Take the figures of one step."""
        self._rows.append(figures)
        self._position = position
        self._bar.update(done - self._bar.n)
        if position.seconds - self._written > _EVERY_SECONDS:
            self._write_means()

    def measured(self, position: Position, figures: Mapping[str, float]) -> None:
        """Write figures from held-out pictures, and draw all curves anew."""
        self._write(position, {MEASURED + name: value for name, value in figures.items()})
        draw_curves(self._folder / FIGURES, self._folder / CURVES)
        line = "  ".join(f"{name} {100 * value:.1f}" for name, value in figures.items())
        self._bar.write(f"{position.seconds / 60:6.1f} min, {position.samples:,} seen, held out: {line}")

    def close(self) -> None:
        """Write what is left, draw the curves and end the progress bar."""
        self._write_means()
        draw_curves(self._folder / FIGURES, self._folder / CURVES)
        self._bar.close()

    def _write_means(self) -> None:
        position, means = self._position, mean_figures(self._rows)
        self._write(position, means)
        shown = {name: f"{means[name]:.3f}" for name in _IN_BAR if name in means}
        self._bar.set_postfix(shown | {"step": position.steps, "seen": position.samples})
        self._rows.clear()
        self._written = position.seconds

    def _write(self, position: Position, figures: Mapping[str, float]) -> None:
        with (self._folder / FIGURES).open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            where = position.steps, position.samples, f"{position.seconds / 60:.2f}"
            writer.writerows([(*where, name, f"{value:.5g}") for name, value in figures.items()])

    def _cut(self, position: Position) -> None:
        """Drop what a killed run wrote after its last checkpoint."""
        file = self._folder / FIGURES
        rows: list[list[str]] = []
        if file.is_file():
            with file.open(newline="", encoding="utf-8") as old:
                rows = [row for row in csv.reader(old) if len(row) == len(_HEADER) and row[0].isdigit()]
        with file.open("w", newline="", encoding="utf-8") as new:
            csv.writer(new).writerows([_HEADER, *(row for row in rows if int(row[0]) <= position.steps)])


def mean_figures(rows: list[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over the rows that have it."""
    names = sorted({name for row in rows for name in row})
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}
