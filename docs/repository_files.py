"""Lets pages link to other files of the repository: those become parts of the site. A hook of MkDocs."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "repository"
_OUTSIDE = re.compile(r"\]\(\.\./([^)#]+)")
_BESIDE = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def on_files(files: Any, config: Any) -> Any:
    """Add what pages link to, and what those files link to in turn if they are pages."""
    waiting = [name for page in files.documentation_pages() for name in _OUTSIDE.findall(page.content_string)]
    added = set()
    while waiting:
        name = waiting.pop()
        if name in added:
            continue
        added.add(name)
        files.append(File.generated(config, f"{FOLDER}/{name}", abs_src_path=str(ROOT / name)))
        if name.endswith(".md"):
            beside = _BESIDE.findall((ROOT / name).read_text("utf-8"))
            waiting += [posixpath.normpath(posixpath.join(posixpath.dirname(name), each)) for each in beside]
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to where these files are in the site."""
    return markdown if page.file.src_uri.startswith(FOLDER) else _OUTSIDE.sub(rf"]({FOLDER}/\1", markdown)
