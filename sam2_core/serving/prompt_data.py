"""Prompts in files, as people and the page write them: every value is checked before it counts."""

from __future__ import annotations

from typing import Any

from sam2_core.errors import BadPrompt
from sam2_core.types import LAST_CHOICE, MAX_MASK_LENGTH, Box, Mask, Point, Prompt

MAX_POINTS, MAX_BOXES = 256, 64  # more than the engine takes of one object on one frame
FIELDS = ("points", "boxes", "mask", "choice", "crop")


def require(right: Any, what: str) -> None:
    """Raise `BadPrompt` naming the part of the file that is not right."""
    if not right:
        raise BadPrompt(f"This file is damaged: {what} cannot be read. Save it again, or correct it there.")


def is_number(value: Any) -> bool:
    """Whether it is a finite number of JSON; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def is_whole(value: Any, minimum: int, maximum: int) -> bool:
    """Whether it is a whole number between two bounds."""
    return is_number(value) and minimum <= value <= maximum and value == int(value)


def read_prompt(plain: Any, height: int, width: int) -> Prompt:
    """Read what `Prompt.to_json` wrote about a frame of this size; raises `BadPrompt`. Other fields are ignored."""
    require(isinstance(plain, dict), "a prompt")
    points, boxes, mask, choice, crop = (plain.get(name) for name in FIELDS)
    points, boxes = [] if points is None else points, [] if boxes is None else boxes
    require(isinstance(points, list) and len(points) <= MAX_POINTS, "the points of a prompt")
    require(isinstance(boxes, list) and len(boxes) <= MAX_BOXES, "the boxes of a prompt")
    require(choice is None or is_whole(choice, 0, LAST_CHOICE), f"the choice of a prompt (0 to {LAST_CHOICE})")
    return Prompt(
        tuple(_point(each, height, width) for each in points),
        tuple(_box(each, height, width) for each in boxes),
        None if mask is None else read_mask(mask, height, width),
        None if choice is None else int(choice),
        None if crop is None else _box(crop, height, width),
    )


def _are_numbers(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(map(is_number, value))


def _point(plain: Any, height: int, width: int) -> Point:
    require(_are_numbers(plain, 3), "a point ([x, y, 1 or 0])")
    x, y, positive = plain
    require(0 <= x <= width and 0 <= y <= height, f"a point outside of the {width} x {height} frame")
    return Point(float(x), float(y), bool(positive))


def _box(plain: Any, height: int, width: int) -> Box:
    require(_are_numbers(plain, 4), "a box ([left, top, right, bottom])")
    left, top, right, bottom = plain
    inside = all(0 <= x <= width for x in (left, right)) and all(0 <= y <= height for y in (top, bottom))
    require(inside, f"a box outside of the {width} x {height} frame")
    return Box(*map(float, plain))


def read_mask(plain: Any, height: int, width: int) -> Mask:
    """A mask of this size, as COCO run lengths. Raises `BadPrompt`."""
    require(isinstance(plain, dict) and isinstance(plain.get("counts"), str), "a mask (COCO run lengths)")
    require(len(plain["counts"]) <= MAX_MASK_LENGTH, "a mask that is this intricate")
    require(plain.get("size") == [height, width], f"a mask that is not {width} x {height} pixels")
    return Mask.from_coco(plain)
