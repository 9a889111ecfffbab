"""`python -m sam2_core.training`: from a configuration to weights, and its errors."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
import yaml

from sam2_core.training import __main__ as command
from sam2_core.training.augment.copy_paste import CopyPaste
from sam2_core.training.checkpoint import Checkpoint
from sam2_core.training.metrics_log import CURVES_FILE, METRICS_FILE
from sam2_core.weights import load_network
from tests.training.runs import PHASE, save_images, tiny_yaml


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration without data."""
    file = tmp_path / "run.yaml"
    values = {"network": tiny_yaml(tmp_path), "minutes": 5, "phases": [PHASE], "held_out": 0.3, "weights": "mine.pt"}
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return file


def call(config: Path, *options: str) -> int:
    return command.main(["--config", str(config), "--out", str(config.parent / "out"), *options])


def test_a_run_writes_weights_metrics_and_curves(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = config.parent
    data = save_images(folder / "mine", 6)
    (data / "images" / "05.png").write_bytes(b"no picture")
    assert call(config, "--data", str(data), "--steps", "2") == 0
    printed = capsys.readouterr().out
    assert f"The weights are in {folder / 'out' / 'mine.pt'}." in printed
    assert "skipped 1: " in printed and "05.png" in printed
    assert "held out: " in printed
    load_network(tiny_yaml(folder), folder / "out" / "mine.pt")
    assert ",loss," in (folder / "out" / METRICS_FILE).read_text(encoding="utf-8")
    assert (folder / "out" / CURVES_FILE).is_file()
    assert call(config, "--data", str(data), "--steps", "3") == 0  # goes on
    checkpoint = Checkpoint.load(folder / "out")
    assert checkpoint is not None
    assert checkpoint.position.steps == 3


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--data", "gone"], "There is no data set at gone"),
        (["--steps", "0"], "must be positive"),
        (["--minutes", "-3"], "must be positive"),
        (["--minutes", "3", "--steps", "3"], "either `steps` or `minutes`"),
        (["--init", "nano"], "There is nothing to learn from"),
        (["--layout", "coco"], "--layout, --images and --sources say something about --data"),
        (["--network", "sam9"], "There is no network named 'sam9'"),
    ],
)
def test_errors_are_printed_in_a_line(
    config: Path, capsys: pytest.CaptureFixture[str], options: list[str], complaint: str
) -> None:
    assert call(config, *options) == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith(f"error: {complaint}") or complaint in captured.err
    assert "Traceback" not in captured.err
    assert "The weights are in" not in captured.out


def test_copy_paste_is_chosen_by_an_option_or_in_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: list[CopyPaste | None] = []
    monkeypatch.setattr(command, "train", lambda group, config, folder, workers: settings.append(config.augment))
    assert call(config) == call(config, "--augment", "copy-paste") == 0
    config.write_text(config.read_text("utf-8") + "augment: {rotation: 180, oversample: {bus: 3}}\n", "utf-8")
    assert call(config, "--augment", "copy-paste") == 0
    assert settings == [None, CopyPaste(), CopyPaste(rotation=180.0, oversample={"bus": 3.0})]


def test_missing_weights_are_named(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = save_images(config.parent / "mine", 6)
    assert call(config, "--data", str(data), "--init", "gone.pt") == 1
    assert "There is no weights file at gone.pt" in capsys.readouterr().err


def test_a_missing_configuration_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path / "gone.yaml") == 1
    assert "gone.yaml cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_prints_how_to_resume(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "launch", stop)
    assert call(config) == 130
    assert "goes on from" in capsys.readouterr().err


def test_it_runs_as_a_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["training", "--help"])
    monkeypatch.delitem(sys.modules, "sam2_core.training.__main__")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("sam2_core.training", run_name="__main__")
    assert ended.value.code == 0
    assert "--config" in capsys.readouterr().out
