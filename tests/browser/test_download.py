"""The download dialog: by mouse, by keyboard, on a phone; what it asks of the server, and what comes of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import Desk
from ui.app import Server

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

SPY = """() => {
  window.orders = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    const message = JSON.parse(text);
    if (message.t === 'export') window.orders.push(message);
    return send.call(this, text);
  };
}"""


def select(desk: Desk, *places: tuple[float, float]) -> None:
    """An object at each place."""
    for number, place in enumerate(places):
        if number:
            desk.page.click(".mk-add")
        desk.click(*place)
        desk.expect_mask(place[0] + 0.03, place[1] + 0.03)


def open_dialog(desk: Desk) -> None:
    desk.page.click(".mk-download")
    desk.page.wait_for_selector(".mk-download-dialog[open]")


def ordered(desk: Desk, number: int = 0) -> dict[str, Any]:
    """The messages that ordered downloads, since `SPY`; waits for this one."""
    desk.page.wait_for_function(f"window.orders.length > {number}")
    return dict(desk.page.evaluate(f"window.orders[{number}]"))


def go(desk: Desk) -> str:
    with desk.page.expect_download() as started:
        desk.page.click(".mk-download-go")
    return str(started.value.suggested_filename)


def test_without_objects_it_says_what_to_do(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    open_dialog(desk)
    desk.expect(".mk-download-empty").to_contain_text("Click on a thing in the picture first")
    desk.expect(".mk-download-go").to_be_hidden()
    desk.press("Escape")
    desk.expect(".mk-download-dialog").to_be_hidden()


def test_enter_downloads_what_was_taken_last(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    select(desk, (0.3, 0.5))
    desk.press("d")
    desk.expect(".mk-task[data-task=picture] input").to_be_focused()
    desk.press("Escape")
    desk.expect(".mk-download-dialog").to_be_hidden()
    desk.press("d")
    desk.choose_format("masks")
    desk.press("ArrowUp")
    chosen = desk.page.locator(".mk-format:has(input:checked)")
    desk.expect(chosen).not_to_have_attribute("data-format", "masks")
    desk.press("ArrowDown")
    desk.expect(chosen).to_have_attribute("data-format", "masks")
    with desk.page.expect_download() as started:
        desk.press("Enter")
    assert started.value.suggested_filename == "photo_masks.zip"
    desk.page.reload()
    desk.page.wait_for_selector(".mk-object")
    desk.press("d")
    with desk.page.expect_download() as started:
        desk.press("Enter")
    assert started.value.suggested_filename == "photo_masks.zip"


def test_the_file_is_named_at_the_end(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    select(desk, (0.3, 0.5))
    desk.choose_download("coco")
    assert go(desk) == "photo_coco.json"
    desk.expect(".mk-export-done").to_contain_text("photo_coco.json · 1 KB · ready")
    desk.expect(".mk-download-go").to_be_focused()
    with desk.page.expect_download() as again:
        desk.page.click(".mk-export-done a")
    assert json.loads(Path(again.value.path()).read_text("utf-8"))["annotations"]
    desk.page.click(".mk-download-close")
    desk.expect(".mk-download").to_be_focused()


def test_kinds_and_options_are_those_of_the_medium(desk: Desk, picture: Path, clip: Path) -> None:
    desk.open(picture)
    select(desk, (0.3, 0.5))
    open_dialog(desk)
    desk.expect(".mk-format[data-format=png] i").to_have_text(".png")
    desk.expect(".mk-format[data-format=mp4]").to_have_count(0)
    desk.expect("[name=mk-frames]").to_have_count(0)
    desk.expect(".mk-export-effects").to_be_visible()
    desk.choose_format("masks")
    desk.expect(".mk-export-effects").to_have_count(0)
    desk.page.click(".mk-download-close")
    desk.open(clip)
    select(desk, (0.5, 0.5))
    open_dialog(desk)
    desk.expect(".mk-format[data-format=mp4] input").to_be_checked()
    desk.expect(".mk-format[data-format=png] i").to_have_text(".zip")
    desk.choose_format("mov")
    desk.choose_format("gif")
    desk.expect("[name=mk-frames]").to_have_count(3)
    desk.expect("[name=mk-frames][value=range]").to_be_disabled()


def test_a_cutout_is_downloaded_and_copied(visit: Callable[..., Desk], server: tuple[Server, str]) -> None:
    desk = visit(f"{server[1]}?example=pizza")
    desk.page.wait_for_selector(".mk[data-state=work] .mk-file-name[title*=izza]", state="attached")
    assert "example" not in desk.page.url, "a reload brings back the work"
    desk.page.evaluate(SPY)
    select(desk, (0.3, 0.5))
    open_dialog(desk)
    desk.expect(".mk-share-link").to_be_hidden()  # nobody else can open this address
    painted = "[...document.querySelectorAll('.mk-task img')].filter(each => each.naturalWidth > 0).length"
    desk.page.wait_for_function(f"{painted} === 4")
    desk.expect(".mk-copy-picture").to_be_hidden()
    desk.page.focus(".mk-task[data-task=picture] input")
    desk.press("ArrowLeft")
    desk.expect(".mk-format:has(:checked)").to_have_attribute("data-format", "png")
    assert go(desk).endswith("_edited.png")
    order = ordered(desk)
    assert [layer["effect"] for layer in order["effects"]["layers"]] == ["cutout"]
    desk.page.evaluate(
        """() => {
          navigator.clipboard.write = async ([item]) => {
            window.copied = (await item.getType('image/png')).type;
          };
        }"""
    )
    desk.page.click(".mk-copy-picture")
    desk.expect(".mk-export-done").to_contain_text("pixels, see-through")
    assert desk.page.evaluate("window.copied") == "image/png"
    refuse = "() => Promise.reject(new DOMException('', 'NotAllowedError'))"
    desk.page.evaluate(f"() => {{ navigator.clipboard.write = {refuse}; }}")
    desk.page.click(".mk-copy-picture")
    desk.expect(".mk-export-problem").to_contain_text("Allow it the clipboard")
    desk.page.click(".mk-download-close")
    desk.expect(".mk-download").to_be_focused()
    desk.page.click(".mk-effects-open")
    desk.expect(".mk-preset:has(:checked)").to_have_text("Overlay")  # the look stays


def test_the_look_is_chosen_in_the_dialog(desk: Desk, picture: Path) -> None:
    desk.page.evaluate(SPY)
    desk.open(picture)
    select(desk, (0.3, 0.5))
    open_dialog(desk)
    look, chosen = "[name=mk-export-effects]", desk.page.locator("[name=mk-export-effects] option:checked")
    desk.expect(chosen).to_have_text("Overlay")
    desk.expect(f"{look} option[value='']").to_have_count(0)
    desk.page.select_option(look, "Neon")
    go(desk)
    assert [layer["effect"] for layer in ordered(desk)["effects"]["layers"]] == ["spotlight", "glow"]
    desk.page.click(".mk-export-effects .mk-link")
    desk.expect(".mk-preset:has(:checked)").to_have_text("Neon")
    desk.page.click(".mk-layer:nth-child(1) .mk-layer-remove")
    open_dialog(desk)
    desk.expect(chosen).to_have_text("Your own: Glow")
    desk.page.select_option(look, "Erase")
    go(desk)
    assert [layer["effect"] for layer in ordered(desk, 1)["effects"]["layers"]] == ["erase"]
    desk.page.select_option(look, "")
    go(desk)
    assert [layer["effect"] for layer in ordered(desk, 2)["effects"]["layers"]] == ["glow"]
    desk.page.select_option(look, "Overlay")
    desk.page.click(".mk-download-close")
    desk.expect(".mk-preset:has(:checked)").to_have_text("Overlay")


def test_objects_and_frames_are_chosen(desk: Desk, clip: Path) -> None:
    desk.page.evaluate(SPY)
    desk.open(clip)
    select(desk, (0.3, 0.5), (0.7, 0.5), (0.5, 0.2))
    desk.press("x")  # the third one is hidden
    for key, times in (("i", 4), ("o", 10)):
        desk.press(*["ArrowRight"] * times, key)
    desk.expect_frame(15)
    desk.choose_download("coco")
    boxes = desk.page.locator("[name=mk-object]")
    assert [boxes.nth(place).is_checked() for place in range(3)] == [True, True, False]
    boxes.nth(0).uncheck()
    desk.page.check("[name=mk-frames][value=range]")
    desk.page.fill("[name=mk-every]", "5")
    go(desk)
    order = ordered(desk)
    assert [each["id"] for each in order["objects"]] == [2]
    assert [order[name] for name in ("first", "last", "every")] == [4, 14, 5]
    desk.page.check("[name=mk-frames][value=one]")
    go(desk)
    assert [ordered(desk, 1)[name] for name in ("first", "last")] == [14, 14]
    boxes.nth(1).uncheck()
    desk.expect(".mk-download-go").to_be_disabled()
    boxes.nth(2).check()
    desk.page.check("[name=mk-frames][value=all]")
    go(desk)
    order = ordered(desk, 2)
    assert ([each["id"] for each in order["objects"]], order["first"], order["last"]) == ([3], 0, 29)


def test_options_are_sent_and_remembered(visit: Callable[..., Desk], server: tuple[Server, str], picture: Path) -> None:
    """Whichever kind takes them; here all kinds take all of them."""
    desk = visit(server[1])
    desk.page.evaluate(SPY)
    desk.context.add_init_script(
        """const read = JSON.parse;
        JSON.parse = (text, ...more) => {
          const takes = ['look', 'cropped', 'side_by_side', 'polygons', 'pictures', 'largest_side'];
          const found = read(text, ...more);
          for (const kind of Object.values(found?.kinds ?? {})) if (kind.takes) kind.takes = takes;
          return found;
        };"""
    )
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.page.evaluate(SPY)
    desk.open(picture)
    select(desk, (0.3, 0.5))
    desk.choose_download("masks")
    desk.page.check("[name=mk-polygons]")
    desk.page.check("[name=mk-cropped]")
    desk.page.select_option("[name=mk-largest-side]", "720")
    go(desk)
    wanted = {"polygons": True, "cropped": True, "pictures": False, "side_by_side": False, "largest_side": 720}
    assert wanted.items() <= ordered(desk).items()
    desk.page.reload()
    desk.page.wait_for_selector(".mk-object")
    open_dialog(desk)
    desk.expect("[name=mk-polygons]").to_be_checked()
    desk.expect("[name=mk-pictures]").not_to_be_checked()
    desk.expect("[name=mk-largest-side]").to_have_value("720")


def test_what_another_page_left_in_the_storage_does_no_harm(desk: Desk, picture: Path) -> None:
    for kept in (
        '{"tasks": 5, "largest_side": "x", "polygons": 1}',
        "[]",
        "no json",
        '{"tasks": {"image": "toString"}, "formats": {"picture image": "toString"}}',
    ):
        desk.page.evaluate("kept => localStorage.setItem('masklet-download', kept)", kept)
        desk.page.reload()
        desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.open(picture)
    select(desk, (0.3, 0.5))
    open_dialog(desk)
    desk.expect(".mk-format[data-format=png] input").to_be_checked()


def test_a_download_shows_how_far_it_is_and_can_be_cancelled(
    desk: Desk, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def endless(
        folder: Path, material: object, order: object, progress: Callable[[float, str], None], formats: object
    ) -> Path:
        try:
            while True:
                progress(0.25, "Drawing")
                threading.Event().wait(0.02)
        finally:
            ended.set()

    monkeypatch.setattr("sam2_core.serving.workspace.export", endless)
    desk.open(picture)
    select(desk, (0.3, 0.5))
    open_dialog(desk)
    desk.page.click(".mk-download-go")
    desk.expect(".mk-export-text").to_have_text("Drawing 25%")
    desk.expect(".mk-download-go").to_be_disabled()
    desk.press("Enter")  # cancels: that is where the focus is
    desk.expect(".mk-export").to_be_hidden()
    assert ended.wait(10)
    monkeypatch.undo()
    assert go(desk) == "photo_edited.png"


def test_what_went_wrong_is_said_in_the_dialog(desk: Desk, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sam2_core.errors import MediaError

    def full(*wished: object) -> Path:
        raise MediaError("The disk is full.")

    monkeypatch.setattr("sam2_core.serving.workspace.export", full)
    desk.open(picture)
    select(desk, (0.3, 0.5))
    open_dialog(desk)
    desk.page.click(".mk-download-go")
    desk.expect(".mk-export-problem").to_have_text("The disk is full.")
    desk.expect(".mk-download-go").to_be_enabled()
    monkeypatch.undo()
    go(desk)
    desk.expect(".mk-export-problem").to_be_hidden()


def test_it_fits_a_phone(visit: Callable[..., Desk], server: tuple[Server, str], clip: Path) -> None:
    desk = visit(server[1], **PHONE)
    desk.open(clip)
    desk.page.tap(".mk-over", position=dict(zip("xy", desk.spot(0.5, 0.5), strict=True)))
    desk.expect_mask(0.52, 0.52)
    desk.page.tap(".mk-download")
    desk.page.tap(".mk-task[data-task=data]")
    desk.page.tap(".mk-format[data-format=masks]")
    for name in (".mk-download-go", ".mk-download-close", ".mk-format[data-format=masks]"):
        box = desk.page.locator(name).bounding_box()
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 390, name
        assert box["height"] >= 38, name
    with desk.page.expect_download() as started:
        desk.page.tap(".mk-download-go")
    assert started.value.suggested_filename == "film_masks.zip"
