"""The list of objects: what its rows show and do, with mouse, finger and keyboard, and what of it can be undone."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sam2_core.media import color_of
from tests.browser.desk import PIXEL, Desk, Fingers, straight
from ui.app import Server

pytestmark = pytest.mark.browser
PLACES = ((0.2, 0.25), (0.5, 0.25), (0.8, 0.25), (0.2, 0.75), (0.5, 0.75))
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
MANY = 104
BESIDE = 0.035
"""Beside a click: within the disc that it paints, and not under its marker."""


def spot_of(number: int) -> tuple[float, float]:
    x, y = PLACES[number - 1]
    return x - BESIDE, y - BESIDE


def select_some(desk: Desk, path: Path, count: int) -> None:
    """Objects 1 to `count`, each a disc at its place."""
    desk.open(path)
    for number, place in enumerate(PLACES[:count], start=1):
        if number > 1:
            desk.press("n")
        desk.click(*place)
        desk.expect_mask(*spot_of(number))
    desk.expect_objects(count)


def expect_seen(desk: Desk, *seen: int, of: int = 3) -> None:
    """Wait until exactly these objects' masks are on the canvas."""
    for number in range(1, of + 1):
        desk.expect_mask(*spot_of(number), there=number in seen)


def expect_names(desk: Desk, *names: str) -> None:
    listed = "[...document.querySelectorAll('.mk-name')].map(each => each.value)"
    desk.page.wait_for_function(
        f"names => JSON.stringify({listed}) === names", arg=json.dumps(names, separators=(",", ":"))
    )


def expect_active(desk: Desk, name: str) -> None:
    desk.page.wait_for_function("name => document.querySelector('.mk-active .mk-name')?.value === name", arg=name)


def expect_label(desk: Desk, row: int, label: str) -> None:
    found = f"document.querySelectorAll('.mk-label')[{row}].value"
    desk.page.wait_for_function(f"label => {found} === label", arg=label)


def act(desk: Desk, row: int, what: str) -> None:
    """Choose from the menu of a row."""
    desk.page.locator(".mk-dots").nth(row).click()
    desk.page.click(f".mk-row-menu [data-act={what}]")


def clear(desk: Desk, what: str) -> None:
    desk.page.click(".mk-clear")
    desk.page.click(f".mk-clear-{what}")


def write(desk: Desk, part: str, row: int, text: str) -> None:
    field = desk.page.locator(f".mk-{part}").nth(row)
    field.fill(text)
    field.press("Enter")


def test_hide_solo_and_all_decide_what_is_on_the_canvas(desk: Desk, picture: Path) -> None:
    select_some(desk, picture, 3)
    desk.press("x")
    expect_seen(desk, 1, 2)
    desk.expect(desk.page.locator(".mk-eye").nth(2)).to_have_attribute("aria-pressed", "true")
    desk.press("1", "Shift+X")
    expect_seen(desk, 1)
    desk.press("2")
    expect_seen(desk, 2)
    desk.press("Shift+X")
    expect_seen(desk, 1, 2)
    desk.page.locator(".mk-eye").nth(2).click()
    expect_seen(desk, 1, 2, 3)
    desk.page.click(".mk-all")
    expect_seen(desk)
    desk.page.click(".mk-all")
    expect_seen(desk, 1, 2, 3)
    act(desk, 2, "solo")
    expect_seen(desk, 3)
    desk.page.locator(".mk-eye").nth(0).click()
    expect_seen(desk, 1, 2, 3)


def test_a_click_shows_what_it_is_about(desk: Desk, picture: Path) -> None:
    select_some(desk, picture, 3)
    desk.press("x")
    expect_seen(desk, 1, 2)
    desk.click(0.8, 0.5)
    expect_seen(desk, 1, 2, 3)
    desk.press("1", "Shift+X", "n")
    desk.click(*PLACES[3])
    expect_seen(desk, 4, of=4)


