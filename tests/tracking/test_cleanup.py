"""Removal of holes and islands: the limit of the area, connectivity, and what stays unchanged."""

from __future__ import annotations

import pytest
import torch

from sam2_core.tracking.cleanup import fill_holes, remove_islands


def with_hole(size: int) -> torch.Tensor:
    """Foreground (12, 12) with a square hole of size x size pixels."""
    logits = torch.full((12, 12), 3.0)
    logits[4 : 4 + size, 4 : 4 + size] = -2.0
    return logits


@pytest.mark.parametrize(("size", "filled"), [(1, True), (2, True), (3, False)])
def test_holes_up_to_the_area_are_filled(size: int, filled: bool) -> None:
    before = with_hole(size)
    after = fill_holes(before[None, None], max_area=8)[0, 0]
    assert bool((after > 0).all()) is filled
    assert torch.equal(after[before > 0], before[before > 0])
    if filled:
        assert torch.equal(after[before <= 0], torch.full((size * size,), 0.1))


def test_the_area_is_inclusive() -> None:
    assert (fill_holes(with_hole(2)[None], max_area=4) > 0).all()
    assert not (fill_holes(with_hole(2)[None], max_area=3) > 0).all()


def test_holes_are_8_connected() -> None:
    logits = torch.full((1, 8, 8), 1.0)
    for step in range(4):
        logits[0, 2 + step, 2 + step] = -1.0
    assert torch.equal(fill_holes(logits, max_area=3), logits)
    assert (fill_holes(logits, max_area=4) > 0).all()


def test_islands_are_removed_and_large_parts_stay() -> None:
    logits = torch.full((2, 1, 10, 10), -3.0)
    logits[0, 0, :5] = 2.0
    logits[1, 0, 8, 8] = 2.0
    after = remove_islands(logits, max_area=4)
    assert torch.equal(after[0], logits[0])
    assert after[1, 0, 8, 8] == -10.0
    assert int((after != logits).sum()) == 1


def test_the_threshold_separates_foreground() -> None:
    logits = torch.full((1, 6, 6), 5.0)
    logits[0, 3, 3] = 0.5
    assert torch.equal(fill_holes(logits, 4), logits)
    assert fill_holes(logits, 4, threshold=1.0, value=10.0)[0, 3, 3] == 11.0


def test_masks_of_a_batch_are_independent() -> None:
    logits = torch.stack([with_hole(1), torch.full((12, 12), -1.0)])
    after = fill_holes(logits, 8)
    assert (after[0] > 0).all()
    assert torch.equal(after[1], logits[1])  # all background: one large component
