"""What users do on the page, in a real browser, with the fake engine: a click paints a disc, a box is filled."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.desk import PIXEL, Desk, Fingers
from ui.app import Server

pytestmark = pytest.mark.browser


def test_a_click_paints_and_a_right_click_takes_away(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    assert desk.pixel(0.3, 0.5)[3] == 0
    desk.page.wait_for_selector(".mk-tip:has-text('to select it')")
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.expect(".mk-tip:has-text('to select it')").to_be_hidden()  # who has done it needs no more advice
    red, green, blue, alpha = desk.pixel(0.27, 0.46)
    assert red > green > blue, "the first object is orange"
    assert 75 < alpha < 105, "about a third opaque"
    assert desk.pixel(0.6, 0.5)[3] == 0
    desk.click(0.27, 0.46, button="right")
    desk.expect_mask(0.27, 0.44, there=False)
    desk.page.click(".mk-tool-add")
    desk.click(0.6, 0.5)
    desk.expect_mask(0.57, 0.46)
    desk.click(0.57, 0.46, modifiers=["Alt"])
    desk.expect_mask(0.57, 0.44, there=False)


def test_a_drag_draws_a_box(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.drag((0.2, 0.2), (0.6, 0.7))
    for x, y in ((0.22, 0.23), (0.58, 0.67), (0.4, 0.4)):
        desk.expect_mask(x, y)
    for x, y in ((0.16, 0.4), (0.64, 0.4), (0.4, 0.75)):
        assert desk.pixel(x, y)[3] == 0


def test_undo_redo_clear_and_reset(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.click(0.7, 0.5)
    desk.expect_mask(0.67, 0.46)
    desk.press("Control+z")
    desk.expect_mask(0.67, 0.46, there=False)
    desk.expect_mask(0.27, 0.46)
    desk.press("Control+z")
    desk.expect_mask(0.27, 0.46, there=False)
    desk.press("Control+Shift+z", "Control+Shift+z")
    desk.expect_mask(0.67, 0.46)
    desk.expect_mask(0.27, 0.46)
    desk.page.click(".mk-clear")
    desk.page.click(".mk-clear-frame")
    desk.expect_mask(0.27, 0.46, there=False)
    desk.page.click(".mk-undo")
    desk.expect_mask(0.27, 0.46)
    desk.page.click(".mk-clear")
    desk.page.click(".mk-clear-all")
    desk.expect_mask(0.27, 0.46, there=False)
    desk.expect_objects(0)
    desk.press("Control+z")
    desk.expect_mask(0.67, 0.46)
    desk.expect_objects(1)


def test_objects_have_names_colors_and_can_be_hidden_and_removed(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.press("n")
    desk.click(0.7, 0.5)
    desk.expect_mask(0.67, 0.46)
    desk.expect_objects(2)
    assert desk.pixel(0.67, 0.46)[2] > desk.pixel(0.67, 0.46)[0], "the second object is blue"
    name = desk.page.locator(".mk-name").nth(1)
    name.fill("<b>Cat</b> & 1")
    name.press("Enter")
    desk.expect(".mk-objects b").to_have_count(0)  # names are text
    desk.page.locator(".mk-eye").nth(0).click()
    desk.expect_mask(0.27, 0.46, there=False)
    desk.expect_mask(0.67, 0.46)
    desk.page.locator(".mk-eye").nth(0).click()
    desk.expect_mask(0.27, 0.46)
    desk.page.locator(".mk-swatch").nth(0).fill("#00ff00")
    desk.page.wait_for_function(
        f"place => {{ const [red, green] = ({PIXEL})(place); return green > 200 && red < 60; }}",
        arg=list(desk.spot(0.27, 0.46)),
    )
    desk.press("2", "Delete")
    desk.expect_mask(0.67, 0.46, there=False)
    desk.expect_objects(1)
    desk.press("Control+z")
    desk.expect_mask(0.67, 0.46)
    desk.expect(desk.page.locator(".mk-name").nth(1)).to_have_value("<b>Cat</b> & 1")


def test_fast_clicks_are_all_kept(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.click(0.3, 0.5, click_count=2)
    for step in range(6):
        desk.click(0.2 + 0.1 * step, 0.2)
    for step in range(6):
        desk.expect_mask(0.22 + 0.1 * step, 0.15)
    desk.expect_mask(0.27, 0.46)
    desk.press(*["Control+z"] * 6)
    desk.expect_mask(0.7, 0.15, there=False)
    desk.expect_mask(0.27, 0.46)


def test_masks_come_down_as_files(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    with zipfile.ZipFile(desk.download("masks")) as archive:
        mask = np.asarray(Image.open(BytesIO(archive.read("object_01.png"))))
    assert mask.shape == (300, 400)
    assert mask[150, 120] == 255
    assert mask[150, 300] == 0
    coco = json.loads(desk.download("coco").read_text("utf-8"))
    assert coco["annotations"][0]["area"] == int((mask > 0).sum())
    drawn = np.asarray(Image.open(desk.download("png")).convert("RGB")).astype(int)
    source = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    assert np.abs(drawn[150, 120] - (0.65 * source[150, 120] + 0.35 * np.array([230, 159, 0]))).max() <= 2
    assert (drawn[150, 300] == source[150, 300]).all()


def test_a_wrong_file_is_explained_and_costs_nothing(desk: Desk, picture: Path, tmp_path: Path) -> None:
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    for name, content in (("notes.mp4", b"these are no moving pictures"), ("empty.png", b"")):
        (tmp_path / name).write_bytes(content)
        desk.page.set_input_files(".mk-picker", tmp_path / name)
        desk.page.wait_for_selector(".mk-toast")
        assert len(desk.page.locator(".mk-toast span").first.inner_text()) > 20
        desk.page.click(".mk-toast button")
    desk.expect(".mk-file-name").to_have_text("photo.png")
    desk.click(0.7, 0.5)
    desk.expect_mask(0.67, 0.46)
    desk.expect_mask(0.27, 0.46)


def test_the_start_screen_offers_examples_with_ideas(desk: Desk) -> None:
    cards = desk.page.locator(".mk-example:visible")
    assert cards.count() >= 7
    assert all(len(card.locator(".mk-example-idea").inner_text()) > 20 for card in cards.all())
    cards.last.scroll_into_view_if_needed()
    desk.page.wait_for_function(
        "[...document.querySelectorAll('.mk-example img')].filter(i => i.offsetParent).every(i => i.naturalWidth > 0)"
    )
    desk.page.click(".mk-example:has-text('Star shirt')")
    desk.page.wait_for_selector(".mk[data-state=work] .mk-file-name[title='Star shirt.jpg']")


def test_an_example_opened_by_keyboard_gives_the_keys_to_the_picture(desk: Desk) -> None:
    warnings: list[str] = []
    desk.page.on("console", lambda message: warnings.append(message.text) if message.type == "warning" else None)
    desk.page.reload()
    desk.page.focus(".mk-example:has-text('Star shirt')")
    desk.press("Enter")
    desk.page.wait_for_selector(".mk[data-state=work] .mk-file-name[title='Star shirt.jpg']")
    desk.expect(".mk-over").to_be_focused()
    assert warnings == []


def test_names_have_their_own_direction_and_are_cut_in_the_middle(desk: Desk, clip: Path, tmp_path: Path) -> None:
    long = tmp_path / f"{'a long name ' * 9}take 7.mp4"
    shutil.copy(clip, long)
    desk.open(long)
    name = desk.page.locator(".mk-file-name")
    desk.expect(name).to_have_attribute("dir", "auto")
    desk.expect(name).to_have_text(long.name)
    box, end = name.bounding_box(), name.locator("span").last.bounding_box()
    assert end["x"] + end["width"] <= box["x"] + box["width"] + 1, "the end is in sight"
    assert name.locator("span").first.evaluate("e => e.scrollWidth > e.clientWidth")
    for width in (1024, 1180, 1280):
        desk.page.set_viewport_size({"width": width, "height": 800})
        assert name.bounding_box()["width"] > 150, "there is room for it at all"
    desk.click(0.3, 0.8)
    desk.expect(".mk-name").to_have_attribute("dir", "auto")


def test_fingers_are_told_of_taps_and_see_what_a_button_is_for(
    visit: Callable[..., Desk], server: tuple[Server, str], clip: Path
) -> None:
    desk = visit(server[1], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    mouse_words = re.compile(r"\bclick|right-click|\bdrop\b|hover", re.IGNORECASE)
    assert not mouse_words.findall(desk.page.inner_text(".mk-start"))
    desk.open(clip)
    desk.expect(".mk-tip").to_contain_text("Tap on a thing")
    fingers = Fingers(desk.page)
    lasso = desk.page.locator("[data-tool=lasso]").bounding_box()
    fingers.down((lasso["x"] + 9, lasso["y"] + 9))
    desk.expect(".mk-touch-tip").to_have_text("Lasso: draw around it")
    desk.expect(".mk-touch-tip").to_be_visible()
    fingers.up()
    desk.expect(".mk-touch-tip").to_be_hidden()
    desk.expect("button[data-tool=lasso]").to_have_attribute("aria-checked", "false")
    desk.page.tap("button[data-tool=lasso]")
    desk.expect("button[data-tool=lasso]").to_have_attribute("aria-checked", "true")
    desk.page.tap(".mk-help")
    assert not mouse_words.findall(desk.page.inner_text(".mk-help-dialog dl"))


LIT = """() => {
  const canvas = document.querySelector('.mk-hero-masks');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, place) => place % 4 === 3 && value);
}"""


def test_the_large_picture_lights_what_is_pointed_at_and_opens_with_its_mask(desk: Desk) -> None:
    desk.page.wait_for_function(LIT)
    view = desk.page.locator(".mk-hero-view").bounding_box()
    book = (view["x"] + view["width"] * 340 / 640, view["y"] + view["height"] * 235 / 481)
    desk.page.mouse.move(view["x"] + 20, view["y"] + view["height"] - 20)
    desk.page.wait_for_function(f"() => !({LIT})()")  # there is nothing
    desk.page.mouse.move(*book)
    desk.page.wait_for_function(LIT)
    desk.expect(".mk-hero-object.mk-lit").to_have_text("Book")
    desk.page.mouse.click(*book)
    desk.page.wait_for_selector(".mk[data-state=work] .mk-file-name[title='Coffee break.jpg']")
    desk.expect(desk.page.locator(".mk-name")).to_have_value("Book")
    desk.expect_mask(340 / 640, 235 / 481)
    desk.press("Control+z")
    desk.expect_mask(340 / 640, 235 / 481, there=False)


def test_the_large_picture_opens_by_keyboard(desk: Desk) -> None:
    desk.page.focus(".mk-hero-object:text-is('Cake')")
    desk.expect(".mk-hero-object.mk-lit").to_have_text("Cake")
    desk.press("Enter")
    desk.page.wait_for_selector(".mk[data-state=work] .mk-object")
    desk.expect(desk.page.locator(".mk-name")).to_have_value("Cake")


@pytest.mark.parametrize("way", ["Escape", "button", "Back", "beside"])
def test_open_is_a_sheet_over_the_work_with_a_way_back(desk: Desk, picture: Path, way: str) -> None:
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    for _ in range(2):
        desk.page.click(".mk-new")
        desk.page.wait_for_selector(".mk-sheet .mk-example:has-text('Coffee break')")
        desk.expect(".mk-viewport").to_be_visible()
        desk.press("Delete")  # not for the work below
        if way == "Escape":
            desk.press("Escape")
        elif way == "button":
            desk.page.click(".mk-back")
        elif way == "Back":
            desk.page.go_back()
        else:
            desk.page.mouse.click(5, 400)
        desk.page.wait_for_selector(".mk-sheet", state="hidden")
        desk.page.wait_for_function("history.state === null")
    desk.expect_objects(1)
    desk.click(0.7, 0.5)
    desk.expect_mask(0.67, 0.46)


def test_the_sheet_opens_another_one_and_says_what_is_wrong(desk: Desk, picture: Path, tmp_path: Path) -> None:
    desk.open(picture)
    desk.page.click(".mk-new")
    (tmp_path / "empty.png").write_bytes(b"")
    desk.page.set_input_files(".mk-picker", tmp_path / "empty.png")
    desk.expect(".mk-sheet .mk-toast").to_contain_text("is empty")
    desk.page.click(".mk-sheet .mk-toast button")
    desk.page.click(".mk-sheet .mk-example:has-text('Coffee break')")
    desk.expect(".mk-file-name").to_have_text("Coffee break.jpg")
    desk.expect(".mk-sheet").to_be_hidden()
    assert desk.page.evaluate("history.state") is None


def test_files_can_be_dropped_and_pasted(desk: Desk, picture: Path) -> None:
    content = list(picture.read_bytes())
    for kind, transfer in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        desk.page.evaluate(
            """([content, kind, transfer]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(content)], `${kind}.png`, {type: 'image/png'}));
              const event = kind === 'drop' ? new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true})
                                            : new ClipboardEvent(kind, {clipboardData: data, bubbles: true});
              document.body.dispatchEvent(event);
            }""",
            [content, kind, transfer],
        )
        desk.page.wait_for_selector(f".mk-file-name[title='{kind}.png']")