def test_names_classes_colors_and_order_are_undone_and_redone(desk: Desk, picture: Path) -> None:
    select_some(desk, picture, 3)
    write(desk, "name", 0, "Left")
    write(desk, "label", 0, "animal")
    for shade in ("#102030", "#00ff00"):  # while a colour is dragged about
        desk.page.locator(".mk-swatch").nth(0).evaluate(
            "(field, shade) => { field.value = shade; field.dispatchEvent(new Event('input', { bubbles: true })); }",
            shade,
        )
    green = f"place => {{ const [red, green] = ({PIXEL})(place); return green > 200 && red < 60; }}"
    desk.page.wait_for_function(green, arg=list(desk.spot(*spot_of(1))))
    desk.page.locator(".mk-swatch").nth(0).dispatch_event("change")
    act(desk, 0, "down")
    expect_names(desk, "Object 2", "Left", "Object 3")
    desk.page.locator(".mk-pick").nth(1).focus()
    desk.press("Control+z")
    expect_names(desk, "Left", "Object 2", "Object 3")
    desk.press("Control+z")
    orange = f"place => {{ const [red, green, blue] = ({PIXEL})(place); return red > green && green > blue; }}"
    desk.page.wait_for_function(orange, arg=list(desk.spot(*spot_of(1))))
    expect_label(desk, 0, "animal")
    desk.press("Control+z")
    expect_label(desk, 0, "")
    desk.press("Control+z")
    expect_names(desk, "Object 1", "Object 2", "Object 3")
    expect_seen(desk, 1, 2, 3)
    desk.press(*["Control+Shift+z"] * 4)
    expect_names(desk, "Object 2", "Left", "Object 3")
    expect_label(desk, 1, "animal")
    desk.page.wait_for_function(green, arg=list(desk.spot(*spot_of(1))))


def test_traits_stay_in_the_page_and_survive_a_reload(desk: Desk, picture: Path) -> None:
    told: list[dict[str, Any]] = []
    desk.page.on("websocket", lambda socket: socket.on("framesent", lambda text: told.append(json.loads(text))))
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    select_some(desk, picture, 2)
    told.clear()
    write(desk, "name", 1, "Cat")
    write(desk, "label", 1, "animal")
    desk.press("k")
    desk.page.wait_for_selector(".mk-is-locked")
    act(desk, 1, "up")
    expect_names(desk, "Cat", "Object 1")
    desk.press("Control+z", "Control+Shift+z")
    assert not [message for message in told if message["t"] in ("prompt", "forget", "journal")]
    desk.press("2", "x")
    expect_seen(desk, 2, of=2)
    desk.page.reload()
    expect_names(desk, "Cat", "Object 1")
    expect_label(desk, 0, "animal")
    desk.page.wait_for_selector(".mk-object:first-child.mk-is-locked")
    expect_seen(desk, 2, of=2)


def test_a_locked_object_stays_as_it_is(desk: Desk, picture: Path) -> None:
    select_some(desk, picture, 3)
    desk.press("2", "k")
    desk.page.wait_for_selector(".mk-object:nth-child(2).mk-is-locked")
    desk.click(0.5, 0.5)
    desk.expect_toast("Object 2 is locked. Unlock it with K")
    desk.press("Delete")
    clear(desk, "frame")
    desk.expect_toast("Locked objects stay")
    expect_seen(desk, 2)
    desk.press("Control+z")
    expect_seen(desk, 1, 2, 3)
    clear(desk, "all")
    expect_seen(desk, 2)
    assert desk.pixel(0.5, 0.5)[3] == 0
    desk.press("Control+z", "2", "k")
    desk.page.wait_for_selector(".mk-is-locked", state="detached")
    desk.press("Delete")
    expect_seen(desk, 1, 3)


def test_one_object_is_cleared_or_deleted_from_its_menu(desk: Desk, clip: Path) -> None:
    select_some(desk, clip, 3)
    desk.page.keyboard.press("ArrowRight")
    desk.click(0.5, 0.75)
    desk.expect_mask(*spot_of(5))
    act(desk, 2, "clear")
    desk.expect_mask(*spot_of(5), there=False)
    desk.press("Home")
    expect_seen(desk, 1, 2, 3)
    act(desk, 0, "remove")
    expect_seen(desk, 2, 3)
    expect_names(desk, "Object 2", "Object 3")
    expect_active(desk, "Object 2")
    desk.press("Control+z")
    expect_seen(desk, 1, 2, 3)


