"""The command line: `python -m sam2_core --help`, or `masklet --help` where the package is installed."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from sam2_core.cli.main import main
from sam2_core.console import replace_unencodable


def run() -> int:
    """Run the command of this process; returns the exit code."""
    replace_unencodable()
    signal.signal(signal.SIGTERM, _interrupt)  # batch systems end jobs with SIGTERM; clean up as after Ctrl-C
    return main(sys.argv[1:])


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(run())
