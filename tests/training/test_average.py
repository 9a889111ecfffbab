"""Averaging weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sam2_core.errors import WeightsError
from sam2_core.training.average import average, main
from sam2_core.training.checkpoint import save_weights
from sam2_core.weights import read_weights


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    one, other = tmp_path / "one.safetensors", tmp_path / "other.pt"
    save_weights({"a": torch.tensor([0.0, 3.0]), "b": torch.ones(2, 2)}, one)
    save_weights({"a": torch.tensor([3.0, 0.0]), "b": torch.ones(2, 2)}, other)
    return one, other


def test_shares_say_how_much_each_counts(files: tuple[Path, Path]) -> None:
    mean = average(files, (2, 1))
    assert torch.allclose(mean["a"], torch.tensor([1.0, 2.0]))
    assert torch.allclose(mean["b"], torch.ones(2, 2))


def test_the_command_writes_a_file_of_weights(files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "mean.safetensors"
    assert main([*map(str, files), "--shares", "1", "2", "--out", str(out)]) == 0
    assert torch.allclose(read_weights(out)["a"].float(), torch.tensor([2.0, 1.0]), atol=1e-3)


def test_weights_of_another_network_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.safetensors"
    save_weights({"a": torch.zeros(3), "b": torch.ones(2, 2)}, stranger)
    with pytest.raises(WeightsError, match="another network"):
        average((files[0], stranger), (1, 1))


def test_shares_that_do_not_fit_are_refused(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    for shares in (("1",), ("0", "0"), ("-1", "2"), ("nan", "1")):
        with pytest.raises(SystemExit):
            main([*map(str, files), "--shares", *shares, "--out", "mean.pt"])
        assert "--shares" in capsys.readouterr().err
