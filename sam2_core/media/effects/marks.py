"""What marks the objects: outlines, glow and overlays."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from sam2_core.media.draw import rgb_of, tint
from sam2_core.media.effects.backgrounds import Canvas
from sam2_core.media.effects.effect_stack import Layer
from sam2_core.media.effects.scaled_masks import Area, Plane, Shape, around, spread
from sam2_core.media.info import RgbArray


def draw_behind(canvas: Canvas, layer: Layer, shapes: Sequence[Shape], unit: float) -> None:
    """Draw a glow, or the outlines as far as they lie outside of all objects. `unit` is a thousandth of the shorter
    side in pixels."""
    if layer.effect == "glow":
        for shape in _marked(layer, shapes):
            _glow(canvas, shape, layer.number("size") * unit, layer.number("strength"))
    elif layer.effect == "outline":
        for shape in _marked(layer, shapes):
            _outline(canvas, shape, layer.number("width") * unit)


def draw_above(pixels: RgbArray, layer: Layer, shapes: Sequence[Shape], unit: float) -> None:
    """Draw overlays, or the outlines as far as they lie on other objects, in place."""
    if layer.effect == "overlay":
        for shape in shapes:
            width = round(layer.number("outline") * unit)
            tint(pixels[shape.area.part], shape.inside // 255, shape.color, layer.number("opacity"), width)
    elif layer.effect == "outline":
        _outlines_on_objects(Canvas(pixels), _marked(layer, shapes), layer.number("width") * unit)


def _marked(layer: Layer, shapes: Sequence[Shape]) -> Sequence[Shape]:
    """What gets a mark of its own: each object, or in one color all of them together."""
    if not layer.text("color") or not shapes:
        return shapes
    area = around(shape.area for shape in shapes)
    together = np.zeros(area.size, np.uint8)
    for shape in shapes:
        part = together[shape.area.within(area)]
        np.maximum(part, shape.inside, out=part)
    return [Shape(together, area, rgb_of(layer.text("color")))]


def _outline(canvas: Canvas, shape: Shape, width: float) -> None:
    """Also below the object, whose edge may be soft."""
    area = shape.area.grown(width + 1, canvas.size)
    canvas.paint(shape.color, spread(_padded(shape, area), width), area)


def _glow(canvas: Canvas, shape: Shape, reach: float, strength: float) -> None:
    """Light that is strongest at the object's edge: a narrow shine and a wide one."""
    area = shape.area.grown(1.5 * reach + 1, canvas.size)
    cell = max(1, int(reach / 16))
    rows, columns = (-(-side // cell) for side in area.size)
    small = cv2.resize(_padded(shape, area), (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
    wide, narrow = (cv2.GaussianBlur(small, (0, 0), max(0.3, reach / cell / part)) for part in (2, 8))
    light = np.rint(np.minimum(255, wide + narrow) * strength).astype(np.uint8)
    canvas.paint(shape.color, np.asarray(cv2.resize(light, area.size[::-1]), np.uint8), area)


def _outlines_on_objects(canvas: Canvas, shapes: Sequence[Shape], width: float) -> None:
    """The outline of each object hides those below it, and is hidden by those above."""
    above = np.zeros(canvas.size, np.int32)
    for number, shape in enumerate(shapes, start=1):
        above[shape.area.part][shape.inside > 0] = number
    for number, shape in enumerate(shapes[1:], start=2):
        area = shape.area.grown(width + 1, canvas.size)
        on_others = (above[area.part] > 0) & (above[area.part] < number)
        if on_others.any():
            coverage = spread(_padded(shape, area), width) * on_others
            canvas.paint(shape.color, coverage, area)


def _padded(shape: Shape, area: Area) -> Plane:
    """The shape's mask in a larger area."""
    inside = np.zeros(area.size, np.uint8)
    inside[shape.area.within(area)] = shape.inside
    return inside
