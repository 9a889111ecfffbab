"""Peak memory of tracking one object through a short and a long clip, which should not depend on the length.

    python -m benchmarks.clip_memory --seconds 60 600 --fps 30

Each clip is generated, ingested and tracked from end to end in its own process; the peak is the maximum resident set
size that the operating system reports of it (Linux and macOS).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg

CHUNK = 4
SIZE = "640x360"


def make_clip(path: Path, seconds: int, fps: int) -> None:
    """Write a clip of a moving test pattern."""
    pattern = f"testsrc2=size={SIZE}:rate={fps}:duration={seconds}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", "-f", "lavfi", "-i", pattern]
    subprocess.run([*command, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(path)], check=True)


def track(clip: Path, folder: Path, model: str) -> dict[str, float]:
    """Ingest and track the clip in this process."""
    from sam2_core.media import ingest
    from sam2_core.serving import build_engine
    from sam2_core.serving.commands import SetPrompt, Track
    from sam2_core.types import Box, Prompt

    engine = build_engine(model)
    started = time.perf_counter()
    ingest(clip, folder / "store")
    ingested = time.perf_counter()
    info = engine.open(str(folder / "store")).result()
    box = Box(info.width * 0.4, info.height * 0.3, info.width * 0.6, info.height * 0.7)
    revision = engine.run(info.id, SetPrompt(0, 1, Prompt(boxes=(box,)))).result().revision
    for start in range(0, info.frames, CHUNK):
        engine.run(info.id, Track(range(start, min(info.frames, start + CHUNK)), revision)).result()
    done = time.perf_counter()
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    engine.close(info.id).result()
    return {
        "frames": info.frames,
        "ingest_s": ingested - started,
        "track_s": done - ingested,
        "peak_mb": peak,
    }


def main() -> None:
    """Run one process per length and print the table with the ratio to the shortest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, nargs="+", default=[60, 600])
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(track(arguments.child, arguments.child.parent, arguments.model)))
        return
    first = 0.0
    print(f"{'seconds':>8s}{'frames':>8s}{'ingest s':>10s}{'frames/s':>10s}{'peak MB':>9s}{'ratio':>7s}")
    for seconds in arguments.seconds:
        with tempfile.TemporaryDirectory() as folder:
            clip = Path(folder) / "clip.mp4"
            make_clip(clip, seconds, arguments.fps)
            child = [sys.executable, "-m", "benchmarks.clip_memory", "--child", str(clip), "--model", arguments.model]
            result = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
        first = first or result["peak_mb"]
        print(
            f"{seconds:8d}{result['frames']:8.0f}{result['ingest_s']:10.1f}{result['frames'] / result['track_s']:10.1f}"
            f"{result['peak_mb']:9.0f}{result['peak_mb'] / first:7.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
