"""The live camera, with Chromium's own fake camera: a green picture with a moving disc."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import FLAGS, find_browser, missing
from tests.browser.desk import Desk
from tests.browser.test_accessibility import findings
from tests.fakes import FakeEngine
from ui.app import Server

pytestmark = pytest.mark.browser
FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
PIXEL = """([x, y]) => {
  const canvas = document.querySelector('.mk-stream-canvas');
  const place = [Math.round(x * canvas.width), Math.round(y * canvas.height)];
  return [...canvas.getContext('2d').getImageData(...place, 1, 1).data].slice(0, 3).map(value => value >> 3);
}"""
IS_LIGHT_ON = """() => window.lights.some(track => track.readyState === 'live')"""
REMEMBER_LIGHTS = """() => {
window.lights = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async wanted => {
  const stream = await ask(wanted);
  window.lights.push(...stream.getTracks());
  return stream;
};
}"""


class Camera:
    """A user in front of the dialog."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page = desk, desk.page

    def start(self) -> None:
        self.page.evaluate(REMEMBER_LIGHTS)
        self.page.click(".mk-stream")
        self.expect_pace()

    def expect_pace(self) -> None:
        self.page.wait_for_selector(".mk-stream-pace:has-text('frames/s')")

    def place(self, x: float, y: float) -> tuple[float, float]:
        box = self.page.locator(".mk-stream-canvas").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def click(self, x: float, y: float, **options: Any) -> None:
        self.page.mouse.click(*self.place(x, y), **options)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.place(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(*end), steps=3)
        self.page.mouse.up()

    def pixel(self, x: float, y: float) -> list[int]:
        return list(self.page.evaluate(PIXEL, [x, y]))

    def expect_mask(self, x: float, y: float, bare: list[int], there: bool = True) -> None:
        """Wait until what is seen at a place is (not) the `bare` picture."""
        test = (
            f"([place, bare]) => (JSON.stringify(({PIXEL})(place)) !== JSON.stringify(bare)) === {str(there).lower()}"
        )
        self.page.wait_for_function(test, arg=[[x, y], bare])

    def expect_hint(self, words: str) -> None:
        self.page.wait_for_selector(f".mk-stream-hint:has-text('{words}')")

    def expect_note(self, words: str) -> None:
        self.page.wait_for_selector(f".mk-stream-text:has-text('{words}')")

    @property
    def is_light_on(self) -> bool:
        return bool(self.page.evaluate(IS_LIGHT_ON))


@pytest.fixture
def camera(chromium: Any, server: tuple[Server, str], visit: Callable[..., Desk]) -> Iterator[Camera]:
    path = find_browser()
    if path is None:
        missing("a Chromium browser")
    browser = chromium.browser_type.launch(executable_path=path, args=[*FLAGS, *FAKE], headless=True)
    context = browser.new_context(viewport={"width": 1280, "height": 800}, permissions=["camera"])
    yield Camera(visit(server[1], context=context))
    browser.close()


def engine_of(server: Server) -> FakeEngine:
    registry = server.sessions.services.models
    engine = registry.acquire(registry.default).loader.engine()
    assert isinstance(engine, FakeEngine)
    return engine


def test_clicks_are_followed_until_a_picture_is_kept(camera: Camera, server: tuple[Server, str]) -> None:
    camera.start()
    bare = camera.pixel(0.3, 0.5)
    camera.click(0.3, 0.5)
    camera.expect_mask(0.3, 0.5, bare)
    camera.click(0.3, 0.5, button="right")
    camera.expect_mask(0.3, 0.5, bare, there=False)
    camera.click(0.3, 0.5)
    camera.page.click(".mk-stream-new")
    camera.click(0.6, 0.9, button="right")
    camera.expect_hint("Click on the thing first")
    camera.drag((0.55, 0.05), (0.7, 0.2))
    camera.expect_mask(0.6, 0.1, bare)
    assert camera.page.locator(".mk-stream-object").count() == 2
    assert findings(camera.desk) == []

    engine_of(server[0]).sessions.clear()
    camera.expect_hint("goes on from the last masks")
    camera.expect_mask(0.3, 0.5, bare)
    camera.expect_mask(0.6, 0.1, bare)
    camera.page.click("[aria-label='Remove object 1']")
    camera.expect_mask(0.3, 0.5, bare, there=False)

    camera.page.click(".mk-stream-keep")
    camera.page.wait_for_selector(".mk[data-state=work] .mk-file-name[title='camera.jpg']")
    camera.desk.expect_mask(0.6, 0.1)
    camera.desk.expect_objects(1)
    assert not camera.is_light_on
    end = time.monotonic() + 20
    while any(each.is_live for each in list(engine_of(server[0]).sessions.values())):
        assert time.monotonic() < end, "the live session is still open"
        camera.page.wait_for_timeout(20)


def test_whatever_ends_the_picture_turns_the_light_off_and_is_said(camera: Camera) -> None:
    camera.start()
    bare = camera.pixel(0.3, 0.5)
    camera.click(0.3, 0.5)
    camera.expect_mask(0.3, 0.5, bare)
    camera.page.evaluate("window.lights[0].dispatchEvent(new Event('ended'))")
    camera.expect_note("The camera was disconnected")
    assert not camera.is_light_on
    camera.page.click(".mk-stream-resume")
    camera.expect_pace()
    camera.expect_mask(0.3, 0.5, bare)  # the object is still there
    camera.page.evaluate(
        """Object.defineProperty(document, 'hidden', {value: true, configurable: true});
        document.dispatchEvent(new Event('visibilitychange'));"""
    )
    camera.expect_note("in the background")
    assert not camera.is_light_on
    camera.page.click(".mk-stream-resume")
    camera.expect_pace()

    camera.page.route("**/live", lambda route: route.abort())
    camera.page.wait_for_selector(".mk-stream-pace:empty", state="attached")
    camera.page.unroute("**/live")
    camera.expect_pace()
    assert camera.is_light_on
    camera.page.keyboard.press("Escape")
    camera.page.wait_for_function(f"!({IS_LIGHT_ON})()")


def test_a_camera_that_is_denied_or_missing_is_said(desk: Desk) -> None:
    desk.page.click(".mk-stream")
    desk.expect(".mk-stream-text").to_contain_text("camera")
    desk.page.wait_for_selector(".mk-stream-resume:visible")
    desk.page.click(".mk-stream-stop")
    desk.expect(".mk-stream-dialog").to_be_hidden()
