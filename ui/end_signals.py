"""Signals that ask the server to end: Ctrl-C, those of containers, and those of a terminal that goes away."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")  # Windows has no more than the first two


class EndSignals:
    """Notes the first of these signals within its block; later ones are ignored, as cleaning up has begun then.

    Until `hold`, the signal also raises `KeyboardInterrupt`; afterwards whoever starts what needs cleaning up asks
    whether it `came`. A signal that was ignored before, as by nohup, stays so. The main thread must call.
    """

    def __init__(self) -> None:
        self.came = False
        self._raises = True
        self._former: dict[int, Any] = {}

    def hold(self) -> None:
        """From now on only note the signal; raises `KeyboardInterrupt` where one came already."""
        self._raises = False
        if self.came:
            raise KeyboardInterrupt

    def __enter__(self) -> EndSignals:
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        was_first, self.came = not self.came, True
        if was_first and self._raises:
            raise KeyboardInterrupt
