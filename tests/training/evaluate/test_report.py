from __future__ import annotations

import json

import numpy as np
from PIL import Image

from sam2_core.training.datasets.dataset import SkipReport
from sam2_core.training.evaluate.metrics import Calibration, Scores
from sam2_core.training.evaluate.reliability import draw_reliability
from sam2_core.training.evaluate.report import (
    calibration_data,
    reliability_table,
    scores_data,
    skipped_data,
    table,
)


def some_scores() -> Scores:
    scores = Scores()
    scores.add("coco", {"click1": 0.5, "mask_J&F": 1.0})
    scores.add("coco", {"click1": 0.25, "mask_J&F": 0.0})
    scores.add("", {"click1": 0.0, "mask_J&F": 0.125})
    return scores


def test_a_table_has_a_row_for_each_source_and_one_for_all() -> None:
    assert table(some_scores(), "objects").splitlines() == [
        "source   objects  1 click  mask J&F",
        "unnamed        1      0.0      12.5",
        "coco           2     37.5      50.0",
        "ALL            3     25.0      37.5",
    ]


def test_a_table_of_nothing() -> None:
    assert table(Scores(), "clips").splitlines() == ["source  clips", "ALL         0"]


def test_the_reliability_table() -> None:
    first, second, *_, last = reliability_table(Calibration([(0.03, 0.5), (0.05, 0.2), (0.99, 0.1)])).splitlines()
    assert first.split("  ")[0] == "predicted IoU"
    assert second.split() == ["0", "-", "10", "2", "4.0", "35.0"]
    assert last.split() == ["90", "-", "100", "1", "99.0", "10.0"]
    assert reliability_table(Calibration()).count(" -  ") >= 10, "a dash where there is nothing"


def test_scores_as_data() -> None:
    found = scores_data(some_scores(), "objects")
    assert found == {
        "objects": 3,
        "all": {"click1": 0.25, "mask_J&F": 0.375},
        "sources": {
            "unnamed": {"objects": 1, "means": {"click1": 0.0, "mask_J&F": 0.125}},
            "coco": {"objects": 2, "means": {"click1": 0.375, "mask_J&F": 0.5}},
        },
    }
    json.dumps(found, allow_nan=False)


def test_calibration_as_data() -> None:
    found = json.loads(json.dumps(calibration_data(Calibration([(0.75, 0.25)])), allow_nan=False))
    assert found["error"] == 0.5
    assert found["bins"][7] == {"low": 0.7, "high": 0.8, "count": 1, "predicted": 0.75, "true": 0.25}
    assert found["bins"][0]["true"] is None
    assert calibration_data(Calibration())["error"] is None


def test_reasons_for_skipping_as_data() -> None:
    report = SkipReport()
    for name in ("a", "b"):
        report.skip(name, "torn")
    assert skipped_data(report) == {"torn": 2}


def bars(image: Image.Image) -> list[int]:
    """Height of the bar in the middle of each bin, in pixels of the unit square's 400."""
    pixels = np.asarray(image).astype(int)
    blue = (abs(pixels - (86, 180, 233)).sum(-1) < 30) | (abs(pixels - (213, 94, 0)).sum(-1) < 30)
    return [int(blue[60:461, 60 + 40 * place + 10].sum()) for place in range(10)]


def test_the_diagram_shows_the_mean_true_iou_of_each_bin() -> None:
    heights = bars(draw_reliability(Calibration([(0.95, 0.5), (0.97, 0.7), (0.35, 0.8)]), "nano"))
    assert [place for place, height in enumerate(heights) if height] == [3, 9]
    assert abs(heights[3] - 0.8 * 400) < 8
    assert abs(heights[9] - 0.6 * 400) < 8


def test_the_diagram_of_nothing_has_no_bars() -> None:
    assert bars(draw_reliability(Calibration())) == [0] * 10
