"""The page's languages, as far as Python knows of them: the tables, and the server's sentences that are in them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ui.document import complete_document
from ui.examples import hero
from ui.web_files import WEB, WebFiles

ROOT = Path(__file__).resolve().parents[2]
SENTENCES: dict[str, list[str]] = json.loads((ROOT / "tests/web/server_sentences.json").read_text("utf-8"))


def templates(path: Path) -> Iterator[str]:
    """The texts of a Python file with {} for what is put in."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\{[^{}]*\}", "{}", node.value)


def said_by_the_server() -> set[str]:
    """Texts in Python, and in what the server reads."""
    files = [path for top in ("ui", "sam2_core") for path in (ROOT / top).rglob("*.py")]

    return {text for path in files for text in templates(path)} | {each["name"] for each in hero()["objects"]}


def test_the_server_says_what_the_page_translates() -> None:
    said = said_by_the_server()
    listed = [sentence for sentences in SENTENCES.values() for sentence in sentences]
    assert [each for each in listed if re.sub(r"\{\w+\}", "{}", each) not in said] == []
    assert len(set(listed)) == len(listed)


def test_tables_are_sent_without_their_layout(tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text("")
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "de.json").write_text('{\n  "page": {"Open": "Öffnen"}\n}\n', "utf-8")
    files = WebFiles(tmp_path)
    assert files.tables == {"de": "languages/de.json"}
    assert files.version != WebFiles(WEB).version


def test_the_document_chooses_among_the_tables_that_there_are() -> None:
    document = complete_document('<base href="./"><body><gradio-app>"elem_id":"masklet"', "")
    [tables] = re.findall(r"const tables = (\{.*\});", document)
    assert set(json.loads(tables)) == {path.stem for path in WEB.glob("languages/*.json")}


@pytest.mark.parametrize("path", sorted(WEB.glob("languages/*.json")), ids=lambda path: path.stem)
def test_tables_have_two_parts(path: Path) -> None:
    assert set(json.loads(path.read_text("utf-8"))) == {"page", "server"}
