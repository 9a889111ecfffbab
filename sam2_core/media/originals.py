"""The source's own pictures at the size that masks have. Those that a store keeps may be smaller."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.clips import decoding
from sam2_core.media.ffmpeg import Ffmpeg
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.pictures import read_picture
from sam2_core.media.probe import probe_clip
from sam2_core.media.store import Store

_TIME_LIMIT = 3600.0  # seconds of wall-clock time
_JPEG_QUALITY = 95


def original_frames(store: Store, frames: range) -> Generator[RgbArray, None, None]:
    """These frames (in their order) as (H, W, 3) in RGB, upright. Close the iterator if it is not read to its end.

    Raises `MediaError` if the source cannot be read again.
    """
    if store.info.kind == "clip":
        yield from _decoded(store, frames)
    else:
        for frame in frames:
            height, width = store.info.size_of(frame)
            yield read_picture(store.source_of(frame), replace(DEFAULT_LIMITS, max_pixels=height * width))


def jpeg_of(picture: RgbArray) -> bytes:
    """A picture (H, W, 3) in RGB as a JPEG of high quality."""
    swapped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()


def _decoded(store: Store, frames: range) -> Generator[RgbArray, None, None]:
    height, width = store.info.height, store.info.width
    # What came in once is within the limits, whatever they are today.
    limits = replace(
        DEFAULT_LIMITS, max_clip_side=2 * max(height, width), max_clip_pixels=4 * height * width, max_seconds=math.inf
    )
    decoder = decoding(store.source, probe_clip(store.source, limits), height, width, "out_range=full,format=rgb24")
    arguments = ["-loglevel", "error", *decoder, "-f", "rawvideo", "pipe:1"]
    with Ffmpeg(arguments, store.folder, _TIME_LIMIT) as process:
        for frame in range(frames[-1] + 1):
            pixels = process.stdout.read(height * width * 3)
            if len(pixels) < height * width * 3:
                process.finish()
                raise MediaError("The clip's source no longer matches its frames. Upload the clip again.")
            if frame in frames:
                yield np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
