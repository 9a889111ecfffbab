"""Results read back, and a painter that makes what can be seen through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageSequence

from sam2_core.media import EffectStack, MaskedMedia
from tests.media.numbered import ffmpeg, make_clip

RATE = 48_000


class SeeThrough:
    """The picture where the first object is, half of it where the others are, and nothing elsewhere."""

    def __init__(self, look: EffectStack, media: MaskedMedia, *_: object) -> None:
        self._material = media

    def paint(self, frame: int, picture: Any) -> Any:
        alpha = np.zeros(picture.shape[:2], np.uint8)
        for each in self._material.masks_on(frame).objects:
            mask = cv2.resize(each.mask.to_array().view(np.uint8), alpha.shape[::-1], interpolation=cv2.INTER_NEAREST)
            alpha[mask > 0] = 255 if each.object_id == 1 else 128
        return np.dstack([picture, alpha])


def pictures_of(path: Path) -> Any:
    """The pictures (N, H, W, 4) of a clip as ffmpeg reads them."""
    how = ("-c:v", "libvpx-vp9") if path.suffix == ".webm" else ()  # ffmpeg's own decoder does not know transparency
    pams = ("-map", "0:v", "-fps_mode", "passthrough", "-f", "image2pipe", "-c:v", "pam", "-pix_fmt", "rgba", "pipe:1")
    told = ffmpeg(*how, "-i", path, *pams)
    head, end, _ = told.partition(b"ENDHDR\n")
    width, height = (int(head.split(name)[1].split()[0]) for name in (b"WIDTH", b"HEIGHT"))
    begin, length = len(head + end), 4 * height * width
    raw = np.frombuffer(told, np.uint8).reshape(-1, begin + length)
    return raw[:, begin:].reshape(-1, height, width, 4)


def size_of(path: Path) -> tuple[int, int]:
    """Height and width of a clip."""
    found = re.search(rb"#dimensions 0: (\d+)x(\d+)", ffmpeg("-i", path, "-map", "0:v", "-f", "framecrc", "pipe:1"))
    assert found
    return int(found[2]), int(found[1])


def times_of(path: Path) -> tuple[list[float], float]:
    """When each picture of a clip is shown and when the last one ends, in seconds."""
    told = ffmpeg("-i", path, "-map", "0:v", "-c", "copy", "-copyts", "-f", "framecrc", "pipe:1").decode()
    base = re.search(r"#tb 0: (\d+)/(\d+)", told)
    assert base
    tick = int(base[1]) / int(base[2])
    rows = sorted(
        [int(part) for part in line.split(",")[2:4]] for line in told.splitlines() if not line.startswith("#")
    )
    return [stamp * tick for stamp, _ in rows], sum(rows[-1]) * tick


def animation(path: Path) -> tuple[list[Any], list[float]]:
    """The pictures (H, W, 4) of a GIF or WebP as Pillow reads them, and their durations in milliseconds."""
    with Image.open(path) as image:
        assert image.info["loop"] == 0, "it should go on for ever"
        read = [(np.asarray(each.convert("RGBA")), each.info["duration"]) for each in ImageSequence.Iterator(image)]
    return [picture for picture, _ in read], [duration for _, duration in read]


def sound_of(path: Path) -> Any:
    """The sound from time 0 of the file on, one channel, `RATE` values a second from -1 to 1."""
    filters = ("-af", "aresample=async=1:first_pts=0")
    raw = ffmpeg("-i", path, "-map", "0:a", *filters, "-ac", "1", "-ar", str(RATE), "-f", "f32le", "pipe:1")
    return np.frombuffer(raw, np.float32)


def beeping(path: Path, at: float, seconds: float, codec: Sequence[str], **how: Any) -> Path:
    """A clip of numbered frames whose sound is silent but for 0.1 s from `at` seconds on."""
    silent = make_clip(path.with_stem("silent"), **how)
    tone = f"aevalsrc='sin(2*PI*1000*t)*between(t,{at},{at + 0.1})':s={RATE}:d={seconds}"
    ffmpeg("-i", silent, "-f", "lavfi", "-i", tone, "-map", "0:v", "-map", "1:a", "-c:v", "copy", *codec, path)
    return path


def beep_in(sound: Any) -> float:
    """When the beep begins, in seconds."""
    return float(np.flatnonzero(np.abs(sound) > 0.3)[0] / RATE)
