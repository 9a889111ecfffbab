"""Coordinates of points and boxes: pixels, or per cent of the width or height."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sam2_core.errors import BadPrompt
from sam2_core.types import Box, Point

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*%?"
_LISTED = re.compile(rf"\s*{_NUMBER}\s*(?:,\s*{_NUMBER}\s*)+")


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A number of pixels or, with `is_share`, per cent of a length."""

    value: float
    is_share: bool = False

    def __str__(self) -> str:
        return f"{self.value:g}{'%' if self.is_share else ''}"

    def within(self, length: int) -> float:
        """The coordinate in pixels along a side of this length."""
        return self.value * length / 100 if self.is_share else self.value


def read_coordinates(text: str) -> tuple[Coordinate, ...]:
    """Coordinates with commas between them, such as `10,20` or `50%,12.5`. Raises `ValueError`."""
    if not _LISTED.fullmatch(text):
        raise ValueError(f"{text!r} are no coordinates")
    return tuple(_read(part.strip()) for part in text.split(","))


def are_coordinates(text: str) -> bool:
    """Whether the text is a list of coordinates; one that begins with a minus sign is no option then."""
    return _LISTED.fullmatch(text) is not None


def in_pixels(plain: Any, length: int) -> Any:
    """A coordinate of JSON data in pixels: a text such as "50%" is converted, anything else stays as it is."""
    if not isinstance(plain, str) or not re.fullmatch(_NUMBER, plain.strip()):
        return plain
    return _read(plain.strip()).within(length)


def point_within(values: Sequence[Coordinate], positive: bool, height: int, width: int) -> Point:
    """A point (x, y) of a picture of this size. Raises `BadPrompt` for one outside of it."""
    x, y = values[0].within(width), values[1].within(height)
    if not (0 <= x <= width and 0 <= y <= height):
        raise BadPrompt(f"The point {values[0]},{values[1]} lies outside of the picture, {_size(height, width)}.")
    return Point(x, y, positive)


def box_within(values: Sequence[Coordinate], height: int, width: int) -> tuple[Box, str]:
    """The part of a box (left, top, right, bottom, corners in any order) that lies in a picture of this size, and a
    note if that is not all of it. Raises `BadPrompt` for a box that is empty or outside."""
    text = ",".join(map(str, values))
    edges = (value.within(length) for value, length in zip(values, (width, height, width, height), strict=True))
    box = Box(*edges).sorted()
    if box.left == box.right or box.top == box.bottom:
        raise BadPrompt(f"The box {text} is empty: give two opposite corners of a rectangle, L,T,R,B.")
    inside = Box(max(box.left, 0), max(box.top, 0), min(box.right, width), min(box.bottom, height))
    if box.right <= 0 or box.bottom <= 0 or box.left >= width or box.top >= height:
        raise BadPrompt(f"The box {text} lies outside of the picture, {_size(height, width)}.")
    note = f"the box {text} reaches out of the picture ({width} x {height} pixels) and is cut at its edges"
    return inside, "" if inside == box else note


def _read(text: str) -> Coordinate:
    return Coordinate(float(text.rstrip("% ")), text.endswith("%"))


def _size(height: int, width: int) -> str:
    return f"which has {width} x {height} pixels"
