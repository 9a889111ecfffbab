"""Clips that carry each frame's number in its picture, as blocks large enough to survive any codec."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

BITS = 6
RED, BLUE = (220, 30, 30), (30, 30, 220)
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def numbered_image(number: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Above red and blue, which tells which way is up; below the number, most significant bit first."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 3, : width // 2] = RED
    pixels[: height // 3, width // 2 :] = BLUE
    edges = np.linspace(0, width, BITS + 1).round().astype(int)
    for bit in range(BITS):
        if number >> (BITS - 1 - bit) & 1:
            pixels[height // 3 :, edges[bit] : edges[bit + 1]] = 255
    return pixels


def read_number(pixels: npt.NDArray[np.uint8]) -> int:
    """The number in a picture; fails unless it stands upright."""
    height, width = pixels.shape[:2]
    left, right = (pixels[height // 6, int(width * share)].astype(int) for share in (0.25, 0.75))
    assert left[0] > left[2] + 60, f"red should be at the upper left: {left}"
    assert right[2] > right[0] + 60, f"blue should be at the upper right: {right}"
    centres = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    return int(sum(1 << (BITS - 1 - bit) for bit, x in enumerate(centres) if pixels[height * 2 // 3, x].mean() > 127))


def ffmpeg(*arguments: str | Path, feed: bytes | None = None) -> bytes:
    """Run ffmpeg; its standard output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, input=feed, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def make_clip(
    path: Path,
    *,
    frames: int = 20,
    size: tuple[int, int] = (64, 96),
    rate: str = "30",
    codec: tuple[str, ...] = H264,
    filters: str = "null",
    sound: tuple[str, ...] = (),
    turns: int = 0,
) -> Path:
    """Encode numbered frames; `turns` quarter turns are undone by the file's metadata."""
    height, width = size
    images = [np.ascontiguousarray(np.rot90(numbered_image(number, height, width), -turns)) for number in range(frames)]
    coded_height, coded_width = images[0].shape[:2]
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{coded_width}x{coded_height}", "-r", rate, "-i", "pipe:0")
    tone = ("-f", "lavfi", "-t", "1", "-i", "sine=r=44100") if sound else ()
    maps = ("-map", "0:v", *(("-map", "1:a", *sound) if sound else ()))
    times = ("-fps_mode", "passthrough", "-enc_time_base", "1:90000") if filters != "null" else ()
    coded = path.with_stem(path.stem + "-coded") if turns else path
    ffmpeg(*raw, *tone, *maps, "-vf", filters, *codec, *times, coded, feed=b"".join(p.tobytes() for p in images))
    if turns:
        ffmpeg("-display_rotation", str(turns * 90), "-i", coded, "-c", "copy", path)
        coded.unlink()
    return path
