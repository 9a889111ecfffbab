"""The page's own text, put together from the files in page/, and data that are safe inside it.

The page may run its one script and its one style sheet, told by their hashes, and nothing else: it fetches nothing,
and whatever should get into it by mistake does nothing there.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

from sam2_core.media.review.modules import join_modules

PAGE = Path(__file__).parent / "page"
_SHARED = Path(__file__).parent / "shared"
SHARED = _SHARED if _SHARED.exists() else Path(__file__).parents[3] / "ui" / "web" / "shared"
"""Modules that the application's page uses, too. In a checkout they lie with that page, in a wheel here."""
_PAGE_PATH = "sam2_core/media/review/page"
STYLES = ("page.css", "work.css", "side.css")
_POLICY = (
    "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
)
_UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def frame_of_page(title: str) -> tuple[str, str]:
    """What comes before the data and what comes after them."""
    style = "\n" + "\n".join((PAGE / name).read_text("utf-8") for name in STYLES)
    script = f'\n"use strict";\n(() => {{\n{join_modules(modules(), f"{_PAGE_PATH}/main.js")}}})();\n'
    policy = _POLICY.format(style=_hash_of(style), script=_hash_of(script))
    filling = {"policy": policy, "title": html.escape(title), "style": style, "script": script}
    text = (PAGE / "page.html").read_text("utf-8")
    before, _, after = text.partition("[[data]]\n")
    return _filled(before, filling), _filled(after, filling)


def modules() -> dict[str, str]:
    """The modules by their paths in a checkout, to which their imports are relative."""
    folders = {_PAGE_PATH: PAGE, "ui/web/shared": SHARED}
    return {f"{name}/{path.name}": path.read_text("utf-8") for name, at in folders.items() for path in at.glob("*.js")}


def data_block(attributes: str, plain: Any) -> str:
    """Plain data as a script element that no browser runs. Nothing in it can end the element."""
    text = json.dumps(plain, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)
    return f'<script type="application/json" {attributes}>{text}</script>\n'


def _filled(text: str, filling: dict[str, str]) -> str:
    """In one pass: what is filled in is not looked at again."""
    return re.sub(r"\[\[(\w+)\]\]", lambda place: filling[place[1]], text)


def _hash_of(text: str) -> str:
    """As a content security policy names what may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
