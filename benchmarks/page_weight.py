"""Bytes on the wire and seconds until the page is seen, on a slow connection.

    python -m benchmarks.page_weight [--kilobits 400] [--latency 100] [--visits 2] [--requests]

Visits a server of its own with one browser profile, so the second visit shows what the browser has kept. Prints of each
visit the bytes that had come by the first contentful paint, and by the time that the page was connected; and seconds
until that paint, until the start screen stood (before its scripts run, it is a still picture), and until the page was
connected. `--requests` lists every request. Requires Playwright and Chromium.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ui.app import Server
from ui.serve import model_registry
from ui.settings import load_settings

TIMEOUT_SECONDS = 180
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run")
# The moments of a visit, in milliseconds since its navigation began.
WATCH = """
new PerformanceObserver(list => { window.firstPaint = list.getEntries()[0].startTime; })
  .observe({type: 'paint', buffered: true});
const look = () => {
  const zone = document.querySelector('.mk-zone');
  if (!window.startScreen && zone?.checkVisibility()) window.startScreen = performance.now();
  if (document.querySelector('.mk-status[data-line=on]')) window.connected = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


@dataclass
class Request:
    """One file that the browser fetched."""

    address: str
    ended: float = float("inf")
    """Milliseconds since the first request began."""
    bytes: int = 0
    """Headers included, as they came."""


@dataclass
class Traffic:
    """All requests of one visit."""

    requests: dict[str, Request] = field(default_factory=dict)
    began: float | None = None

    def listen(self, session: Any) -> None:
        """Count what Chromium's network domain reports."""
        session.on("Network.requestWillBeSent", self._begin)
        session.on("Network.loadingFinished", self._end)

    def _begin(self, event: Any) -> None:
        address = event["request"]["url"]
        if address.startswith("http"):
            self.began = event["timestamp"] if self.began is None else self.began
            self.requests[event["requestId"]] = Request(address)

    def _end(self, event: Any) -> None:
        request = self.requests.get(event["requestId"])
        if request is not None and self.began is not None:
            request.ended = (event["timestamp"] - self.began) * 1000
            request.bytes = int(event["encodedDataLength"])

    def until(self, milliseconds: float) -> int:
        """Bytes of all that had arrived whole by then."""
        return sum(each.bytes for each in self.requests.values() if each.ended <= milliseconds)


def visit(context: Any, address: str, kilobits: int, latency: int, listed: bool) -> str:
    """Open the page until it is connected; returns a row of the table."""
    page = context.new_page()
    page.add_init_script(WATCH)
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    speed = kilobits * 1000 / 8
    slow = {"offline": False, "latency": latency, "downloadThroughput": speed, "uploadThroughput": speed}
    session.send("Network.emulateNetworkConditions", slow)
    traffic = Traffic()
    traffic.listen(session)
    page.goto(address, wait_until="commit", timeout=TIMEOUT_SECONDS * 1000)
    page.wait_for_function("window.connected", timeout=TIMEOUT_SECONDS * 1000)
    page.wait_for_timeout(500)  # the last events of the network
    painted, screen, connected = (page.evaluate(each) for each in (PAINT, "startScreen", "connected"))
    if listed:
        for each in sorted(traffic.requests.values(), key=lambda request: request.ended):
            print(f"{each.ended / 1000:8.2f} s {each.bytes:9,} {urlsplit(each.address).path[:90]}")
    page.close()
    sizes = f"{traffic.until(painted):12,}{traffic.until(connected):12,}"
    return f"{sizes}{painted / 1000:14.1f}{screen / 1000:14.1f}{connected / 1000:14.1f}"


def main() -> None:
    """Serve, visit and print."""
    from playwright.sync_api import sync_playwright  # a tool of developers

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kilobits", type=int, default=400, help="a second, both ways")
    parser.add_argument("--latency", type=int, default=100, help="milliseconds")
    parser.add_argument("--visits", type=int, default=2)
    parser.add_argument("--requests", action="store_true", help="list what was fetched")
    options = parser.parse_args()
    settings = load_settings(("--port=0", "--model=nano"))
    server = Server(settings, model_registry(settings))
    address = server.start(quiet=True)
    try:
        with sync_playwright() as playwright:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            rows = [
                visit(context, address, options.kilobits, options.latency, options.requests)
                for _ in range(options.visits)
            ]
            browser.close()
    finally:
        server.close()
    print(f"{'visit':6s}{'to paint':>12s}{'connected':>12s}{'paint s':>14s}{'screen s':>14s}{'connected s':>14s}")
    for number, row in enumerate(rows, start=1):
        print(f"{number:<6d}{row}")


if __name__ == "__main__":
    main()
