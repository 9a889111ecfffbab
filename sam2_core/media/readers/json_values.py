"""Typed values from untrusted JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Generic, TypeAlias, TypeVar

from sam2_core.errors import MediaError

Key: TypeAlias = int | str | None
"""An id in a file."""
T = TypeVar("T")

_WHOLE_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]{0,17}))(?:\.0{1,18})?")
_PADDED_NUMBER = re.compile(r"0{1,18}([0-9]{1,18})")


def parse_json(text: str) -> Any:
    """Parse JSON; raises `MediaError` for anything else."""
    try:
        return json.loads(text, strict=False)  # line breaks within strings
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
    """A string, or a number as one, since labels may be numbers; "" if there is none."""
    value = value_of(plain, key)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    return value if isinstance(value, str) else ""


def whole_of(plain: Any, key: str) -> int | None:
    """An integer from 0 on, also if written as 3.0 or "3"."""
    value = value_of(plain, key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**9:
        return None
    return int(value) if value == int(value) else None


def id_of(value: object) -> Key:
    """An id in a form in which ids that mean the same are equal: 1 for 1, 1.0, "1" and "1.0"; None if it is none."""
    if isinstance(value, str):
        text = value.strip()
        match = _WHOLE_NUMBER.fullmatch(text)
        return int(match[1]) if match else text or None
    if isinstance(value, float):
        return (int(value) if value.is_integer() else repr(value)) if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def key_of(plain: Any, *names: str) -> Key:
    """The first of these values that is an id, as `id_of` gives it."""
    return next((key for name in names if (key := id_of(value_of(plain, name))) is not None), None)


class IdMap(Generic[T]):
    """Values by id, where programs write the same id as a number in one place and as text in another.

    An id is looked for as it is written, then as `id_of` gives it, then without leading zeros.
    """

    def __init__(self, items: Iterable[tuple[object, T]] = ()) -> None:
        self._tables: tuple[dict[Key, tuple[T, ...]], ...] = ({}, {}, {})
        for written, value in items:
            for table, key in zip(self._tables, _forms_of(written), strict=True):
                found = table.get(key, ())
                if key is not None and len(found) < 2 and value not in found:
                    table[key] = (*found, value)

    def find(self, written: object) -> tuple[T, ...]:
        """The value of this id; empty if there is none, and two of them if several different ones have it."""
        for table, key in zip(self._tables, _forms_of(written), strict=True):
            if key in table:
                return table[key]
        return ()

    def get(self, written: object) -> T | None:
        """The only value of this id."""
        found = self.find(written)
        return found[0] if len(found) == 1 else None


def _forms_of(written: object) -> tuple[Key, Key, Key]:
    key = id_of(written)
    match = _PADDED_NUMBER.fullmatch(key) if isinstance(key, str) else None
    exact = written if isinstance(written, str) and key is not None else key
    return exact, key, (int(match[1]) if match else key)


def floats_of(value: object, count: int) -> tuple[float, ...] | None:
    """This many finite numbers, also if they, or the whole list, are written as text; else None."""
    if isinstance(value, str) and len(value) < 100 * count:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, list) or len(value) != count or any(isinstance(each, bool) for each in value):
        return None
    try:
        numbers = tuple(float(each) for each in value)
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
