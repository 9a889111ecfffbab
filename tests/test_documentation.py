"""Every link of README.md and docs/ leads somewhere, and every setting is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ui.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def text_of(page: Path) -> str:
    """Without code, in which brackets mean other things."""
    return _CODE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(text_of(page)):
        if link.startswith(("http:", "https:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_file(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_site_and_can_be_reached() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    listed = set(re.findall(r"[\w-]+\.md", str(yaml.safe_load(text)["nav"])))
    assert listed == {page.name for page in PAGES[1:]}
    linked = {Path(link.partition("#")[0]).name for page in PAGES[:2] for link in _LINK.findall(text_of(page))}
    index = {Path(link).name for link in _LINK.findall(text_of(ROOT / "docs" / "index.md"))}
    assert listed - {"index.md"} <= linked | index


def test_every_setting_is_told() -> None:
    text = (ROOT / "docs" / "hosting.md").read_text("utf-8").partition("## Settings")[2]
    told = {name.replace("-", "_") for name in re.findall(r"`([a-z-]+)`", text)}
    assert set(Settings.model_fields) <= told


def test_the_front_matter_of_a_space_is_whole() -> None:
    _, front, rest = (ROOT / "README.md").read_text("utf-8").split("---\n", 2)
    about = yaml.safe_load(front)
    assert (about["sdk"], about["app_file"], about["title"]) == ("gradio", "app.py", "Masklet")
    requirements = (ROOT / "requirements.txt").read_text("utf-8")
    assert f"gradio=={about['sdk_version']}" in requirements
    assert "pip install -r requirements.txt && python app.py" in rest
