"""Training configurations: valid ones, and errors of invalid ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from sam2_core.errors import ConfigError
from sam2_core.networks import ROOT
from sam2_core.training.config import Phase, TrainingConfig, read_training_config
from sam2_core.training.losses import LossWeights
from sam2_core.training.synthetic.image_samples import Mix


def read(tmp_path: Path, text: str, **changes: object) -> TrainingConfig:
    file = tmp_path / "run.yaml"
    file.write_text(text, encoding="utf-8")
    return read_training_config(file, **changes)


@pytest.mark.parametrize("file", sorted((ROOT / "configs" / "train").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_configuration_that_comes_along_is_good(file: Path) -> None:
    config = read_training_config(file)
    assert config.network or config.init


def test_values_are_read_deeply(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
        network: nano
        steps: 10
        learning_rate: 1
        cutout_sources: [a, b]
        source_weights: {a: 2, b: 0.5}
        data:
          - path: x
            sources: [s]
        phases:
          - until: 0.5
            corrections: [0, 2]
            loss: {focal: 0, dice: 2}
            mix: {real: 1}
          - size: 128
        """,
    )
    first = Phase(until=0.5, corrections=(0, 2), loss=LossWeights(focal=0.0, dice=2.0), mix=Mix(real=1.0))
    assert config.phases == (first, Phase(size=128))
    assert config.cutout_sources == ("a", "b")
    assert config.source_weights == {"a": 2.0, "b": 0.5}
    assert (config.data[0].path, config.data[0].sources, config.data[0].layout) == ("x", ("s",), None)
    assert (config.steps, config.minutes) == (10, None)
    assert type(config.learning_rate) is float


def test_settings_are_read_by_their_former_names_too(tmp_path: Path) -> None:
    loss = "phases: [{loss: {quality: 3, presence: 2}}]"
    config = read(tmp_path, f"network: nano\nsteps: 1\noptimiser: adamw\n{loss}\n")
    assert config.optimizer == "adamw"
    assert config.phases[0].loss == LossWeights(predicted_iou=3.0, object_score=2.0)


def test_changes_replace_values_of_the_file(tmp_path: Path) -> None:
    config = read(tmp_path, "network: nano\nminutes: 5\n", minutes=None, steps=3, init="nano")
    assert (config.steps, config.minutes, config.init) == (3, None, "nano")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("network: nano\nsteps: 1\ncolour: red\n", r"run\.yaml: unknown settings \['colour'\]; known are .*'weights'"),
        ("network: nano\nsteps: 1\nphases: [{batchh: 3}]\n", r"phases: unknown settings \['batchh'\]"),
        ("network: nano\nsteps: 1\nphases: [{mix: {unreal: 1}}]\n", r"phases: mix: unknown settings \['unreal'\]"),
        ("network: nano\nsteps: 1\nphases: {batch: 3}\n", r"phases cannot be \{'batch': 3\}"),
        ("network: nano\nsteps: 1\nphases: [3]\n", "phases should be a list of"),
        ("network: nano\nsteps: 1\ndata: [{layout: coco}]\n", "data: path must be given"),
        ("network: nano\nsteps: ten\n", "steps cannot be 'ten'"),
        ("network: nano\nsteps: 1.5\n", "steps cannot be 1.5"),
        ("network: nano\nsteps: true\n", "steps cannot be True"),
        ("network: 3\nsteps: 1\n", "network cannot be 3"),
        ("network: nano\nsteps: 1\nsource_weights: {a: b}\n", "source_weights cannot be 'b'"),
        ("network: nano\nsteps: 1\ncutout_sources: coco\n", "cutout_sources cannot be 'coco'"),
        ("network: nano\n", "either `steps` or `minutes`"),
        ("network: nano\nsteps: 1\nminutes: 1\n", "either `steps` or `minutes`"),
        ("network: nano\nsteps: 0\n", "must be positive"),
        ("network: nano\nminutes: -1\n", "must be positive"),
        ("network: nano\nsteps: 1\nseed: -1\n", "`seed` not negative"),
        ("network: nano\nsteps: 1\nlora_rank: 0\n", "must be positive"),
        ("steps: 1\n", "Say which `network`"),
        ("network: nano\nsteps: 1\nweights: x.bin\n", r"ends in \.pt or \.safetensors, not 'x\.bin'"),
        ("network: nano\nsteps: 1\nweights: a/x.pt\n", "a file name"),
        ("network: nano\nsteps: 1\nphases: []\n", "must grow and end with 1.0"),
        ("network: nano\nsteps: 1\nphases: [{until: 0.5}]\n", "must grow and end with 1.0"),
        ("network: nano\nsteps: 1\nphases: [{until: 0.5}, {until: 0.2}, {}]\n", "must grow and end with 1.0"),
        ("network: nano\nsteps: 1\nphases: [{until: 0.5}, {until: 0.5}, {}]\n", "must grow and end with 1.0"),
        ("network: nano\nsteps: 1\nphases: [{until: 0}, {}]\n", "must grow and end with 1.0"),
        ("network: nano\nsteps: 1\nphases: [{size: 100}]\n", "multiple of 32"),
        ("network: nano\nsteps: 1\nphases: [{stride: 3}]\n", "`stride` 1, 2, 4, 8 or 16"),
        ("network: nano\nsteps: 1\nphases: [{objects: 0}]\n", "must be positive"),
        ("network: nano\nsteps: 1\nphases: [{memory_dropout: 1.5}]\n", "are shares, 0 to 1"),
        ("network: nano\nsteps: 1\nphases: [{clip_frames: [4, 0]}]\n", "must be positive"),
        ("network: nano\nsteps: 1\nphases: [{clip_frames: []}]\n", "at least one number of `clip_frames`"),
        ("network: nano\nsteps: 1\nphases: [{corrections: []}]\n", "of `corrections`"),
        ("network: nano\nsteps: 1\ntrain: some\n", "`train` is 'some'; it must be one of all, decoder, memory, lora"),
        ("network: nano\nsteps: 1\noptimizer: sgd\n", "`optimizer` is 'sgd'"),
        ("network: nano\nsteps: 1\nprecision: fp16\n", "`precision` is 'fp16'"),
        ("init: nano\nsteps: 1\ntrain: decoder\ncache_features: -1\n", "a number of pictures, 0 for none"),
        ("init: nano\nsteps: 1\ntrain: lora\ncache_features: 9\n", "`train` is one of decoder, memory, quality"),
        ("network: nano\nsteps: 1\ntrain: decoder\ncache_features: 9\n", "`init` names weights"),
        ("init: nano\nsteps: 1\ntrain: decoder\ncache_features: 9\nclip: x/y\n", "there are no prompts of CLIP"),
        ("- a list\n", "holds no training configuration"),
        ("network: [", r"run\.yaml cannot be read"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml cannot be read"):
        read_training_config(tmp_path / "gone.yaml")


def test_phases_follow_one_another() -> None:
    phases = (Phase(until=0.25, batch=1), Phase(until=0.5, batch=2), Phase(batch=3))
    config = TrainingConfig(network="nano", steps=1, phases=phases)
    found = [config.phase(done).batch for done in (0.0, 0.24, 0.25, 0.49, 0.5, 0.99, 1.0)]
    assert found == [1, 1, 2, 2, 3, 3, 3]
