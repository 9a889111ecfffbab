"""Messages of the library fit the page, the command line and programs alike: they name no gesture and no upload."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OF_THE_PAGE = re.compile(r"\b(upload\w*|choose it again|drag\w*|press\w*|tap|button|toolbar)\b", re.IGNORECASE)


def texts(source: str) -> Iterator[tuple[int, str]]:
    """The texts of a module but its docstrings, which are expressions of their own."""
    tree = ast.parse(source)
    loose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in loose:
            yield node.lineno, node.value


def test_messages_of_the_library_are_not_about_the_page() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted((ROOT / "sam2_core").rglob("*.py"))
        for line, text in texts(path.read_text("utf-8"))
        if " " in text and OF_THE_PAGE.search(text)
    ]
    assert found == [], "say what to do with the file or the prompt, for the command line and programs, too"


def test_a_message_about_the_page_is_noticed() -> None:
    assert [text for _, text in texts('"""Upload."""\nraise E(f"Upload {it}.")')] == ["Upload ", "."]
