"""What may be told to visitors, whatever an error or a network says."""

from __future__ import annotations

import math
import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

MAX_CHARACTERS = 1000
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{4,}")
_FOLDERS = re.compile(
    r"""(?<![\w:/.\\-])(?:/(?:[^\s/'"<>|:,;()]+/)+|[A-Za-z]:\\(?:[^\\/'"<>|:,;()\n]+\\)+)(?=[^\s/\\])"""
)
_LONG_NUMBER = re.compile(r"\d{30,}")


def public_text(text: str) -> str:
    """The text without folders of this machine, addresses in its memory and endless numbers."""
    text = _FOLDERS.sub("", _ADDRESS.sub("", text))
    text = _LONG_NUMBER.sub(lambda found: f"{found[0][:6]}…", text)
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def finite(score: float) -> float:
    """The score, 0 where a network gave none."""
    return score if math.isfinite(score) else 0.0


PublicText: TypeAlias = Annotated[str, AfterValidator(public_text)]
Score: TypeAlias = Annotated[float, AfterValidator(finite)]
