"""Latency of the page and its network traffic, with the real server and network, driven by a real browser.

    python -m benchmarks.browser_latency [--model nano] [--device auto] [--clicks 50] [--users 8] [--photos 10]

Prints median and 95th percentile of the time from releasing the mouse button to the animation frame in which the mask
is on the canvas: for one user, for several at once (each pauses for a quarter to half a second between clicks), and for
the first click on a new picture; then hover previews per second, tracked frames per second as they arrive in the page,
and bytes per click and per tracked frame. Requires Playwright and Chromium; browser, server and network share this
machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import gradio.media
import numpy as np

from ui.app import Server
from ui.serve import model_registry
from ui.settings import load_settings

WATCH = """() => {
  window.latencies = [];
  document.querySelector('.mk').addEventListener('masklet-painted', ({detail}) =>
    requestAnimationFrame(() => latencies.push(performance.now() - detail.since)));
}"""
PREVIEW_SECONDS = 5.0


class Traffic:
    """Counts messages and bytes of a page's WebSocket, by direction and kind."""

    def __init__(self, page: Any) -> None:
        self.messages: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        page.on("websocket", self._listen)

    def clear(self) -> None:
        """Reset all counts."""
        self.messages.clear()
        self.bytes.clear()

    def _listen(self, socket: Any) -> None:
        socket.on("framesent", lambda payload: self._count("up", payload))
        socket.on("framereceived", lambda payload: self._count("down", payload))

    def _count(self, direction: str, payload: bytes | str) -> None:
        raw = payload.encode() if isinstance(payload, str) else payload
        text = raw if direction == "up" else raw[4 : 4 + int.from_bytes(raw[:4], "little")]
        name = f"{direction} {json.loads(text)['t']}"
        self.messages[name] += 1
        self.bytes[name] += len(raw)


