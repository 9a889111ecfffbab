from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from sam2_core.detection.detector import Detection, Thresholds, check_image, within_image
from sam2_core.detection.pictures import as_picture
from sam2_core.detection.suppression import suppress_overlaps
from sam2_core.errors import BadPrompt, MediaError
from sam2_core.types import Box, Mask


def found(phrase: str, score: float, *box: float) -> Detection:
    return Detection(phrase, score, Box(*box))


def test_boxes_are_cut_at_the_edges_and_come_best_first() -> None:
    result = within_image([found("dog", 0.4, -5, 2, 8, 9), found("cat", 0.6, 3, 3, 99, 7)], height=10, width=20)
    assert result == (found("cat", 0.6, 3, 3, 20, 7), found("dog", 0.4, 0, 2, 8, 9))


@pytest.mark.parametrize(
    "box", [(30, 1, 40, 5), (5, 5, 5.4, 9), (9, 1, 3, 8), (math.nan, 0, 5, 5), (0, 0, math.inf, 5)]
)
def test_boxes_without_extent_or_number_are_dropped(box: tuple[float, float, float, float]) -> None:
    assert within_image([found("dog", 0.5, *box)], height=10, width=20) == ()
    assert within_image([found("dog", math.nan, 0, 0, 5, 5)], height=10, width=20) == ()


def test_of_overlapping_boxes_of_all_phrases_the_best_remains() -> None:
    detections = [
        found("animal", 0.5, 0, 0, 10, 10),
        found("dog", 0.8, 0, 0, 10, 11),
        found("dog", 0.4, 20, 0, 30, 10),
        found("wheel", 0.3, 0, 0, 4, 4),
    ]
    assert [each.score for each in suppress_overlaps(detections)] == [0.8, 0.4, 0.3]
    assert len(suppress_overlaps(detections, max_overlap=1)) == 4
    assert suppress_overlaps([]) == ()


@pytest.mark.parametrize(("box", "text"), [(-0.1, 0.2), (0.3, 1.5), (math.nan, 0.2)])
def test_thresholds_are_scores(box: float, text: float) -> None:
    with pytest.raises(BadPrompt, match="from 0 to 1"):
        Thresholds(box, text)


def test_a_detection_crosses_processes() -> None:
    detection = Detection("dog", 0.5, Box(0, 0, 2, 2), Mask.from_array(np.eye(3)))
    assert pickle.loads(pickle.dumps(detection)) == detection


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), "u1")]
)
def test_only_rgb_images_are_taken(image: np.ndarray) -> None:
    with pytest.raises(MediaError):
        check_image(image)


def test_strips_and_tiny_pictures_get_a_margin_that_keeps_their_pixels() -> None:
    strip = np.random.default_rng(0).integers(0, 255, (3, 320, 3), dtype=np.uint8)
    assert as_picture(strip).size == (320, 20)
    assert np.array_equal(np.asarray(as_picture(strip))[:3], strip)
    assert as_picture(strip.transpose(1, 0, 2)).size == (20, 320)
    assert as_picture(strip[:, :1]).size == (16, 16)
    assert as_picture(np.zeros((20, 300, 3), np.uint8)).size == (300, 20)


def test_floors_are_low() -> None:
    assert Thresholds(0.3, 0.25).floor == Thresholds(0.1, 0.1)
    assert Thresholds(0.2, 0.05).floor == Thresholds(0.07, 0.05)
