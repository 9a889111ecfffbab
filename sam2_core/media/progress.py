"""Progress callbacks of long work, called a few times a second at most."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

MediaProgress: TypeAlias = Callable[[float, str], None]
"""Called with the finished fraction (0..1) and a description. It may raise to cancel the work, which then cleans up and
lets the exception through."""

_INTERVAL = 0.2


class ProgressReporter:
    """Calls a progress callback at most every 0.2 s; the first report and those of 1.0 always pass."""

    def __init__(self, progress: MediaProgress | None = None) -> None:
        self._progress = progress
        self._next = 0.0
        self._last = (0.0, "")

    def __call__(self, fraction: float, message: str) -> None:
        """Report; raises what the callback raises."""
        self._last = (fraction, message)
        now = time.monotonic()
        if self._progress is not None and (now >= self._next or fraction >= 1):
            self._next = now + _INTERVAL
            self._progress(min(max(fraction, 0.0), 1.0), message)

    def repeat(self, fraction: float = 0.0, message: str = "") -> None:
        """Report the same as last time instead: for a part of the work that may be ended but is not measured."""
        self(*self._last)


SILENT = ProgressReporter()
