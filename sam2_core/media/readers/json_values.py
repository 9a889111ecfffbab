"""Plain data from anywhere: nothing in it is what it should be until it was looked at."""

from __future__ import annotations

import json
import math
from typing import Any, TypeAlias

from sam2_core.errors import MediaError

Key: TypeAlias = int | str | None
"""What tells things apart in a file; None is nothing's."""


def parse_json(data: bytes) -> Any:
    """JSON from a file's bytes; raises `MediaError` for anything else."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError) as error:
        raise MediaError("The file is damaged or cut off: it is no JSON. Export it again.") from error


def items_of(plain: Any, key: str) -> list[dict[str, Any]]:
    """The objects in a list of an object; what is none is left out."""
    listed = plain.get(key) if isinstance(plain, dict) else None
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def text_of(plain: Any, key: str) -> str:
    """A text of an object, "" where there is none."""
    value = plain.get(key) if isinstance(plain, dict) else None
    return value if isinstance(value, str) else ""


def whole_of(plain: Any, key: str) -> int | None:
    """A whole number from 0 on of an object, also where it is written as 3.0 or "3"."""
    value = plain.get(key) if isinstance(plain, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**9:
        return None
    return int(value) if value == int(value) else None


def key_of(plain: Any, *names: str) -> Key:
    """The first of these that is a number or a text, as something to tell things apart by."""
    for name in names:
        value = plain.get(name) if isinstance(plain, dict) else None
        if isinstance(value, int | str) and not isinstance(value, bool):
            return value
    return None


def floats_of(value: Any, count: int) -> tuple[float, ...] | None:
    """So many finite numbers, or None."""
    if not isinstance(value, list) or len(value) != count:
        return None
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
        return None
    try:
        numbers = tuple(float(each) for each in value)
    except OverflowError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
