"""What all commands share about the terminal."""

from __future__ import annotations

import sys
from io import TextIOWrapper


def tolerate_odd_letters() -> None:
    """Let names of files and classes hold letters that a pipe or an old terminal does not know."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
