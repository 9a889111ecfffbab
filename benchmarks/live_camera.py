"""Frames per second of the live camera, with the real server and network, driven by a real browser.

    python -m benchmarks.live_camera [--model nano] [--device auto] [--seconds 15] [--objects 0 1 3] [--clip clip.mp4]

The clip is what Chromium's fake camera films, over and over, at 30 frames per second. Prints for each number of objects
how many frames per second came back with their masks, the median and the 95th percentile of the time from sending one
to receiving its masks, and the kilobytes of these. Requires Playwright and Chromium; browser, server and network share
this machine.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import gradio.media
import imageio_ffmpeg
import numpy as np

from ui.app import Server
from ui.serve import model_registry
from ui.settings import load_settings

FILTER = "fps=30,scale=640:480:force_original_aspect_ratio=increase,crop=640:480"
SPOTS = [(0.5, 0.5), (0.3, 0.6), (0.7, 0.4), (0.2, 0.3), (0.8, 0.8)]
WARM_UP_SECONDS = 2.0


def film(clip: Path, folder: Path) -> Path:
    """The clip as a stream of JPEGs, which Chromium takes for a camera."""
    target = folder / "camera.mjpeg"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(clip), "-t", "20", "-an"]
    subprocess.run([*command, "-vf", FILTER, "-q:v", "3", "-c:v", "mjpeg", str(target)], check=True)
    return target


class Frames:
    """The frames that the page has sent and got back."""

    def __init__(self, page: Any) -> None:
        self.milliseconds: list[float] = []
        self.down = 0
        page.on("requestfinished", self._count)

    def clear(self) -> None:
        """Forget all frames."""
        self.__dict__.update(milliseconds=[], down=0)

    def _count(self, request: Any) -> None:
        if not request.url.endswith("/live") or request.response().status != 200:
            return
        self.milliseconds.append(request.timing["responseEnd"])
        self.down += request.sizes()["responseBodySize"]


def measure(page: Any, frames: Frames, objects: int, seconds: float) -> None:
    """Start the camera, click on so many things, and print one line of the table."""
    page.click(".mk-stream")
    page.wait_for_selector(".mk-stream-pace:not(:empty)")
    box = page.locator(".mk-stream-canvas").bounding_box()
    for number in range(objects):
        x, y = SPOTS[number % len(SPOTS)]
        if number:
            page.click(".mk-stream-new")
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.wait_for_function(f"document.querySelectorAll('[aria-label^=\"Remove object\"]').length === {number + 1}")
    page.wait_for_timeout(1000 * WARM_UP_SECONDS)
    frames.clear()
    started = time.perf_counter()
    page.wait_for_timeout(1000 * seconds)
    elapsed, count = time.perf_counter() - started, len(frames.milliseconds)
    median, high = statistics.median(frames.milliseconds), float(np.percentile(frames.milliseconds, 95))
    down = frames.down / count / 1000
    print(f"{objects:>7}{count / elapsed:>12.1f}{median:>12.0f}{high:>12.0f}{down:>12.1f}", flush=True)
    page.click(".mk-stream-stop")


def drive(address: str, arguments: argparse.Namespace) -> None:
    """Start a browser with the fake camera and measure."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        flags = ["--headless=new", "--no-sandbox", "--use-fake-device-for-media-stream"]
        flags.append(f"--use-file-for-fake-video-capture={film(arguments.clip, Path(folder))}")
        flags.append("--use-fake-ui-for-media-stream")
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_context(viewport={"width": 1280, "height": 800}, permissions=["camera"]).new_page()
        page.goto(address)
        page.wait_for_selector(".mk-status[data-line=on]")
        frames = Frames(page)
        print(f"{'objects':>7}{'frames/s':>12}{'median ms':>12}{'p95 ms':>12}{'kB down':>12}", flush=True)
        for objects in arguments.objects:
            measure(page, frames, objects, arguments.seconds)
        browser.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--objects", type=int, nargs="+", default=[0, 1, 3])
    parser.add_argument("--clip", type=Path, default=Path(gradio.media.get_video("b.mp4")))
    arguments = parser.parse_args()
    settings = load_settings(["--model", arguments.model, "--device", arguments.device])
    networks = model_registry(settings)
    server = Server(settings, networks)
    address = server.start(quiet=True)
    handle = networks.acquire(networks.default)
    handle.loader.wait()
    print(f"{handle.entry.title} · {handle.loader.engine().status().device}", flush=True)
    drive(address, arguments)
    server.close()


if __name__ == "__main__":
    main()
