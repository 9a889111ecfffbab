"""Fine-tuning a network of SAM 1 on images: what changes, what loads, and what it cannot learn."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from sam2_core.errors import ConfigError
from sam2_core.predictors.sam_predictor import SamPredictor
from sam2_core.training import __main__ as command
from sam2_core.training.checkpoint import save_weights
from sam2_core.training.evaluate.__main__ import main as evaluate
from sam2_core.training.loop import Trainer
from sam2_core.training.processes import ProcessGroup
from sam2_core.weights import load_network
from tests.predictors.golden_inputs import SMALL_SAM, small_sam
from tests.training.runs import PHASE, save_images, tiny_config, tiny_data
from tests.training.test_loop import RecordingLog


def start(folder: Path) -> dict[str, str]:
    """A configuration and weights to start from."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(SMALL_SAM).items()}
    (folder / "small.yaml").write_text(yaml.safe_dump(plain | {"encoder": "vit"}))
    save_weights(small_sam().state_dict(), folder / "start.pt")
    return {"network": str(folder / "small.yaml"), "init": str(folder / "start.pt")}


def trainer(folder: Path, **changes: Any) -> Trainer:
    values = {"phases": [{**PHASE, "corrections": [1, 2]}], "steps": 2, "weights": "mine.pt", "lora_rank": 2}
    config = tiny_config(folder, **start(folder), **(values | changes))
    return Trainer(config, folder / "run", ProcessGroup(), tiny_data())


@pytest.mark.parametrize("train", ["decoder", "lora", "quality"])
def test_the_chosen_parts_change_and_the_weights_load(tmp_path: Path, train: str) -> None:
    training = trainer(tmp_path, train=train)
    training.run()
    network = load_network(str(tmp_path / "small.yaml"), tmp_path / "run" / "mine.pt")
    before = small_sam().state_dict()
    assert torch.load(tmp_path / "run" / "mine.pt", weights_only=True).keys() == before.keys()  # as the official file
    assert list(network.state_dict()) == list(before)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in changed} == {
        "decoder": {"mask_decoder", "prompt_encoder"},
        "lora": {"mask_decoder", "prompt_encoder", "image_encoder"},
        "quality": {"mask_decoder"},
    }[train]
    SamPredictor(network)  # type: ignore[arg-type]
    assert not training.ema_network().training


def test_an_easy_scene_is_learned(tmp_path: Path) -> None:
    log = RecordingLog()
    plan = {"steps": 40, "learning_rate": 4e-3, "train": "all"}
    trainer(tmp_path, **plan, phases=[{**PHASE, "batch": 2}]).run(log)
    losses = [row["loss"] for row in log.rows]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


@pytest.mark.parametrize(
    ("phase", "advice"),
    [({"clips": 0.5}, "learns from images: set `clips: 0`"), ({"size": 64}, "images of 128 pixels")],
)
def test_clips_and_other_sizes_are_refused(tmp_path: Path, phase: dict[str, Any], advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        trainer(tmp_path, phases=[{**PHASE, **phase}])


def test_the_commands_train_and_evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin, data = start(tmp_path), save_images(tmp_path / "data", 4)
    plan = {"minutes": 5, "phases": [PHASE], "held_out": 0.3, "weights": "mine.pt", "train": "decoder"}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(plan))
    options = ["--config", tmp_path / "run.yaml", "--out", tmp_path / "out", "--data", data, "--steps", 1]
    assert command.main([*map(str, options), "--network", begin["network"], "--init", begin["init"]]) == 0
    weights = str(tmp_path / "out" / "mine.pt")
    arguments = ["--data", str(data), "--weights", weights, "--model", begin["network"], "--device", "cpu"]
    assert evaluate(arguments) == 0
    assert "click1" in capsys.readouterr().out