class Page:
    """One user's page and the actions on it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.traffic = Traffic(page)
        self._box: dict[str, float] = {}

    @classmethod
    async def visit(cls, browser: Any, address: str) -> Page:
        """Open the page in a new browser context."""
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(120_000)
        page = cls(await context.new_page())
        await page.page.goto(address)
        await page.page.wait_for_selector(".mk-status[data-line=on]")
        await page.page.evaluate(WATCH)
        return page

    async def open(self, path: Path) -> None:
        """Upload a file and wait until it is open."""
        await self.page.set_input_files(".mk-picker", path)
        await self.page.wait_for_selector(f".mk-file-name[title='{path.name}']", state="attached")
        await self.page.wait_for_function("document.querySelector('.mk-progress-overlay').hidden")
        self._box = await self.page.locator(".mk-over").bounding_box()

    def position(self, x: float, y: float) -> tuple[float, float]:
        """Page coordinates of a point on the canvas, given as fractions of its width and height."""
        return self._box["x"] + self._box["width"] * x, self._box["y"] + self._box["height"] * y

    async def click(self, x: float, y: float) -> float:
        """Milliseconds from releasing the mouse button to the painted mask."""
        before = await self.page.evaluate("latencies.length")
        await self.page.mouse.click(*self.position(x, y))
        await self.page.wait_for_function(f"latencies.length > {before}")
        return float(await self.page.evaluate("latencies.at(-1)"))


async def clicks(page: Page, photo: Path, count: int, seed: int, pause: tuple[float, float] = (0, 0)) -> list[float]:
    """Milliseconds of random clicks on one picture without the first, which encodes it; `pause` in seconds."""
    rng = np.random.default_rng(seed)
    await page.open(photo)
    await page.click(0.5, 0.5)
    page.traffic.clear()
    found = []
    for number in range(count):
        if number % 10 == 9:
            await page.page.keyboard.press("n")
        await asyncio.sleep(rng.uniform(*pause))
        found.append(await page.click(*rng.uniform((0.38, 0.2), (0.62, 0.8))))
    return found


async def first_clicks(page: Page, photo: Path, count: int, folder: Path) -> list[float]:
    """Milliseconds of the first click on new pictures."""
    pixels, found = np.asarray(cv2.imread(str(photo)), np.uint8), []
    for number in range(count):
        path = folder / f"photo{number}.jpg"
        cv2.imwrite(str(path), np.roll(pixels, 7 * number, axis=1))
        await page.open(path)
        found.append(await page.click(0.5, 0.5))
    return found


async def previews(page: Page) -> float:
    """Hover previews per second under a moving mouse, for a new object without prompts."""
    await page.page.keyboard.press("n")
    page.traffic.clear()
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < PREVIEW_SECONDS:
        share = elapsed / PREVIEW_SECONDS
        await page.page.mouse.move(*page.position(0.3 + 0.4 * share, 0.5 + 0.2 * np.sin(20 * share)))
        await asyncio.sleep(0.008)
    return page.traffic.messages["down preview"] / PREVIEW_SECONDS


async def tracking(page: Page, clip: Path) -> tuple[float, float]:
    """Tracked frames per second, from the click on the button to the last mask, and received bytes per frame."""
    await page.open(clip)
    await page.click(0.5, 0.5)
    page.traffic.clear()
    started = time.perf_counter()
    await page.page.click("[data-direction=forward]")
    await page.page.wait_for_selector(".mk-tracking:visible")
    await page.page.wait_for_selector(".mk-track:visible")
    frames = page.traffic.messages["down masks"]
    down = sum(size for name, size in page.traffic.bytes.items() if name.startswith("down"))
    return frames / (time.perf_counter() - started), down / max(1, frames)


def report(name: str, milliseconds: list[float]) -> None:
    """Print one line of the table."""
    median, high = statistics.median(milliseconds), float(np.percentile(milliseconds, 95))
    print(f"{name:<34}{len(milliseconds):>5}{median:>12.0f}{high:>12.0f}", flush=True)


async def measure(browser: Any, address: str, arguments: argparse.Namespace, folder: Path) -> None:
    """Run all measurements, one after the other."""
    photo, clip = Path(gradio.media.get_image("cheetah.jpg")), Path(gradio.media.get_video("b.mp4"))
    page = await Page.visit(browser, address)
    report("click, picture already encoded", await clicks(page, photo, arguments.clicks, 0))
    sizes = {
        direction: sum(size for name, size in page.traffic.bytes.items() if name.startswith(direction))
        for direction in ("up", "down")
    }
    rate = await previews(page)
    report("first click on a new picture", await first_clicks(page, photo, arguments.photos, folder))
    frame_rate, frame_bytes = await tracking(page, clip)
    await page.page.close()
    pages = [await Page.visit(browser, address) for _ in range(arguments.users)]
    together = await asyncio.gather(
        *(clicks(each, photo, arguments.clicks, seed, (0.25, 0.55)) for seed, each in enumerate(pages))
    )
    report(f"click, {arguments.users} users at once", [each for latencies in together for each in latencies])
    print(f"bytes a click: {sizes['up'] / arguments.clicks:.0f} up, {sizes['down'] / arguments.clicks:.0f} down")
    print(f"previews under a moving mouse: {rate:.1f} a second")
    print(f"tracking, one object: {frame_rate:.1f} frames/s, {frame_bytes:.0f} bytes down a frame")


async def drive(address: str, arguments: argparse.Namespace) -> None:
    """Start a browser and measure."""
    from playwright.async_api import async_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--headless=new", "--no-sandbox"])
        with tempfile.TemporaryDirectory() as folder:
            await measure(browser, address, arguments, Path(folder))
        await browser.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--clicks", type=int, default=50)
    parser.add_argument("--photos", type=int, default=10)
    parser.add_argument("--users", type=int, default=8)
    arguments = parser.parse_args()
    settings = load_settings(["--model", arguments.model, "--device", arguments.device])
    networks = model_registry(settings)
    server = Server(settings, networks)
    address = server.start(quiet=True)
    handle = networks.acquire(networks.default)
    handle.loader.wait()
    device = handle.loader.engine().status().device
    print(f"{handle.entry.title} · {device}\n{'milliseconds':<34}{'n':>5}{'median':>12}{'p95':>12}", flush=True)
    asyncio.run(drive(address, arguments))
    server.close()


if __name__ == "__main__":
    main()
