"""What each process of a run does from reading the data to closing the journal; a module, so that it can be pickled."""

from __future__ import annotations

from pathlib import Path

from tqdm.auto import tqdm

from sam2_core.training.config import TrainingConfig
from sam2_core.training.gathering import Gathered, gather
from sam2_core.training.journal import RunJournal
from sam2_core.training.loop import Trainer
from sam2_core.training.processes import Team


def work(team: Team, config: TrainingConfig, folder: Path, workers: int) -> None:
    """Train in `folder` as a member of the team."""
    trainer = Trainer(config, folder, team, _gather(team, config), workers)
    if not team.leads:
        trainer.run()
        return
    journal = RunJournal(folder, trainer.position)
    try:
        trainer.run(journal)
    finally:
        journal.close()


def _gather(team: Team, config: TrainingConfig) -> Gathered:
    look = "{desc} {percentage:5.1f}% |{bar}| {elapsed}"
    with tqdm(total=1.0, desc="reading", bar_format=look, disable=not team.leads) as bar:
        gathered = gather(config, lambda done, _: bar.update((done or 0.0) - bar.n) and None)
    if team.leads and gathered.report.counts:
        print(gathered.report)
    return gathered
