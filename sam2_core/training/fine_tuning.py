"""Fine-tune on a dataset folder and measure on its set-aside images, before and after. Prints progress as JSON lines:
{"fraction", "message"}, at last {"before", "after", "weights"}, or {"error"}.

    python -m sam2_core.training.fine_tuning my_set --out runs/mine --init nano --minutes 5
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sam2_core.dataset import DatasetFolder
from sam2_core.dataset.coco import write_coco
from sam2_core.dataset.folder import IMAGES
from sam2_core.errors import DataError, MaskletError
from sam2_core.model.sam import Network
from sam2_core.paths import ROOT
from sam2_core.training.checkpoint import Position
from sam2_core.training.config import read_training_config
from sam2_core.training.data_loading import load_training_data
from sam2_core.training.datasets.dataset import DatasetImage
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.training.loop import Trainer
from sam2_core.training.metrics_log import MetricsLog
from sam2_core.training.processes import ProcessGroup
from sam2_core.training.train import held_out_scores

_DEFAULTS = ROOT / "configs" / "train" / "finetune.yaml"
_MAX_MEASURED = 30
"""Set-aside images that are measured; more would take too long."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _say(**fine_tune(options.dataset, options.out, options.init, options.network, options.minutes, options.steps))
    except (MaskletError, OSError) as error:
        _say(error=str(error))
        return 1
    return 0


def fine_tune(
    dataset: Path, out: Path, init: str, network: str | None, minutes: float, steps: int | None = None
) -> dict[str, Any]:
    """Fine-tune the decoder of `init`, for so many minutes or steps; the fields of the last line.

    Raises `DataError` for a dataset folder with fewer than two images with masks.
    """
    out.mkdir(parents=True, exist_ok=True)
    _say(fraction=0.0, message="Reading the data set")
    learned, measured = _split(dataset, out)
    duration: dict[str, Any] = {"minutes": minutes} if steps is None else {"steps": steps, "minutes": None}
    config = read_training_config(
        _DEFAULTS,
        init=init,
        network=network,
        weights="weights.safetensors",
        held_out=0.0,
        measure_minutes=1e9,  # before and after only
        data=[{"path": str(learned), "layout": "coco", "images": str(dataset / IMAGES)}],
        **duration,
    )
    images = open_dataset(measured, "coco", dataset / IMAGES).images[:_MAX_MEASURED]
    scores = _Scores(images)
    trainer = Trainer(config, out, ProcessGroup(), load_training_data(config))
    log = _ProgressLog(out, trainer.position)
    try:
        trainer.run(log, scores.measure)
    finally:
        log.close()
    return {"before": scores.all[0], "after": scores.all[-1], "weights": str(out / config.weights)}


def _split(dataset: Path, out: Path) -> tuple[Path, Path]:
    """COCO files of the images to learn from and of those that are set aside."""
    folder = DatasetFolder.read(dataset)
    annotated = set(folder.annotated())
    if len(annotated) < 2:
        raise DataError("Annotate at least two pictures: one is set aside to measure with.")
    aside = folder.state.set_aside(annotated)
    if aside == annotated:  # all of them are of a low rank: one must be left to learn from
        aside.remove(max(annotated, key=lambda number: folder.state.images[number].rank))
    everything = set(folder.state.images)
    files = out / "learned.json", out / "measured.json"
    for file, kept in zip(files, (annotated - aside, aside), strict=True):
        write_coco(file, folder.state, everything - kept)
    return files


class _Scores:
    """Measures a network on images, and keeps all scores."""

    def __init__(self, images: list[DatasetImage]) -> None:
        self._images = images
        self.all: list[dict[str, float]] = []

    def measure(self, network: Network) -> dict[str, float]:
        _say(fraction=1.0 if self.all else 0.0, message="Measuring on pictures that were set aside")
        self.all.append(held_out_scores(network, self._images))
        return self.all[-1]


class _ProgressLog(MetricsLog):
    """Also prints how far the run is, once a second at most."""

    _next = 0.0

    def log_step(self, position: Position, done: float, metrics: Mapping[str, float]) -> None:
        super().log_step(position, done, metrics)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 1
            _say(fraction=done, message=f"Training, step {position.steps}")


def _say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sam2_core.training.fine_tuning", description=__doc__)
    parser.add_argument("dataset", type=Path, help="a dataset folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--init", default="nano", help="a known network or a weights file to start from")
    parser.add_argument("--network", help="what the weights file is for, a known network or a YAML file")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long to train")
    parser.add_argument("--steps", type=int, help="the same, in steps")
    return parser


if __name__ == "__main__":
    sys.exit(main())
