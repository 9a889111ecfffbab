"""Several processes that train together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import nn

from sam2_core.training.loop import Trainer
from sam2_core.training.processes import ProcessGroup, launch
from tests.training.runs import PHASE, tiny_config, tiny_data
from tests.training.test_checkpoint import same

CPU = torch.device("cpu")


def train_together(group: ProcessGroup, folder: Path) -> None:
    """Train for two steps, and write down what this process has in the end."""
    phases = [{**PHASE, "until": 0.5}, {**PHASE, "clips": 1.0}]
    training = Trainer(tiny_config(folder, steps=2, phases=phases), folder, group, tiny_data())
    training.run()
    own = training._batches[0, training.config.phases[0]].images
    told = {
        "weights": training.network.state_dict(),
        "seconds": training.position.seconds,
        "own": torch.from_numpy(own),
    }
    told |= {"samples": training.position.samples, "mean": training.ema_network().state_dict()}
    torch.save(told, folder / f"{group.rank}.pt")


def test_two_processes_learn_from_different_pictures_and_end_with_the_same_weights(tmp_path: Path) -> None:
    launch(partial(train_together, folder=tmp_path), 2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert not torch.equal(first.pop("own"), second.pop("own"))
    assert same(first, second)
    assert first["samples"] in (2 + 2 * 2, 2 + 2 * 3)  # one picture and one clip on each process
    assert (tmp_path / "checkpoint.pt").is_file()


def test_one_process_needs_no_others() -> None:
    groups: list[ProcessGroup] = []
    launch(groups.append, 1)
    [group] = groups
    assert group == ProcessGroup(rank=0, size=1)
    assert group.is_main
    parameter = nn.Parameter(torch.ones(2))
    parameter.grad = torch.full((2,), 3.0)
    group.average_gradients([parameter, nn.Parameter(torch.ones(1))])
    group.broadcast([parameter.data])
    assert parameter.grad.tolist() == [3, 3]
    assert group.broadcast_value(1.5, CPU) == 1.5
