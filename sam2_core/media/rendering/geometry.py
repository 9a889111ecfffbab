"""The region of a source that a result shows, and its size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from sam2_core.errors import MediaError
from sam2_core.media.draw import crop
from sam2_core.media.effects.effect_stack import EffectStack
from sam2_core.media.effects.matting import MATTE_REACH
from sam2_core.media.effects.scaled_masks import Area, enclosing_area
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import FrameMasks

_FADE = 1.5  # feathers and glows end at this multiple of their width


@dataclass(frozen=True, slots=True)
class Geometry:
    """The source is scaled to `height` x `width` and rendered, then cropped to `area`."""

    height: int
    width: int
    area: Area

    def crop(self, image: RgbArray) -> RgbArray:
        """The area (H, W, C) of a rendered image."""
        return image[self.area.part]


def covered_area(frames: Iterable[FrameMasks]) -> Area:
    """The bounding box of all masks on all frames. Raises `MediaError` if there are none."""
    boxes = (crop(each.mask)[1] for masks in frames for each in masks.objects if each.mask.area)
    areas = [Area(left, top, left + width, top + height) for left, top, width, height in boxes]
    if not areas:
        raise MediaError("Nothing is selected, so there is nothing to crop to. Select something first.")
    return enclosing_area(areas)


def crop_area(media: MaskedMedia, options: ExportOptions, report: ProgressReporter, share: float) -> Area | None:
    """The area to crop all frames of a clip to; None without the option."""
    return covered_area(media.iterate("Looking where the objects are", report, share)) if options.cropped else None


def effect_margin(stack: EffectStack) -> float:
    """How far mattes, feathers, outlines and glows extend beyond the masks, in thousandths of the shorter side."""
    edges = stack.matte * MATTE_REACH + stack.feather * _FADE
    marks = [layer.number("width") for layer in stack.layers if layer.effect == "outline"]
    marks += [layer.number("size") * _FADE for layer in stack.layers if layer.effect == "glow"]
    return edges + max(marks, default=0.0)


def compute_geometry(
    height: int,
    width: int,
    options: ExportOptions,
    area: Area | None,
    *,
    max_side: int = 0,
    even: bool = False,
    aspect: Fraction = Fraction(1),
) -> Geometry:
    """The geometry of a source of this size, cropped to `area` (in source pixels) if given.

    The result is scaled down to `max_side` (0: no bound) and never enlarged, except that pixels with another aspect
    ratio (`aspect`: width over height) are made square. With `even`, an area grows to even sides where there is room.
    """
    margin = effect_margin(options.effects) * min(height, width) / 1000
    area = area.grown(margin, (height, width)) if area else Area(0, 0, width, height)
    columns = 2 if options.side_by_side else 1
    stretch_x, stretch_y = float(max(aspect, Fraction(1))), float(max(1 / aspect, Fraction(1)))
    longest = max((area.right - area.left) * stretch_x * columns, (area.bottom - area.top) * stretch_y)
    factor = min(1.0, max_side / longest) if max_side else 1.0
    bound = max_side or round(longest)
    full_width, left, right = _scale_axis(width, area.left, area.right, factor * stretch_x, bound // columns, even)
    full_height, top, bottom = _scale_axis(height, area.top, area.bottom, factor * stretch_y, bound, even)
    return Geometry(full_height, full_width, Area(left, top, right, bottom))


def check_side(geometry: Geometry, options: ExportOptions, max_side: int, title: str) -> None:
    """Raise `MediaError` for a result that is larger than the file format allows."""
    height, width = geometry.area.size
    side = max(width * (2 if options.side_by_side else 1), height)
    if side > max_side:
        raise MediaError(f"{title} holds up to {max_side} pixels a side, and this has {side}. Choose a smaller size.")


def _scale_axis(length: int, begin: int, end: int, factor: float, max_length: int, even: bool) -> tuple[int, int, int]:
    """The scaled length of one axis, and begin and end of the cropped part of at most `max_length` pixels on it."""
    scaled = max(1, round(length * factor))
    part = max(1, min(round((end - begin) * factor), max_length, scaled))
    begin = min(round(begin * factor), scaled - part)
    end = begin + part
    if even and part % 2 and part < scaled:
        begin, end = (begin, end + 1) if end < scaled else (begin - 1, end)
    return scaled, begin, end
