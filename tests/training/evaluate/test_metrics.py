from __future__ import annotations

import math

import numpy as np
import pytest

from sam2_core.training.evaluate.metrics import (
    Bin,
    Calibration,
    Scores,
    TrackScore,
    boundary,
    boundary_f,
    iou,
    outline_f,
)
from tests.training.evaluate.scenes import rectangle

SHAPE = (100, 100)
NOTHING = np.zeros(SHAPE, np.bool_)


def square(left: int, top: int = 40, side: int = 20) -> np.ndarray:
    return rectangle(top, left, top + side, left + side, SHAPE)


def test_iou_counts_pixels() -> None:
    assert iou(square(40), square(50)) == 200 / 600
    assert iou(square(40), square(40)) == 1
    assert iou(square(40), square(70)) == 0


def test_two_empty_masks_have_no_iou() -> None:
    assert iou(NOTHING, NOTHING) == 0


def test_the_boundary_runs_between_inside_and_outside() -> None:
    outline = boundary(rectangle(2, 3, 4, 6, (8, 9)))
    expected = np.zeros((8, 9), np.bool_)
    expected[1:4, 2:6] = True  # one pixel more on the upper and left side …
    expected[2:3, 3:5] = False  # … and without the inside
    assert np.array_equal(outline, expected)


def test_the_border_of_the_image_is_no_boundary() -> None:
    assert not boundary(np.ones((6, 7), np.bool_)).any()
    assert np.flatnonzero(boundary(rectangle(0, 0, 6, 3, (6, 7))).any(axis=0)).tolist() == [2]


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_boundaries_match_within_the_tolerance(shift: int) -> None:
    """The diagonal is 141.4, of which 0.8 % is 1.13: two pixels."""
    assert boundary_f(square(40 + shift), square(40)) == 1


def test_boundaries_beyond_the_tolerance_match_where_they_cross() -> None:
    """Outlines of 4 x 20 pixels, 3 apart: the upper and lower sides match but for one corner, 20 each; of the side
    that lies within the other square, the two pixels next to each corner; of the other side, nothing."""
    assert boundary_f(square(43), square(40)) == pytest.approx(44 / 80)


def test_precision_and_recall_are_of_different_boundaries() -> None:
    """All of one square is right; the other one of the same outline length is missing: P = 1, R = 1/2."""
    truth = square(10) | square(60)
    assert boundary_f(square(10), truth) == pytest.approx(2 / 3)
    assert boundary_f(truth, square(10)) == pytest.approx(2 / 3)


def test_boundaries_that_do_not_meet_score_nothing() -> None:
    assert boundary_f(square(10), square(60)) == 0


def test_the_tolerance_grows_with_the_image() -> None:
    near, far = np.zeros((2, 500, 500), np.bool_)
    near[200:300, 200:300], far[200:300, 206:306] = True, True
    assert boundary_f(near, far) == 1  # 0.008 x 707 = 5.7: six pixels
    assert boundary_f(near, np.roll(far, 1, axis=1)) < 1


@pytest.mark.parametrize("width", [320, 640, 1280])
def test_outlines_are_compared_at_one_width(width: int) -> None:
    """The left and right edges are 4 pixels of 640 apart; the upper and lower ones match but for the corners."""
    scale = width / 640
    shape = (width // 2, width)
    one, other = (
        rectangle(*(round(scale * place) for place in (80, 200 + shift, 240, 360 + shift)), shape) for shift in (0, 4)
    )
    assert outline_f(one, one, 1) == 1
    scores = [outline_f(one, other, pixels) for pixels in (1, 2, 4)]
    assert 0.45 < scores[0] < scores[1] < 0.55
    assert scores[2] == 1


def test_masks_without_a_boundary_agree_only_with_each_other() -> None:
    assert boundary_f(NOTHING, NOTHING) == 1
    assert boundary_f(square(40), NOTHING) == boundary_f(NOTHING, square(40)) == 0


def brute_force_f(predicted: np.ndarray, truth: np.ndarray) -> float:
    """The definition, pixel by pixel."""
    found, wanted = (np.argwhere(boundary(mask)) for mask in (predicted, truth))
    distances = np.linalg.norm(found[:, None] - wanted[None], axis=-1)
    reach = math.ceil(0.008 * math.hypot(*truth.shape))
    precision, recall = (distances.min(1) <= reach).mean(), (distances.min(0) <= reach).mean()
    return float(2 * precision * recall / (precision + recall))


def test_f_equals_its_definition_on_ragged_masks() -> None:
    random = np.random.default_rng(3)
    for _ in range(5):
        truth = square(40) ^ (random.random(SHAPE) < 0.002)
        predicted = square(int(random.integers(36, 45))) ^ (random.random(SHAPE) < 0.002)
        assert boundary_f(predicted, truth) == pytest.approx(brute_force_f(predicted, truth))


def test_a_track_is_scored_by_its_means() -> None:
    track = TrackScore()
    track.add(square(40), square(40))
    track.add(NOTHING, square(40))
    assert track.means("mask") == {"mask_J": 0.5, "mask_F": 0.5, "mask_J&F": 0.5}
    track.add(square(43), square(40))
    means = track.means("x")
    assert means["x_J"] == pytest.approx((1 + 0 + 340 / 460) / 3)
    assert means["x_F"] == pytest.approx((1 + 0 + 44 / 80) / 3)
    assert means["x_J&F"] == pytest.approx((means["x_J"] + means["x_F"]) / 2)


def test_scores_are_averaged_by_source_and_in_all() -> None:
    scores = Scores()
    for source, value in (("b", 0.2), ("a", 1.0), ("a", 0.6)):
        scores.add(source, {"click1": value})
    assert scores.sources == ["a", "b"]
    assert (scores.count("a"), scores.count("b"), scores.count()) == (2, 1, 3)
    assert scores.means("a")["click1"] == pytest.approx(0.8)
    assert scores.means()["click1"] == pytest.approx(0.6)
    assert scores.means("c") == {}


def test_a_source_without_a_name_is_not_all_sources() -> None:
    scores = Scores()
    scores.add("", {"box": 0.0})
    scores.add("named", {"box": 1.0})
    assert (scores.count(""), scores.means("")) == (1, {"box": 0.0})


def test_calibration_of_known_numbers() -> None:
    calibration = Calibration()
    for predicted, true in ((0.95, 0.75), (0.91, 0.97), (0.05, 0.15), (0.9, 0.9)):
        calibration.add(predicted, true)
    assert calibration.error == pytest.approx((0.2 + 0.06 + 0.1 + 0) / 4)
    first, *between, last = calibration.bins()
    assert (first.count, first.predicted, first.true) == (1, 0.05, 0.15)
    assert (last.low, last.high, last.count) == (0.9, 1.0, 3)
    assert last.predicted == pytest.approx(0.92)
    assert last.true == pytest.approx((0.75 + 0.97 + 0.9) / 3)
    assert [each.count for each in between] == [0] * 8
    assert between[0] == Bin(0.1, 0.2, 0, None, None)


def test_predictions_at_the_ends_have_a_bin() -> None:
    calibration = Calibration([(0.0, 0.0), (1.0, 1.0), (1.0000001, 1.0)])
    assert [each.count for each in calibration.bins(4)] == [1, 0, 0, 2]


def test_calibration_of_nothing() -> None:
    assert Calibration().error is None
    assert sum(each.count for each in Calibration().bins()) == 0
