"""The page in the browser and the API for programs, on `sam2_core.serving`; knows engines only through their protocol.

serve        from settings to a running server: `python app.py`, `masklet serve`
app          the server: Gradio's Blocks with the page, our routes and the API's endpoints
settings     all settings; configs/app.yaml says what each one means
protocol     every message between page and server, as a pydantic model
sessions     who is here: one session per open page or program, with its medium, network and files
jobs         threads, long work with progress and cancelling, background tasks
models       what is told about networks; loading another one
kept_media   media that outlast the server, where it is told to keep them
files        uploads that are read, backdrops and downloads of a session
examples     images and clips to begin with
web_files    the page's modules and style sheets, as they are sent
gateway/     what every request passes before any route sees it
page/        what the browser talks to: connection, socket, routes, uploads, imports, previews
api/         what programs talk to: endpoints on the same sessions
web/         the page itself: ES modules, no build step
"""

import os
from collections.abc import MutableMapping
from pathlib import Path


def keep_downloads(environment: MutableMapping[str, str], disk: Path = Path("/data")) -> None:
    """On a Hugging Face Space with a disk of its own, let weights be downloaded to it: all else is gone when the Space
    starts again. Whoever sets the folder otherwise is obeyed. Must be called before the Hub's library is imported."""
    given = {"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} & environment.keys()
    if environment.get("SPACE_ID") and not given and os.access(disk, os.W_OK):
        environment["HF_HOME"] = str(disk / ".huggingface")


keep_downloads(os.environ)

# Gradio reads these when it is imported. No telemetry; and its statistics, which it recomputes after every event, stay
# small, or each click would cost more than the one before. Whoever sets them otherwise is obeyed.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "50")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "100000")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
