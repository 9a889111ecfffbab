"""A look brought onto pictures."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import cv2
import numpy as np

from sam2_core.errors import BadPrompt
from sam2_core.media.draw import rgb_of
from sam2_core.media.effects.backgrounds import Canvas, covering, desaturated, dimmed, plain
from sam2_core.media.effects.effect_stack import EffectStack, Layer
from sam2_core.media.effects.marks import draw_above, draw_behind
from sam2_core.media.effects.masked_pooling import blurred, pixelated
from sam2_core.media.effects.matting import Matte, matte_of, own_colors
from sam2_core.media.effects.object_removal import ObjectRemover
from sam2_core.media.effects.scaled_masks import Area, Plane, Shape, Size, shapes_of, whole
from sam2_core.media.effects.text_rendering import lettering, typeface_for
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia

Made = TypeVar("Made")

_KEEPS_COLORS = {"spotlight", "desaturate", "glow", "overlay"}  # what is behind stays what is mixed into soft edges
_BEYOND = 16  # pixels: so far the objects' colors go on where nothing is left of them


class Painter:
    """Paints the frames of one material; cheap to make. Keeps what frames of the same size share."""

    def __init__(
        self, look: EffectStack, media: MaskedMedia, backdrops: Mapping[str, RgbArray] = MappingProxyType({})
    ) -> None:
        """`backdrops` are the pictures (H, W, 3) that the look's layers name. Raises `BadPrompt` where one is missing,
        or where a text cannot be written."""
        self._look, self._material, self._backdrops = look, media, backdrops
        self._faces = {text: typeface_for(text) for text in (layer.text("text") for layer in _layers(look, "text"))}
        if any(layer.text("name") not in backdrops for layer in _layers(look, "picture")):
            raise BadPrompt("The picture for the background is missing. Choose one.")
        margins = [layer.number("margin") for layer in _layers(look, "erase")]
        self._eraser = ObjectRemover(media, max(margins)) if margins else None
        self._kept: dict[tuple[Hashable, ...], Any] = {}

    def paint(self, frame: int, picture: RgbArray) -> RgbArray:
        """The picture (H, W, 3) of this frame with the look; (H, W, 4) where the look is transparent, its colors not
        multiplied by their opacity.

        The picture may have any size: masks are fitted to it. Objects that are erased are gone for all other layers.
        """
        size = picture.shape[0], picture.shape[1]
        objects, unit = self._material.masks_on(frame).objects, min(size) / 1000
        if self._eraser is not None:
            picture, objects = self._eraser.erase(frame, picture), ()
        shapes = shapes_of(objects, self._material.objects, size)
        canvas = Canvas(picture.copy())
        if any(layer.effect != "overlay" for layer in self._look.layers):
            self._compose(canvas, picture, shapes, unit)
        for layer in self._look.layers:
            draw_above(canvas.pixels, layer, shapes, unit)
        if not self._look.is_transparent:
            return canvas.pixels
        opacity = np.full(size, 255, np.uint8) if canvas.opacity is None else canvas.opacity
        return np.asarray(cv2.merge([*cv2.split(canvas.pixels), opacity]), np.uint8)

    def _compose(self, canvas: Canvas, picture: RgbArray, shapes: Sequence[Shape], unit: float) -> None:
        """Background, what shines out from behind the objects, and the objects."""
        matte = matte_of(shapes, self._look, picture)
        for layer in self._look.layers:
            if layer.target == "background":
                self._draw_background(canvas, layer, matte, unit)
        for layer in self._look.layers:
            draw_behind(canvas, layer, shapes, unit)
        if matte.area is not None:
            self._add_objects(canvas, picture, matte, matte.area, unit)

    def _draw_background(self, canvas: Canvas, layer: Layer, matte: Matte, unit: float) -> None:
        if layer.effect == "cutout":
            canvas.clear()
        elif layer.effect in ("color", "gradient", "picture"):
            canvas.replace(self._scenery(layer, canvas.size))
        elif layer.effect == "spotlight":
            darkness, softness = layer.number("darkness"), layer.number("softness") * unit
            canvas.pixels = dimmed(canvas.pixels, matte.inside, darkness, softness)
        elif layer.effect == "text":
            if (letters := self._lettering(layer, canvas.size, unit)) is not None:
                canvas.paint(rgb_of(layer.text("color")), *letters)
        else:
            behind = matte.behind if canvas.shows_source and matte.area is not None else None
            canvas.pixels = _filtered(canvas.pixels, behind, layer, unit)

    def _add_objects(self, canvas: Canvas, picture: RgbArray, matte: Matte, area: Area, unit: float) -> None:
        layers = [layer for layer in self._look.layers if layer.target == "objects"]
        if self._look.is_transparent:
            area = area.grown(_BEYOND, canvas.size)
        if any(layer.effect == "pixelate" for layer in layers):
            area = whole(canvas.size)  # the squares are those of the picture, wherever the object is
        is_mixed = not {layer.effect for layer in self._look.layers if layer.target != "objects"} <= _KEEPS_COLORS
        needs_own = self._look.is_transparent or (is_mixed and matte.is_soft)
        colors, alpha = own_colors(picture, matte, area) if needs_own else picture[area.part], matte.alpha[area.part]
        for layer in layers:
            colors = _filtered(colors, alpha, layer, unit)
        canvas.lay_over(colors, alpha, area)

    def _scenery(self, layer: Layer, size: Size) -> RgbArray:
        if layer.effect == "picture":
            return self._keep(layer, size, lambda: covering(self._backdrops[layer.text("name")], size))
        return self._keep(layer, size, lambda: plain(layer, size))

    def _lettering(self, layer: Layer, size: Size, unit: float) -> tuple[Plane, Area] | None:
        face, wished = self._faces[layer.text("text")], layer.number("size") * unit
        return self._keep(layer, size, lambda: lettering(face, size, wished, layer.number("height")))

    def _keep(self, layer: Layer, size: Size, make: Callable[[], Made]) -> Made:
        """What is made for a layer once for all pictures of one size."""
        key = size, layer.effect, *layer.settings.values()
        if key not in self._kept:
            self._kept = {other: made for other, made in self._kept.items() if other[0] == size}
            self._kept[key] = make()
        return self._kept[key]


def _layers(look: EffectStack, effect: str) -> list[Layer]:
    return [layer for layer in look.layers if layer.effect == effect]


def _filtered(pixels: RgbArray, known: Plane | None, layer: Layer, unit: float) -> RgbArray:
    """What can be done to the background as well as to objects; only what is `known` shall be seen in it."""
    if layer.effect == "blur":
        return blurred(pixels, known, layer.number("strength") * unit)
    if layer.effect == "pixelate":
        return pixelated(pixels, known, layer.number("size") * unit)
    return desaturated(pixels, layer.number("amount")) if layer.effect == "desaturate" else pixels
