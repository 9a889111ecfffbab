"""Learning curves as an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.training.curves import draw_curves, read_curves


def write(folder: Path, *rows: tuple[float, str, float]) -> Path:
    file = folder / "figures.csv"
    lines = [f"1,2,{minutes},{name},{value}" for minutes, name, value in rows]
    file.write_text("\n".join(["step,samples,minutes,figure,value", *lines, ""]), encoding="utf-8")
    return file


def pixels(file: Path, image_file: Path) -> np.ndarray:
    draw_curves(file, image_file)
    with Image.open(image_file) as image:
        return np.array(image)


def test_curves_are_read_by_metric(tmp_path: Path) -> None:
    file = write(tmp_path, (0.5, "loss", 3), (0.5, "box", 0.1), (1, "loss", 2))
    assert read_curves(file) == {"loss": [(0.5, 3.0), (1.0, 2.0)], "box": [(0.5, 0.1)]}


def test_there_is_a_panel_for_each_kind_of_metric(tmp_path: Path) -> None:
    kinds = [(1, "click1", 0.5), (1, "frame 2", 0.5), (1, "held out: box", 0.5), (1, "loss", 7), (1, "gradient", 1)]
    for count in (1, 2, 3, 4, 5):
        image = pixels(write(tmp_path, *kinds[:count]), tmp_path / "curves.png")
        assert image.shape == (300 * min(4, count), 640, 3)


def test_without_metrics_nothing_is_drawn(tmp_path: Path) -> None:
    for rows in ((), ((1, "unknown", 0.5),)):
        draw_curves(write(tmp_path, *rows), tmp_path / "curves.png")
        assert not (tmp_path / "curves.png").exists()


@pytest.mark.parametrize("count", [2, 50])
def test_a_rising_curve_rises(tmp_path: Path, count: int) -> None:
    rows = [(10 * (at + 1) / count, "box", (at + 1) / count) for at in range(count)]
    image = pixels(write(tmp_path, *rows), tmp_path / "curves.png")
    y, x = np.nonzero((image == (0, 114, 178)).all(axis=2))
    inside = x < 480
    left, right = y[inside & (x < 320)].mean(), y[inside & (x > 400)].mean()
    assert right < left - 40  # up is a smaller y
    assert y[inside].min() >= 24 and y[inside].max() <= 272


def test_large_losses_stay_in_their_panel(tmp_path: Path) -> None:
    rows = [(minute, "loss", 1000.0 if minute == 1 else 3.0) for minute in range(1, 60)]
    image = pixels(write(tmp_path, *rows), tmp_path / "curves.png")
    y, _ = np.nonzero((image[:, :470] == (0, 114, 178)).all(axis=2))
    assert y.min() >= 20 and y.max() <= 274


def test_a_constant_of_zero_and_a_start_at_zero_can_be_drawn(tmp_path: Path) -> None:
    image = pixels(write(tmp_path, (0, "loss", 0), (0, "box", 0)), tmp_path / "curves.png")
    assert (image != 255).any()
