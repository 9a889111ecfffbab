"""What each process of a run does from reading the data to closing the journal; a module, so that it can be pickled."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tqdm.auto import tqdm

from sam2_core.model.network import SAM2
from sam2_core.training.config import TrainingConfig
from sam2_core.training.data_loading import Gathered, gather
from sam2_core.training.datasets.dataset import Picture
from sam2_core.training.evaluate.image_evaluation import evaluate_images
from sam2_core.training.loop import Trainer
from sam2_core.training.metrics_log import RunJournal
from sam2_core.training.processes import Team

_MEASURED = 60
"""Held-out pictures that are measured during the run: more would cost more time than they tell."""

_MEASURED_OBJECTS = 3


def work(team: Team, config: TrainingConfig, folder: Path, workers: int) -> None:
    """Train in `folder` as a member of the team."""
    gathered = _gather(team, config)
    trainer = Trainer(config, folder, team, gathered, workers)
    if not team.leads:
        trainer.run()
        return
    pictures = random.Random(config.seed).sample(gathered.held_out, min(_MEASURED, len(gathered.held_out)))  # noqa: S311
    journal = RunJournal(folder, trainer.position)
    try:
        trainer.run(journal, partial(held_out_scores, pictures=pictures))
    finally:
        journal.close()


def held_out_scores(network: SAM2, pictures: Sequence[Picture]) -> dict[str, float]:
    """Mean scores on pictures that are not trained on; empty where there are none."""
    return evaluate_images(network, pictures, objects_per_picture=_MEASURED_OBJECTS).scores.means()


def _gather(team: Team, config: TrainingConfig) -> Gathered:
    look = "{desc} {percentage:5.1f}% |{bar}| {elapsed}"
    with tqdm(total=1.0, desc="reading", bar_format=look, disable=not team.leads) as bar:

        def tell(done: float | None, _: str) -> None:
            bar.update((done or 0.0) - bar.n)

        gathered = gather(config, tell)
    if team.leads and gathered.report.counts:
        print(gathered.report)
    return gathered
