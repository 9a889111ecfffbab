"""From logits to what a user sees: size, edges, specks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sam2_core.tracking.pixels import SPECK_AREA, full_mask, object_mask, to_low_resolution
from sam2_core.tracking.segmenter import Trace


def blob(size: int = 48) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    wave = 3 * torch.sin(columns / 3.0)
    return size / 3 + wave - torch.hypot(rows - 0.55 * size, columns - 0.4 * size)


@pytest.mark.parametrize(("height", "width"), [(300, 200), (97, 431), (48, 48), (20, 31), (1, 1)])
def test_the_mask_is_the_thresholded_bilinear_enlargement(height: int, width: int) -> None:
    logits = blob()
    expected = F.interpolate(logits[None, None], (height, width), mode="bilinear", align_corners=False)[0, 0]
    mask = full_mask(logits, height, width).to_array()
    assert mask.shape == (height, width)
    certain = (expected.abs() > 1e-3).numpy()
    assert np.array_equal(mask[certain], (expected > 0).numpy()[certain])


def test_holes_and_islands_of_noise_are_cleaned_away_but_a_tiny_object_stays() -> None:
    noisy = torch.full((48, 48), -5.0)
    noisy[10:30, 10:30] = 5.0
    clean = full_mask(noisy, 48, 48)
    noisy[15:17, 15:18] = -5.0  # a hole of 6
    noisy[40:42, 40:42] = 5.0  # an island of 4
    assert full_mask(noisy, 48, 48) == clean
    tiny = torch.full((48, 48), -5.0)
    tiny[4:6, 4:7] = 5.0
    assert SPECK_AREA >= 6 and full_mask(tiny, 48, 48).area > 0


def test_nothing_found_is_an_empty_mask() -> None:
    assert full_mask(torch.full((48, 48), -1024.0), 30, 40).to_array().sum() == 0


def test_the_chosen_candidate_is_the_mask() -> None:
    candidates = torch.stack([blob(), blob() - 4, blob() + 4])[None]
    trace = Trace(
        logits=candidates[:, 1:2],
        pointer=torch.zeros(1, 4),
        object_score=torch.tensor([[3.0]]),
        predicted_iou=torch.tensor([[0.5]]),
        candidates=candidates,
        candidate_predicted_iou=torch.tensor([[0.5, 0.5, 0.25]]),
    )
    found = object_mask(4, trace, 90, 120)
    assert (found.object_id, found.predicted_iou, found.object_score) == (4, 0.5, 3.0)
    assert found.mask == found.candidates[1].mask == full_mask(candidates[0, 1], 90, 120)
    assert [candidate.predicted_iou for candidate in found.candidates] == [0.5, 0.5, 0.25]


def test_a_mask_comes_back_from_low_resolution() -> None:
    mask = full_mask(blob(), 480, 320).to_array()
    again = full_mask(2 * to_low_resolution(mask, 48)[0, 0] - 1, 480, 320).to_array()
    assert (mask & again).sum() / (mask | again).sum() > 0.97
