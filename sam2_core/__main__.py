"""The command line: `python -m sam2_core --help`, or `masklet --help` where the package is installed."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from sam2_core.cli.main import main
from sam2_core.console import tolerate_odd_letters


def run() -> int:
    """Run the command of this process; returns the exit code."""
    tolerate_odd_letters()
    signal.signal(signal.SIGTERM, _interrupt)  # so that a batch system's end leaves nothing half done either
    return main(sys.argv[1:])


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(run())
