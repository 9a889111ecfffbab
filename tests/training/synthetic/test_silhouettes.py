"""Silhouettes."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.training.synthetic.silhouettes import draw_silhouette


@pytest.mark.parametrize(("height", "width"), [(8, 8), (64, 64), (40, 150), (120, 9)])
def test_a_shape_has_the_asked_size_and_something_in_it(height: int, width: int) -> None:
    for seed in range(60):
        alpha = draw_silhouette(np.random.default_rng(seed), height, width)
        assert alpha.shape == (height, width)
        assert alpha.dtype == np.uint8
        assert alpha.any()


def test_the_seed_fixes_the_shape() -> None:
    shapes = [draw_silhouette(np.random.default_rng(seed), 50, 60) for seed in (1, 1, 2)]
    assert np.array_equal(shapes[0], shapes[1])
    assert not np.array_equal(shapes[0], shapes[2])


def test_most_shapes_fill_much_of_their_box_and_have_soft_edges() -> None:
    shapes = [draw_silhouette(np.random.default_rng(seed), 60, 60) for seed in range(100)]
    filled = [np.mean(alpha > 127) for alpha in shapes]
    assert np.median(filled) > 0.3
    assert np.mean([np.any((alpha > 0) & (alpha < 255)) for alpha in shapes]) > 0.9
