"""The page: one component of our own inside Gradio's Blocks, put together from the files in ui/web."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import gradio as gr

from ui.about import about
from ui.handlers import welcome
from ui.publishing import publish
from ui.settings import Settings
from ui.visitors import Visitors
from ui.web_files import icon_address, page_html, style_sheets, web_files
from ui.workbench import Workbench

CACHE_SECONDS = (60, 600)  # Gradio looks this often for files of the API's callers, and deletes those that are older


def theme() -> gr.themes.Base:
    """Gradio's plain theme in our colours; its fonts are the system's, so nothing is fetched from elsewhere."""
    fonts = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    hues = {"primary_hue": "indigo", "secondary_hue": "indigo", "neutral_hue": "zinc"}
    return gr.themes.Base(**hues, font=fonts, font_mono=["ui-monospace", "monospace"], radius_size="lg")


def head() -> str:
    """Our style sheets, our sign and a link to our modules, as part of the page itself, whatever its path is."""
    files = web_files()
    meta = f'<meta name="theme-color" content="#4f46e5">\n<link rel="icon" id="mk-sign" href="{icon_address()}">'
    return f"{meta}\n{files.head_link()}\n<style>\n{style_sheets()}</style>"


def canvas(settings: Settings) -> gr.HTML:
    """The component that holds everything.

    Its template is static: text of users gets into the page by `textContent` only, never through a template.
    """
    return gr.HTML(
        html_template=page_html(),
        js_on_load=web_files().loader(),
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
