"""How often one visitor may speak."""

from __future__ import annotations

import time
from collections.abc import Callable

from sam2_core.errors import Busy


class Rate:
    """Allows a mean number of events a second and, after silence, two seconds' worth of them at once."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._clock = per_second, clock
        self._left, self._counted = 2 * per_second, clock()

    def count(self) -> None:
        """Count one event; raises `Busy` where it is one too many."""
        now = self._clock()
        self._left = min(2 * self._per_second, self._left + (now - self._counted) * self._per_second)
        self._counted = now
        if self._left < 1:
            raise Busy("That was too fast for the server. Wait a second and try again.")
        self._left -= 1
