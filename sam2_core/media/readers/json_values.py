"""Typed values from untrusted JSON."""

from __future__ import annotations

import json
import math
from typing import Any, TypeAlias

from sam2_core.errors import MediaError

Key: TypeAlias = int | str | None
"""An id in a file."""


def parse_json(data: bytes) -> Any:
    """Parse JSON; raises `MediaError` for anything else."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError) as error:
        raise MediaError("The file is damaged or cut off: it is no JSON. Export it again.") from error


def value_of(plain: Any, key: str) -> Any:
    """The value of a key; None if there is none or `plain` is not a JSON object."""
    return plain.get(key) if isinstance(plain, dict) else None


def objects_of(plain: Any, key: str) -> list[dict[str, Any]]:
    """The JSON objects in a list; other items are ignored."""
    listed = value_of(plain, key)
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def text_of(plain: Any, key: str) -> str:
    """A string, "" if there is none."""
    value = value_of(plain, key)
    return value if isinstance(value, str) else ""


def whole_of(plain: Any, key: str) -> int | None:
    """An integer from 0 on, also if written as 3.0 or "3"."""
    value = value_of(plain, key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**9:
        return None
    return int(value) if value == int(value) else None


def key_of(plain: Any, *names: str) -> Key:
    """The first of these values that is an integer or a string, as an id."""
    for name in names:
        value = value_of(plain, name)
        if isinstance(value, int | str) and not isinstance(value, bool):
            return value
    return None


def floats_of(value: Any, count: int) -> tuple[float, ...] | None:
    """A list of this many finite numbers, or None."""
    if not isinstance(value, list) or len(value) != count:
        return None
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
        return None
    try:
        numbers = tuple(float(each) for each in value)
    except OverflowError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
