"""Time of rendering an overlay video against plain ffmpeg, and file sizes of all video formats.

    python -m benchmarks.rendering --rounds 5

A synthetic clip of 1280 x 720 with two objects becomes an MP4 with the overlay; ffmpeg alone decodes and encodes the
same clip with the same settings. Both are measured in turns; medians of seconds and their ratio are printed. Then each
format is written once, with seconds and bytes.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np

from sam2_core.media import EXPORT_FORMATS, PRESETS, ExportOptions, MaskedMedia, ingest, open_store, write
from sam2_core.media.rendering.video_formats import MP4
from sam2_core.types import FrameMasks, Mask, ObjectMask

HEIGHT, WIDTH, RATE = 720, 1280, 30


def run_ffmpeg(*arguments: str) -> None:
    """Run ffmpeg and wait for its end."""
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *arguments], check=True)


def make_clip(path: Path, frames: int) -> None:
    """Write a clip of a moving test pattern with a tone."""
    seconds = frames / RATE
    pattern = ["-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}:duration={seconds}"]
    tone = ["-f", "lavfi", "-i", f"sine=duration={seconds}", "-c:a", "aac"]
    run_ffmpeg(*pattern, *tone, "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", str(path))


def masks_of(frame: int, frames: int) -> FrameMasks:
    """Masks of two ellipses that cross the frame."""
    objects = []
    for number, left, right in ((1, 0.2, 0.7), (2, 0.8, 0.4)):
        pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
        x = round(WIDTH * (left + (right - left) * frame / frames))
        cv2.ellipse(pixels, (x, HEIGHT * number // 3), (170, 110), 20, 0, 360, 1, cv2.FILLED)
        objects.append(ObjectMask(number, Mask.from_array(pixels), 0.9, 5.0))
    return FrameMasks(frame, 1, tuple(objects))


def timed(run: Callable[[], object]) -> float:
    """Seconds of one run."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def compare(media: MaskedMedia, folder: Path, rounds: int) -> None:
    """Print the seconds of ffmpeg alone and of the overlay, and their ratio."""
    source = str(media.store.source)
    encoding = MP4.encoding(folder / "plain.mp4", False, "1")
    variants: dict[str, Callable[[], object]] = {
        "plain ffmpeg": lambda: run_ffmpeg("-i", source, *encoding[:-1], "-c:a", "copy", encoding[-1]),
        "overlay": lambda: write(folder / "overlay.mp4", media, ExportOptions("mp4")),
    }
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            times[name].append(timed(run))
    plain, overlay = (statistics.median(times[name]) for name in variants)
    frames = media.info.frames
    print(f"plain ffmpeg {plain:6.2f} s {frames / plain:6.1f} frames/s")
    print(f"overlay      {overlay:6.2f} s {frames / overlay:6.1f} frames/s   ratio {overlay / plain:.2f}")


def measure_sizes(media: MaskedMedia, folder: Path) -> None:
    """Print seconds and size of each video format, opaque and cut out."""
    print(f"{'kind':6s}{'look':10s}{'seconds':>9s}{'bytes':>13s}")
    for kind, about in EXPORT_FORMATS.items():
        if about.group == "picture" and "clip" in about.extensions:
            for look in ("Overlay", "Cutout"):
                path = folder / f"{kind}_{look}.{about.extensions['clip']}"
                options = ExportOptions(kind, PRESETS[look])
                seconds = timed(lambda path=path, options=options: write(path, media, options))  # type: ignore[misc]
                print(f"{kind:6s}{look:10s}{seconds:9.2f}{path.stat().st_size:13,d}", flush=True)


def main() -> None:
    """Make the clip and its masks, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    found = [masks_of(frame, arguments.frames) for frame in range(arguments.frames)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_clip(folder / "clip.mp4", arguments.frames)
        ingest(folder / "clip.mp4", folder / "store")
        with open_store(folder / "store") as store:
            media = MaskedMedia(store, lambda frames: [found[frame] for frame in frames])
            compare(media, folder, arguments.rounds)
            measure_sizes(media, folder)


if __name__ == "__main__":
    main()