def test_rows_are_dragged_and_moved_by_keys(desk: Desk, picture: Path) -> None:
    select_some(desk, picture, 4)
    grip, target = (desk.page.locator(".mk-object").nth(row).bounding_box() for row in (0, 2))
    desk.page.mouse.move(grip["x"] + 6, grip["y"] + 30)
    desk.page.mouse.down()
    desk.page.mouse.move(grip["x"] + 6, target["y"] + 45, steps=6)
    expect_names(desk, "Object 2", "Object 3", "Object 1", "Object 4")
    desk.page.mouse.up()
    desk.press("3")
    expect_active(desk, "Object 1")
    desk.page.locator(".mk-active .mk-pick").focus()
    desk.press("Alt+ArrowUp", "Alt+ArrowUp", "Alt+ArrowUp")
    expect_names(desk, "Object 1", "Object 2", "Object 3", "Object 4")
    desk.press("Alt+ArrowDown")
    expect_names(desk, "Object 2", "Object 1", "Object 3", "Object 4")
    assert desk.page.evaluate("document.activeElement.closest('.mk-active') !== null"), "the focus moves with the row"
    desk.press("Control+z", "Control+z", "Control+z")
    expect_names(desk, "Object 2", "Object 3", "Object 1", "Object 4")
    desk.press("Control+z")
    expect_names(desk, "Object 1", "Object 2", "Object 3", "Object 4")


