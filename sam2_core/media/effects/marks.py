"""Marks on the objects: outlines, glows and overlays."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from sam2_core.media.draw import rgb_of, tint
from sam2_core.media.effects.backgrounds import Canvas
from sam2_core.media.effects.effect_stack import Layer
from sam2_core.media.effects.scaled_masks import Area, ScaledMask, dilate, enclosing_area
from sam2_core.media.info import GrayImage, RgbArray


def draw_behind(canvas: Canvas, layer: Layer, masks: Sequence[ScaledMask], unit: float) -> None:
    """Draw glows, or the parts of outlines outside of all objects. `unit` is a thousandth of the shorter side in
    pixels."""
    if layer.effect == "glow":
        for mask in _marked(layer, masks):
            _glow(canvas, mask, layer.number("size") * unit, layer.number("strength"))
    elif layer.effect == "outline":
        width = layer.number("width") * unit
        for mask in _marked(layer, masks):
            area = mask.area.grown(width + 1, canvas.size)
            canvas.paint(mask.color, dilate(_padded(mask, area), width), area)


def draw_above(pixels: RgbArray, layer: Layer, masks: Sequence[ScaledMask], unit: float) -> None:
    """Draw overlays, or the parts of outlines on other objects, in place."""
    if layer.effect == "overlay":
        for mask in masks:
            width = round(layer.number("outline") * unit)
            tint(pixels[mask.area.part], mask.inside // 255, mask.color, layer.number("opacity"), width)
    elif layer.effect == "outline":
        _outline_on_objects(Canvas(pixels), _marked(layer, masks), layer.number("width") * unit)


def _marked(layer: Layer, masks: Sequence[ScaledMask]) -> Sequence[ScaledMask]:
    """The masks to mark: each object in its color, or the union of all in the layer's color."""
    if not layer.text("color") or not masks:
        return masks
    area = enclosing_area(mask.area for mask in masks)
    union = np.zeros(area.size, np.uint8)
    for mask in masks:
        part = union[mask.area.within(area)]
        np.maximum(part, mask.inside, out=part)
    return [ScaledMask(union, area, rgb_of(layer.text("color")))]


def _glow(canvas: Canvas, mask: ScaledMask, reach: float, strength: float) -> None:
    """Light that is strongest at the object's edge: the sum of a narrow and a wide blur."""
    area = mask.area.grown(1.5 * reach + 1, canvas.size)
    cell = max(1, int(reach / 16))
    rows, columns = (-(-side // cell) for side in area.size)
    small = cv2.resize(_padded(mask, area), (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
    wide, narrow = (cv2.GaussianBlur(small, (0, 0), max(0.3, reach / cell / part)) for part in (2, 8))
    light = np.rint(np.minimum(255, wide + narrow) * strength).astype(np.uint8)
    canvas.paint(mask.color, np.asarray(cv2.resize(light, area.size[::-1]), np.uint8), area)


def _outline_on_objects(canvas: Canvas, masks: Sequence[ScaledMask], width: float) -> None:
    """The outline of each object covers the objects below it and is covered by those above."""
    topmost = np.zeros(canvas.size, np.int32)
    for number, mask in enumerate(masks, start=1):
        topmost[mask.area.part][mask.inside > 0] = number
    for number, mask in enumerate(masks[1:], start=2):
        area = mask.area.grown(width + 1, canvas.size)
        on_others = (topmost[area.part] > 0) & (topmost[area.part] < number)
        if on_others.any():
            canvas.paint(mask.color, dilate(_padded(mask, area), width) * on_others, area)


def _padded(mask: ScaledMask, area: Area) -> GrayImage:
    """The mask in a larger area."""
    inside = np.zeros(area.size, np.uint8)
    inside[mask.area.within(area)] = mask.inside
    return inside
