"""The page: one component of our own inside Gradio's Blocks, put together from the files in ui/canvas."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ui.about import about
from ui.handlers import welcome
from ui.publishing import publish
from ui.settings import Settings
from ui.visitors import Visitors
from ui.workbench import Workbench

CANVAS = Path(__file__).parent / "canvas"
SCRIPTS = (  # in this order, as one function body: what stands further down may use what stands above
    "page.js",
    "journal.js",
    "runs.js",
    "transport.js",
    "masks.js",
    "frames.js",
    "looks.js",
    "previews.js",
    "stage.js",
    "pointer.js",
    "points.js",
    "strokes.js",
    "menus.js",
    "history.js",
    "given.js",
    "patterns.js",
    "objects.js",
    "thumbs.js",
    "rows.js",
    "timeline.js",
    "rail.js",
    "suspicion.js",
    "heat.js",
    "lanes.js",
    "thumbnails.js",
    "range.js",
    "player.js",
    "tracking.js",
    "retracking.js",
    "losing.js",
    "staleness.js",
    "shelf.js",
    "works.js",
    "upload.js",
    "photos.js",
    "camera.js",
    "download.js",
    "keys.js",
    "backdrops.js",
    "effects.js",
    "row_menu.js",
    "comeback.js",
    "projectfile.js",
    "project.js",
    "reviewing.js",
    "tools.js",
    "crosshair.js",
    "candidates.js",
    "hover.js",
    "refine.js",
    "filmstrip.js",
    "annotations.js",
    "models.js",
    "waiting.js",
    "session.js",
    "api.js",
)
CACHE_SECONDS = (60, 600)  # Gradio looks this often for files of the API's callers, and deletes those that are older
STYLES = (
    "page.css",
    "stage.css",
    "tools.css",
    "panels.css",
    "objects.css",
    "timeline.css",
    "tracking.css",
    "filmstrip.css",
    "candidates.css",
    "models.css",
    "works.css",
    "download.css",
    "effects.css",
    "annotations.css",
    "reviewing.css",
)


def theme() -> gr.themes.Base:
    """Gradio's plain theme in our colours; its fonts are the system's, so nothing is fetched from elsewhere."""
    fonts = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    hues = {"primary_hue": "indigo", "secondary_hue": "indigo", "neutral_hue": "zinc"}
    return gr.themes.Base(**hues, font=fonts, font_mono=["ui-monospace", "monospace"], radius_size="lg")


def head() -> str:
    """Our style sheets and our sign, as part of the page itself: visible from the first paint, whatever its path is."""
    sheets = "\n".join((CANVAS / name).read_text("utf-8") for name in STYLES)
    sign = quote((CANVAS / "sign.svg").read_text("utf-8"))
    meta = (
        f'<meta name="theme-color" content="#4f46e5">\n<link rel="icon" id="mk-sign" href="data:image/svg+xml,{sign}">'
    )
    return f"{meta}\n<style>\n{sheets}</style>"


def canvas(settings: Settings) -> gr.HTML:
    """The component that holds everything.

    Its template is static: text of users gets into the page by `textContent` only, never through a template.
    """
    script = "\n".join((CANVAS / name).read_text("utf-8") for name in SCRIPTS)
    return gr.HTML(
        html_template=(CANVAS / "page.html").read_text("utf-8"),
        js_on_load=f'"use strict";\n{script}',
        apply_default_css=False,
        elem_id="masklet",
        token="",
        problem="",
        issued=0,
        about=json.dumps(about(settings)),
    )


def build(settings: Settings, visitors: Visitors[Workbench], endpoints: Iterable[Callable[..., Any]]) -> gr.Blocks:
    """The page, and the API beside it."""
    # Else Gradio computes statistics that nobody sees after every call of the API, of up to 10,000 calls.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "50")
    with gr.Blocks(title="Masklet", fill_width=True, analytics_enabled=False, delete_cache=CACHE_SECONDS) as demo:
        page = canvas(settings)
        quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
        demo.load(welcome(visitors), None, page, **quiet)
        page.renew(welcome(visitors), None, page, **quiet)
        publish(endpoints, demo)
    demo.queue(api_open=False)
    return demo
