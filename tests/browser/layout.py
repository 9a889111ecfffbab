"""What is wrong with the layout of the page as it is now: things that are cut off, covered or too small to hit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

AUDIT = (Path(__file__).parent / "layout.js").read_text("utf-8")


def layout_problems(page: Any, *sizes: tuple[int, int]) -> list[str]:
    """Looks at the page, or at the dialog that is open, in windows of these sizes."""
    found = []
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found += [f"{width} x {height}: {problem}" for problem in page.evaluate(AUDIT)]
    return found
