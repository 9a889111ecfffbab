"""A user in front of the page: what they do and what they see."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

PIXEL = """([x, y]) => {
  const canvas = document.querySelector('.mk-over'), scale = canvas.width / canvas.clientWidth;
  return [...canvas.getContext('2d').getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data];
}"""
TIMEOUT = 15_000  # milliseconds; the machine may be busy
FINGER_PACE = 0.1  # seconds from one place of a finger to the next

Place: TypeAlias = tuple[float, float]


class Desk:
    """One browser tab."""

    def __init__(self, context: Any, address: str) -> None:
        self.context, self.host = context, urlsplit(address).netloc
        context.set_default_timeout(TIMEOUT)
        self.problems: list[str] = []
        self.foreign_requests: list[str] = []
        self.size: tuple[int, int] | None = None
        """Height and width of the photo of an album that is looked at."""
        self.page = context.new_page()
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._listen)
        self.page.on("request", self._watch)
        self.page.goto(address)
        self.page.wait_for_selector(".mk-status[data-line=on]")

    def _listen(self, message: Any) -> None:
        expected = ("Failed to load resource", "ERR_CONNECTION_REFUSED")  # the browser's own words on lost servers
        if message.type == "error" and not any(words in message.text for words in expected):
            self.problems.append(message.text)

    def _watch(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme.startswith("http") and parts.netloc != self.host:
            self.foreign_requests.append(request.url)

    def open(self, path: Path) -> None:
        self.page.set_input_files(".mk-picker", path)
        self.page.wait_for_selector(f".mk[data-state=work] .mk-file-name[title='{path.name}']", state="attached")
        self.page.wait_for_function("document.querySelector('.mk-progress-overlay').hidden")

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """A place on the stage, as shares of the picture, in CSS pixels of the stage. The picture fits the stage."""
        box = self.page.locator(".mk-over").bounding_box()
        ratio = self._ratio()
        width, height = min(box["width"], box["height"] * ratio), min(box["height"], box["width"] / ratio)
        return (box["width"] - width) / 2 + x * width, (box["height"] - height) / 2 + y * height

    def _ratio(self) -> float:
        if self.size is not None:
            return self.size[1] / self.size[0]
        return float(
            self.page.evaluate("Number(document.querySelector('.mk-viewport').style.getPropertyValue('--ratio'))")
        )

    def expect(self, what: Any) -> Any:
        """Playwright's assertions, which wait, about a selector or a locator."""
        from playwright.sync_api import expect  # only where the tools of developers are installed

        expect.set_options(timeout=TIMEOUT)
        return expect(self.page.locator(what) if isinstance(what, str) else what)

    def click(self, x: float, y: float, **options: Any) -> None:
        left, top = self.spot(x, y)
        self.page.click(".mk-over", position={"x": left, "y": top}, **options)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        box = self.page.locator(".mk-over").bounding_box()
        (x0, y0), (x1, y1) = self.spot(*start), self.spot(*end)
        self.page.mouse.move(box["x"] + x0, box["y"] + y0)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + x1, box["y"] + y1, steps=5)
        self.page.mouse.up()

    def pixel(self, x: float, y: float) -> list[int]:
        """Red, green, blue and alpha of what lies over the picture."""
        return list(self.page.evaluate(PIXEL, list(self.spot(x, y))))

    def expect_mask(self, x: float, y: float, there: bool = True) -> None:
        """Wait until there is (no) mask at this place."""
        test = f"place => (({PIXEL})(place)[3] > 0) === {str(there).lower()}"
        self.page.wait_for_function(test, arg=list(self.spot(x, y)))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def expect_frame(self, number: int) -> None:
        self.page.wait_for_selector(f".mk-frame-number:text-is('{number}')")

    def expect_mask_at_both_ends(self, x: float, y: float, frames: int, there: bool = True) -> None:
        """EffectStack at the first and at the last frame of a clip."""
        for key, frame in (("Home", 1), ("End", frames)):
            self.press(key)
            self.expect_frame(frame)
            self.expect_mask(x, y, there)

    def expect_objects(self, count: int) -> None:
        self.page.wait_for_function(f"document.querySelectorAll('.mk-object').length === {count}")

    def expect_toast(self, words: str) -> None:
        self.page.wait_for_selector(f".mk-toast:has-text('{words}')")

    def choose_download(self, kind: str) -> None:
        """Open the dialog and choose a kind of file."""
        self.page.click(".mk-download")
        self.choose_format(kind)

    def choose_format(self, kind: str) -> None:
        """A kind of file of the dialog, of the task that it is for: a picture as it is seen rather than a cut-out."""
        self.page.locator(f".mk-task[data-formats~={kind}] input").last.check()
        others = self.page.locator(f".mk-other-formats:not([open]):has([data-format={kind}]) summary")
        if others.count():
            others.click()
        self.page.check(f".mk-format[data-format={kind}] input")

    def download(self, kind: str) -> Path:
        self.choose_download(kind)
        with self.page.expect_download() as started:
            self.page.click(".mk-download-go")
        path = Path(started.value.path())
        self.page.click(".mk-download-close")
        return path


class Fingers:
    """Fingers on a touch screen. Places are CSS pixels of the window, x and y."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)

    def down(self, *places: Place, at: float | None = None) -> None:
        self._touch("touchStart", places, at)

    def up(self, at: float | None = None) -> None:
        self._touch("touchEnd", (), at)

    def drag(self, *tracks: list[Place]) -> None:
        """One track a finger. They go slowly, by the times that they carry, and rest before they leave: a finger that
        leaves in full flight makes the browser take the next tap for a hand that stops the flight, not for a click.
        """
        steps = [*zip(*tracks, strict=True)]
        start = time.time() - FINGER_PACE * (len(steps) + 1)
        self.down(*steps[0], at=start)
        for number, places in enumerate([*steps[1:], steps[-1]], start=1):
            self._touch("touchMove", places, start + FINGER_PACE * number)
        self.up(at=start + FINGER_PACE * (len(steps) + 1))

    def _touch(self, kind: str, places: tuple[Place, ...], at: float | None) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        when = {} if at is None else {"timestamp": at}
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points, **when})


def straight(start: Place, end: Place, steps: int) -> list[Place]:
    """The places of a finger that goes from one place to another."""
    return [
        (start[0] + (end[0] - start[0]) * step / steps, start[1] + (end[1] - start[1]) * step / steps)
        for step in range(steps + 1)
    ]
