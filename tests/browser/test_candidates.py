"""Candidates, hover previews and crop refinement: with the fake engine, whose discs have three sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.ui.house import DEADLINE, GatedEngine
from ui.app import Server

pytestmark = pytest.mark.browser

STRIP, PICKED = ".mk-candidates:visible", ".mk-candidate[aria-checked=true]"
X, Y = 0.5, 0.4  # where is clicked; the discs reach 0.07, 0.12 and 0.22 of the height from there
WITHIN_SMALL, WITHIN_PLAIN, WITHIN_LARGE = (X, Y - 0.05), (X, Y - 0.1), (X, Y - 0.18)


def expect_disc(desk: Desk, size: str) -> None:
    desk.expect_mask(*WITHIN_PLAIN, there=size != "small")
    desk.expect_mask(*WITHIN_LARGE, there=size == "large")
    desk.expect_mask(*WITHIN_SMALL)


def expect_picked(desk: Desk, place: int) -> None:
    desk.page.wait_for_selector(f".mk-candidate:nth-child({place})[aria-checked=true]")
    desk.expect(PICKED).to_have_count(1)


def expect_strip(desk: Desk, there: bool = True) -> None:
    desk.page.wait_for_selector(".mk-candidates", state="visible" if there else "hidden")


def click_and_see(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.click(X, Y)
    expect_disc(desk, "plain")
    expect_strip(desk)


PAINTED = """[...document.querySelectorAll('.mk-candidate canvas')].map(canvas => {
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let orange = 0;
  for (let at = 0; at < data.length; at += 4) orange += data[at] > data[at + 2] + 60 && data[at + 3] === 255;
  return orange;
})"""


def test_a_click_offers_three_masks_and_a_picture_picks_one(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    viewport = desk.page.locator(".mk-viewport").bounding_box()
    desk.click(X, Y)
    expect_strip(desk)
    expect_picked(desk, 2)
    assert desk.page.locator(".mk-candidate:visible span").all_inner_texts() == ["check", "good", "poor"], (
        "from small to large"
    )
    desk.page.wait_for_function(f"(([a, b, c]) => b > a + 300 && c > b + 300)({PAINTED})")
    assert desk.page.locator(".mk-viewport").bounding_box() == viewport, "nothing jumps"
    desk.page.click(".mk-candidate >> nth=2")
    expect_disc(desk, "large")
    expect_picked(desk, 3)
    desk.press("Control+z")
    expect_disc(desk, "plain")
    expect_picked(desk, 2)
    desk.press("Control+z")
    desk.expect_mask(*WITHIN_SMALL, there=False)
    expect_strip(desk, there=False)
    desk.press("Control+Shift+z", "Control+Shift+z")
    expect_disc(desk, "large")


def test_keys_pick_too(desk: Desk, picture: Path) -> None:
    click_and_see(desk, picture)
    desk.press("q")
    expect_disc(desk, "large")
    desk.press("q")
    expect_disc(desk, "small")
    desk.press("Shift+Q")
    expect_disc(desk, "large")
    desk.page.focus(PICKED)
    desk.press("ArrowLeft")
    expect_disc(desk, "plain")
    assert desk.page.evaluate("document.activeElement.ariaChecked") == "true", "the focus goes with it"
    desk.press("ArrowRight", "ArrowRight")
    expect_disc(desk, "small")
    desk.press("Escape")
    expect_strip(desk, there=False)
    assert desk.page.evaluate("document.activeElement.className").split()[0] == "mk-over"
    desk.press("q")
    desk.press("n")
    desk.click(0.2, 0.8)
    desk.expect_mask(0.2, 0.75)
    expect_disc(desk, "small")


def test_a_second_click_keeps_the_pick_and_ends_the_choice(desk: Desk, picture: Path) -> None:
    click_and_see(desk, picture)
    desk.press("q")
    expect_disc(desk, "large")
    desk.click(0.2, 0.8)
    desk.expect_mask(0.2, 0.75)
    expect_strip(desk, there=False)
    expect_disc(desk, "large")
    desk.press("n")
    desk.drag((0.6, 0.7), (0.8, 0.9))
    desk.expect_mask(0.62, 0.72)
    desk.expect(STRIP).to_be_hidden()  # a box is not ambiguous
    desk.press("n")
    desk.click(0.8, 0.2)
    expect_strip(desk)
    desk.press("1")
    expect_strip(desk, there=False)


def test_in_a_clip_the_picked_mask_is_tracked(desk: Desk, clip: Path) -> None:
    click_and_see(desk, clip)
    desk.press("q")
    expect_disc(desk, "large")
    desk.press("t")
    desk.expect_frame(30)
    expect_disc(desk, "large")
    desk.expect(STRIP).to_be_hidden()  # it is about another frame


def test_the_pictures_do_not_lie_over_the_click(
    visit: Callable[..., Desk], server: tuple[Server, str], picture: Path
) -> None:
    desk = visit(server[1], viewport={"width": 800, "height": 800})
    desk.open(picture)
    desk.click(0.5, 0.95)
    expect_strip(desk)
    viewport, card = (desk.page.locator(part).bounding_box() for part in (".mk-viewport", ".mk-candidates"))
    assert card["y"] < viewport["y"] + viewport["height"] / 2
    desk.click(0.5, 0.95, button="right")  # reaches the viewport
    expect_strip(desk, there=False)


def test_on_a_phone_a_tap_picks(visit: Callable[..., Desk], server: tuple[Server, str], clip: Path) -> None:
    desk = visit(server[1], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    desk.open(clip)
    viewport = desk.page.locator(".mk-viewport").bounding_box()
    left, top = desk.spot(X, Y)
    desk.page.touchscreen.tap(viewport["x"] + left, viewport["y"] + top)
    expect_disc(desk, "plain")
    expect_strip(desk)
    card = desk.page.locator(".mk-candidates").bounding_box()
    assert card["x"] >= 0 and card["x"] + card["width"] <= 390
    assert card["y"] + card["height"] <= viewport["y"] + viewport["height"]
    assert desk.page.locator(".mk-viewport").bounding_box() == viewport
    desk.page.tap(".mk-candidate >> nth=2")
    desk.expect_mask(*WITHIN_LARGE)
    desk.page.tap(".mk-candidates-close")
    expect_strip(desk, there=False)
    desk.expect(".mk-hover").to_be_hidden()  # a finger does not hover


def test_four_candidates_fit_beside_the_buttons_of_a_small_phone(
    visit: Callable[..., Desk], server: tuple[Server, str], picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundled network offers its single mask as a fourth."""
    monkeypatch.setattr(fakes, "CANDIDATE_SIZES", (*fakes.CANDIDATE_SIZES, 2.8))
    monkeypatch.setattr(fakes, "CANDIDATE_IOUS", (*fakes.CANDIDATE_IOUS, 0.5))
    desk = visit(server[1], viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    desk.open(picture)
    desk.click(X, Y)
    desk.expect(f"{STRIP} .mk-candidate:visible").to_have_count(4)
    buttons = desk.page.locator(".mk-text-open:visible, .mk-annotate-open:visible")
    card, left = desk.page.locator(".mk-candidates").bounding_box(), buttons.last.bounding_box()
    assert left["x"] + left["width"] <= card["x"] and card["x"] + card["width"] <= 320
    desk.page.tap(".mk-candidate >> nth=3")
    expect_picked(desk, 4)
    desk.expect_mask(X, Y - 0.3)
    desk.press("q")
    expect_disc(desk, "small")


# --- hover preview ---

KEEP_ON = "localStorage.setItem('masklet-hover', 'on')"


def hover(desk: Desk, x: float, y: float) -> None:
    box, (left, top) = desk.page.locator(".mk-over").bounding_box(), desk.spot(x, y)
    desk.page.mouse.move(box["x"] + left, box["y"] + top)


def hovering(visit: Callable[..., Desk], address: str, medium: Path) -> Desk:
    """A page that keeps the preview on however slow this machine is."""
    desk = visit(address)
    desk.page.evaluate(KEEP_ON)
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.open(medium)
    return desk


def test_the_cursor_shows_what_a_click_would_give(
    visit: Callable[..., Desk], server: tuple[Server, str], picture: Path
) -> None:
    desk = hovering(visit, server[1], picture)
    hover(desk, 0.3, 0.5)
    desk.expect_mask(0.3, 0.45)
    red, green, blue, alpha = desk.pixel(0.3, 0.45)
    assert red > green > blue and 40 < alpha < 110, "in the object's colour, fainter than a mask"
    hover(desk, 0.7, 0.5)
    desk.expect_mask(0.7, 0.45)
    desk.expect_mask(0.3, 0.45, there=False)
    desk.page.mouse.move(3, 3)
    desk.expect_mask(0.7, 0.45, there=False)
    desk.expect_objects(0)
    desk.expect(".mk-undo").to_be_disabled()  # no prompt was set
    desk.click(X, Y)
    expect_disc(desk, "plain")
    hover(desk, 0.2, 0.8)
    desk.expect_mask(0.2, 0.75)
    desk.press("Escape", "Control+z")
    desk.expect_mask(X, Y, there=False)
    assert desk.pixel(0.2, 0.75)[3] == 0, "what was undone is no longer foreseen"


def test_the_preview_is_switched_off_and_stays_off(
    visit: Callable[..., Desk], server: tuple[Server, str], picture: Path
) -> None:
    desk = hovering(visit, server[1], picture)
    hover(desk, 0.3, 0.5)
    desk.expect_mask(0.3, 0.45)
    desk.press("h")
    desk.expect_mask(0.3, 0.45, there=False)
    desk.page.wait_for_selector(".mk-hover[aria-pressed=false]", state="attached")
    desk.page.reload()
    desk.page.wait_for_selector(".mk-hover[aria-pressed=false]", state="attached")
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.page.click(".mk-view-open")
    desk.page.click(".mk-hover")
    desk.press("Escape")
    hover(desk, 0.7, 0.5)
    desk.expect_mask(0.7, 0.45)


def wait_for_call(engine: GatedEngine) -> None:
    assert engine.entered.acquire(timeout=DEADLINE)


def test_one_question_at_a_time_and_the_newest_place_next(
    gated: tuple[GatedEngine, str], visit: Callable[..., Desk], picture: Path
) -> None:
    engine, address = gated
    desk = hovering(visit, address, picture)
    hover(desk, 0.2, 0.5)
    wait_for_call(engine)
    for x in (0.3, 0.4, 0.5, 0.8):
        hover(desk, x, 0.5)
    engine.gate.release(2)
    wait_for_call(engine)
    desk.expect_mask(0.8, 0.45)
    assert engine.calls.count("Preview") == 2
    hover(desk, 0.3, 0.3)
    wait_for_call(engine)
    desk.click(X, Y)  # does not wait for the preview, and nobody wants it any more
    desk.expect_mask(*WITHIN_PLAIN)
    engine.gate.release()
    desk.page.mouse.move(3, 3)
    assert desk.pixel(0.3, 0.3)[3] == 0


def test_a_slow_preview_switches_itself_off(
    gated: tuple[GatedEngine, str], visit: Callable[..., Desk], picture: Path
) -> None:
    engine, address = gated
    desk = visit(address)
    desk.open(picture)
    for turn in range(5):
        hover(desk, 0.3 + 0.05 * turn, 0.5)
        wait_for_call(engine)
        begun = desk.page.evaluate("performance.now()")
        desk.page.wait_for_function("begun => performance.now() > begun + 260", arg=begun)
        engine.gate.release()
        if turn < 4:
            desk.expect_mask(0.3 + 0.05 * turn, 0.45)
    desk.expect_toast("is off, because it is slow here")
    desk.page.wait_for_selector(".mk-hover[aria-pressed=false]", state="attached")
    desk.press("h")
    hover(desk, 0.8, 0.8)
    wait_for_call(engine)
    engine.gate.release()
    desk.expect_mask(0.8, 0.75)


# --- refine here ---


def zoom_in(desk: Desk, x: float, y: float) -> None:
    hover(desk, x, y)
    desk.page.keyboard.down("Control")
    desk.page.mouse.wheel(0, -250)
    desk.page.keyboard.up("Control")
    desk.page.wait_for_selector(".mk-fit:enabled")


def fit(desk: Desk) -> None:
    desk.page.mouse.move(3, 3)
    desk.press("0")
    desk.page.wait_for_selector(".mk-fit:disabled")


def test_refine_here_is_explained_until_it_can_be_done(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.press("r")
    desk.expect_toast("Click on the thing first")
    desk.click(X, Y)
    expect_disc(desk, "plain")
    desk.press("r")
    desk.expect_toast("Zoom in first")
    zoom_in(desk, 0.02, 0.98)
    desk.press("r")
    desk.expect_toast("is not in view")
    desk.expect(".mk-undo").to_be_enabled()
    desk.press("Control+z")
    desk.expect_objects(0)


def test_refine_here_changes_what_is_in_view(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.click(X, Y)
    expect_disc(desk, "plain")
    finer = (X, Y - 0.15)
    zoom_in(desk, X, 0.1)  # the lower half of the disc stays out of sight
    desk.page.click(".mk-refine")
    desk.page.wait_for_selector(".mk-tip:has-text('Refined')")
    expect_strip(desk, there=False)
    desk.press("r")
    desk.expect_toast("refined already")
    fit(desk)
    desk.expect_mask(*finer)
    desk.expect_mask(X, Y + 0.1)
    assert desk.pixel(X, Y + 0.15)[3] == 0, "outside nothing changes"
    desk.click(0.15, 0.85)
    desk.expect_mask(0.15, 0.8)
    desk.expect_mask(*finer)
    desk.press("Control+z", "Control+z")
    desk.expect_mask(*finer, there=False)
    expect_disc(desk, "plain")
    desk.press("Control+Shift+z")
    desk.expect_mask(*finer)


def test_a_tracked_frame_is_refined_without_a_click(desk: Desk, clip: Path) -> None:
    click_and_see(desk, clip)
    desk.press("t")
    desk.expect_frame(30)
    expect_disc(desk, "plain")
    zoom_in(desk, X, Y)
    desk.press("r")
    desk.page.wait_for_selector(".mk-tip:has-text('Refined')")
    fit(desk)
    desk.expect_mask(X, Y - 0.15)
    desk.press("Control+z")
    desk.expect_mask(X, Y - 0.15, there=False)
    expect_disc(desk, "plain")


def test_touch_asks_for_no_preview(gated: tuple[GatedEngine, str], visit: Callable[..., Any], picture: Path) -> None:
    engine, address = gated
    desk = visit(address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    desk.open(picture)
    box, (left, top) = desk.page.locator(".mk-over").bounding_box(), desk.spot(X, Y)
    desk.page.touchscreen.tap(box["x"] + left, box["y"] + top)
    desk.expect_mask(*WITHIN_PLAIN)
    assert isinstance(engine, FakeEngine) and "Preview" not in engine.calls


def test_a_second_part_is_refined_and_the_first_stays_so(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.click(X, Y)
    expect_disc(desk, "plain")
    zoom_in(desk, X, 0.1)
    desk.press("r")
    desk.page.wait_for_selector(".mk-tip:has-text('Refined')")
    fit(desk)
    desk.expect_mask(X, Y - 0.15)
    zoom_in(desk, X, 0.7)
    desk.press("r")
    desk.page.wait_for_function("JSON.stringify(sessionStorage).includes('counts')")
    fit(desk)
    desk.expect_mask(X, Y - 0.15)
    desk.press("Control+z", "Control+z")
    desk.expect_mask(X, Y - 0.15, there=False)


def test_no_preview_where_a_click_would_take_a_point_away(
    visit: Callable[..., Desk], server: tuple[Server, str], picture: Path
) -> None:
    desk = hovering(visit, server[1], picture)
    desk.click(X, Y)
    expect_disc(desk, "plain")
    hover(desk, 0.2, 0.8)
    desk.expect_mask(0.2, 0.75)
    hover(desk, X, Y)
    desk.expect_mask(0.2, 0.75, there=False)
    desk.press("s")
    hover(desk, 0.8, 0.8)
    desk.press("p")
    hover(desk, 0.2, 0.8)
    desk.expect_mask(0.2, 0.75)
    assert desk.pixel(0.8, 0.75)[3] == 0, "a scribble is not foreseen"
