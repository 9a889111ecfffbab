"""Conversion between logits and masks: size, edges, specks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sam2_core.model.input_geometry import InputGeometry
from sam2_core.tracking.masks import MAX_SPECK_AREA, full_mask, low_resolution_logits, object_mask, resized_mask
from sam2_core.tracking.segmenter import FrameOutput
from sam2_core.types import Mask, RatingSettings


def frame(height: int, width: int) -> InputGeometry:
    """A frame in an input whose low-resolution logits have 48 x 48 pixels."""
    return InputGeometry.stretched(192, (height, width))


def blob(size: int = 48) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    wave = 3 * torch.sin(columns / 3.0)
    return size / 3 + wave - torch.hypot(rows - 0.55 * size, columns - 0.4 * size)


@pytest.mark.parametrize(("height", "width"), [(300, 200), (97, 431), (48, 48), (20, 31), (1, 1)])
def test_the_mask_is_the_thresholded_bilinear_upsampling(height: int, width: int) -> None:
    logits = blob()
    expected = F.interpolate(logits[None, None], (height, width), mode="bilinear", align_corners=False)[0, 0]
    mask = full_mask(logits, frame(height, width)).to_array()
    assert mask.shape == (height, width)
    certain = (expected.abs() > 1e-3).numpy()
    assert np.array_equal(mask[certain], (expected > 0).numpy()[certain])


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 50), (7, 1), (16, 16), (48, 80), (300, 7), (211, 331), (31, 5)]
)
def test_run_lengths_of_resized_logits_are_those_of_the_resized_picture(height: int, width: int) -> None:
    """Noise crosses zero everywhere, also several times between two pixels of a smaller picture."""
    random = np.random.default_rng(height)
    for rows, columns in ((16, 16), (16, 11), (1, 9), (9, 1), (1, 1)):
        for logits in (
            random.normal(size=(rows, columns)),
            random.normal(size=(rows, columns)) - 1.5,
            random.integers(-1, 2, (rows, columns)),
            np.ones((rows, columns)),
        ):
            values = logits.astype(np.float32)
            picture = cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
            mask = resized_mask(values, height, width)
            differs = mask.to_array() != (picture > 0)
            assert not differs[abs(picture) > 1e-5].any()
            assert mask == Mask.from_array(mask.to_array()), "no run is empty"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_leave_a_valid_mask(value: float) -> None:
    logits = np.full((8, 8), -1, np.float32)
    logits[3:5, 3:5] = 1
    logits[5, 3] = value
    mask = resized_mask(logits, 80, 80)
    assert np.frombuffer(mask.runs, "<u4").sum(dtype=np.int64) == 80 * 80
    assert mask.to_array()[35:45, 45].any() and mask.to_array()[55, 35] == (value > 0)


def test_specks_are_removed_but_a_tiny_object_is_kept() -> None:
    noisy = torch.full((48, 48), -5.0)
    noisy[10:30, 10:30] = 5.0
    clean = full_mask(noisy, frame(48, 48))
    noisy[15:17, 15:18] = -5.0  # a hole of 6
    noisy[40:42, 40:42] = 5.0  # an island of 4
    assert full_mask(noisy, frame(48, 48)) == clean
    tiny = torch.full((48, 48), -5.0)
    tiny[4:6, 4:7] = 5.0
    assert MAX_SPECK_AREA >= 6 and full_mask(tiny, frame(48, 48)).area > 0


def test_logits_of_an_absent_object_are_an_empty_mask() -> None:
    assert full_mask(torch.full((48, 48), -1024.0), frame(30, 40)).to_array().sum() == 0


def test_the_chosen_candidate_is_the_mask() -> None:
    candidates = torch.stack([blob(), blob() - 4, blob() + 4])[None]
    output = FrameOutput(
        logits=candidates[:, 1:2],
        pointer=torch.zeros(1, 4),
        object_score=torch.tensor([[3.0]]),
        predicted_iou=torch.tensor([[0.5]]),
        candidates=candidates,
        candidate_predicted_iou=torch.tensor([[0.5, 0.5, 0.25]]),
    )
    found = object_mask(4, output, frame(90, 120), RatingSettings(good=0.4, poor=0.3))
    assert (found.object_id, found.predicted_iou, found.object_score) == (4, 0.5, 3.0)
    assert found.mask == found.candidates[1].mask == full_mask(candidates[0, 1], frame(90, 120))
    assert [candidate.predicted_iou for candidate in found.candidates] == [0.5, 0.5, 0.25]
    # the smaller of two masks with the same predicted IoU is less stable
    assert [candidate.rating for candidate in found.candidates] == ["good", "check", "poor"]
    assert found.rating == "check"


def test_low_resolution_logits_restore_the_mask() -> None:
    mask = full_mask(blob(), frame(480, 320)).to_array()
    again = full_mask(low_resolution_logits(mask, frame(480, 320))[0, 0], frame(480, 320)).to_array()
    assert (mask & again).sum() / (mask | again).sum() > 0.97
