"""Which part of a source is seen in a result, and how large."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from sam2_core.errors import MediaError
from sam2_core.media.draw import crop
from sam2_core.media.effects.effect_stack import EffectStack
from sam2_core.media.effects.matting import REACH
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import FrameMasks

_FADES = 1.5  # times the length that is set, until nothing is left
_NOTHING = "Nothing is selected, so there is nothing to crop to. Select something first."


@dataclass(frozen=True, slots=True)
class Box:
    """Whole pixels; `right` and `bottom` are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int

    def around(self, other: Box) -> Box:
        """The smallest box that holds both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Box(left, top, max(self.right, other.right), max(self.bottom, other.bottom))

    def grown(self, margin: int, height: int, width: int) -> Box:
        """The same with a margin, as far as the picture goes."""
        right, bottom = min(width, self.right + margin), min(height, self.bottom + margin)
        return Box(max(0, self.left - margin), max(0, self.top - margin), right, bottom)


@dataclass(frozen=True, slots=True)
class Geometry:
    """The source is brought to `height` x `width` and painted; `box` is what is kept of that."""

    height: int
    width: int
    box: Box

    def cut(self, picture: RgbArray) -> RgbArray:
        """The part (H, W, C) of a painted picture that is kept."""
        return picture[self.box.top : self.box.bottom, self.box.left : self.box.right]


def common_box(found: Iterable[FrameMasks]) -> Box:
    """The box of all that the objects ever take up. Raises `MediaError` where that is nothing."""
    common: Box | None = None
    for each in (each for masks in found for each in masks.objects if each.mask.area):
        _, (left, top, width, height) = crop(each.mask)
        box = Box(left, top, left + width, top + height)
        common = common.around(box) if common else box
    if common is None:
        raise MediaError(_NOTHING)
    return common


def wished_box(media: MaskedMedia, options: ExportOptions, report: ProgressReporter, share: float) -> Box | None:
    """The box to which an order crops a clip, one for all its frames; none where it does not."""
    return common_box(media.iterate("Looking where the objects are", report, share)) if options.cropped else None


def reach(look: EffectStack) -> float:
    """How far a look draws beyond the masks, in thousandths of the shorter side: where edges are fitted to the picture
    or fade, and with marks around them."""
    edges = look.matte * REACH + look.feather * _FADES
    drawn = [each.number("width") for each in look.layers if each.effect == "outline"]
    drawn += [each.number("size") * _FADES for each in look.layers if each.effect == "glow"]
    return edges + max(drawn, default=0.0)


def arrange(
    height: int,
    width: int,
    options: ExportOptions,
    box: Box | None,
    *,
    largest_side: int = 0,
    even: bool = False,
    aspect: Fraction = Fraction(1),
) -> Geometry:
    """How a source of this size is shown, cropped to `box` (of source pixels) if there is one.

    `largest_side` bounds the result (0 does not), which is never enlarged, except that pixels that are `aspect` times
    as wide as high are made square. With `even` a box grows to even sides where there is room.
    """
    kept = box.grown(math.ceil(reach(options.effects) * min(height, width) / 1000), height, width) if box else None
    kept, beside = kept or Box(0, 0, width, height), 2 if options.side_by_side else 1
    stretch_x, stretch_y = float(max(aspect, Fraction(1))), float(max(1 / aspect, Fraction(1)))
    longest = max((kept.right - kept.left) * stretch_x * beside, (kept.bottom - kept.top) * stretch_y)
    factor = min(1.0, largest_side / longest) if largest_side else 1.0
    most = largest_side or round(longest)
    wide, left, right = _scaled(width, kept.left, kept.right, factor * stretch_x, most // beside, even)
    high, top, bottom = _scaled(height, kept.top, kept.bottom, factor * stretch_y, most, even)
    return Geometry(high, wide, Box(left, top, right, bottom))


def check_side(geometry: Geometry, options: ExportOptions, longest: int, title: str) -> None:
    """Raise `MediaError` where a result is larger than such a file can be."""
    box = geometry.box
    side = max((box.right - box.left) * (2 if options.side_by_side else 1), box.bottom - box.top)
    if side > longest:
        raise MediaError(f"{title} holds up to {longest} pixels a side, and this has {side}. Choose a smaller size.")


def _scaled(length: int, begin: int, end: int, factor: float, most: int, even: bool) -> tuple[int, int, int]:
    """One axis: the painted length, and where on it the part of at most `most` pixels begins and ends."""
    painted = max(1, round(length * factor))
    part = max(1, min(round((end - begin) * factor), most, painted))
    begin = min(round(begin * factor), painted - part)
    end = begin + part
    if even and part % 2 and part < painted:
        begin, end = (begin, end + 1) if end < painted else (begin - 1, end)
    return painted, begin, end
