"""Outlines and glow: where they are, which colors they have, and what hides them."""

from __future__ import annotations

import numpy as np

from tests.media.effects.scenes import COLORS, painted, rectangle

SIZE = 200, 300
GRAY = np.full((*SIZE, 3), 100, np.uint8)
FIRST, SECOND = rectangle(SIZE, 50, 60, 80, 90), rectangle(SIZE, 70, 120, 90, 80)


def ring(inside: np.ndarray, width: int) -> np.ndarray:
    """What is at most so many pixels beside a rectangle or above or below it."""
    rows, columns = np.nonzero(inside)
    grown = np.zeros_like(inside)
    grown[rows.min() - width : rows.max() + width + 1, columns.min() : columns.max() + 1] = True
    grown[rows.min() : rows.max() + 1, columns.min() - width : columns.max() + width + 1] = True
    return grown & ~inside


def test_outlines_lie_around_their_objects() -> None:
    drawn = painted(GRAY, [FIRST], {"effect": "outline", "width": 30})
    assert (drawn[ring(FIRST, 6)] == COLORS[0]).all()
    far = ~ring(FIRST, 7) & ~FIRST & ~rectangle(SIZE, 43, 53, 94, 104)
    assert (drawn[far] == 100).all() and (drawn[FIRST] == 100).all()


def test_each_outline_hides_what_is_below_its_object_only() -> None:
    drawn = painted(GRAY, [FIRST, SECOND], {"effect": "outline", "width": 30})
    assert (drawn[ring(SECOND, 6)] == COLORS[1]).all()
    assert (drawn[SECOND] == 100).all(), "the upper object has nothing on it"
    assert (drawn[ring(FIRST, 6) & ~SECOND & ~ring(SECOND, 7)] == COLORS[0]).all()


def test_one_color_makes_one_outline() -> None:
    drawn = painted(GRAY, [FIRST, SECOND], {"effect": "outline", "width": 30, "color": "#ffffff"})
    both = FIRST | SECOND
    assert (drawn[both] == 100).all()
    assert (drawn[ring(FIRST, 6) & ~both] == 255).all() and (drawn[ring(SECOND, 6) & ~both] == 255).all()


def test_glow_fades_and_lies_behind_all_objects() -> None:
    drawn = painted(GRAY, [FIRST, SECOND], {"effect": "glow", "size": 100, "strength": 1}).astype(int)
    assert (drawn[FIRST | SECOND] == 100).all()
    row = drawn[90, :60, 0]  # towards the first object, whose red is 200
    assert row[0] == 100 and row[59] > 175
    assert (np.diff(row) >= 0).all()


def test_a_sticker_is_opaque_as_far_as_its_outline() -> None:
    layers = {"effect": "cutout"}, {"effect": "outline", "width": 30, "color": "#ffffff"}
    for edges in ({}, {"feather": 10.0}):
        cut = painted(GRAY, [FIRST], *layers, **edges)
        near = ring(FIRST, 5)
        assert (cut[near | FIRST][:, 3] == 255).all(), "no seam between object and outline"
        assert (cut[ring(FIRST, 9) & ~ring(FIRST, 7)][:, 3] == 0).all()
    assert (painted(GRAY, [FIRST], *layers)[near][:, :3] == 255).all()


def test_glow_on_nothing_keeps_its_color() -> None:
    cut = painted(GRAY, [FIRST], {"effect": "cutout"}, {"effect": "glow", "size": 100, "color": "#ffee00"})
    faint = (cut[..., 3] > 20) & (cut[..., 3] < 200)
    assert faint.any() and np.abs(cut[faint][:, :3].astype(int) - (255, 238, 0)).max() <= 2
