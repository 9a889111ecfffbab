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

PAGE = Path(__file__).parent / "page"
SCRIPTS = (  # in this order, as one function body: what stands further down may use what stands above
    "page.js",
    "kept.js",
    "frames.js",
    "stage.js",
    "pointer.js",
    "rail.js",
    "player.js",
    "objects.js",
    "notes.js",
    "editor.js",
    "sending.js",
    "keys.js",
)
STYLES = ("page.css", "work.css", "side.css")
_POLICY = (
    "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
)
_UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def page_template(title: str) -> tuple[str, str]:
    """The HTML before and after the data."""
    style = "\n" + _joined(STYLES)
    script = '\n"use strict";\n(() => {\n' + _joined(SCRIPTS) + "})();\n"
    policy = _POLICY.format(style=_hash_of(style), script=_hash_of(script))
    values = {"policy": policy, "title": html.escape(title), "style": style, "script": script}
    # Substituted in one pass, so that placeholders inside values are left alone.
    before, _, after = (PAGE / "page.html").read_text("utf-8").partition("[[data]]\n")
    before, after = (re.sub(r"\[\[(\w+)\]\]", lambda match: values[match[1]], part) for part in (before, after))
    return before, after


def data_block(attributes: str, plain: Any) -> str:
    """JSON data as a script element that browsers do not run; escaped so that it cannot end the element."""
    text = json.dumps(plain, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)
    return f'<script type="application/json" {attributes}>{text}</script>\n'


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((PAGE / name).read_text("utf-8") for name in names)


def _hash_of(text: str) -> str:
    """The hash source of a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
