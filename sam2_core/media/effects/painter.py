"""Applies an effect stack to images."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import cv2
import numpy as np

from sam2_core.errors import BadPrompt
from sam2_core.media.draw import rgb_of
from sam2_core.media.effects.backgrounds import Canvas, color_background, cover, desaturate, dim
from sam2_core.media.effects.effect_stack import EffectStack, Layer
from sam2_core.media.effects.marks import draw_above, draw_behind
from sam2_core.media.effects.masked_pooling import blur_known, pixelate_known
from sam2_core.media.effects.matting import Matte, compute_matte, estimate_foreground
from sam2_core.media.effects.object_removal import ObjectRemover
from sam2_core.media.effects.scaled_masks import Area, ScaledMask, Size, full_area, scale_masks
from sam2_core.media.effects.text_rendering import find_typeface, render_text
from sam2_core.media.info import GrayImage, RgbArray
from sam2_core.media.masked_media import MaskedMedia

T = TypeVar("T")

_KEEPS_COLORS = {"spotlight", "desaturate", "glow", "overlay"}  # soft edges may keep the background's mixed-in color
_EXTRAPOLATION = 16  # pixels by which the objects' colors are extended where they end in transparency


class Painter:
    """Applies an effect stack to the frames of masked media. Cheap to create; caches what frames of one size share."""

    def __init__(
        self, stack: EffectStack, media: MaskedMedia, backdrops: Mapping[str, RgbArray] = MappingProxyType({})
    ) -> None:
        """`backdrops` are the images (H, W, 3) that the layers refer to. Raises `BadPrompt` for a missing one, and for
        text that cannot be rendered."""
        self._stack, self._media, self._backdrops = stack, media, backdrops
        self._typefaces = {
            text: find_typeface(text) for text in (layer.text("text") for layer in stack.layers_of("text"))
        }
        if any(layer.text("name") not in backdrops for layer in stack.layers_of("picture")):
            raise BadPrompt("The picture for the background is missing. Choose one.")
        margins = [layer.number("margin") for layer in stack.layers_of("erase")]
        self._remover = ObjectRemover(media, max(margins)) if margins else None
        self._cache: dict[tuple[Hashable, ...], Any] = {}

    def paint(self, frame: int, image: RgbArray) -> RgbArray:
        """The image (H, W, 3) of this frame with the effects; (H, W, 4), not premultiplied, for a transparent stack.

        The image may have any size; masks are scaled to it. Removed objects are removed for all other layers, too.
        """
        size = image.shape[0], image.shape[1]
        objects, unit = self._media.masks_on(frame).objects, min(size) / 1000
        if self._remover is not None:
            image, objects = self._remover.remove(frame, image), ()
        masks = scale_masks(objects, self._media.objects, size)
        canvas = Canvas(image.copy())
        if any(layer.effect != "overlay" for layer in self._stack.layers):
            self._compose(canvas, image, masks, unit)
        for layer in self._stack.layers:
            draw_above(canvas.pixels, layer, masks, unit)
        if not self._stack.is_transparent:
            return canvas.pixels
        opacity = np.full(size, 255, np.uint8) if canvas.opacity is None else canvas.opacity
        return np.asarray(cv2.merge([*cv2.split(canvas.pixels), opacity]), np.uint8)

    def _compose(self, canvas: Canvas, image: RgbArray, masks: Sequence[ScaledMask], unit: float) -> None:
        """Draw background, marks behind the objects, and the objects."""
        matte = compute_matte(masks, self._stack, image)
        for layer in self._stack.layers:
            if layer.target == "background":
                self._draw_background(canvas, layer, matte, unit)
        for layer in self._stack.layers:
            draw_behind(canvas, layer, masks, unit)
        if matte.area is not None:
            self._draw_objects(canvas, image, matte, matte.area, unit)

    def _draw_background(self, canvas: Canvas, layer: Layer, matte: Matte, unit: float) -> None:
        if layer.effect == "cutout":
            canvas.clear()
        elif layer.effect in ("color", "gradient", "picture"):
            canvas.replace(self._background(layer, canvas.size))
        elif layer.effect == "spotlight":
            darkness, softness = layer.number("darkness"), layer.number("softness") * unit
            canvas.pixels = dim(canvas.pixels, matte.inside, darkness, softness)
        elif layer.effect == "text":
            if (text := self._text(layer, canvas.size, unit)) is not None:
                canvas.paint(rgb_of(layer.text("color")), *text)
        else:
            known = matte.background if canvas.shows_source and matte.area is not None else None
            canvas.pixels = _filter(canvas.pixels, known, layer, unit)

    def _draw_objects(self, canvas: Canvas, image: RgbArray, matte: Matte, area: Area, unit: float) -> None:
        layers = [layer for layer in self._stack.layers if layer.target == "objects"]
        if self._stack.is_transparent:
            area = area.grown(_EXTRAPOLATION, canvas.size)
        if any(layer.effect == "pixelate" for layer in layers):
            area = full_area(canvas.size)  # so that squares do not move with the object
        replaces_colors = (
            not {layer.effect for layer in self._stack.layers if layer.target != "objects"} <= _KEEPS_COLORS
        )
        needs_foreground = self._stack.is_transparent or (replaces_colors and matte.is_soft)
        colors = estimate_foreground(image, matte, area) if needs_foreground else image[area.part]
        alpha = matte.alpha[area.part]
        for layer in layers:
            colors = _filter(colors, alpha, layer, unit)
        canvas.draw(colors, alpha, area)

    def _background(self, layer: Layer, size: Size) -> RgbArray:
        if layer.effect == "picture":
            return self._cached(layer, size, lambda: cover(self._backdrops[layer.text("name")], size))
        return self._cached(layer, size, lambda: color_background(layer, size))

    def _text(self, layer: Layer, size: Size, unit: float) -> tuple[GrayImage, Area] | None:
        typeface, text_height = self._typefaces[layer.text("text")], layer.number("size") * unit
        return self._cached(layer, size, lambda: render_text(typeface, size, text_height, layer.number("height")))

    def _cached(self, layer: Layer, size: Size, make: Callable[[], T]) -> T:
        """The result of `make` for a layer at one size; other sizes are dropped."""
        key = size, layer.effect, *layer.settings.values()
        if key not in self._cache:
            self._cache = {other: value for other, value in self._cache.items() if other[0] == size}
            self._cache[key] = make()
        return self._cache[key]


def _filter(pixels: RgbArray, known: GrayImage | None, layer: Layer, unit: float) -> RgbArray:
    """Apply an effect for background or objects to the known pixels."""
    if layer.effect == "blur":
        return blur_known(pixels, known, layer.number("strength") * unit)
    if layer.effect == "pixelate":
        return pixelate_known(pixels, known, layer.number("size") * unit)
    return desaturate(pixels, layer.number("amount")) if layer.effect == "desaturate" else pixels
