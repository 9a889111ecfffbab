"""The pictures of the README, taken from the real page with the bundled network.

    python assets/screenshots/make_screenshots.py

Playwright and Chromium are needed.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from ui.server import Server  # noqa: E402

from ui.examples import examples  # noqa: E402
from ui.serve import catalogue  # noqa: E402
from ui.settings import load_settings  # noqa: E402

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
LOOP_WIDTH = 720  # pixels
LOOP_PAUSE = 220  # milliseconds between two pictures of the loop


def path_of(title: str) -> Path:
    """The file of an example."""
    return next(each.path for each in examples().values() if each.title == title)


class Tab:
    """A browser tab and what is done in it."""

    def __init__(self, browser: Any, address: str, **screen: Any) -> None:
        self.page = browser.new_context(**screen).new_page()
        self.page.set_default_timeout(120_000)
        self.page.goto(address)
        self.page.wait_for_selector(".mk-status[data-line=on]")
        self.film: list[Image.Image] = []

    def example(self, title: str) -> None:
        """Open one of the examples."""
        self.page.set_input_files(".mk-picker", path_of(title))
        self.page.wait_for_selector(".mk[data-state=work]")
        self.page.wait_for_function("document.querySelector('.mk-progress-overlay').hidden")
        self.page.wait_for_timeout(1500)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A place in the picture, as shares of it, in pixels of the page. The picture fits the stage."""
        box = self.page.locator(".mk-over").bounding_box()
        ratio = float(self.page.evaluate("document.querySelector('.mk-viewport').style.getPropertyValue('--ratio')"))
        width, height = min(box["width"], box["height"] * ratio), min(box["height"], box["width"] / ratio)
        left, top = box["x"] + (box["width"] - width) / 2, box["y"] + (box["height"] - height) / 2
        return left + width * x, top + height * y

    def click(self, x: float, y: float) -> None:
        """Click on the picture and wait for the mask."""
        self.page.mouse.move(*self.place(x, y), steps=8)
        self.page.mouse.click(*self.place(x, y))
        self.page.wait_for_timeout(1800)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw a box on the picture."""
        self.page.mouse.move(*self.place(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(*end), steps=6)
        self.page.mouse.up()
        self.page.wait_for_timeout(1800)

    def track(self, button: str) -> None:
        """Press a button that starts tracking, and film it to its end."""
        self.page.click(button)
        self.page.wait_for_selector(".mk-tracking:visible")
        while self.page.locator(".mk-tracking:visible").count():
            self.shoot()
        self.page.wait_for_timeout(800)
        self.shoot(6)

    def shoot(self, times: int = 1) -> None:
        """Add what is to be seen to the film."""
        self.film += [Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")] * times

    def picture(self) -> Image.Image:
        """What the stage shows, without what is around it."""
        (left, top), (right, bottom) = self.place(0, 0), self.place(1, 1)
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        return Image.open(io.BytesIO(self.page.screenshot(clip=clip))).convert("RGB")

    def save(self, name: str) -> None:
        """Write what is to be seen."""
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        picture.save(HERE / f"{name}.webp", quality=82, method=6)

    def save_film(self, name: str, most: int = 70) -> None:
        """Write the film as an animated GIF of at most so many pictures."""
        step = max(1, -(-len(self.film) // most))
        kept = self.film[::step]
        small = [
            each.resize((LOOP_WIDTH, LOOP_WIDTH * each.height // each.width), Image.Resampling.LANCZOS) for each in kept
        ]
        palette = _sheet(small[:: max(1, len(small) // 8)], 1).quantize(256)
        frames = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in small]
        frames[0].save(
            HERE / f"{name}.gif", save_all=True, append_images=frames[1:], duration=LOOP_PAUSE, loop=0, optimize=True
        )


def pictures(browser: Any, address: str) -> None:
    """Photos: three readings of a click, several objects, the help sheet, the dark page and a phone."""
    tab = Tab(browser, address, **DESKTOP)
    tab.example("Cheetah")
    tab.click(0.5, 0.45)
    tab.save("candidates")
    tab.example("Sprint")
    tab.drag((0.16, 0.33), (0.77, 0.71))
    tab.save("image")
    tab.page.click(".mk-help")
    tab.save("help")
    dark = Tab(browser, address, **DESKTOP, color_scheme="dark")
    dark.example("Tower")
    dark.click(0.56, 0.4)
    dark.save("dark")
    phone = Tab(browser, address, **PHONE)
    phone.example("Cheetah")
    phone.page.touchscreen.tap(*phone.place(0.5, 0.5))
    phone.page.wait_for_timeout(1800)
    phone.save("phone")


def effects(browser: Any, address: str) -> None:
    """The panel of effects beside the stage, and every preset."""
    tab = Tab(browser, address, **DESKTOP)
    tab.example("Cheetah")
    tab.drag((0.03, 0.03), (0.98, 0.999))
    tab.click(0.5, 0.55)
    tab.page.keyboard.press("v")
    tab.page.wait_for_timeout(7000)  # hints are gone
    shots = []
    for chip in tab.page.locator(".mk-preset").all():
        chip.click()
        tab.page.wait_for_timeout(2500)
        if chip.inner_text() == "Title behind":
            tab.save("effects")
        shots.append(_titled(tab.picture(), chip.inner_text()))
    tab.page.click(".mk-preset >> nth=0")
    tab.page.click(".mk-layer-remove")
    for effect, title in (("color", "Solid color"), ("picture", "Picture")):
        tab.page.select_option(".mk-layer-kind", effect)
        tab.page.click(".mk-layer-add")
        if effect == "picture":
            with tab.page.expect_file_chooser() as chooser:
                tab.page.click(".mk-backdrop")
            chooser.value.set_files(next(each.path for each in examples().values() if each.title == "Tower"))
        tab.page.wait_for_timeout(2500)
        shots.append(_titled(tab.picture(), title))
        tab.page.click(".mk-layer-remove")
    _sheet(shots, 5).save(HERE / "presets.webp", quality=80, method=6)


def _titled(picture: Image.Image, title: str, side: int = 300, line: int = 34) -> Image.Image:
    """A square picture in small, with words below."""
    card = Image.new("RGB", (side + 12, side + line), "white")
    card.paste(picture.resize((side, side), Image.Resampling.LANCZOS), (6, 0))
    ImageDraw.Draw(card).text((6, side + 4), title, "#27272a", ImageFont.load_default(20))
    return card


def _sheet(images: list[Image.Image], columns: int) -> Image.Image:
    width, height = images[0].size
    sheet = Image.new("RGB", (width * columns, height * -(-len(images) // columns)), "white")
    for number, image in enumerate(images):
        sheet.paste(image, (number % columns * width, number // columns * height))
    return sheet


def review(tab: Tab) -> None:
    """The page for reviewers, opened from disk."""
    tab.page.click(".mk-download")
    tab.page.check(".mk-task[data-task=review] input")
    with tab.page.expect_download() as started:
        tab.page.click(".mk-download-go")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "review.html"
        started.value.save_as(file)
        page = tab.page.context.new_page()
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


def clip(browser: Any, address: str) -> None:
    """The whole loop: prompt, watch the masks arrive, correct one frame, update what the correction touches."""
    tab = Tab(browser, address, **DESKTOP)
    tab.example("Crossing fish")
    tab.shoot(3)
    tab.drag((0.0, 0.38), (0.215, 0.68))
    tab.shoot(2)
    tab.page.keyboard.press("n")
    tab.drag((0.78, 0.29), (1.0, 0.59))
    tab.shoot(3)
    tab.track("[data-direction=forward]")
    while tab.page.locator(".mk-lost:visible").count():
        tab.track(".mk-lost-resume")
    tab.save("timeline")
    for number, corners in (("1", ((0.67, 0.36), (1.0, 0.68))), ("2", ((0.02, 0.26), (0.33, 0.57)))):
        tab.page.keyboard.press(number)
        tab.drag(*corners)
        tab.shoot(3)
    tab.track(".mk-main-action[data-action=update]")
    for number in ("30", "60", "85", "108"):
        tab.page.click(".mk-frame-go")
        tab.page.fill(".mk-frame-entry", number)
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_timeout(800)
        tab.shoot(3)
    tab.save("clip")
    tab.save_film("loop")
    review(tab)


def main() -> None:
    """Serve, look and write."""
    from playwright.sync_api import sync_playwright

    server = Server(load_settings(), catalogue(load_settings()))
    address = server.start(quiet=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless=new", "--no-sandbox"])
        pictures(browser, address)
        effects(browser, address)
        clip(browser, address)
        browser.close()
    server.close()


if __name__ == "__main__":
    main()
