"""Output of all commands to the terminal: results on stdout, everything else on stderr."""

from __future__ import annotations

import errno
import json
import re
import shutil
import sys
import time
from collections.abc import Mapping
from io import TextIOWrapper
from typing import Any

_BAR_WIDTH = 24  # characters
_REDRAW, _LOG_LINE = 0.1, 10.0  # minimum seconds between two progress reports, on a terminal and in a log

# Control characters but for line ends, and bidirectional overrides: names of files may hold them.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

_ROOM = " Make room there, and run the same command again."
_PERMISSION = " Change the permissions, or name another place."
_OS_ADVICE = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EROFS: _PERMISSION,
}


def printable(text: str) -> str:
    """Text that changes nothing else on a terminal; control characters are written as escapes."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def describe_os_error(error: OSError) -> str:
    """An error of a file or disk as a sentence, with what to do where that is known."""
    where = f"{error.filename2 or error.filename}: " if error.filename else ""  # the second one is being written to
    return f"{where}{error.strerror or error}.{_OS_ADVICE.get(error.errno or 0, '')}"


def replace_unencodable() -> None:
    """Let stdout and stderr replace characters that their encoding lacks, where they would raise an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


class Console:
    """Results, notes, errors and progress of one command.

    Progress is a bar on a terminal and an occasional line in a log. `quiet` leaves only results and errors. With
    `as_json` each result is one line of JSON.
    """

    def __init__(self, quiet: bool = False, as_json: bool = False) -> None:
        self.as_json = as_json
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._drawn = False
        self._task = ""
        self._next = 0.0  # time.monotonic() of the next progress report

    def result(self, plain: Mapping[str, Any], text: str) -> None:
        """Print one result, as JSON or as text (nothing if empty)."""
        self._clear()
        if self.as_json:
            print(json.dumps(plain, ensure_ascii=False), flush=True)
        elif text:
            print(printable(text) if sys.stdout.isatty() else text, flush=True)

    def note(self, text: str) -> None:
        """Print a message that `quiet` suppresses."""
        if not self._quiet:
            self._print(text)

    def error(self, text: str) -> None:
        """Print an error."""
        self._print(f"error: {text}")

    def begin(self, task: str) -> None:
        """Name the task that progress is reported for from now on."""
        self._task = task
        self._next = time.monotonic() + (_REDRAW if self._live else _LOG_LINE)

    def progress(self, fraction: float | None, message: str) -> None:
        """Report progress from 0 to 1 (None: unknown); calls in quick succession are dropped."""
        now = time.monotonic()
        if self._quiet or now < self._next:
            return
        self._next = now + (_REDRAW if self._live else _LOG_LINE)
        if self._live:
            self._draw(fraction, message)
        else:
            share = "" if fraction is None else f" {fraction:.0%}"
            self._print(f"{self._task}: {message}{share}")

    def _draw(self, fraction: float | None, message: str) -> None:
        filled = round(_BAR_WIDTH * (fraction or 0.0))
        share = "    " if fraction is None else f"{fraction:4.0%}"
        line = f"{share} [{'█' * filled}{'·' * (_BAR_WIDTH - filled)}] {printable(f'{self._task}: {message}')}"
        columns = shutil.get_terminal_size().columns
        print(f"\r\x1b[K{line[: columns - 1]}", end="", file=sys.stderr, flush=True)
        self._drawn = True

    def _print(self, text: str) -> None:
        self._clear()
        print(printable(text), file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        self._drawn = False
