"""Seconds from `python app.py` to the first served page, and from the start of Python to a ready engine.

    python -m benchmarks.startup --runs 5

The server loads the network in the background while it serves the page; `engine` is measured in another process.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

from sam2_core.networks import BUNDLED
from sam2_core.paths import ROOT

TIMEOUT_SECONDS = 120
ENGINE = f"from sam2_core.serving import build_engine; build_engine({BUNDLED!r})"


def free_port() -> int:
    """A TCP port that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def page_seconds() -> float:
    """Start the server and wait for its page."""
    port = free_port()
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), "--model", "nano"]
    started = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - started < TIMEOUT_SECONDS:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
                    response.read()
                return time.perf_counter() - started
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        raise TimeoutError(f"No page within {TIMEOUT_SECONDS} seconds.")
    finally:
        server.terminate()
        server.wait(30)


def engine_seconds() -> float:
    """Start Python, load the bundled network and warm it up."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", ENGINE], cwd=ROOT, check=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure in turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    pages, engines = zip(*((page_seconds(), engine_seconds()) for _ in range(runs)), strict=True)
    print(f"{'seconds':10s}{'median':>8s}{'min':>8s}{'max':>8s}")
    for name, values in (("page", pages), ("engine", engines)):
        print(f"{name:10s}{statistics.median(values):8.1f}{min(values):8.1f}{max(values):8.1f}")


if __name__ == "__main__":
    main()
