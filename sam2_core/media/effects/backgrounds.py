"""What lies behind the objects."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sam2_core.media.draw import Rgb, rgb_of
from sam2_core.media.effects.effect_stack import Layer
from sam2_core.media.effects.scaled_masks import Area, Plane, Size
from sam2_core.media.info import RgbArray


@dataclass(slots=True)
class Canvas:
    """Pixels (H, W, 3) that layers draw on, one above the other. `opacity` (H, W) says how much of each is there; None:
    all. Colors are those of what is there, unmixed. `shows_source`: the picture's own background is still seen."""

    pixels: RgbArray
    opacity: Plane | None = None
    shows_source: bool = True

    def clear(self) -> None:
        """Take everything away."""
        self.shows_source = False
        self.pixels = np.zeros_like(self.pixels)
        self.opacity = np.zeros(self.pixels.shape[:2], np.uint8)

    def replace(self, pixels: RgbArray) -> None:
        """Put something opaque in the place of everything."""
        self.pixels, self.opacity, self.shows_source = pixels.copy(), None, False

    @property
    def size(self) -> Size:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def paint(self, color: Rgb, coverage: Plane, area: Area) -> None:
        """Paint in one color; `coverage` is of the area's size."""
        if self.opacity is None:
            tinted(self.pixels[area.part], color, coverage)
            return
        below, opacity, drawn = self.pixels[area.part], self.opacity[area.part], coverage > 0
        share = coverage[drawn].astype(np.uint16)
        rest = (opacity[drawn] * (255 - share) + 127) // 255
        weight = (share / (share + rest))[:, None]
        below[drawn] = np.rint(np.array(color) * weight + below[drawn] * (1 - weight)).astype(np.uint8)
        opacity[drawn] = (share + rest).astype(np.uint8)

    def lay_over(self, above: RgbArray, alpha: Plane, area: Area) -> None:
        """Lay other pixels on an area of it; `alpha` is how much of each they cover."""
        below = self.pixels[area.part]
        if self.opacity is None:
            return lay_over(below, above, alpha)
        share, opacity = alpha.astype(np.uint16), self.opacity[area.part]
        joined = share + (opacity * (255 - share) + 127) // 255
        # Where there is nothing at all, the colors above are kept, so that a smaller copy has clean edges.
        weight = np.where(joined > 0, (255 * share + joined // 2) // np.maximum(joined, 1), 255)
        lay_over(below, above, weight.astype(np.uint8))
        opacity[:] = joined
        return None


def lay_over(below: RgbArray, above: RgbArray, alpha: Plane) -> None:
    """Lay pixels over others, in place; `alpha` (H, W) is how much of each is covered. Where both are alike, nothing
    changes: the two products are never rounded in the same direction."""
    shares = cv2.merge([alpha] * 3)
    below[:] = cv2.add(cv2.multiply(above, shares, scale=1 / 255), cv2.multiply(below, 255 - shares, scale=1 / 255))


def tinted(pixels: RgbArray, color: Rgb, coverage: Plane) -> None:
    """Paint on pixels (H, W, 3) in one color, in place."""
    levels = np.rint(np.arange(256)[:, None] * np.array(color) / 255).astype(np.uint8)[None]
    coverages = cv2.merge([coverage] * 3)
    rest = cv2.multiply(pixels, 255 - coverages, scale=1 / 255)
    pixels[:] = cv2.add(rest, cv2.LUT(coverages, levels))


def dimmed(pixels: RgbArray, inside: Plane, darkness: float, softness: float) -> RgbArray:
    """All of it darker, less so near the objects: the light around them ends within `softness` pixels."""
    dark = cv2.convertScaleAbs(pixels, alpha=1 - darkness)
    if softness < 1 or not inside.any():
        return np.asarray(dark, np.uint8)
    x, y, width, height = cv2.boundingRect(inside)
    area = Area(x, y, x + width, y + height).grown(2 * softness, inside.shape)
    cell = max(1, int(softness / 8))
    rows, columns = (-(-side // cell) for side in area.size)
    small = cv2.resize(inside[area.part], (columns, rows), interpolation=cv2.INTER_AREA)
    light = cv2.GaussianBlur(small, (0, 0), max(0.3, softness / cell / 1.5), borderType=cv2.BORDER_REPLICATE)
    levels = 255 * (1 - darkness * (1 - light.astype(np.float32) / 255))
    factors = cv2.resize(np.rint(levels).astype(np.uint8), area.size[::-1], interpolation=cv2.INTER_LINEAR)
    dark[area.part] = cv2.multiply(pixels[area.part], cv2.merge([factors] * 3), scale=1 / 255)
    return np.asarray(dark, np.uint8)


def desaturated(pixels: RgbArray, amount: float) -> RgbArray:
    """Less colorful; gray where the amount is 1."""
    gray = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(gray if amount == 1 else cv2.addWeighted(gray, amount, pixels, 1 - amount, 0), np.uint8)


def gradient(top: Rgb, bottom: Rgb, size: Size) -> RgbArray:
    """(H, W, 3): one color at the upper edge, another at the lower one."""
    share = ((np.arange(size[0]) + 0.5) / size[0])[:, None]
    rows = np.rint(np.array(top) * (1 - share) + np.array(bottom) * share).astype(np.uint8)
    return np.repeat(rows[:, None], size[1], axis=1)


def covering(picture: RgbArray, size: Size) -> RgbArray:
    """The middle of a picture, scaled so that it fills this size."""
    (height, width), (old_height, old_width) = size, picture.shape[:2]
    scale = max(height / old_height, width / old_width)
    shown_height, shown_width = min(old_height, round(height / scale)), min(old_width, round(width / scale))
    top, left = (old_height - shown_height) // 2, (old_width - shown_width) // 2
    middle = picture[top : top + max(1, shown_height), left : left + max(1, shown_width)]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(middle, (width, height), interpolation=how), np.uint8)


def plain(layer: Layer, size: Size) -> RgbArray:
    """A background of one color or of two."""
    names = ("top", "bottom") if layer.effect == "gradient" else ("color", "color")
    first, second = (rgb_of(layer.text(name)) for name in names)
    return gradient(first, second, size)
