"""Starts Masklet: reads the settings, loads the network in the background and serves the page.

python app.py --help
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sam2_core.errors import MaskletError
from sam2_core.serving.engine import Engine
from sam2_core.serving.startup import Startup
from sam2_core.types import Progress
from ui.server import Server
from ui.settings import Settings, load_settings


def engine_builder(settings: Settings) -> Callable[[Progress], Engine]:
    """The function that loads the network; torch is imported in its thread, so that the page is there at once."""

    def build(progress: Progress) -> Engine:
        progress(None, "Starting up")
        from sam2_core.serving.build import build_engine, choose_devices, display_name
        from sam2_core.serving.local import EngineLimits

        limits = EngineLimits(max_sessions=settings.max_sessions, max_objects=settings.max_objects)
        try:
            engine = build_engine(settings.model, settings.device, progress, settings.checkpoint or None, limits)
        except MaskletError as error:
            print(error, file=sys.stderr)
            given = settings.checkpoint or settings.model  # strangers need not know where files lie on this machine
            raise type(error)(str(error).replace(given, Path(given).name)) from error
        devices = ", ".join(map(str, choose_devices(settings.device)))
        progress(1.0, f"{display_name(settings.model, settings.checkpoint or None)} · {devices}")
        return engine

    return build


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Serve until interrupted; returns the exit status."""
    try:
        settings = load_settings(arguments, environment)
    except MaskletError as error:
        print(error, file=sys.stderr)
        return 2
    Server(settings, Startup(engine_builder(settings))).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
