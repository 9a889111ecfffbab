"""Means of known pixels: what is unknown adds nothing, and goes on from what is around it."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.media.effects.masked_pooling import blur_known, pixelate_known, pool_known, pull_push
from tests.media.effects.scenes import rectangle, textured

SIZE = 90, 140
HOLE = rectangle(SIZE, 30, 40, 31, 47)


@pytest.mark.parametrize("cell", [7, 30, 200])
def test_means_are_those_of_the_known_pixels(cell: int) -> None:
    image, known = textured(*SIZE), (~HOLE).astype(np.uint8) * 9
    means = pool_known(image, known, cell)
    for row in range(0, SIZE[0], cell):
        for column in range(0, SIZE[1], cell):
            part = slice(row, row + cell), slice(column, column + cell)
            if known[part].mean() > 9 * 0.4 and image[part].shape[:2] == (cell, cell):
                expected = image[part][known[part] > 0].mean(axis=0)
                np.testing.assert_allclose(means[row // cell, column // cell], expected, atol=2.5)


def test_no_color_bleeds_over_the_edge() -> None:
    """A red object before blue: neither the blurred background nor the blurred object has anything of the other."""
    image = np.where(HOLE[..., None], (255, 0, 0), (0, 0, 255)).astype(np.uint8)
    for known, color in ((~HOLE, (0, 0, 255)), (HOLE, (255, 0, 0))):
        for change in (lambda mask: blur_known(image, mask, 9), lambda mask: pixelate_known(image, mask, 8.3)):
            result = change(known.view(np.uint8)).astype(int)
            assert np.abs(result - color).max() <= 6


def test_blur_is_a_gaussian_of_that_width() -> None:
    edge = np.zeros((60, 400, 3), np.uint8)
    edge[:, 200:] = 255
    for sigma in (3.0, 12.0, 40.0):
        row = blur_known(edge, None, sigma)[30, :, 0] / 255
        place = np.arange(-3 * sigma, 3 * sigma + 1).astype(int)
        slope = np.diff(row)[199 + place]
        middle = (place * slope).sum() / slope.sum()
        measured = np.sqrt((((place - middle) ** 2) * slope).sum() / slope.sum())
        assert measured == pytest.approx(sigma, rel=0.2)
        assert middle == pytest.approx(0, abs=1.5)


def test_unknown_values_lie_between_the_known_ones() -> None:
    values = np.dstack([np.tile(np.linspace(0, 100, 64, dtype=np.float32), (40, 1))] * 3)
    known = np.ones((40, 64), bool)
    known[5:35, 10:50] = False
    full = pull_push(values, known)
    np.testing.assert_array_equal(full[known], values[known])
    assert np.abs(full - values).max() < 25
    lonely = np.zeros((40, 64), bool)
    lonely[39, 0] = True
    np.testing.assert_allclose(pull_push(values + 7, lonely), 7, atol=1e-3)
