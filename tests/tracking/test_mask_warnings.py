"""Each check finds what it is for on made masks, and nothing on an ordinary one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sam2_core.tracking.mask_warnings import Evidence, MaskShape, find_warnings, measure_shape
from sam2_core.types import UNSUSPICIOUS, WORTH_A_LOOK, BoolArray, MaskWarning, RatingSettings

ROWS, COLUMNS = 60, 80


def rectangles(*places: tuple[int, int, int, int]) -> BoolArray:
    """A mask of rectangles (left, top, width, height)."""
    mask = np.zeros((ROWS, COLUMNS), bool)
    for left, top, width, height in places:
        mask[top : top + height, left : left + width] = True
    return mask


def shape_of(*places: tuple[int, int, int, int]) -> MaskShape:
    shape = measure_shape(rectangles(*places), COLUMNS / ROWS)
    assert shape is not None
    return shape


USUAL = shape_of((20, 20, 12, 12))
CALM = Evidence(USUAL, predicted_iou=0.9, object_score=6.0, before=[USUAL] * 8, previous=USUAL, prompted=USUAL)


def scores(evidence: Evidence) -> dict[str, float]:
    return {each.kind: each.score for each in find_warnings(evidence)}


def test_a_shape_is_measured_in_heights_of_the_frame() -> None:
    shape = shape_of((20, 15, 40, 30))
    assert shape.area == pytest.approx(40 * 30 / 60**2)
    assert shape.share == pytest.approx(0.25)
    assert (shape.x, shape.y) == pytest.approx((40 / 60, 30 / 60))
    assert shape.apart == 0


def test_a_shape_does_not_depend_on_the_resolution() -> None:
    coarse = rectangles((8, 8, 16, 16), (50, 40, 8, 8))
    fine = coarse.repeat(3, axis=0).repeat(3, axis=1)
    one, other = measure_shape(coarse, 4 / 3), measure_shape(fine, 4 / 3)
    assert one is not None and other is not None
    assert (other.area, other.x, other.y) == pytest.approx((one.area, one.x, one.y))
    assert other.apart == pytest.approx(one.apart, abs=0.02)


def test_an_empty_mask_has_no_shape() -> None:
    assert measure_shape(rectangles(), 1.0) is None


@pytest.mark.parametrize(
    ("second", "apart"),
    [
        ((33, 20, 12, 12), (0.0, 0.12)),  # a crack between two halves
        ((60, 20, 12, 12), (0.49, 0.51)),  # a second object
        ((60, 20, 1, 1), (0.0, 0.0)),  # a speck
    ],
)
def test_pieces_count_by_their_share_and_distance(
    second: tuple[int, int, int, int], apart: tuple[float, float]
) -> None:
    assert apart[0] <= shape_of((20, 20, 12, 12), second).apart <= apart[1]


def test_nothing_is_said_about_an_ordinary_mask() -> None:
    assert find_warnings(CALM) == ()
    assert find_warnings(replace(CALM, shape=shape_of((21, 20, 13, 12)))) == ()


@pytest.mark.parametrize(
    ("kind", "evidence"),
    [
        ("lost", replace(CALM, shape=None)),
        ("lost", replace(CALM, object_score=-1.0)),
        ("low_iou", replace(CALM, predicted_iou=0.3)),
        ("area", replace(CALM, shape=shape_of((20, 20, 18, 13)))),
        ("area", replace(CALM, shape=shape_of((20, 20, 6, 6)))),
        ("pieces", replace(CALM, shape=shape_of((20, 20, 12, 12), (60, 20, 6, 9)))),
        ("shift", replace(CALM, shape=shape_of((34, 20, 12, 12)))),
        ("overlap", replace(CALM, overlap=0.5)),
        ("appearance", replace(CALM, similarity=-0.1)),
        ("whole_frame", replace(CALM, shape=shape_of((1, 1, 76, 58)), before=[], previous=None)),
    ],
)
def test_each_sign_is_found(kind: str, evidence: Evidence) -> None:
    assert scores(evidence)[kind] >= WORTH_A_LOOK


def test_an_object_that_stays_away_is_less_suspicious_than_one_that_goes() -> None:
    assert scores(replace(CALM, shape=None)) == {"lost": 1.0}
    assert scores(replace(CALM, shape=None, previous=None)) == {"lost": 0.5}


def test_pieces_that_the_object_had_when_it_was_prompted_are_its_own() -> None:
    both = shape_of((20, 20, 12, 12), (60, 20, 12, 12))
    assert scores(replace(CALM, shape=both, prompted=both, before=[both] * 8, previous=both)) == {}


def test_a_fast_object_may_move_on_as_fast() -> None:
    steps = [shape_of((4 + 14 * step, 20, 12, 12)) for step in range(4)]
    moving = replace(CALM, shape=steps[3], before=steps[2::-1], previous=steps[2])
    assert "shift" not in scores(moving)
    assert scores(replace(moving, before=[steps[2]] * 3))["shift"] >= WORTH_A_LOOK


def test_small_masks_may_flicker() -> None:
    tiny, other = shape_of((20, 20, 1, 1)), shape_of((20, 20, 2, 1))
    assert scores(replace(CALM, shape=other, before=[tiny] * 4, previous=tiny)).get("area", 0) < 1
    large, larger = shape_of((20, 20, 12, 12)), shape_of((20, 20, 24, 12))
    assert scores(replace(CALM, shape=larger, before=[large] * 4, previous=large))["area"] == 1


def test_the_worst_warning_comes_first() -> None:
    found = find_warnings(replace(CALM, predicted_iou=0.38, overlap=0.6))
    assert [each.kind for each in found] == ["overlap", "low_iou"]


RATINGS = RatingSettings(good=0.6, good_tracked=0.7, poor=0.2)


@pytest.mark.parametrize(("iou", "stability", "word"), [(0.8, 0.8, "good"), (0.8, 0.7, "check"), (0.3, 0.5, "poor")])
def test_a_rating_is_by_predicted_iou_and_stability(iou: float, stability: float, word: str) -> None:
    assert RATINGS.rate(iou, stability) == word


@pytest.mark.parametrize(
    ("score", "word"), [(0.0, "good"), (UNSUSPICIOUS, "check"), (WORTH_A_LOOK, "check"), (0.8, "poor")]
)
def test_no_suspicious_mask_is_called_good(score: float, word: str) -> None:
    assert RATINGS.rate_tracked(0.9, 0.9, [MaskWarning("area", score)]) == word
    assert RATINGS.rate_tracked(0.8, 0.8, []) == "check"
    assert RATINGS.rate_tracked(0.3, 0.3, [MaskWarning("area", score)]) == "poor"
