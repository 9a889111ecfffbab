"""The training loop: it resumes bit for bit, skips broken steps, and reduces the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sam2_core.errors import ConfigError, WeightsError
from sam2_core.model.network import SAM2
from sam2_core.paths import ROOT
from sam2_core.training import loop
from sam2_core.training.batches import Batch, _Steps
from sam2_core.training.checkpoint import CHECKPOINT_FILE, Checkpoint, Position, save_weights
from sam2_core.training.config import Phase
from sam2_core.training.image_interaction import image_step
from sam2_core.training.initialization import new_network
from sam2_core.training.loop import Trainer
from sam2_core.training.processes import ProcessGroup
from sam2_core.training.step import StepResult
from sam2_core.weights import load_network
from tests.networks import TINY
from tests.training.runs import PHASE, tiny_config, tiny_data, tiny_yaml
from tests.training.test_checkpoint import same


class Killed(Exception):
    """The run is interrupted."""


@dataclass
class RecordingLog:
    """A metrics log in memory, which may interrupt the run at a step."""

    killed_at: int | None = None
    rows: list[Mapping[str, float]] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    measures: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)

    def log_step(self, position: Position, done: float, metrics: Mapping[str, float]) -> None:
        if position.steps == self.killed_at:
            raise Killed
        self.rows.append(metrics)
        self.positions.append(position)

    def log_evaluation(self, position: Position, metrics: Mapping[str, float]) -> None:
        self.measures.append((position.steps, metrics))


def trainer(folder: Path, run: str = "run", **changes: Any) -> Trainer:
    return Trainer(tiny_config(folder, **changes), folder / run, ProcessGroup(), tiny_data())


def saved(folder: Path) -> Checkpoint:
    checkpoint = Checkpoint.load(folder)
    assert checkpoint is not None
    return checkpoint


def changed_by(training: Trainer) -> set[str]:
    """Train; the names of the weights that have changed."""
    before = {name: value.clone() for name, value in training.network.state_dict().items()}
    training.run()
    return {name for name, value in training.network.state_dict().items() if not torch.equal(value, before[name])}


def a_file(folder: Path) -> dict[str, str]:
    """Settings that start from weights of the tiny network."""
    save_weights(new_network(TINY, 8).state_dict(), folder / "start.pt")
    return {"init": str(folder / "start.pt"), "network": tiny_yaml(folder)}


PHASES = [
    {**PHASE, "until": 0.4, "size": 32, "clips": 0.5, "clip_encoder": True},
    {**PHASE, "clips": 0.6},
]


def test_a_killed_run_resumes_bit_for_bit(tmp_path: Path) -> None:
    plan = {"steps": 6, "phases": PHASES, "seed": 5}
    log = RecordingLog()
    trainer(tmp_path, "straight", **plan).run(log)
    often = {**plan, "save_minutes": 0.0}
    with pytest.raises(Killed):
        trainer(tmp_path, "killed", **often).run(RecordingLog(killed_at=4))
    assert saved(tmp_path / "killed").position.steps == 3
    torch.manual_seed(99)
    resumed = trainer(tmp_path, "killed", **often)
    assert resumed.position.steps == 3
    later = RecordingLog()
    resumed.run(later)
    straight, killed = saved(tmp_path / "straight"), saved(tmp_path / "killed")
    assert replace(killed.position, seconds=0.0) == replace(straight.position, seconds=0.0)
    assert killed.position.seconds > 0
    for name in ("weights", "mean", "mean_count", "optimizer"):
        assert same(getattr(killed, name), getattr(straight, name)), name
    assert later.rows == log.rows[3:]
    clips = ["frame 2" in row for row in log.rows]
    assert {True, False} == set(clips[:3]) == set(clips[3:])  # both kinds before and after
    files = [(tmp_path / run / "weights.safetensors").read_bytes() for run in ("straight", "killed")]
    assert files[0] == files[1]


def test_a_finished_run_stays_as_it_is(tmp_path: Path) -> None:
    trainer(tmp_path, steps=1).run()
    again = trainer(tmp_path, steps=1)
    assert again.done == 1
    assert changed_by(again) == set()
    assert again.position.steps == 1


def test_a_run_with_other_settings_is_refused(tmp_path: Path) -> None:
    trainer(tmp_path, steps=1).run()
    for other in ({"optimizer": "adamw"}, {"train": "decoder"}, {"train": "lora"}):
        with pytest.raises(WeightsError, match="holds a run with another network, optimizer or choice"):
            trainer(tmp_path, steps=1, **other)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / CHECKPOINT_FILE).write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="is damaged"):
        trainer(tmp_path)


class OneScene(Dataset[Batch]):
    """Always the same image."""

    def __init__(self) -> None:
        self.image = np.full((1, 64, 64, 3), (20, 40, 200), np.uint8)
        self.masks = np.zeros((1, 2, 64, 64), np.uint8)
        self.masks[:, :, 12:44, 20:52] = 1
        self.image[0, self.masks[0, 0] > 0] = (230, 120, 30)

    def __getitem__(self, index: tuple[int, Phase]) -> Batch:
        return Batch(self.image, self.masks, index[1], np.random.default_rng(index[0]))


def test_an_easy_scene_is_learned(tmp_path: Path) -> None:
    training = trainer(tmp_path, steps=30, phases=[{**PHASE, "corrections": [0]}], ema=0.5)
    training._batches = OneScene()  # type: ignore[assignment]
    log = RecordingLog()
    training.run(log)
    losses = [row["loss"] for row in log.rows]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])
    assert log.rows[-1]["box"] > 0.8


def test_the_scale_of_the_memory_is_matched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, ...]] = []

    def match(network: SAM2, embedding: Tensor) -> None:
        calls.append(tuple(embedding.shape))
        network.memory_attention.norm.weight.data.fill_(7.0)

    monkeypatch.setattr(loop, "match_memory_scale", match)
    clips = {"phases": [{**PHASE, "clips": 1.0}], "save_minutes": 0.0}
    with pytest.raises(Killed):
        trainer(tmp_path, **clips, learning_rate=0.0).run(RecordingLog(killed_at=3))
    assert calls == [(1, TINY.width, 4, 4)]
    resumed = trainer(tmp_path, **clips, learning_rate=0.0)
    resumed.run()
    assert len(calls) == 1
    assert resumed.position.memory_ready
    for network in (resumed.network, resumed.ema_network()):
        assert (network.memory_attention.norm.weight == 7).all()
    trainer(tmp_path, "other", **a_file(tmp_path), **clips).run()
    assert len(calls) == 1  # not when fine-tuning


def test_a_step_whose_gradient_is_not_finite_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0

    def broken(*arguments: Any) -> StepResult:
        nonlocal taken
        taken += 1
        result = image_step(*arguments)
        return StepResult(result.loss * float("nan"), result.metrics) if taken == 2 else result

    monkeypatch.setattr(loop, "image_step", broken)
    training, log = trainer(tmp_path, phases=[PHASE]), RecordingLog()
    training.run(log)
    assert taken == training.position.steps == 4
    assert training.position.skipped == 1
    assert ["loss" in row for row in log.rows] == [True, False, True, True]
    assert saved(tmp_path / "run").mean_count == 3
    assert all(torch.isfinite(value).all() for value in training.network.state_dict().values())
    assert all(torch.isfinite(value).all() for value in training.ema_network().state_dict().values())


@pytest.mark.parametrize("train", ["decoder", "memory", "lora"])
def test_only_the_chosen_parts_change_and_the_weights_load_by_path(tmp_path: Path, train: str) -> None:
    phases = [{**PHASE, "until": 0.5}, {**PHASE, "clips": 1.0}]
    plan = {"train": train, "steps": 2, "phases": phases, "weights": "mine.pt", "lora_rank": 2}
    training = trainer(tmp_path, **a_file(tmp_path), **plan)
    roots = {name.split(".")[0] for name in changed_by(training)}
    assert roots >= {"sam_mask_decoder"}
    assert ("image_encoder" in roots) == (train == "lora")
    assert ("memory_attention" in roots) == (train == "memory")
    loaded = load_network(tiny_yaml(tmp_path), tmp_path / "run" / "mine.pt")
    ema_network = training.ema_network()
    assert not ema_network.training
    assert same(dict(loaded.state_dict()), dict(ema_network.state_dict()))
    start = new_network(TINY, 8).state_dict()
    trunk = [name for name in start if name.startswith("image_encoder.trunk.")]
    moved = {name for name in trunk if not torch.equal(start[name], loaded.state_dict()[name])}
    assert all(name.endswith(("attn.qkv.weight", "attn.proj.weight")) for name in moved)
    assert bool(moved) == (train == "lora")


def test_the_seed_fixes_the_start_also_of_low_rank_changes(tmp_path: Path) -> None:
    def start(torch_seed: int, **changes: Any) -> dict[str, Tensor]:
        torch.manual_seed(torch_seed)
        return dict(trainer(tmp_path, **a_file(tmp_path), train="lora", **changes).network.state_dict())

    assert same(start(1), start(2))
    assert not same(start(1), start(1, seed=4))


def test_the_run_is_as_long_as_its_steps_even_if_they_are_asked_for_ahead_of_time(tmp_path: Path) -> None:
    training = trainer(tmp_path, steps=10, phases=[{**PHASE, "until": 0.3}, {**PHASE, "batch": 5}])
    asked = list(_Steps(2, training._phase))  # nothing is done yet
    assert [step for step, _ in asked] == list(range(2, 10))
    assert [phase.batch for _, phase in asked] == [1] + [5] * 7


def test_a_run_by_the_clock_ends(tmp_path: Path) -> None:
    training = trainer(tmp_path, steps=None, minutes=1e-6)
    training.run()
    assert training.position.steps == 1
    assert training.done == 1
    assert saved(tmp_path / "run").position == training.position


def test_the_averaged_weights_are_evaluated_at_the_end_and_of_fine_tuning_also_at_the_start(tmp_path: Path) -> None:
    def measure(network: SAM2) -> dict[str, float]:
        assert not network.training
        return {"norm": network.no_mem_embed.norm().item()}

    for run, changes, times in (("new", {}, [1]), ("tuned", a_file(tmp_path), [0, 1])):
        training, log = trainer(tmp_path, run, steps=1, **changes), RecordingLog()
        training.run(log, measure)
        assert [steps for steps, _ in log.measures] == times
        assert log.measures[-1][1]["norm"] == training.ema_network().no_mem_embed.norm().item()


def test_images_are_preprocessed_as_at_inference(tmp_path: Path) -> None:
    from sam2_core.model.preprocess import image_to_input

    training = trainer(tmp_path)
    for clips in (0.0, 1.0):
        batch = training._batches[0, Phase(batch=2, clips=clips, clip_batch=1)]
        images = training._input(batch)
        pixels = batch.images.reshape(-1, 64, 64, 3)
        assert images.shape == (*batch.images.shape[:-3], 3, 64, 64)
        for image, expected in zip(images.reshape(-1, 3, 64, 64), pixels, strict=True):
            assert torch.allclose(image, image_to_input(expected, 64), atol=1e-5)


def test_training_starts_from_weights_at_another_image_size() -> None:
    nano = ROOT / "assets" / "nano.safetensors"
    assert loop._start_network(tiny_config(Path(), init=f"{nano}@384")).image_size == 384
    with pytest.raises(ConfigError, match="nano takes an image size of 384 only, not 512"):
        loop._start_network(tiny_config(Path(), init=f"{nano}@512"))


def test_a_precision_that_the_device_cannot_do_is_refused() -> None:
    config = tiny_config(Path(), init="nano", precision="bf16")
    with pytest.raises(ConfigError, match="does not work on MPS"):
        loop._precision(config, torch.device("mps"))
    for precision, enabled in (("bf16", True), ("fp32", False)):
        with loop._precision(replace(config, precision=precision), torch.device("cpu"))():
            assert torch.is_autocast_enabled("cpu") == enabled


def test_numbered_copies_of_the_averaged_weights_are_kept(tmp_path: Path) -> None:
    trainer(tmp_path, steps=3, snapshot_minutes=1e-9).run()
    copies = sorted((tmp_path / "run").glob("weights_*.safetensors"))
    assert [copy.name for copy in copies] == [f"weights_{step:06d}.safetensors" for step in (1, 2, 3)]
    assert copies[-1].read_bytes() == (tmp_path / "run" / "weights.safetensors").read_bytes()
    assert copies[0].read_bytes() != copies[1].read_bytes()
