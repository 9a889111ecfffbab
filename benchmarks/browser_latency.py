"""How fast the page feels: from letting go of the mouse to the animation frame in which the mask is on the canvas.

    python -m benchmarks.browser_latency [--model nano] [--device auto] [--clicks 50] [--photos 10]

Starts the real server with the real network and drives it with a real browser (Playwright and Chromium needed).
Prints median and 95th percentile for clicks on a picture that is already encoded, for the first click on a new one,
and the pace of tracking.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import gradio.media
import numpy as np

from app import engine_builder
from sam2_core.serving.startup import Startup
from ui.server import Server
from ui.settings import load_settings

WATCH = """() => {
  window.latencies = [];
  document.querySelector('.mk').addEventListener('masklet-painted', ({detail}) =>
    requestAnimationFrame(() => latencies.push(performance.now() - detail.since)));
}"""


class Page:
    """The page in a browser, and the few things done to it."""

    def __init__(self, browser: Any, address: str) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 800})
        self.page.set_default_timeout(120_000)
        self.page.goto(address)
        self.page.wait_for_selector(".mk-status[data-line=on]")
        self.page.evaluate(WATCH)

    def open(self, path: Path) -> None:
        """Upload a file and wait until it is there."""
        self.page.set_input_files(".mk-picker", path)
        self.page.wait_for_selector(f".mk-file-name:text-is('{path.name}')", state="attached")
        self.page.wait_for_function("document.querySelector('.mk-veil').hidden")

    def click(self, x: float, y: float) -> float:
        """Milliseconds from letting go of the mouse to the painted mask."""
        box = self.page.locator(".mk-over").bounding_box()
        before = self.page.evaluate("latencies.length")
        self.page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        self.page.wait_for_function(f"latencies.length > {before}")
        return float(self.page.evaluate("latencies.at(-1)"))


def cached_clicks(page: Page, photo: Path, count: int) -> list[float]:
    """Clicks here and there on one picture, a new object each; the first one, which encodes it, is left out."""
    rng = np.random.default_rng(0)
    page.open(photo)
    page.click(0.5, 0.5)
    found = []
    for number in range(count):
        if number % 10 == 9:
            page.page.click(".mk-reset")
        found.append(page.click(*rng.uniform((0.38, 0.2), (0.62, 0.8))))
    return found


def first_clicks(page: Page, photo: Path, count: int, folder: Path) -> list[float]:
    """The first click on pictures that were never seen before."""
    pixels, found = np.asarray(cv2.imread(str(photo)), np.uint8), []
    for number in range(count):
        path = folder / f"photo{number}.jpg"
        cv2.imwrite(str(path), np.roll(pixels, 7 * number, axis=1))
        page.open(path)
        found.append(page.click(0.5, 0.5))
    return found


def tracking_pace(page: Page, clip: Path) -> float:
    """Frames a second, from pressing the button to the last mask."""
    page.open(clip)
    page.click(0.5, 0.5)
    begun = time.perf_counter()
    page.page.click("[data-direction=forward]")
    page.page.wait_for_selector(".mk-tracking:visible")
    page.page.wait_for_selector(".mk-track:visible")
    return int(page.page.get_attribute(".mk-scrub", "max")) / (time.perf_counter() - begun)


def report(name: str, milliseconds: list[float]) -> None:
    """One line of the table."""
    median, high = statistics.median(milliseconds), float(np.percentile(milliseconds, 95))
    print(f"{name:<34}{len(milliseconds):>5}{median:>12.0f}{high:>12.0f}")


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="How fast the page feels.")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--clicks", type=int, default=50)
    parser.add_argument("--photos", type=int, default=10)
    wish = parser.parse_args()
    settings = load_settings(["--model", wish.model, "--device", wish.device])
    startup = Startup(engine_builder(settings))
    server = Server(settings, startup)
    address = server.start(quiet=True)
    startup.wait()
    startup.engine()
    photo, clip = Path(gradio.media.get_image("cheetah.jpg")), Path(gradio.media.get_video("b.mp4"))
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless=new", "--no-sandbox"])
        page = Page(browser, address)
        print(f"{startup.status.message}\n{'milliseconds':<34}{'n':>5}{'median':>12}{'p95':>12}")
        report("click, picture already encoded", cached_clicks(page, photo, wish.clicks))
        report("first click on a new picture", first_clicks(page, photo, wish.photos, Path(folder)))
        print(f"tracking, one object: {tracking_pace(page, clip):.1f} frames/s")
        browser.close()
    server.close()


if __name__ == "__main__":
    main()
