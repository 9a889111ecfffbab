"""What a command says: results on stdout, all else on stderr."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any

_BAR = 24  # letters
_REDRAW, _NEW_LINE = 0.1, 10.0  # seconds between two reports, on a terminal and in a log


class Terminal:
    """Progress is a bar on a terminal and now and then a line in a log; `quiet` leaves only results and errors.

    With `as_json` each result is one line of JSON.
    """

    def __init__(self, quiet: bool = False, as_json: bool = False) -> None:
        self.as_json = as_json
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._drawn = False
        self._about = ""
        self._next = 0.0

    def result(self, plain: Mapping[str, Any], text: str) -> None:
        """One result: as data, or as text (empty: nothing)."""
        self._clear()
        if self.as_json:
            print(json.dumps(plain, ensure_ascii=False), flush=True)
        elif text:
            print(text, flush=True)

    def note(self, text: str) -> None:
        """Something good to know."""
        if not self._quiet:
            self._say(text)

    def error(self, text: str) -> None:
        """Something that went wrong."""
        self._say(f"error: {text}")

    def begin(self, about: str) -> None:
        """What the progress from now on is about."""
        self._about = about
        self._next = time.monotonic() + (_REDRAW if self._live else _NEW_LINE)

    def progress(self, fraction: float | None, message: str) -> None:
        """How far it is, 0..1 (None: cannot be told)."""
        now = time.monotonic()
        if self._quiet or now < self._next:
            return
        self._next = now + (_REDRAW if self._live else _NEW_LINE)
        if self._live:
            self._draw(fraction, message)
        else:
            share = "" if fraction is None else f" {fraction:.0%}"
            self._say(f"{self._about}: {message}{share}")

    def _draw(self, fraction: float | None, message: str) -> None:
        filled = round(_BAR * (fraction or 0.0))
        share = "    " if fraction is None else f"{fraction:4.0%}"
        line = f"{share} [{'█' * filled}{'·' * (_BAR - filled)}] {self._about}: {message}"
        columns = shutil.get_terminal_size().columns
        print(f"\r\x1b[K{line[: columns - 1]}", end="", file=sys.stderr, flush=True)
        self._drawn = True

    def _say(self, text: str) -> None:
        self._clear()
        print(text, file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        self._drawn = False
