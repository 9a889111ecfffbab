"""Fine-tune on a dataset folder and measure on its set-aside images, before and after. Prints progress as JSON lines:
{"fraction", "message"}, at last {"before", "after", "weights"}, or {"error"}.

    python -m sam2_core.training.fine_tuning my_set --out runs/mine --init nano --minutes 5
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sam2_core.dataset import DatasetFolder
from sam2_core.dataset.coco import write_coco
from sam2_core.dataset.folder import IMAGES
from sam2_core.dataset.records import SOURCES, TRUSTED, Source
from sam2_core.errors import DataError, MaskletError
from sam2_core.media.atomic import new_file
from sam2_core.model.sam import Network
from sam2_core.paths import ROOT
from sam2_core.training.checkpoint import Position
from sam2_core.training.config import read_training_config
from sam2_core.training.data_loading import load_training_data
from sam2_core.training.datasets.dataset import BadSample, DatasetImage
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.training.loop import Trainer
from sam2_core.training.metrics_log import MetricsLog
from sam2_core.training.processes import ProcessGroup
from sam2_core.training.train import MAX_OBJECTS_PER_IMAGE, held_out_scores
from sam2_core.types import Progress

_DEFAULTS = ROOT / "configs" / "train" / "finetune.yaml"
_MAX_MEASURED = 30
"""Set-aside images that are measured; more would take too long."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        duration = (options.minutes, options.steps)
        _emit(**fine_tune(options.dataset, options.out, options.init, options.network, *duration, progress=_progress))
    except (MaskletError, OSError) as error:
        _emit(error=str(error))
        return 1
    return 0


def fine_tune(
    dataset: Path,
    out: Path,
    init: str,
    network: str | None,
    minutes: float,
    steps: int | None = None,
    *,
    learned: Collection[Source] = SOURCES,
    measured: Collection[Source] | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """Fine-tune the decoder of `init`, for so many minutes or steps; the scores "before" and "after", the numbers of
    pictures that were "learned" and "measured", the latter with so many "masks", and the file of "weights".

    It learns from masks of the sources `learned`, and is measured on those of the sources `measured`, in other images:
    by default `TRUSTED`, unless fewer than two images have such masks.
    The folder `out` holds the run, which goes on there after an interruption. Raises `DataError` for a dataset folder
    with fewer than two images with masks.
    """
    out.mkdir(parents=True, exist_ok=True)
    progress(0.0, "Reading the data set")
    file_learned, file_measured, count = split_dataset(dataset, out, learned, measured)
    duration: dict[str, Any] = {"minutes": minutes} if steps is None else {"steps": steps, "minutes": None}
    config = read_training_config(
        _DEFAULTS,
        init=init,
        network=network,
        weights="weights.safetensors",
        held_out=0.0,
        measure_minutes=1e9,  # before and after only
        data=[{"path": str(file_learned), "layout": "coco", "images": str(dataset / IMAGES)}],
        **duration,
    )
    images = open_dataset(file_measured, "coco", dataset / IMAGES).images[:_MAX_MEASURED]
    scores = Scores(images, out / "before.json", progress)
    trainer = Trainer(config, out, ProcessGroup(), load_training_data(config))
    log = _ProgressLog(out, trainer.position, progress)
    try:
        trainer.run(log, scores.measure)
    finally:
        log.close()
    return {
        "before": scores.before,
        "after": scores.last,
        "learned": count,
        "measured": len(images),
        "masks": sum(map(_count_measured, images)),
        "weights": str(out / config.weights),
    }


def split_dataset(
    dataset: Path, out: Path, learned: Collection[Source], measured: Collection[Source] | None = None
) -> tuple[Path, Path, int]:
    """COCO files of the images to learn from and of those that are set aside, and the number of the former; see
    `fine_tune`."""
    folder = DatasetFolder.read(dataset)
    if measured is None:
        measured = TRUSTED if len(folder.annotated(TRUSTED)) > 1 else SOURCES
    trusted, annotated = set(folder.annotated(measured)), set(folder.annotated(learned))
    if len(trusted) < 2:
        raise DataError("Annotate at least two pictures: one is set aside to measure with.")
    aside = folder.state.set_aside(trusted)
    if aside == trusted:  # all of them are of a low rank: one must be left to learn from
        aside.remove(max(trusted, key=lambda number: folder.state.images[number].rank))
    used = annotated - aside - (folder.state.set_aside(annotated) - trusted)
    files = out / "learned.json", out / "measured.json"
    for file, kept, sources in zip(files, (used, aside), (learned, measured), strict=True):
        masks = {number: each for number, each in folder.state.annotations.items() if each.source in sources}
        write_coco(file, replace(folder.state, annotations=masks), set(folder.state.images) - kept)
    return *files, len(used)


def _count_measured(image: DatasetImage) -> int:
    """The number of masks of an image that are measured."""
    try:
        return min(len(image.read().masks), MAX_OBJECTS_PER_IMAGE)
    except BadSample:
        return 0


class Scores:
    """Measures a network on images. The scores `before` are kept in a file, for a run that is continued."""

    def __init__(self, images: list[DatasetImage], file: Path, progress: Progress) -> None:
        self._images, self._file, self._progress = images, file, progress
        self.last: dict[str, float] = {}

    @property
    def before(self) -> dict[str, float]:
        """Scores of the network that was started from."""
        plain: dict[str, float] = json.loads(self._file.read_text("utf-8"))
        return plain

    def measure(self, network: Network) -> dict[str, float]:
        """Measure a network; the first one of the run is the one before."""
        self._progress(1.0 if self._file.exists() else 0.0, "Measuring on pictures that were set aside")
        self.last = held_out_scores(network, self._images)
        if not self._file.exists():
            with new_file(self._file) as unfinished:
                unfinished.write_text(json.dumps(self.last), encoding="utf-8")
        return self.last


class _ProgressLog(MetricsLog):
    """Reports how far the run is, once a second at most, in place of the bar."""

    def __init__(self, folder: Path, position: Position, progress: Progress) -> None:
        super().__init__(folder, position, bar=False)
        self._progress = progress
        self._next = 0.0

    def log_step(self, position: Position, done: float, metrics: Mapping[str, float]) -> None:
        super().log_step(position, done, metrics)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 1
            self._progress(done, f"Training, step {position.steps}")


def _progress(fraction: float | None, message: str) -> None:
    _emit(fraction=fraction, message=message)


def _emit(**fields: Any) -> None:
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
