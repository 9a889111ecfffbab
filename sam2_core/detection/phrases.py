"""A text as phrases: "dog, wheel of a car." names two kinds of objects."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sam2_core.errors import BadPrompt

MAX_PHRASES = 100
MAX_PHRASE_LENGTH = 80
MAX_TEXT_LENGTH = 2 * MAX_PHRASES * MAX_PHRASE_LENGTH
_SEPARATORS = re.compile(r"[.,;\n\r、。，；]")


def read_phrases(text: str | Sequence[str]) -> tuple[str, ...]:
    """The phrases of a text, separated by commas, dots (Grounding DINO's form), semicolons or line breaks.

    A list is taken as the phrases themselves. White space is normalized; a phrase that comes again is left out, in
    whichever case. Raises `BadPrompt` where there is none, or where they are too many or too long.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise BadPrompt(
            f"This text is too long: at most {MAX_PHRASES} phrases can be looked for at a time. Shorten it."
        )
    parts = _SEPARATORS.split(text) if isinstance(text, str) else text
    phrases: dict[str, str] = {}
    for part in parts:
        if not isinstance(part, str):
            raise BadPrompt(f"A phrase is a text, not {type(part).__name__}.")
        phrase = " ".join("".join(each if each.isprintable() else " " for each in part).split())
        if len(phrase) > MAX_PHRASE_LENGTH:
            raise BadPrompt(f"The phrase “{phrase[:40]}…” is longer than {MAX_PHRASE_LENGTH} characters. Shorten it.")
        if any(map(str.isalnum, phrase)):
            phrases.setdefault(phrase.casefold(), phrase)
    if not phrases:
        raise BadPrompt('Say in words what to find, with commas between several things: "dog, wheel".')
    if len(phrases) > MAX_PHRASES:
        raise BadPrompt(f"At most {MAX_PHRASES} phrases can be looked for at a time; these are {len(phrases)}.")
    return tuple(phrases.values())
