"""Layers hide what lies below, in the picture and in the masks."""

from __future__ import annotations

import numpy as np

from sam2_core.training.synthetic.canvas import Canvas


def full(height: int, width: int, value: int = 255) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


def color(height: int, width: int, value: int) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_a_later_object_hides_the_earlier_one() -> None:
    canvas = Canvas(color(20, 30, 0))
    below = canvas.put(color(10, 10, 100), full(10, 10), 2, 3)
    above = canvas.put(color(10, 10, 200), full(10, 10), 6, 7)
    assert below is not None and above is not None
    assert np.array_equal(canvas.image[..., 0], 100 * below + 200 * above)
    assert (below.sum(), above.sum()) == (100 - 6 * 6, 100)
    assert canvas.objects == [below, above] or [m.sum() for m in canvas.objects] == [64, 100]


def test_what_hangs_over_the_edge_is_cut() -> None:
    for top, left, rows, columns in ((-4, -5, 6, 5), (15, 25, 5, 5), (-4, 25, 6, 5)):
        canvas = Canvas(color(20, 30, 0))
        mask = canvas.put(color(10, 10, 9), full(10, 10), top, left)
        assert mask is not None
        assert mask.sum() == rows * columns
        assert np.array_equal(canvas.image[..., 2], 9 * mask)


def test_what_lies_outside_leaves_nothing() -> None:
    for top, left in ((-10, 0), (20, 0), (0, 30), (0, -10), (-50, -50), (5, 29)):
        canvas = Canvas(color(20, 30, 7))
        assert canvas.put(color(10, 10, 100), full(10, 10), top, left) is None
        assert canvas.objects == []
        assert (canvas.image == 7).all()


def test_the_surface_belongs_to_its_place() -> None:
    surface = np.arange(100, dtype=np.uint8).reshape(10, 10)[..., None].repeat(3, axis=2)
    canvas = Canvas(color(20, 30, 255))
    canvas.put(surface, full(10, 10), -3, 24)
    assert np.array_equal(canvas.image[:7, 24:], surface[3:, :6])


def test_half_transparent_pixels_are_mixed_and_count_from_the_middle_on() -> None:
    canvas = Canvas(color(4, 4, 0))
    alpha = np.repeat(np.uint8([[0, 127, 128, 255]]), 4, axis=0)
    mask = canvas.put(color(4, 4, 200), alpha, 0, 0)
    assert mask is not None
    assert mask[0].tolist() == [0, 0, 1, 1]
    assert canvas.image[0, :, 0].tolist() == [0, 99, 100, 200]


def test_a_part_belongs_to_its_object_and_is_hidden_by_later_layers() -> None:
    canvas = Canvas(color(20, 20, 0))
    whole = canvas.put(color(12, 12, 50), full(12, 12), 0, 0)
    canvas.put_part(color(4, 4, 60), full(4, 4), 2, 2)
    canvas.put_part(color(4, 4, 70), full(4, 4), 4, 4)
    assert whole is not None
    assert whole.sum() == 144
    assert [part.sum() for part in canvas.parts] == [16 - 4, 16]
    canvas.put(color(20, 6, 80), full(20, 6), 0, 5)
    assert [part.sum() for part in canvas.parts] == [10, 4]
    assert [np.unique(canvas.image[part > 0]).tolist() for part in canvas.parts] == [[60], [70]]
    assert whole.sum() == 144 - 12 * 6


def test_the_background_is_what_no_object_covers() -> None:
    canvas = Canvas(color(10, 10, 0))
    canvas.put(color(4, 4, 1), full(4, 4), 0, 0)
    canvas.put(color(4, 4, 1), full(4, 4), 2, 2)
    assert np.array_equal(canvas.background(), canvas.image[..., 0] == 0)


def test_a_shadow_darkens_without_being_an_object() -> None:
    canvas = Canvas(color(40, 40, 200))
    canvas.cast_shadow(full(12, 12), 14, 14, strength=0.5)
    assert canvas.objects == canvas.parts == []
    assert canvas.image[20, 20, 0] in (100, 101)
    assert (canvas.image[:8] == 200).all()
    rows = np.flatnonzero((canvas.image[..., 0] < 200).any(axis=1))
    assert abs((rows[0] + rows[-1]) / 2 - 19.5) <= 1  # it lies where its outline lies
