"""The page in every language: it fits, reads in the right direction, and choosing another one keeps the work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.desk import Desk
from tests.browser.layout import layout_problems
from ui.app import Server
from ui.web_files import WEB

pytestmark = pytest.mark.browser

LANGUAGES = sorted(path.stem for path in WEB.glob("languages/*.json"))
SIZES = ((320, 640), (390, 844), (768, 1024), (1024, 768), (1280, 800), (1440, 900), (1920, 1080))
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def language_of(desk: Desk) -> list[str]:
    """The language and the direction that the document says it has."""
    return list(desk.page.evaluate("(({ lang, dir }) => [lang, dir])(document.documentElement)"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_fits_in_every_language(
    visit: Callable[..., Desk], server: tuple[Server, str], clip: Path, language: str
) -> None:
    desk = visit(server[1], f"?lang={language}")
    assert language_of(desk) == [language, "rtl" if language == "ar" else "ltr"]
    desk.expect(".mk-choose").not_to_have_text("Choose files")
    assert layout_problems(desk.page, *SIZES) == []
    assert desk.page.evaluate(FITS)
    desk.open(clip)
    desk.click(0.3, 0.5)
    desk.page.wait_for_selector(".mk-object .mk-score:not(:empty)")
    assert layout_problems(desk.page, *SIZES) == []
    desk.page.set_viewport_size({"width": 390, "height": 844})
    assert desk.page.evaluate(FITS)


def test_choosing_a_language_keeps_the_work(visit: Callable[..., Desk], server: tuple[Server, str], clip: Path) -> None:
    desk = visit(server[1], locale="de-AT")
    assert language_of(desk) == ["de", "ltr"]
    desk.open(clip)
    desk.click(0.3, 0.5)
    desk.page.wait_for_selector(".mk-object .mk-score:not(:empty)")
    with desk.page.expect_navigation():
        desk.page.select_option(".mk-language-choice select", "ar")
    desk.page.wait_for_selector(".mk[data-state=work] .mk-object .mk-score:not(:empty)")
    assert language_of(desk) == ["ar", "rtl"]
    left = {name: desk.page.locator(f".mk-{name}").bounding_box()["x"] for name in ("side", "viewport", "in", "out")}
    assert left["side"] < left["viewport"], "the side panel stands where a line ends"
    assert left["in"] < left["out"], "time runs from left to right"
    desk.page.set_viewport_size({"width": 390, "height": 844})
    desk.page.click(".mk-view-open")
    with desk.page.expect_navigation():
        desk.page.select_option(".mk-language-row select", "en")
    desk.page.wait_for_selector(".mk[data-state=work] .mk-object .mk-score:not(:empty)")
    assert language_of(desk) == ["en", "ltr"]
    desk.expect(".mk-object .mk-name").to_have_value("Object 1")


def test_without_its_table_the_page_is_english(visit: Callable[..., Desk], server: tuple[Server, str]) -> None:
    desk = visit(server[1])
    desk.context.route("**/languages/fr.json", lambda route: route.abort())
    desk.page.goto(f"{server[1]}?lang=fr")
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    assert language_of(desk) == ["en", "ltr"]
    desk.expect(".mk-choose").to_have_text("Choose files")
