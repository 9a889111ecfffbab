"""What a run leaves on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sam2_core.errors import WeightsError
from sam2_core.training import checkpoint
from sam2_core.training.checkpoint import CHECKPOINT_FILE, Checkpoint, Position, save_weights
from sam2_core.training.initialization import new_network
from sam2_core.training.optimizer import Optimizer
from sam2_core.weights import load_network, read_weights
from tests.networks import TINY
from tests.training.runs import tiny_config, tiny_yaml


def a_checkpoint(folder: Path) -> Checkpoint:
    network = new_network(TINY, 0)
    optimizer = Optimizer(network, tiny_config(folder))
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step(1.0)
    mean = {name: value / 2 for name, value in network.state_dict().items()}
    position = Position(steps=3, samples=40, seconds=1.25, skipped=1, memory_ready=True)
    return Checkpoint(position, network.state_dict(), mean, 3, optimizer.state_dict())


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    saved = a_checkpoint(tmp_path)
    saved.save(tmp_path / "run")
    loaded = Checkpoint.load(tmp_path / "run")
    assert loaded is not None
    assert loaded.position == saved.position
    assert loaded.mean_count == 3
    for name in ("weights", "mean", "optimizer"):
        assert same(getattr(loaded, name), getattr(saved, name))
    assert [path.name for path in (tmp_path / "run").iterdir()] == [CHECKPOINT_FILE]


def test_a_checkpoint_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    saved = a_checkpoint(tmp_path)
    saved.save(tmp_path)
    values = torch.load(tmp_path / CHECKPOINT_FILE, weights_only=True)
    values["optimiser"] = values.pop("optimizer")
    torch.save(values, tmp_path / CHECKPOINT_FILE)
    loaded = Checkpoint.load(tmp_path)
    assert loaded is not None
    assert same(loaded.optimizer, saved.optimizer)


def test_a_new_run_has_none(tmp_path: Path) -> None:
    assert Checkpoint.load(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"nonsense", None], ids=["empty", "nonsense", "cut"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    a_checkpoint(tmp_path).save(tmp_path)
    file = tmp_path / CHECKPOINT_FILE
    file.write_bytes(file.read_bytes()[:-2000] if content is None else content)
    with pytest.raises(WeightsError, match=r"checkpoint\.pt is damaged.*Delete it to start again"):
        Checkpoint.load(tmp_path)


def test_another_kind_of_file_is_damaged_too(tmp_path: Path) -> None:
    torch.save({"model": {}}, tmp_path / CHECKPOINT_FILE)
    with pytest.raises(WeightsError, match="is damaged"):
        Checkpoint.load(tmp_path)


def test_a_failure_while_writing_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = a_checkpoint(tmp_path)
    saved.save(tmp_path)
    save_weights(saved.weights, tmp_path / "x.pt")
    before = [(tmp_path / name).read_bytes() for name in (CHECKPOINT_FILE, "x.pt")]

    def fail(_: object, file: Path) -> None:
        file.write_bytes(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", fail)
    monkeypatch.setattr(checkpoint, "save_file", fail)
    with pytest.raises(OSError, match="No space left"):
        saved.save(tmp_path)
    for name in ("x.pt", "new.safetensors"):
        with pytest.raises(OSError, match="No space left"):
            save_weights(saved.weights, tmp_path / name)
    assert [(tmp_path / name).read_bytes() for name in (CHECKPOINT_FILE, "x.pt")] == before
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT_FILE, "x.pt", "tiny.yaml"}


@pytest.mark.parametrize("name", ["mine.pt", "mine.safetensors"])
def test_weights_load_like_any_others(tmp_path: Path, name: str) -> None:
    state = new_network(TINY, 4).state_dict()
    save_weights(state, tmp_path / name)
    half = name.endswith(".safetensors")
    stored = read_weights(tmp_path / name)
    assert {value.dtype for value in stored.values()} == {torch.float16 if half else torch.float32}
    loaded = load_network(tiny_yaml(tmp_path), tmp_path / name).state_dict()
    for key, value in state.items():
        assert torch.equal(loaded[key], value.half().float() if half else value)


def test_pt_files_are_laid_out_as_the_official_ones(tmp_path: Path) -> None:
    save_weights(new_network(TINY, 4).half().state_dict(), tmp_path / "mine.pt")
    loaded = torch.load(tmp_path / "mine.pt", weights_only=True)
    assert list(loaded) == ["model"]
    assert loaded["model"]["no_mem_embed"].dtype == torch.float32
