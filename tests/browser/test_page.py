"""What users do on the page, in a real browser, with the fake engine: a click paints a disc, a box is filled."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.media import ingest, open_store
from sam2_core.types import FrameMasks
from tests.browser.desk import PIXEL, Desk
from tests.fakes import FakeEngine
from tests.media.numbered import read_number
from tests.ui.house import DEADLINE, GatedEngine, launched
from ui.server import Server

pytestmark = pytest.mark.browser


def test_a_click_paints_and_a_right_click_takes_away(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    assert desk.pixel(0.3, 0.5)[3] == 0
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    red, green, blue, alpha = desk.pixel(0.27, 0.46)
    assert red > green > blue, "the first object is orange"
    assert 110 < alpha < 145, "half opaque"
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
    desk.expect_mask(0.27, 0.46, there=False)
    desk.page.click(".mk-undo")
    desk.expect_mask(0.27, 0.46)
    desk.page.click(".mk-reset")
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
    assert desk.page.locator(".mk-objects b").count() == 0, "names are text"
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
    assert desk.page.locator(".mk-name").nth(1).input_value() == "<b>Cat</b> & 1"


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
    drawn = np.asarray(Image.open(desk.download("overlay")).convert("RGB")).astype(int)
    source = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    assert np.abs(drawn[150, 120] - (source[150, 120] + np.array([230, 159, 0])) / 2).max() <= 2
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
    assert desk.page.locator(".mk-file-name").inner_text() == "photo.png"
    desk.click(0.7, 0.5)
    desk.expect_mask(0.67, 0.46)
    desk.expect_mask(0.27, 0.46)


def test_a_clip_is_stepped_scrubbed_and_played(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    desk.expect_frame(1)
    desk.page.click(".mk-next")
    desk.expect_frame(2)
    desk.press("ArrowRight", "Shift+ArrowRight")
    desk.expect_frame(13)
    desk.press("ArrowLeft")
    desk.expect_frame(12)
    desk.page.locator(".mk-scrub").fill("20")
    desk.expect_frame(21)
    desk.press("End")
    desk.expect_frame(30)
    desk.press("Home", "Space")
    desk.expect_frame(30)
    desk.page.wait_for_selector(".mk-play[aria-label=Play]")
    assert desk.page.locator(".mk-time").inner_text() == "0:00.96"


def test_a_clip_is_tracked_and_comes_down_with_its_masks(desk: Desk, clip: Path, tmp_path: Path) -> None:
    desk.open(clip)
    desk.page.locator(".mk-scrub").fill("10")
    desk.expect_frame(11)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.press("ArrowRight")
    desk.expect_mask(0.28, 0.76, there=False)
    desk.press("ArrowLeft")
    desk.page.click("[data-direction=both]")
    desk.page.wait_for_selector(".mk-track:visible")
    for key, frame in (("Home", 1), ("End", 30)):
        desk.press(key)
        desk.expect_frame(frame)
        desk.expect_mask(0.28, 0.76)
    with zipfile.ZipFile(desk.download("masks")) as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
    assert names == [f"object_01/{number:05}.png" for number in range(30)]
    video = tmp_path / "overlay.mp4"
    video.write_bytes(desk.download("overlay").read_bytes())
    ingest(video, tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        assert store.info.frames == 30
        assert [read_number(store.frame(number)) for number in (0, 29)] == [0, 29]
        red, _, blue = store.frame(0)[130, 96].astype(int)
        assert red > blue + 40, "the mask is drawn in"


def test_tracking_stops_goes_on_and_takes_clicks(
    gated: tuple[GatedEngine, str], visit: Callable[..., Desk], clip: Path
) -> None:
    engine, address = gated
    desk = visit(address)
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.page.click("[data-direction=forward]")
    for _ in range(3):
        engine.gate.release()
    desk.page.wait_for_selector(".mk-tracking:visible")
    desk.page.wait_for_function("Number(document.querySelector('.mk-frame-number').textContent) > 3")
    desk.click(0.6, 0.8)
    desk.expect_mask(0.58, 0.76)
    assert not desk.page.is_checked(".mk-follow input"), "who clicks wants to stay"
    desk.page.click(".mk-stop")
    for _ in range(2):
        engine.gate.release()
    desk.page.wait_for_selector(".mk-goon:visible")
    for _ in range(40):
        engine.gate.release()
    desk.page.click(".mk-goon")
    desk.expect_frame(30)
    desk.page.wait_for_selector(".mk-track:visible")
    assert not desk.page.is_visible(".mk-goon")
    desk.expect_mask(0.58, 0.76)


def test_what_tracking_found_before_a_click_does_not_cover_its_answer(visit: Callable[..., Desk], clip: Path) -> None:
    class LateEngine(GatedEngine):
        """Finds its masks at once and hands them over late."""

        def track(self, session: str, frames: range, revision: int) -> tuple[FrameMasks, ...]:
            found = FakeEngine.track(self, session, frames, revision)
            self.entered.release()
            assert self.gate.acquire(timeout=DEADLINE)
            return found

    engine = LateEngine()
    with launched(engine) as (_, address):
        desk = visit(address)
        desk.open(clip)
        desk.click(0.3, 0.8)
        desk.expect_mask(0.28, 0.76)
        desk.page.click("[data-direction=forward]")
        assert engine.entered.acquire(timeout=DEADLINE)
        desk.click(0.6, 0.8)
        desk.expect_mask(0.58, 0.76)
        for _ in range(60):
            engine.gate.release()
        desk.page.wait_for_selector(".mk-track:visible")
        desk.press("ArrowRight", "Home")
        desk.expect_frame(1)
        desk.expect_mask(0.28, 0.76)
        desk.expect_mask(0.58, 0.76)
        desk.context.close()


def test_two_users_see_only_their_own(server: tuple[Server, str], visit: Callable[..., Desk], picture: Path) -> None:
    one, two = visit(server[1]), visit(server[1])
    one.open(picture)
    one.click(0.3, 0.5)
    one.expect_mask(0.27, 0.46)
    two.open(picture)
    two.click(0.7, 0.5)
    two.expect_mask(0.67, 0.46)
    assert two.pixel(0.27, 0.46)[3] == 0
    assert one.pixel(0.67, 0.46)[3] == 0


def test_a_reload_keeps_the_work_and_its_history(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.page.locator(".mk-name").fill("Ball")
    desk.press("Enter", "t")
    desk.expect_frame(30)
    desk.page.wait_for_selector(".mk-track:visible")
    desk.page.reload()
    desk.page.wait_for_selector(".mk[data-state=work]")
    desk.expect_frame(30)
    desk.expect_mask(0.28, 0.76)
    assert desk.page.locator(".mk-name").input_value() == "Ball"
    desk.press("Control+z")
    desk.expect_mask(0.28, 0.76, there=False)
    desk.press("Control+Shift+z")
    desk.expect_frame(1)
    desk.expect_mask(0.28, 0.76)


def test_a_reload_in_mid_track_shows_the_run_and_can_stop_it(
    gated: tuple[GatedEngine, str], visit: Callable[..., Desk], clip: Path
) -> None:
    engine, address = gated
    desk = visit(address)
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.page.click("[data-direction=forward]")
    engine.gate.release()
    desk.expect_frame(1)
    desk.page.reload()
    desk.page.wait_for_selector(".mk-tracking:visible")
    for _ in range(4):
        engine.gate.release()
    desk.page.wait_for_function("Number(document.querySelector('.mk-frame-number').textContent) > 3")
    desk.page.click(".mk-stop")
    for _ in range(40):
        engine.gate.release()
    desk.page.wait_for_selector(".mk-goon:visible")
    desk.page.click(".mk-goon")
    desk.expect_frame(30)


def test_a_file_may_follow_another_that_is_still_on_its_way(desk: Desk, picture: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.bin").write_bytes(bytes(4_000_000))
    network = desk.context.new_cdp_session(desk.page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    network.send("Network.emulateNetworkConditions", slow)
    desk.page.set_input_files(".mk-picker", tmp_path / "slow.bin")
    desk.page.wait_for_selector(".mk-veil-text:has-text('MB of 4.0 MB')")
    desk.open(picture)
    assert desk.page.locator(".mk-toast").count() == 0


def test_an_expired_session_starts_again_with_all_clicks(desk: Desk, server: tuple[Server, str], picture: Path) -> None:
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    visitors = server[0].visitors
    settings = visitors._settings
    try:
        visitors._settings = replace(settings, idle_minutes=0.0)
        desk.page.wait_for_selector(".mk-banner-act:has-text('Start again')")
    finally:
        visitors._settings = settings
    desk.click(0.7, 0.2)
    desk.page.click(".mk-banner-act:has-text('Start again')")
    desk.expect_toast("Your clicks are back")
    assert desk.page.locator(".mk-toast-error").count() == 0
    desk.expect_mask(0.27, 0.46)
    desk.expect_mask(0.67, 0.16)
    desk.press("Control+z")
    desk.click(0.7, 0.5)
    desk.expect_mask(0.67, 0.46)
    desk.press("Control+z", "Control+z")
    desk.expect_mask(0.27, 0.46, there=False)


def test_it_works_where_sockets_are_cut_off(visit: Callable[..., Desk], server: tuple[Server, str], clip: Path) -> None:
    desk = visit(server[1])
    desk.page.route_web_socket(re.compile(".*/ws$"), lambda socket: socket.close())
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.press("t")
    desk.expect_frame(30)
    desk.expect_mask(0.28, 0.76)


def test_a_lost_connection_comes_back_by_itself(desk: Desk, picture: Path) -> None:
    sockets = []

    def through(socket: Any) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    desk.page.route_web_socket(re.compile(".*/ws$"), through)
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.open(picture)
    sockets[-1].close()
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    assert len(sockets) == 2


def test_a_connection_that_died_without_a_word_is_noticed(desk: Desk, picture: Path) -> None:
    sockets: list[Any] = []

    def through(socket: Any) -> None:
        server = socket.connect_to_server()
        sockets.append(socket)
        if len(sockets) == 1:
            socket.on_message(lambda message: None if dead else server.send(message))
            server.on_message(lambda message: None if dead else socket.send(message))

    dead: list[bool] = []
    desk.page.route_web_socket(re.compile(".*/ws$"), through)
    desk.page.clock.install()
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.open(picture)
    dead.append(True)
    desk.click(0.3, 0.5)
    desk.page.clock.fast_forward(20_000)
    assert len(sockets) == 1, "silence for a while means nothing"
    desk.page.clock.fast_forward(20_000)
    desk.expect_mask(0.27, 0.46)
    assert len(sockets) == 2


def test_the_start_screen_offers_examples(desk: Desk) -> None:
    assert desk.page.locator(".mk-example").count() >= 4
    desk.page.wait_for_function("[...document.querySelectorAll('.mk-example img')].every(i => i.naturalWidth > 0)")
    desk.page.click(".mk-example >> nth=2")
    desk.page.wait_for_selector(".mk[data-state=work]")
    desk.page.click(".mk-new")
    desk.page.click(".mk-back")
    desk.page.wait_for_selector(".mk-work:visible")


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
        desk.page.wait_for_selector(f".mk-file-name:text-is('{kind}.png')")


def test_a_phone_has_all_of_it(visit: Callable[..., Desk], server: tuple[Server, str], clip: Path) -> None:
    desk = visit(server[1], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert desk.page.evaluate(fits)
    desk.open(clip)
    assert desk.page.evaluate(fits)
    assert desk.page.locator(".mk-top").bounding_box()["width"] == 390
    stage = desk.page.locator(".mk-stage").bounding_box()
    assert stage["width"] == 390, "the picture uses the whole width"
    left, top = desk.spot(0.3, 0.8)
    desk.page.touchscreen.tap(stage["x"] + left, stage["y"] + top)
    desk.expect_mask(0.28, 0.74)
    for name in ("undo", "add", "play", "download", "tool-remove", "stage"):
        box = desk.page.locator(f".mk-{name}").first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390, name
        assert min(box["width"], box["height"]) >= 38, name
    for width in (390, 360):
        desk.page.set_viewport_size({"width": width, "height": 740})
        assert desk.page.evaluate(fits)
        for part in (".mk-tools", ".mk-transport"):
            assert desk.page.locator(part).bounding_box()["height"] < 110, "two rows at most"
    desk.page.tap(".mk-help")
    assert "Right-click" in desk.page.inner_text(".mk-help-dialog")
    assert "Ctrl+Z" not in desk.page.inner_text(".mk-help-dialog"), "there is no keyboard"
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
    fingers = desk.context.new_cdp_session(desk.page)

    def touch(kind: str, *places: float) -> None:
        points = [{"x": place, "y": y, "id": number} for number, place in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", x - 20, x + 20)
    for step in range(1, 10):
        touch("touchMove", x - 20 - 8 * step, x + 20 + 8 * step)
    touch("touchEnd")
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
