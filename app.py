"""Starts Masklet: reads the settings, loads the network in the background and serves the page.

    python app.py --help
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

for _name in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY"):  # before Gradio is imported; users may set them
    os.environ.setdefault(_name, "False" if _name.startswith("GRADIO") else "1")
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "50")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "100000")

from sam2_core.errors import MaskletError
from sam2_core.serving.engine import Engine
from sam2_core.serving.startup import Progress, Startup
from ui.server import Server
from ui.settings import Settings, load_settings


def engine_builder(settings: Settings) -> Any:
    """The function that loads the network; torch is imported in its thread, so that the page is there at once."""

    def build(progress: Progress) -> Engine:
        from sam2_core.serving import build_engine

        return build_engine(settings.checkpoint or settings.model, settings.device, progress)

    return build


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Serve until interrupted; the exit status."""
    try:
        settings = load_settings(arguments, environment)
    except MaskletError as error:
        print(error, file=sys.stderr)
        return 2
    Server(settings, Startup(engine_builder(settings))).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
