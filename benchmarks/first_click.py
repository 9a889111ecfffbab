"""The first click on a frame after looking at it, and another user's click meanwhile, in the engine alone.

    python -m benchmarks.first_click [--model nano] [--device cpu] [--frames 8] [--look 2]

For each frame of a 1080p clip: `cold` is a click that has to encode it, `looked at` one after `--look` seconds in which
the engine could encode it ahead (`EncodeFrame`), and `another user` a click on a picture that is encoded already, while
a frame is being encoded ahead. Prints milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg

from sam2_core.media import ingest
from sam2_core.serving.build import build_engine
from sam2_core.serving.commands import EncodeFrame, SetPrompt
from sam2_core.serving.engine import Engine
from sam2_core.types import Point, Prompt

CLICK = Prompt((Point(960, 540),))


def make_clip(path: Path, frames: int) -> None:
    """Write a 1080p clip of a moving test pattern."""
    pattern = f"testsrc2=size=1920x1080:rate=30:duration={frames / 30}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", "-f", "lavfi", "-i", pattern]
    subprocess.run([*command, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(path)], check=True)


def click(engine: Engine, session: str, frame: int) -> float:
    """Milliseconds of a click."""
    started = time.perf_counter()
    engine.run(session, SetPrompt(frame, 1, CLICK)).result()
    return 1000 * (time.perf_counter() - started)


def measure(engine: Engine, store: str, frames: int, look: float) -> dict[str, list[float]]:
    """Milliseconds of all clicks, by kind."""
    one, other = engine.open(store).result().id, engine.open(store).result().id
    click(engine, other, 0)
    found: dict[str, list[float]] = {"cold": [], "looked at": [], "another user": []}
    for frame in range(frames):
        found["cold"].append(click(engine, one, 3 * frame))
        engine.run(one, EncodeFrame(3 * frame + 1))
        time.sleep(look)
        found["looked at"].append(click(engine, one, 3 * frame + 1))
        ahead = engine.run(one, EncodeFrame(3 * frame + 2))
        time.sleep(0.3 * found["cold"][-1] / 1000)
        found["another user"].append(click(engine, other, 0))
        ahead.result()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano", help="a name, or a file of weights")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=8, help="of each kind")
    parser.add_argument("--look", type=float, default=2.0, help="seconds")
    arguments = parser.parse_args()
    engine = build_engine(arguments.model, device=arguments.device)
    with tempfile.TemporaryDirectory() as folder:
        make_clip(Path(folder) / "clip.mp4", 3 * arguments.frames)
        ingest(Path(folder) / "clip.mp4", Path(folder) / "store")
        found = measure(engine, str(Path(folder) / "store"), arguments.frames, arguments.look)
    engine.shut_down()
    print(f"{'milliseconds':<16}{'median':>10}{'min':>10}{'max':>10}")
    for name, values in found.items():
        print(f"{name:<16}{statistics.median(values):>10.0f}{min(values):>10.0f}{max(values):>10.0f}")


if __name__ == "__main__":
    main()
