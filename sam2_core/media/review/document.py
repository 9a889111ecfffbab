"""The HTML of the page, assembled from the files in page/, and data embedded safely in it.

A content security policy allows only the page's one script and one style sheet, by their hashes, and no requests, so
injected content has no effect.
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
SHARED = Path(__file__).parents[3] / "ui" / "web" / "shared"
"""Modules that the application's page uses, too. Its files come with this package, in a checkout and in a wheel."""
_PAGE_PATH = "sam2_core/media/review/page"
STYLES = ("page.css", "work.css", "side.css")
_POLICY = (
    "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
)
_UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def page_template(title: str) -> tuple[str, str]:
    """The HTML before and after the data."""
    style = "\n" + "\n".join((PAGE / name).read_text("utf-8") for name in STYLES)
    script = f'\n"use strict";\n(() => {{\n{join_modules(modules(), f"{_PAGE_PATH}/main.js")}}})();\n'
    policy = _POLICY.format(style=_hash_of(style), script=_hash_of(script))
    values = {"policy": policy, "title": html.escape(title), "style": style, "script": script}
    # Substituted in one pass, so that placeholders inside values are left alone.
    before, _, after = (PAGE / "page.html").read_text("utf-8").partition("[[data]]\n")
    before, after = (re.sub(r"\[\[(\w+)\]\]", lambda match: values[match[1]], part) for part in (before, after))
    return before, after


def modules() -> dict[str, str]:
    """The modules by their paths in a checkout, to which their imports are relative."""
    folders = {_PAGE_PATH: PAGE, "ui/web/shared": SHARED}
    return {f"{name}/{path.name}": path.read_text("utf-8") for name, at in folders.items() for path in at.glob("*.js")}


def data_block(attributes: str, plain: Any) -> str:
    """JSON data as a script element that browsers do not run; escaped so that it cannot end the element."""
    text = json.dumps(plain, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)
    return f'<script type="application/json" {attributes}>{text}</script>\n'


def _hash_of(text: str) -> str:
    """The hash source of a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
