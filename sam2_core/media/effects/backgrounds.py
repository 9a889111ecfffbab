"""The canvas that layers draw on, and backgrounds for it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sam2_core.media.draw import Rgb, rgb_of
from sam2_core.media.effects.effect_stack import Layer
from sam2_core.media.effects.scaled_masks import Area, Size, bounding_area
from sam2_core.media.info import GrayImage, RgbArray


@dataclass(slots=True)
class Canvas:
    """Pixels (H, W, 3) that layers draw on, one above the other. `opacity` (H, W) is None where all is opaque; colors
    are not premultiplied. `shows_source`: the image's own background is still visible."""

    pixels: RgbArray
    opacity: GrayImage | None = None
    shows_source: bool = True

    def clear(self) -> None:
        """Make everything transparent."""
        self.shows_source = False
        self.pixels = np.zeros_like(self.pixels)
        self.opacity = np.zeros(self.pixels.shape[:2], np.uint8)

    def replace(self, pixels: RgbArray) -> None:
        """Replace everything by an opaque image."""
        self.pixels, self.opacity, self.shows_source = pixels.copy(), None, False

    @property
    def size(self) -> Size:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def paint(self, color: Rgb, coverage: GrayImage, area: Area) -> None:
        """Paint in one color; `coverage` has the size of the area."""
        if self.opacity is None:
            blend_color(self.pixels[area.part], color, coverage)
            return
        pixels, opacity, drawn = self.pixels[area.part], self.opacity[area.part], coverage > 0
        share = coverage[drawn].astype(np.uint16)
        rest = (opacity[drawn] * (255 - share) + 127) // 255
        weight = (share / (share + rest))[:, None]
        pixels[drawn] = np.rint(np.array(color) * weight + pixels[drawn] * (1 - weight)).astype(np.uint8)
        opacity[drawn] = (share + rest).astype(np.uint8)

    def draw(self, above: RgbArray, alpha: GrayImage, area: Area) -> None:
        """Draw other pixels over an area with this alpha."""
        below = self.pixels[area.part]
        if self.opacity is None:
            blend(below, above, alpha)
            return
        share, opacity = alpha.astype(np.uint16), self.opacity[area.part]
        joined = share + (opacity * (255 - share) + 127) // 255
        # Fully transparent pixels take the colors above, so that a smaller copy has clean edges.
        weight = np.where(joined > 0, (255 * share + joined // 2) // np.maximum(joined, 1), 255)
        blend(below, above, weight.astype(np.uint8))
        opacity[:] = joined


def blend(below: RgbArray, above: RgbArray, alpha: GrayImage) -> None:
    """Blend pixels over others, in place. Equal pixels stay unchanged: the two products are never rounded in the same
    direction."""
    shares = cv2.merge([alpha] * 3)
    below[:] = cv2.add(cv2.multiply(above, shares, scale=1 / 255), cv2.multiply(below, 255 - shares, scale=1 / 255))


def blend_color(pixels: RgbArray, color: Rgb, coverage: GrayImage) -> None:
    """Blend one color over pixels (H, W, 3), in place."""
    levels = np.rint(np.arange(256)[:, None] * np.array(color) / 255).astype(np.uint8)[None]
    coverages = cv2.merge([coverage] * 3)
    rest = cv2.multiply(pixels, 255 - coverages, scale=1 / 255)
    pixels[:] = cv2.add(rest, cv2.LUT(coverages, levels))


def dim(pixels: RgbArray, inside: GrayImage, darkness: float, softness: float) -> RgbArray:
    """Darken an image (`darkness` 0..1), less so within `softness` pixels of the objects."""
    dark = np.asarray(cv2.convertScaleAbs(pixels, alpha=1 - darkness), np.uint8)
    if softness < 1 or not inside.any():
        return dark
    area = bounding_area(inside).grown(2 * softness, (inside.shape[0], inside.shape[1]))
    cell = max(1, int(softness / 8))
    rows, columns = (-(-side // cell) for side in area.size)
    small = cv2.resize(inside[area.part], (columns, rows), interpolation=cv2.INTER_AREA)
    light = cv2.GaussianBlur(small, (0, 0), max(0.3, softness / cell / 1.5), borderType=cv2.BORDER_REPLICATE)
    levels = 255 * (1 - darkness * (1 - light.astype(np.float32) / 255))
    factors = cv2.resize(np.rint(levels).astype(np.uint8), area.size[::-1], interpolation=cv2.INTER_LINEAR)
    dark[area.part] = cv2.multiply(pixels[area.part], cv2.merge([factors] * 3), scale=1 / 255)
    return dark


def desaturate(pixels: RgbArray, amount: float) -> RgbArray:
    """Reduce the saturation; gray for an amount of 1."""
    gray = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(gray if amount == 1 else cv2.addWeighted(gray, amount, pixels, 1 - amount, 0), np.uint8)


def gradient(top: Rgb, bottom: Rgb, size: Size) -> RgbArray:
    """(H, W, 3): a vertical gradient between two colors."""
    share = ((np.arange(size[0]) + 0.5) / size[0])[:, None]
    rows = np.rint(np.array(top) * (1 - share) + np.array(bottom) * share).astype(np.uint8)
    return np.repeat(rows[:, None], size[1], axis=1)


def cover(image: RgbArray, size: Size) -> RgbArray:
    """The center of an image, scaled to fill this size (like CSS's object-fit: cover)."""
    (height, width), (old_height, old_width) = size, image.shape[:2]
    scale = max(height / old_height, width / old_width)
    shown_height, shown_width = min(old_height, round(height / scale)), min(old_width, round(width / scale))
    top, left = (old_height - shown_height) // 2, (old_width - shown_width) // 2
    center = image[top : top + max(1, shown_height), left : left + max(1, shown_width)]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(center, (width, height), interpolation=interpolation), np.uint8)


def color_background(layer: Layer, size: Size) -> RgbArray:
    """The background of a "color" or "gradient" layer."""
    names = ("top", "bottom") if layer.effect == "gradient" else ("color", "color")
    first, second = (rgb_of(layer.text(name)) for name in names)
    return gradient(first, second, size)
