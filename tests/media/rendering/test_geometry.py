"""How a source is cut and scaled."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media import EffectStack, ExportOptions
from sam2_core.media.effects.scaled_masks import Area
from sam2_core.media.rendering.geometry import Geometry, compute_geometry, covered_area, effect_margin
from sam2_core.types import FrameMasks, Mask, ObjectMask

ORDER, BESIDE = ExportOptions("png"), ExportOptions("png", side_by_side=True)


def found(frame: int, *boxes: tuple[int, int, int, int]) -> FrameMasks:
    """One object for each box (left, top, right, bottom) of a picture of 40 x 60."""
    objects = []
    for number, (left, top, right, bottom) in enumerate(boxes):
        pixels = np.zeros((40, 60), bool)
        pixels[top:bottom, left:right] = True
        objects.append(ObjectMask(number, Mask.from_array(pixels), 1.0, 1.0))
    return FrameMasks(frame, 0, tuple(objects))


def test_the_common_box_holds_all_masks() -> None:
    masks = [found(0, (5, 6, 7, 8), (0, 0, 0, 0)), found(1), found(2, (50, 2, 60, 3), (6, 20, 9, 40))]
    assert covered_area(masks) == Area(5, 2, 60, 40)
    with pytest.raises(MediaError, match="Select something first"):
        covered_area([found(0), found(1, (0, 0, 0, 0))])


def test_nothing_wished_is_the_source() -> None:
    assert compute_geometry(41, 61, ORDER, None, even=True) == Geometry(41, 61, Area(0, 0, 61, 41))


@pytest.mark.parametrize(
    ("box", "even", "kept"),
    [
        (Area(3, 4, 8, 9), False, Area(3, 4, 8, 9)),
        (Area(3, 4, 8, 9), True, Area(3, 4, 9, 10)),
        (Area(55, 31, 60, 40), True, Area(54, 30, 60, 40)),
        (Area(2, 4, 8, 10), True, Area(2, 4, 8, 10)),
    ],
)
def test_boxes_grow_to_even_sides_where_there_is_room(box: Area, even: bool, kept: Area) -> None:
    assert compute_geometry(40, 60, ORDER, box, even=even).area == kept


def test_looks_reach_beyond_the_objects() -> None:
    assert effect_margin(EffectStack.of("overlay", outline=20)) == 0, "which lies within"
    assert effect_margin(EffectStack.of("cutout", "outline", width=14)) == 14
    assert effect_margin(EffectStack.of("glow", size=100)) == 150
    assert effect_margin(EffectStack(feather=30)) == 45
    assert effect_margin(EffectStack(matte=1)) > 5
    options = ExportOptions("png", EffectStack.of("outline", width=40))
    assert compute_geometry(100, 200, options, Area(50, 2, 60, 12)).area == Area(46, 0, 64, 16)


@pytest.mark.parametrize("largest", [1, 7, 30, 31, 44, 45])
@pytest.mark.parametrize("options", [ORDER, BESIDE])
@pytest.mark.parametrize("box", [None, Area(3, 5, 58, 7), Area(59, 0, 60, 40), Area(7, 9, 30, 31)])
def test_nothing_is_larger_than_wished(largest: int, options: ExportOptions, box: Area | None) -> None:
    made = compute_geometry(40, 60, options, box, max_side=largest)
    assert 0 <= made.area.left < made.area.right <= made.width
    assert 0 <= made.area.top < made.area.bottom <= made.height
    side = max((made.area.right - made.area.left) * (1 + options.side_by_side), made.area.bottom - made.area.top)
    assert side <= max(largest, 1 + options.side_by_side)
    whole = box or Area(0, 0, 60, 40)
    shape = (whole.right - whole.left) * (1 + options.side_by_side), whole.bottom - whole.top
    assert side >= min(largest, max(shape)) - 1


def test_pixels_become_squares_without_loss() -> None:
    assert compute_geometry(40, 60, ORDER, None, aspect=Fraction(2)) == Geometry(40, 120, Area(0, 0, 120, 40))
    assert compute_geometry(40, 60, ORDER, None, aspect=Fraction(1, 2)) == Geometry(80, 60, Area(0, 0, 60, 80))
    cut = compute_geometry(40, 60, ORDER, Area(10, 10, 20, 20), aspect=Fraction(2), max_side=10)
    assert cut == Geometry(20, 60, Area(10, 5, 20, 10))
