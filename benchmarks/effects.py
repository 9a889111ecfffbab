"""Processor time of each effect in milliseconds per frame.

Medians over frames of a clip with a moving object of about a tenth of the frame, the effects in turns, on one thread.
Processor time hardly depends on other programs that run meanwhile.

    python -m benchmarks.effects --sizes 1280x720 1920x1080

Times include reading the masks. Data that is cached over frames (backgrounds, text, aligned frames of `erase`) is
computed in the first frames, which are not counted.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np

from sam2_core.media import EFFECTS, EffectStack, MaskedMedia, ObjectTraits, Painter, Store, ingest, open_store
from sam2_core.media.info import RgbArray
from sam2_core.types import FrameMasks, Mask, ObjectMask

FRAMES, FIRST_COUNTED = 64, 8
EDGE_SETTINGS = {"feather": {"feather": 4.0}, "matte": {"matte": 0.5}}


def make_clip(path: Path, size: str) -> None:
    """Write a clip that zooms into a fractal."""
    pattern = f"mandelbrot=size={size}:rate=25:end_scale=0.5:end_pts=1000"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", "-f", "lavfi", "-i", pattern]
    encoding = ["-frames:v", str(FRAMES), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    subprocess.run([*command, *encoding, str(path)], check=True)


def moving_ellipse(store: Store) -> MaskedMedia:
    """The clip with masks of an ellipse that crosses the frame."""
    info = store.info

    def masks(frames: range) -> list[FrameMasks]:
        return [FrameMasks(frame, 0, (ObjectMask(1, mask(frame), 1.0, 5.0),)) for frame in frames]

    def mask(frame: int) -> Mask:
        pixels = np.zeros((info.height, info.width), np.uint8)
        center = round(info.width * (0.2 + 0.6 * frame / info.frames)), info.height // 2
        cv2.ellipse(pixels, center, (info.width // 8, info.height // 4), 20, 0, 360, 1, -1)
        return Mask.from_array(pixels)

    return MaskedMedia(store, masks, [ObjectTraits(1, "Ellipse", "", (230, 159, 0))])


def looks() -> dict[str, EffectStack]:
    """Each effect alone (twice if it applies to objects and background), and each edge setting before one color."""
    layers = {name: [{"effect": name}] for name in EFFECTS}
    layers["picture"][0]["name"] = "backdrop"
    for name, effect in EFFECTS.items():
        if effect.target == "either":
            layers[name] = [{"effect": name, "where": "background"}]
            layers[f"{name} objects"] = [{"effect": name, "where": "objects"}]
    edges = {
        name: EffectStack.from_json({"layers": [{"effect": "color"}], **edge}) for name, edge in EDGE_SETTINGS.items()
    }
    return {name: EffectStack.from_json({"layers": each}) for name, each in layers.items()} | edges


def measure(store: Store, size: tuple[int, int], rounds: int) -> dict[str, float]:
    """Median milliseconds by name."""
    backdrop: RgbArray = np.full((480, 640, 3), 90, np.uint8)
    painters = {name: Painter(look, moving_ellipse(store), {"backdrop": backdrop}) for name, look in looks().items()}
    times: dict[str, list[float]] = {name: [] for name in painters}
    for frame in range(min(FRAMES, FIRST_COUNTED + rounds)):
        image = np.asarray(cv2.resize(store.frame(frame), size), np.uint8)
        for name, painter in painters.items():
            times[name].append(timed(partial(painter.paint, frame, image)))
    return {name: statistics.median(each[FIRST_COUNTED:]) for name, each in times.items()}


def timed(run: partial[RgbArray]) -> float:
    """Milliseconds of processor time of one run."""
    started = time.process_time()
    run()
    return 1000 * (time.process_time() - started)


def main() -> None:
    """Make a clip of each size, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["1280x720", "1920x1080"])
    parser.add_argument("--rounds", type=int, default=24)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    table = {}
    for size in arguments.sizes:
        width, height = (int(side) for side in size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            make_clip(Path(folder) / "clip.mp4", size)
            ingest(Path(folder) / "clip.mp4", Path(folder) / "store")
            with open_store(Path(folder) / "store") as store:
                table[size] = measure(store, (width, height), arguments.rounds)
    print(f"{'ms (median)':20s}" + "".join(f"{size:>12s}" for size in table))
    for name in looks():
        print(f"{name:20s}" + "".join(f"{times[name]:12.1f}" for times in table.values()))


if __name__ == "__main__":
    main()
