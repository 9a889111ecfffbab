"""Phones, fingers and the dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import Desk, Fingers, straight
from tests.browser.layout import layout_problems
from ui.app import Server

pytestmark = pytest.mark.browser

FINGERS: dict[str, Any] = {"has_touch": True, "is_mobile": True}
PHONES = ((320, 640), (390, 844), (844, 390))
WINDOWS = ((640, 400), (641, 900), (901, 700), (1280, 800))  # the first is half of the last: a page at 200 %


def test_a_phone_has_all_of_it(visit: Callable[..., Desk], server: tuple[Server, str], clip: Path) -> None:
    desk = visit(server[1], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert desk.page.evaluate(fits)
    desk.open(clip)
    assert desk.page.evaluate(fits)
    assert desk.page.locator(".mk-top").bounding_box()["width"] == 390
    stage = desk.page.locator(".mk-viewport").bounding_box()
    assert stage["width"] == 390, "the picture uses the whole width"
    left, top = desk.spot(0.3, 0.8)
    desk.page.touchscreen.tap(stage["x"] + left, stage["y"] + top)
    desk.expect_mask(0.28, 0.74)
    for name in ("undo", "add", "play", "download", "tool-remove", "viewport"):
        box = desk.page.locator(f".mk-{name}").first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390, name
        assert min(box["width"], box["height"]) >= 38, name
    for width in (390, 360):
        desk.page.set_viewport_size({"width": width, "height": 740})
        assert desk.page.evaluate(fits)
        for part, rows in ((".mk-tools", 2), (".mk-transport", 3)):
            assert desk.page.locator(part).bounding_box()["height"] < 55 * rows, f"{rows} rows at most"
    desk.page.tap(".mk-help")
    desk.expect(".mk-help-dialog").to_contain_text("Long press", use_inner_text=True)
    desk.expect(".mk-help-dialog").not_to_contain_text("Ctrl+Z", use_inner_text=True)  # there is no keyboard
    desk.page.tap(".mk-help-close")
    desk.page.tap("[data-direction=forward]")
    desk.expect_frame(30)
    assert desk.page.evaluate(fits)


def test_two_fingers_zoom_the_picture_and_say_nothing(
    visit: Callable[..., Desk], server: tuple[Server, str], picture: Path
) -> None:
    desk = visit(server[1], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    desk.open(picture)
    box = desk.page.locator(".mk-over").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    Fingers(desk.page).drag(straight((x - 20, y), (x - 92, y), steps=9), straight((x + 20, y), (x + 92, y), steps=9))
    desk.page.wait_for_selector(".mk-fit:enabled")
    assert desk.page.evaluate("visualViewport.scale") == 1, "the page itself stays as it is"
    desk.expect_objects(0)
    desk.page.tap(".mk-fit")
    desk.page.wait_for_selector(".mk-fit:disabled", state="attached")


def test_dark_mode_follows_the_system_and_the_switch(visit: Callable[..., Desk], server: tuple[Server, str]) -> None:
    desk = visit(server[1], color_scheme="dark")
    shade = "getComputedStyle(document.querySelector('.mk')).backgroundColor.match(/\\d+/g).map(Number)[0]"
    assert desk.page.evaluate(shade) < 60
    desk.page.click(".mk-theme")
    assert desk.page.evaluate(shade) > 200
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    assert desk.page.evaluate(shade) > 200, "the choice is kept"


def test_a_narrow_window_cuts_no_tool_off(
    visit: Callable[..., Desk], server: tuple[Server, str], picture: Path
) -> None:
    desk = visit(server[1], viewport={"width": 390, "height": 800})
    desk.open(picture)
    places = desk.page.evaluate(
        """[...document.querySelectorAll('.mk-tools :is(input, button)')]
          .filter(each => each.checkVisibility() && !each.closest('[role=menu], [role=dialog]'))
          .map(each => each.getBoundingClientRect()).map(({ left, right }) => [left, right])"""
    )
    assert all(left >= 0 and right <= 390 for left, right in places)
    assert desk.page.locator(".mk-tools").bounding_box()["height"] < 100, "two rows"
    tip = desk.page.locator(".mk-tip").bounding_box()
    on_picture = desk.page.locator(".mk-text-open").bounding_box()
    assert tip["y"] + tip["height"] <= on_picture["y"]


@pytest.mark.parametrize(("options", "sizes"), [(FINGERS, PHONES), ({}, WINDOWS)], ids=["fingers", "mouse"])
def test_nothing_is_cut_off_or_covered_at_any_width(
    options: dict[str, Any],
    sizes: tuple[tuple[int, int], ...],
    visit: Callable[..., Desk],
    server: tuple[Server, str],
    picture: Path,
    clip: Path,
) -> None:
    desk = visit(server[1], **options)

    def look(state: str) -> None:
        assert layout_problems(desk.page, *sizes) == [], state

    def press(selector: str) -> None:
        desk.page.locator(selector).evaluate("button => button.click()")

    look("start screen")
    desk.open(picture)
    desk.click(0.5, 0.5)
    desk.expect_mask(0.5, 0.5)
    for tool in ("paint", "lasso"):
        press(f"[data-tool={tool}]")
        look(tool)
        assert desk.page.locator(".mk-tools").bounding_box()["height"] < 100, "two rows"
    for opener in ("cleanup", "project-open", "download", "effects-open"):
        press(f".mk-{opener}")
        look(opener)
        desk.press("Escape")
    press("#mk-tab-review")
    press("[data-tool=point]")
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    look("clip")
