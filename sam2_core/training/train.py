"""What each process of a run does: load the data, train, log. In a module of its own so that it can be pickled."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tqdm.auto import tqdm

from sam2_core.model.sam import Network
from sam2_core.training.config import TrainingConfig
from sam2_core.training.data_loading import TrainingData, load_training_data
from sam2_core.training.datasets.dataset import DatasetImage
from sam2_core.training.evaluate.image_evaluation import evaluate_images
from sam2_core.training.loop import Trainer
from sam2_core.training.metrics_log import MetricsLog
from sam2_core.training.processes import ProcessGroup

_MAX_HELD_OUT = 60
"""Held-out images that are evaluated during the run; more would take too long."""

MAX_OBJECTS_PER_IMAGE = 3


def train(group: ProcessGroup, config: TrainingConfig, folder: Path, workers: int) -> None:
    """Train in `folder` as one process of the group."""
    data = _load_data(group, config)
    trainer = Trainer(config, folder, group, data, workers)
    if not group.is_main:
        trainer.run()
        return
    images = random.Random(config.seed).sample(data.held_out, min(_MAX_HELD_OUT, len(data.held_out)))  # noqa: S311
    log = MetricsLog(folder, trainer.position)
    try:
        trainer.run(log, partial(held_out_scores, images=images))
    finally:
        log.close()


def held_out_scores(network: Network, images: Sequence[DatasetImage]) -> dict[str, float]:
    """Mean scores on images that are not trained on; empty where there are none."""
    return evaluate_images(network, images, max_objects=MAX_OBJECTS_PER_IMAGE).scores.means()


def _load_data(group: ProcessGroup, config: TrainingConfig) -> TrainingData:
    look = "{desc} {percentage:5.1f}% |{bar}| {elapsed}"
    with tqdm(total=1.0, desc="reading", bar_format=look, disable=not group.is_main) as bar:

        def update(done: float | None, _: str) -> None:
            bar.update((done or 0.0) - bar.n)

        data = load_training_data(config, update)
    if group.is_main and data.report.counts:
        print(data.report)
    return data
