"""Limits of JSON text that hold before it is parsed: how long it is, how deep it nests, how much stands in it.

A parser takes hundreds of nanoseconds for each element, however short the text, and holds Python's lock meanwhile;
these checks take a few nanoseconds for each character.
"""

from __future__ import annotations

from dataclasses import dataclass

from sam2_core.errors import BadPrompt

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")


@dataclass(frozen=True, slots=True)
class StructureLimits:
    """What a text may have at most.

    Attributes:
        max_length: characters of a message, or bytes of a body.
        max_elements: values in lists and objects, strings among them.
        max_depth: lists and objects inside each other.
    """

    max_length: int
    max_elements: int
    max_depth: int

    def check(self, text: str | bytes) -> None:
        """Raise `BadPrompt` where the text has more. Text that is no JSON passes or not: the parser decides on it."""
        if len(text) > self.max_length:
            raise BadPrompt("This message is too long.")
        plain = text.encode("utf-8", "replace") if isinstance(text, str) else text
        outside = self._outside_strings(plain)
        if outside.count(b",") + outside.count(b"[") + outside.count(b"{") > self.max_elements:
            raise BadPrompt("This message has too many parts.")
        brackets = outside.translate(_AS_SQUARE, _NOT_BRACKETS)
        for _ in range(self.max_depth):
            if not brackets:
                return
            brackets = brackets.replace(b"[]", b"")  # the innermost ones
        if brackets:
            raise BadPrompt("This message is nested too deeply, or incomplete.")

    def _outside_strings(self, text: bytes) -> bytes:
        if b"\\" in text:
            text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
        if text.count(b'"') > 4 * self.max_elements + 4:  # two strings, a name and a value, for each comma
            raise BadPrompt("This message has too many parts.")
        return b"".join(text.split(b'"')[::2])
