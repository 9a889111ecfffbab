"""The panel of effects: what it shows in the viewport is what the server paints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import expire
from tests.browser.desk import Desk
from tests.ui.house import picture_bytes
from ui.app import Server

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ORANGE, BLACK, WHITE = [230, 159, 0], [0, 0, 0], [255, 255, 255]

# Whether the picture itself, below all that lies over it, has this color here.
IS_COLOR = """([x, y, color, near]) => {
  const canvas = document.querySelector('.mk-base'), scale = canvas.width / canvas.clientWidth;
  const found = canvas.getContext('2d').getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data;
  return color.every((part, place) => Math.abs(part - found[place]) <= 24) === near;
}"""


def expect_color(desk: Desk, x: float, y: float, color: list[int], near: bool = True) -> None:
    desk.page.wait_for_function(IS_COLOR, arg=[*desk.spot(x, y), color, near])


def select(desk: Desk, x: float = 0.3, y: float = 0.5) -> None:
    desk.click(x, y)
    desk.expect_mask(x + 0.03, y + 0.03)


def open_panel(desk: Desk) -> None:
    desk.page.click(".mk-effects-open")
    desk.page.wait_for_selector(".mk-effects:visible")


def knob(desk: Desk, label: str) -> Any:
    return desk.page.get_by_label(label, exact=True)


def fill_masks(desk: Desk) -> None:
    """Open the panel with an overlay that covers the objects wholly."""
    open_panel(desk)
    knob(desk, "Overlay: Opacity").fill("1")
    knob(desk, "Overlay: Outline").fill("0")


def add(desk: Desk, effect: str) -> None:
    desk.page.select_option(".mk-layer-kind", effect)
    desk.page.click(".mk-layer-add")


def layers(desk: Desk, *effects: str) -> None:
    """Wait until these are the layers of the effect stack."""
    found = "[...document.querySelectorAll('.mk-layer')].map(row => row.dataset.effect).join()"
    desk.page.wait_for_function(f"wanted => {found} === wanted", arg=",".join(effects))


def listen(desk: Desk) -> list[dict[str, str]]:
    """What is asked of the server, in previews."""
    asked: list[dict[str, str]] = []

    def note(request: Any) -> None:
        parts = urlsplit(request.url)
        if "/effects/" in parts.path:
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked.append({**query, "frame": parts.path.rsplit("/", 1)[1]})

    desk.page.on("request", note)
    return asked


def test_the_look_is_painted_on_the_stage(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    select(desk)
    fill_masks(desk)
    expect_color(desk, 0.33, 0.53, ORANGE)
    expect_color(desk, 0.8, 0.5, ORANGE, near=False)
    desk.expect_mask(0.33, 0.53, there=False)
    desk.expect_mask(0.3, 0.5, there=False)
    desk.page.hover(".mk-over", position=dict(zip("xy", desk.spot(0.8, 0.2), strict=True)))
    desk.expect_mask(0.3, 0.5)  # the prompt's marker, for whoever points at the picture
    knob(desk, "Overlay: Opacity").fill("0")
    expect_color(desk, 0.33, 0.53, ORANGE, near=False)


def test_the_switch_and_the_panel_bring_the_masks_back(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    select(desk)
    fill_masks(desk)
    expect_color(desk, 0.33, 0.53, ORANGE)
    desk.page.focus(".mk-effects-shown")
    desk.press("Space")
    desk.expect(".mk-effects-shown").not_to_be_checked()
    expect_color(desk, 0.33, 0.53, ORANGE, near=False)
    desk.expect_mask(0.33, 0.53)
    desk.page.check(".mk-effects-shown")
    expect_color(desk, 0.33, 0.53, ORANGE)
    desk.page.focus(".mk-layer-add")
    desk.press("Escape")
    desk.expect(".mk-effects").to_be_hidden()
    desk.expect(".mk-effects-open").to_be_focused()
    desk.expect_mask(0.33, 0.53)
    desk.press("v")
    desk.expect(".mk-effects").to_be_visible()
    expect_color(desk, 0.33, 0.53, ORANGE)


def test_one_can_go_on_selecting(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    select(desk)
    fill_masks(desk)
    expect_color(desk, 0.33, 0.53, ORANGE)
    desk.click(0.7, 0.5)
    expect_color(desk, 0.73, 0.53, ORANGE)
    desk.press("Control+z")
    expect_color(desk, 0.73, 0.53, ORANGE, near=False)
    desk.page.click("#mk-tab-objects")
    desk.page.locator(".mk-swatch").first.fill("#2040f0")
    open_panel(desk)
    expect_color(desk, 0.33, 0.53, [0x20, 0x40, 0xF0])
    desk.press("x")
    expect_color(desk, 0.33, 0.53, [0x20, 0x40, 0xF0], near=False)


def expect_number(desk: Desk, frame: int) -> None:
    """The picture in the viewport is that of this frame of a numbered clip."""
    for bit in range(6):
        expect_color(desk, (bit + 0.5) / 6, 0.9, WHITE if frame >> (5 - bit) & 1 else BLACK)


def test_each_frame_shows_its_own(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    select(desk, 0.5, 0.5)
    fill_masks(desk)
    expect_color(desk, 0.53, 0.53, ORANGE)
    desk.page.click(".mk-next")
    desk.expect_frame(2)
    expect_number(desk, 1)
    expect_color(desk, 0.53, 0.53, ORANGE, near=False)
    desk.page.click(".mk-first")
    expect_number(desk, 0)
    expect_color(desk, 0.53, 0.53, ORANGE)


def test_a_clip_plays_painted(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    select(desk, 0.5, 0.5)
    desk.page.click("[data-direction=forward]")
    desk.page.wait_for_selector(".mk-tip:has-text('Tracking finished')", state="attached")
    desk.press("Home")
    asked = listen(desk)
    fill_masks(desk)
    expect_color(desk, 0.53, 0.53, ORANGE)
    desk.page.click(".mk-play")
    desk.expect_frame(30)
    desk.expect(".mk-play").to_have_attribute("aria-label", "Play")
    expect_number(desk, 29)
    expect_color(desk, 0.53, 0.53, ORANGE)
    assert {"640", "1280"} == {each["side"] for each in asked}
    assert len({each["frame"] for each in asked}) > 3


def test_a_slider_that_is_dragged_has_one_request_at_a_time(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    select(desk)
    open_panel(desk)
    flying, most = [0], [0]

    def count(step: int) -> Callable[[Any], None]:
        def change(request: Any) -> None:
            if "/effects/" in request.url:
                flying[0] += step
                most[0] = max(most[0], flying[0])

        return change

    desk.page.on("request", count(1))
    desk.page.on("requestfinished", count(-1))
    asked = listen(desk)
    knob(desk, "Overlay: Opacity").scroll_into_view_if_needed()
    slider = knob(desk, "Overlay: Opacity").bounding_box()
    y = slider["y"] + slider["height"] / 2
    desk.page.mouse.move(slider["x"] + slider["width"] / 2, y)
    desk.page.mouse.down()
    desk.page.mouse.move(slider["x"] + slider["width"] + 5, y, steps=40)
    desk.page.mouse.up()
    desk.page.wait_for_function("document.querySelector('.mk-layer output').textContent === '100%'")
    expect_color(desk, 0.33, 0.53, ORANGE)
    desk.page.wait_for_function(
        "performance.getEntriesByType('resource').some(each => each.name.includes('side=1280'))"
    )
    assert most[0] == 1
    assert json.loads(asked[-1]["effects"])["layers"][0]["opacity"] == 1
    assert 0 < len(asked) <= 42


def test_layers_are_added_moved_and_removed_by_keyboard(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    select(desk)
    open_panel(desk)
    desk.expect(".mk-preset:has(:checked)").to_have_text("Overlay")
    layers(desk, "overlay")
    add(desk, "glow")
    layers(desk, "overlay", "glow")
    desk.expect(".mk-preset:has(:checked)").to_have_count(0)
    desk.page.focus(".mk-layer:nth-child(2) .mk-layer-up")
    desk.press("Enter")
    layers(desk, "glow", "overlay")
    desk.expect(".mk-layer:nth-child(1) .mk-layer-down").to_be_focused()
    desk.press("Space")
    layers(desk, "overlay", "glow")
    desk.page.focus(".mk-layer:nth-child(1) .mk-layer-remove")
    desk.press("Enter")
    layers(desk, "glow")
    desk.press("Enter")
    desk.expect(".mk-layers-none").to_be_visible()
    desk.page.click("[data-preset=Sticker]")
    layers(desk, "cutout", "outline")
    desk.expect(knob(desk, "Outline: Color")).to_have_value("#ffffff")
    knob(desk, "Outline: Color: each object its own").check()
    desk.expect(knob(desk, "Outline: Color")).to_be_disabled()
    for _ in range(11):
        add(desk, "blur")
    desk.expect_toast("A look has up to 12 effects")


def test_the_plain_look_is_as_strong_as_on_the_stage(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    select(desk)
    open_panel(desk)
    desk.page.click(".mk-view-open")
    desk.page.fill(".mk-opacity input", "100")
    desk.press("Escape")
    desk.expect(knob(desk, "Overlay: Opacity")).to_have_value("1")
    expect_color(desk, 0.33, 0.53, ORANGE)
    add(desk, "glow")
    desk.page.click(".mk-view-open")
    desk.page.fill(".mk-opacity input", "20")
    desk.expect(knob(desk, "Overlay: Opacity")).to_have_value("1")


def test_the_look_goes_into_the_download_and_the_project(
    desk: Desk, visit: Callable[..., Desk], server: tuple[Server, str], picture: Path, tmp_path: Path
) -> None:
    desk.open(picture)
    select(desk)
    open_panel(desk)
    desk.page.click("[data-preset=Neon]")
    knob(desk, "Glow: Size").fill("77")
    layers(desk, "spotlight", "glow")
    desk.page.click(".mk-download")
    desk.expect("[name=mk-export-effects] option:checked").to_have_text("Your own: Spotlight, Glow")
    desk.page.click(".mk-export-effects .mk-link")
    desk.expect(".mk-download-dialog").to_be_hidden()
    with desk.page.expect_download() as started:
        desk.press("Control+s")
    project = json.loads(Path(started.value.path()).read_text("utf-8"))
    assert [layer["effect"] for layer in project["effects"]["layers"]] == ["spotlight", "glow"]
    assert project["effects"]["layers"][1]["size"] == 77
    project["effects"]["layers"] += [{"effect": "sparkle"}, {"effect": "blur", "strength": "<b>"}, 5]
    project["effects"]["feather"] = 1e9
    (tmp_path / "photo.masklet.json").write_text(json.dumps(project), "utf-8")
    other = visit(server[1])
    other.page.set_input_files(".mk-project-picker", tmp_path / "photo.masklet.json")
    other.page.wait_for_selector(".mk-file-wanted")
    other.page.set_input_files(".mk-picker", picture)
    other.page.wait_for_selector(".mk[data-state=work] .mk-object")
    open_panel(other)
    layers(other, "spotlight", "glow", "blur")
    other.expect(knob(other, "Glow: Size")).to_have_value("77")
    other.expect(knob(other, "Blur: Strength")).to_have_value("20")
    other.expect(knob(other, "Edges: Feather")).to_have_value("50")


def test_the_look_survives_a_reload_and_belongs_to_the_work(desk: Desk, picture: Path, clip: Path) -> None:
    desk.open(picture)
    select(desk)
    fill_masks(desk)
    expect_color(desk, 0.33, 0.53, ORANGE)
    desk.page.reload()
    desk.page.wait_for_selector(".mk[data-state=work] .mk-object", state="attached")
    open_panel(desk)
    expect_color(desk, 0.33, 0.53, ORANGE)
    desk.open(clip)
    desk.expect(knob(desk, "Overlay: Opacity")).to_have_value("0.35")
    desk.expect(".mk-effects-empty").to_be_visible()


def test_two_users_have_looks_of_their_own(
    visit: Callable[..., Desk], server: tuple[Server, str], picture: Path
) -> None:
    first, second = visit(server[1]), visit(server[1])
    for desk in (first, second):
        desk.open(picture)
        select(desk)
    fill_masks(first)
    second.page.locator(".mk-swatch").first.fill("#2040f0")
    fill_masks(second)
    expect_color(first, 0.33, 0.53, ORANGE)
    expect_color(second, 0.33, 0.53, [0x20, 0x40, 0xF0])


def choose_backdrop(desk: Desk, path: Path) -> None:
    with desk.page.expect_file_chooser() as chooser:
        desk.page.click(".mk-backdrop")
    chooser.value.set_files(path)


def test_presets_are_pictures_of_the_frame(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    select(desk, 0.5, 0.5)
    open_panel(desk)
    painted = "[...document.querySelectorAll('.mk-preset img')].every(each => each.naturalWidth > 0)"
    desk.page.wait_for_function(painted)
    pictures = "() => [...document.querySelectorAll('.mk-preset img')].map(each => each.src)"
    first = desk.page.evaluate(pictures)
    assert len(set(first)) == desk.page.locator(".mk-preset").count()
    desk.page.click(".mk-next")
    changed = f"former => ({pictures})().every((each, place) => each !== former[place])"
    desk.page.wait_for_function(changed, arg=first)
    desk.page.click(".mk-first")
    assert desk.page.evaluate(pictures) == first, "kept for the frame"
    desk.page.focus(".mk-preset :checked")
    desk.press("ArrowRight")
    desk.expect(".mk-preset:has(:checked)").to_have_text("Spotlight")
    layers(desk, "desaturate", "spotlight")
    desk.expect_frame(1)


def test_a_picture_stands_behind(desk: Desk, server: tuple[Server, str], picture: Path, tmp_path: Path) -> None:
    desk.open(picture)
    select(desk)
    open_panel(desk)
    add(desk, "picture")
    desk.expect(".mk-effects-problem").to_be_hidden()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    choose_backdrop(desk, tmp_path / "bad.png")
    desk.expect_toast("damaged or cut off")
    (tmp_path / "sky.png").write_bytes(picture_bytes(40, 70))
    asked = listen(desk)
    with desk.page.expect_response(lambda answer: "/effects/" in answer.url) as painted:
        choose_backdrop(desk, tmp_path / "sky.png")
    assert painted.value.ok
    desk.expect(".mk-backdrop").to_have_text("Choose another")
    desk.page.wait_for_function("document.querySelector('.mk-setting-line img').naturalWidth === 70")
    name = json.loads(asked[-1]["effects"])["layers"][1]["name"]
    assert len(name) == 32
    expire(server[0], desk)  # another session: the browser sends the picture again
    with desk.page.expect_response(lambda answer: "/effects/" in answer.url and answer.ok):
        desk.page.click(".mk-banner-act")
    assert json.loads(asked[-1]["effects"])["layers"][1]["name"] == name


def test_a_picture_that_nobody_has_any_more_is_asked_for(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    select(desk)
    with desk.page.expect_download() as started:
        desk.press("Control+s")
    project = json.loads(Path(started.value.path()).read_text("utf-8"))
    project["effects"] = {"layers": [{"effect": "picture", "name": "f" * 32}]}
    file = {"name": "photo.masklet.json", "mimeType": "application/json", "buffer": json.dumps(project).encode()}
    desk.page.set_input_files(".mk-project-picker", files=[file])
    open_panel(desk)
    layers(desk, "picture")
    desk.expect(".mk-backdrop").to_have_text("Choose it again")
    desk.expect(".mk-effects-problem").to_contain_text("Choose it again")
    desk.expect_mask(0.33, 0.53)
    desk.page.click(".mk-layer-remove")
    desk.expect(".mk-effects-problem").to_be_hidden()


def test_the_panel_is_a_sheet_on_a_phone(visit: Callable[..., Desk], server: tuple[Server, str], picture: Path) -> None:
    desk = visit(server[1], **PHONE)
    desk.open(picture)
    desk.page.tap(".mk-over", position=dict(zip("xy", desk.spot(0.3, 0.5), strict=True)))
    desk.expect_mask(0.33, 0.53)
    desk.page.tap(".mk-effects-open")
    panel, viewport = (desk.page.locator(name).bounding_box() for name in (".mk-effects", ".mk-viewport"))
    assert abs(panel["y"] + panel["height"] - 844) <= 1
    assert viewport["y"] + viewport["height"] <= panel["y"] + 1, "the viewport stays in sight"
    for name in (".mk-effects-close", ".mk-layer-remove", ".mk-layer-add", ".mk-preset"):
        box = desk.page.locator(name).first.bounding_box()
        assert min(box["width"], box["height"]) >= 40, name
    knob(desk, "Overlay: Opacity").fill("1")
    expect_color(desk, 0.33, 0.53, ORANGE)
    desk.page.tap(".mk-effects-close")
    desk.expect_mask(0.33, 0.53)
