"""Telling a caller how far long work has come, a few times a second at most."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

MediaProgress: TypeAlias = Callable[[float, str], None]
"""Called with the finished fraction (0..1) and what is being done. To cancel the work, raise: the work cleans up
after itself and lets the exception through."""

_INTERVAL = 0.2


class ProgressReporter:
    """Hands on reports no more often than every 0.2 s; the first and the last one always pass."""

    def __init__(self, progress: MediaProgress | None) -> None:
        self._progress = progress
        self._next = 0.0

    def __call__(self, fraction: float, message: str) -> None:
        """Report; whatever the caller's function raises passes through."""
        now = time.monotonic()
        if self._progress is not None and (now >= self._next or fraction >= 1):
            self._next = now + _INTERVAL
            self._progress(min(max(fraction, 0.0), 1.0), message)