def test_what_is_further_down_in_the_list_lies_above(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.click(0.4, 0.5)
    desk.expect_mask(0.37, 0.46)
    desk.press("n")
    desk.drag((0.3, 0.3), (0.6, 0.7))
    blue = f"place => {{ const [red, , blue] = ({PIXEL})(place); return blue > red; }}"
    orange = f"place => {{ const [red, , blue] = ({PIXEL})(place); return red > blue; }}"
    overlap = list(desk.spot(0.37, 0.46))
    desk.page.click(".mk-view-open")
    desk.page.fill(".mk-opacity-slider", "80")
    desk.press("Escape")
    desk.page.wait_for_function(blue, arg=overlap)
    desk.press("Alt+ArrowUp")
    desk.page.wait_for_function(orange, arg=overlap)
    desk.click(0.37, 0.46, modifiers=["Control"])
    expect_active(desk, "Object 1")
    desk.click(0.37, 0.46, modifiers=["Control"])
    expect_active(desk, "Object 2")
    desk.click(0.9, 0.9, modifiers=["Control"])
    desk.expect_toast("no mask here")
    desk.expect_objects(2)


def test_patterns_hatch_each_mask_in_its_own_way(desk: Desk, picture: Path) -> None:
    select_some(desk, picture, 3)
    shades = """([x, y, ...color]) => {
      const canvas = document.querySelector('.mk-over'), scale = canvas.width / canvas.clientWidth, side = 26;
      const [left, top] = [x * scale + 12, y * scale - side / 2].map(Math.round);
      const { data } = canvas.getContext('2d').getImageData(left, top, side, side), rows = [];
      for (let at = 0; at < data.length; at += 4) rows.push(Math.abs(data[at + 1] - color[1]) > 40 ? 1 : 0);
      return rows.join('');
    }"""
    places = [[*desk.spot(*PLACES[number]), *color_of(number + 1)] for number in range(3)]

    def dark() -> list[str]:
        return [desk.page.evaluate(shades, place) for place in places]

    assert all("1" not in each for each in dark())
    desk.page.click(".mk-view-open")
    desk.page.click(".mk-patterns")
    desk.press("Escape")
    desk.page.wait_for_function(f"place => ({shades})(place).includes('1')", arg=places[0])
    hatched = dark()
    assert all("1" in each and "0" in each for each in hatched)
    assert len(set(hatched)) == 3
    rows = [hatched[1][start : start + 26] for start in range(0, 26 * 26, 26)]
    assert all(len(set(row)) == 1 for row in rows), "object 2 has lines across"
    desk.page.reload()
    desk.page.wait_for_selector(".mk-patterns[aria-pressed=true]", state="attached")
    desk.page.click(".mk-view-open")
    desk.page.click(".mk-patterns")
    desk.page.wait_for_function(f"place => !({shades})(place).includes('1')", arg=places[0])


def test_a_thumbnail_shows_the_object_where_it_was_seen_last(desk: Desk, clip: Path) -> None:
    select_some(desk, clip, 1)
    middle = """() => {
      const canvas = document.querySelector('.mk-thumb');
      return canvas.width ? [...canvas.getContext('2d').getImageData(canvas.width / 2 | 0, 1, 1, 1).data,
        ...canvas.getContext('2d').getImageData(canvas.width / 2 | 0, canvas.height / 2 | 0, 1, 1).data] : null;
    }"""
    drawn = desk.page.wait_for_function(middle).json_value()
    assert drawn[3] == drawn[7] == 255
    assert drawn[4] > drawn[6] + 60, "the mask is orange"
    frame = desk.page.evaluate(PIXEL.replace("mk-over", "mk-base"), list(desk.spot(0.2, 0.11)))
    assert max(abs(drawn[part] - frame[part]) for part in range(3)) < 50, "around it there is the frame"
    desk.press("ArrowRight")
    desk.expect_frame(2)
    desk.expect_mask(*spot_of(1), there=False)
    assert desk.page.evaluate(middle) == drawn
    desk.press("Delete", "n")
    desk.expect_objects(0)


def test_keys_alone_reach_everything(desk: Desk, picture: Path) -> None:
    select_some(desk, picture, 3)
    desk.page.locator(".mk-active .mk-pick").focus()
    focused = "document.activeElement.className.replace('mk-icon ', '')"
    stops = []
    for _ in range(6):
        stops.append(desk.page.evaluate(focused))
        desk.press("Tab")
    assert stops == ["mk-pick", "mk-name", "mk-swatch", "mk-label mk-blank", "mk-eye", "mk-dots"]
    desk.page.locator(".mk-active .mk-dots").focus()
    desk.press("ArrowUp", "ArrowUp")
    expect_active(desk, "Object 1")
    desk.press("Enter")
    desk.page.wait_for_selector(".mk-row-menu:visible")
    desk.press("ArrowDown", "Enter")
    desk.page.wait_for_selector(".mk-object:first-child.mk-is-locked")
    assert desk.page.evaluate(focused) == "mk-dots"
    desk.press("Enter")
    desk.expect("[data-act=lock]").to_have_attribute("aria-checked", "true")
    desk.press("Escape")
    desk.expect(".mk-row-menu").to_be_hidden()
    desk.press("F2")
    desk.page.keyboard.type("Dog x k")
    desk.press("Escape", "F2")
    desk.page.keyboard.type("Cat x k")
    desk.press("Enter")
    expect_names(desk, "Cat x k", "Object 2", "Object 3")
    expect_seen(desk, 1, 2, 3)


def test_classes_in_use_are_offered_and_words_stay_words(desk: Desk, picture: Path) -> None:
    select_some(desk, picture, 2)
    write(desk, "label", 0, "  <b>bird</b>   of prey ")
    expect_label(desk, 0, "<b>bird</b> of prey")
    offered = "[...document.querySelectorAll('#mk-labels option')].map(each => each.value)"
    desk.page.wait_for_function(f"JSON.stringify({offered}) === JSON.stringify(['<b>bird</b> of prey'])")
    desk.expect(".mk-objects b").to_have_count(0)


def test_downloads_carry_names_classes_and_order(desk: Desk, picture: Path) -> None:
    select_some(desk, picture, 3)
    write(desk, "name", 0, "../../etc/passwd")
    write(desk, "label", 0, "animal")
    write(desk, "label", 2, "plant")
    desk.press("2", "x")
    expect_seen(desk, 1, 3)
    coco = json.loads(desk.download("coco").read_text("utf-8"))
    assert [each["name"] for each in coco["categories"]] == ["animal", "plant"]
    assert [(each["track_id"], each["category_id"]) for each in coco["annotations"]] == [(1, 1), (3, 2)]
    assert [(each["name"], each["color"]) for each in coco["tracks"]] == [
        ("../../etc/passwd", "#e69f00"),
        ("Object 3", "#009e73"),
    ]
    with zipfile.ZipFile(desk.download("masks")) as archive:
        assert archive.namelist() == ["object_01.png", "object_03.png", "manifest.json"]


def test_the_list_stays_fast_with_many_objects(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    stage = desk.page.locator(".mk-over").bounding_box()
    for number in range(MANY):
        desk.press("n")
        left, top = desk.spot(0.05 + 0.9 * (number % 12) / 11, 0.05 + 0.9 * (number // 12) / 9)
        desk.page.mouse.click(stage["x"] + left, stage["y"] + top)
    desk.expect_objects(MANY)
    desk.expect(".mk-count").to_have_text(str(MANY), use_inner_text=True)
    kept = "document.querySelectorAll('.mk-object').forEach(row => { row.kept = true; })"
    desk.page.evaluate(kept)
    cost = desk.page.evaluate(
        """() => new Promise(done => {
          const list = document.querySelector('.mk-objects');
          let changed = 0;
          const watcher = new MutationObserver(news => { changed += news.length; });
          watcher.observe(list, { subtree: true, childList: true, attributes: true, characterData: true });
          document.querySelectorAll('.mk-eye')[3].click();
          requestAnimationFrame(() => requestAnimationFrame(() => { watcher.disconnect(); done(changed); }));
        })"""
    )
    assert 0 < cost < 40, "only the row that is about something new is touched"
    assert desk.page.evaluate("[...document.querySelectorAll('.mk-object')].every(row => row.kept)")
    thumb = "row => document.querySelectorAll('.mk-thumb')[row].toDataURL()"
    before = [desk.page.evaluate(thumb, row) for row in (40, MANY - 1)]
    desk.page.click(".mk-view-open")
    desk.page.click(".mk-patterns")
    changed = f"([row, before]) => ({thumb})(row) !== before"
    desk.page.wait_for_function(changed, arg=[MANY - 1, before[1]])
    assert desk.page.evaluate(thumb, 40) == before[0], "what cannot be seen is not drawn"
    desk.page.locator(".mk-object").nth(40).scroll_into_view_if_needed()
    desk.page.wait_for_function(changed, arg=[40, before[0]])


def test_fingers_drag_rows_and_open_menus(
    visit: Callable[..., Desk], server: tuple[Server, str], picture: Path
) -> None:
    desk = visit(server[1], **PHONE)
    desk.open(picture)
    for number, place in enumerate(PLACES[:3], start=1):
        if number > 1:
            desk.page.tap(".mk-add")
        left, top = desk.spot(*place)
        desk.page.tap(".mk-over", position={"x": left, "y": top})
        desk.expect_mask(*spot_of(number))
    desk.page.locator(".mk-name").nth(0).tap()
    expect_active(desk, "Object 1")
    assert not desk.page.evaluate("document.activeElement.matches('input')"), "the first tap brings up no keyboard"
    for part in ("eye", "dots", "grip"):
        box = desk.page.locator(f".mk-{part}").nth(0).bounding_box()
        assert box["height"] >= 40
    desk.page.locator(".mk-dots").nth(2).scroll_into_view_if_needed()
    desk.page.locator(".mk-dots").nth(0).tap()
    menu = desk.page.locator(".mk-row-menu").bounding_box()
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= 390
    assert menu["y"] >= 0
    assert menu["y"] + menu["height"] <= 844
    desk.page.tap("[data-act=solo]")
    expect_seen(desk, 1)
    grip, target = (desk.page.locator(".mk-grip").nth(row).bounding_box() for row in (0, 1))
    x, y = grip["x"] + 10, grip["y"] + grip["height"] / 2
    Fingers(desk.page).drag(straight((x, y), (x, target["y"] + target["height"]), steps=5))
    expect_names(desk, "Object 2", "Object 1", "Object 3")
    desk.page.tap(".mk-undo")
    expect_names(desk, "Object 1", "Object 2", "Object 3")


def test_an_empty_list_teaches(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.expect(".mk-side-empty").to_contain_text("lock it when it is done")
    desk.expect(".mk-all").to_be_disabled()
    desk.click(0.5, 0.5)
    desk.expect_objects(1)
    desk.expect(".mk-side-empty").to_be_hidden()
