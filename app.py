"""Starts Masklet: reads the settings, loads the network in the background and serves the page.

python app.py --help
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sam2_core.errors import Cancelled, MaskletError
from sam2_core.serving.catalogue import Build, Catalogue, Offer, offers_of
from sam2_core.serving.engine import Engine
from sam2_core.types import Progress
from ui.server import Server
from ui.settings import Settings, load_settings


def engine_builder(settings: Settings) -> Build:
    """The function that loads a network; torch is imported in its thread, so that the page is there at once."""

    def build(offer: Offer, progress: Progress) -> Engine:
        progress(None, "Starting up")
        from sam2_core.serving.build import build_engine
        from sam2_core.serving.local import EngineLimits

        limits = EngineLimits(max_sessions=settings.max_sessions, max_objects=settings.max_objects)
        try:
            return build_engine(offer.model, settings.device, progress, offer.checkpoint or None, limits)
        except Cancelled:
            raise
        except MaskletError as error:
            print(error, file=sys.stderr)
            given = offer.checkpoint or offer.model  # strangers need not know where files lie on this machine
            raise type(error)(str(error).replace(given, Path(given).name)) from error

    return build


def catalogue(settings: Settings) -> Catalogue:
    """The networks on offer, the first of which begins to load."""
    offers = offers_of(settings.model, settings.checkpoint, settings.other_models)
    return Catalogue(offers, engine_builder(settings), settings.max_models)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Serve until interrupted; returns the exit status."""
    try:
        settings = load_settings(arguments, environment)
        server = Server(settings, catalogue(settings))
    except MaskletError as error:
        print(error, file=sys.stderr)
        return 2
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
