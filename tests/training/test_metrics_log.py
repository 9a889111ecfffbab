"""What a run says about itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from sam2_core.training.checkpoint import Position
from sam2_core.training.curves import read_curves
from sam2_core.training.metrics_log import CURVES_FILE, METRICS_FILE, MetricsLog, mean_metrics


def at(steps: int) -> Position:
    """Ten seconds and five samples for each step."""
    return Position(steps=steps, samples=5 * steps, seconds=10.0 * steps)


def run(folder: Path, first: int, last: int) -> None:
    log = MetricsLog(folder, at(first))
    for step in range(first + 1, last + 1):
        log.log_step(at(step), step / 100, {"loss": float(step), "box": 0.5})
    log.close()


def rows(folder: Path) -> list[str]:
    return (folder / METRICS_FILE).read_text(encoding="utf-8").splitlines()


def test_means_are_written_every_half_minute_and_at_the_end(tmp_path: Path) -> None:
    run(tmp_path, 0, 6)
    assert rows(tmp_path) == [
        "step,samples,minutes,figure,value",
        "4,20,0.67,box,0.5",
        "4,20,0.67,loss,2.5",
        "6,30,1.00,box,0.5",
        "6,30,1.00,loss,5.5",
    ]
    with Image.open(tmp_path / CURVES_FILE) as picture:
        assert picture.size == (640, 600)


def test_what_a_killed_run_wrote_after_its_checkpoint_is_cut(tmp_path: Path) -> None:
    run(tmp_path, 0, 12)
    with (tmp_path / METRICS_FILE).open("a", encoding="utf-8") as file:
        file.write("13,65,2.1")  # killed in the middle of a line
    run(tmp_path, 8, 16)
    steps = [int(row.split(",")[0]) for row in rows(tmp_path)[1:]]
    assert steps == [4, 4, 8, 8, 12, 12, 16, 16]


def test_a_new_run_in_an_old_folder_starts_empty(tmp_path: Path) -> None:
    run(tmp_path, 0, 8)
    MetricsLog(tmp_path, Position()).close()
    assert rows(tmp_path) == ["step,samples,minutes,figure,value"]


def test_held_out_figures_are_written_at_once_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = MetricsLog(tmp_path, Position())
    log.log_evaluation(at(60), {"click1": 0.625, "box": 0.75})
    assert rows(tmp_path)[1:] == ["60,300,10.00,held out: click1,0.625", "60,300,10.00,held out: box,0.75"]
    assert (tmp_path / CURVES_FILE).is_file()
    log.close()
    assert "10.0 min, 300 seen, held out: click1 62.5  box 75.0" in capsys.readouterr().out
    assert read_curves(tmp_path / METRICS_FILE)["held out: box"] == [(10.0, 0.75)]


def test_mean_figures() -> None:
    rows = [{"a": 1.0, "b": 5.0}, {"a": 3.0}]
    assert mean_metrics(rows) == {"a": 2.0, "b": 5.0}
    assert mean_metrics([]) == {}
