from __future__ import annotations

import numpy as np
import pytest

from sam2_core.training.evaluate.clicks import farthest_point, first_click, next_click, tight_box
from sam2_core.types import Box, Point
from tests.training.evaluate.scenes import rectangle

NOTHING = np.zeros((48, 64), np.bool_)


def test_the_first_click_is_in_the_middle() -> None:
    assert first_click(rectangle(10, 20, 21, 31)) == Point(25, 15)


def test_the_border_of_the_image_is_an_edge() -> None:
    assert farthest_point(rectangle(0, 0, 11, 11)) == (5, 5)
    assert farthest_point(np.ones((9, 9), np.bool_)) == (4, 4)


def test_the_first_of_equals_in_reading_order_is_clicked() -> None:
    assert farthest_point(rectangle(30, 5, 35, 10) | rectangle(4, 40, 9, 45)) == (42, 6)


def test_the_wider_part_is_clicked_rather_than_the_larger_one() -> None:
    assert farthest_point(rectangle(2, 2, 5, 60) | rectangle(20, 20, 29, 29)) == (24, 24)


def test_what_is_missing_gets_a_positive_click() -> None:
    truth = rectangle(10, 10, 30, 30)
    assert next_click(rectangle(10, 10, 30, 19), truth) == Point(24, 15, positive=True)


def test_what_is_too_much_gets_a_negative_click() -> None:
    truth = rectangle(10, 10, 30, 30)
    predicted = truth & ~rectangle(10, 10, 13, 13) | rectangle(35, 40, 44, 49)
    assert next_click(predicted, truth) == Point(44, 39, positive=False)


def test_the_larger_error_counts_and_not_all_errors_of_a_kind() -> None:
    truth = rectangle(0, 0, 5, 5) | rectangle(0, 20, 5, 25) | rectangle(0, 40, 5, 45)  # 3 x 25 pixels are missing
    assert next_click(rectangle(20, 20, 26, 25), truth) == Point(22, 22, positive=False)  # 30 are too much


def test_among_errors_of_one_size_what_is_missing_comes_first() -> None:
    assert next_click(rectangle(0, 0, 5, 5), rectangle(20, 20, 25, 25)) == Point(22, 22, positive=True)


def test_parts_that_touch_at_a_corner_are_one() -> None:
    truth = rectangle(0, 0, 5, 5) | rectangle(5, 5, 10, 10)  # 50 pixels together
    assert next_click(rectangle(20, 20, 26, 26), truth).positive  # 36


def test_where_nothing_is_wrong_the_first_click_is_repeated() -> None:
    truth = rectangle(10, 20, 21, 31)
    assert next_click(truth.copy(), truth) == first_click(truth)


def test_a_box_includes_the_last_pixels() -> None:
    assert tight_box(rectangle(3, 7, 5, 12) | rectangle(20, 9, 30, 10)) == Box(7, 3, 12, 30)


@pytest.mark.parametrize("ask", [farthest_point, first_click, tight_box])
def test_an_empty_mask_is_refused(ask: object) -> None:
    with pytest.raises(ValueError, match="empty mask"):
        ask(NOTHING)  # type: ignore[operator]
