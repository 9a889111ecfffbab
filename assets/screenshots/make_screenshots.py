"""The pictures of README.md and docs/, taken from the real page with the bundled network.

    python assets/screenshots/make_screenshots.py [start photos effects clip phone]

The developers' tools and Chromium are needed.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.browser.desk import Desk  # noqa: E402
from ui.app import Server  # noqa: E402
from ui.examples import examples  # noqa: E402
from ui.serve import model_registry  # noqa: E402
from ui.settings import load_settings  # noqa: E402

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
PATIENCE = 120_000  # milliseconds
LOOP_WIDTH = 720  # pixels
LOOP_PAUSE = 220  # milliseconds between two pictures of the loop

Visit = Callable[..., "Tab"]


class Tab(Desk):
    """A browser tab, and a film of what is done in it."""

    def __init__(self, browser: Any, address: str, **screen: Any) -> None:
        super().__init__(browser.new_context(**screen), address)
        self.page.set_default_timeout(PATIENCE)
        self.film: list[Image.Image] = []

    def example(self, name: str) -> None:
        """Open one of the examples."""
        self.open(examples()[name].path)
        self.rest()

    def rest(self, seconds: float = 2.0) -> None:
        """Let answers arrive and animations end."""
        self.page.wait_for_timeout(1000 * seconds)

    def wait_without_hints(self) -> None:
        """Hints and toasts go by themselves."""
        self.page.mouse.move(5, 5)
        self.page.wait_for_function("!document.querySelector('.mk-toast')")
        self.rest()

    def track(self, button: str) -> None:
        """Press a button that starts tracking, and film it to its end."""
        self.page.click(button)
        self.page.wait_for_selector(".mk-main-action[data-action=stop]")
        while self.page.locator(".mk-main-action[data-action=stop]").count():
            self.shoot()
        self.rest(1.0)
        self.shoot(6)

    def screen(self) -> Image.Image:
        """What is to be seen."""
        return Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")

    def shoot(self, times: int = 1) -> None:
        """Add what is to be seen to the film."""
        self.film += [self.screen()] * times

    def save(self, name: str) -> None:
        """Write what is to be seen."""
        self.screen().save(HERE / f"{name}.webp", quality=82, method=6)

    def save_film(self, name: str, most: int = 70) -> None:
        """Write the film as an animated GIF of at most so many pictures."""
        step = max(1, -(-len(self.film) // most))
        small = [
            each.resize((LOOP_WIDTH, LOOP_WIDTH * each.height // each.width), Image.Resampling.LANCZOS)
            for each in self.film[::step]
        ]
        samples = small[:: max(1, len(small) // 8)]
        sheet = Image.new("RGB", (LOOP_WIDTH, sum(each.height for each in samples)))
        for number, each in enumerate(samples):
            sheet.paste(each, (0, number * each.height))
        palette = sheet.quantize(256)
        frames = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in small]
        frames[0].save(
            HERE / f"{name}.gif", save_all=True, append_images=frames[1:], duration=LOOP_PAUSE, loop=0, optimize=True
        )


def start(visit: Visit) -> None:
    """The first screen, with the pointer on one of the things of its picture."""
    tab = visit(**DESKTOP)
    tab.page.hover(".mk-hero-object >> nth=0")
    tab.rest()
    tab.save("start")


def photos(visit: Visit) -> None:
    """Readings of a click; several objects on a dark page."""
    tab = visit(**DESKTOP)
    tab.example("coffee")
    tab.click(0.42, 0.62)
    tab.rest()
    tab.save("candidates")
    dark = visit(**DESKTOP, color_scheme="dark")
    dark.example("desk")
    dark.drag((0.36, 0.72), (0.56, 0.89))
    dark.rest()
    dark.press("n")
    dark.drag((0.22, 0.48), (0.49, 0.73))
    dark.wait_without_hints()
    dark.save("dark")


def effects(visit: Visit) -> None:
    """The presets as pictures of the user's own photo, and one of them on the stage."""
    tab = visit(**DESKTOP)
    tab.example("hat")
    tab.click(0.5, 0.45)
    tab.rest()
    tab.page.click("[role=tab]:has-text('Effects')")
    tab.rest()
    tab.page.locator(".mk-preset").nth(2).click()
    tab.wait_without_hints()
    tab.rest(6.0)  # the pictures of the presets come one after the other
    tab.save("effects")


def clip(visit: Visit) -> None:
    """The whole loop: prompt, watch the masks arrive, correct one frame, update what the correction touches."""
    tab = visit(**DESKTOP)
    tab.example("crossing_fish")
    tab.shoot(3)
    tab.drag((0.0, 0.38), (0.215, 0.68))
    tab.rest()
    tab.shoot(2)
    tab.press("n")
    tab.drag((0.78, 0.29), (1.0, 0.59))
    tab.rest()
    tab.shoot(3)
    tab.track(".mk-main-action")
    tab.press("g")
    tab.page.mouse.move(5, 5)
    tab.rest()
    tab.shoot(4)
    tab.save("timeline")
    tab.press("End")
    tab.rest()
    tab.shoot(2)
    for number, corners in (("1", ((0.67, 0.36), (1.0, 0.68))), ("2", ((0.02, 0.26), (0.33, 0.57)))):
        tab.press(number)
        tab.drag(*corners)
        tab.rest()
        tab.shoot(3)
    tab.track(".mk-main-action[data-action=update]")
    for number in ("30", "60", "85", "108"):
        tab.page.click(".mk-frame-go")
        tab.page.fill(".mk-frame-entry", number)
        tab.press("Enter")
        tab.rest(1.0)
        tab.shoot(3)
    tab.save_film("loop")
    review(tab)


def review(tab: Tab) -> None:
    """The page for reviewers, opened from disk."""
    tab.choose_download("review")
    with TemporaryDirectory() as folder:
        with tab.page.expect_download() as started:
            tab.page.click(".mk-download-go")
        file = Path(folder) / "review.html"
        started.value.save_as(file)
        page = tab.context.new_page()
        page.goto(file.as_uri())
        page.wait_for_selector(".object")
        for _ in range(6):
            page.keyboard.press("Shift+ArrowRight")
        box = page.locator(".picture").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.42)
        page.fill(".editor-text", "Here they cross: is the tail still right?")
        page.click(".editor-save")
        page.click(".object >> nth=0 >> .approve")
        page.wait_for_timeout(500)
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        picture.save(HERE / "review.webp", quality=82, method=6)


def phone(visit: Visit) -> None:
    """A photo on a phone."""
    tab = visit(**PHONE)
    tab.example("sweater")
    box, (left, top) = tab.page.locator(".mk-over").bounding_box(), tab.spot(0.5, 0.5)
    tab.page.touchscreen.tap(box["x"] + left, box["y"] + top)
    tab.rest(6.0)
    tab.save("phone")


STORIES = (start, photos, effects, clip, phone)


def main(names: Sequence[str]) -> None:
    """Serve, look and write."""
    from playwright.sync_api import sync_playwright

    settings = load_settings(("--port=0", "--model=nano"))
    server = Server(settings, model_registry(settings))
    address = server.start(quiet=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--headless=new", "--no-sandbox"])
            for story in STORIES:
                if not names or story.__name__ in names:
                    story(partial(Tab, browser, address, locale="en-US", reduced_motion="reduce"))
            browser.close()
    finally:
        server.close()


if __name__ == "__main__":
    main(sys.argv[1:])
