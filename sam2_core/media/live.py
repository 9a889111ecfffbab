"""Frames of a camera, which arrive as JPEGs."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.info import RgbArray

_SCAN, _MAX_SCANS = b"\xff\xda", 64  # a progressive JPEG has ten; each takes as long as a whole picture
_DAMAGED = "A frame of the camera is no JPEG, or a damaged one. Start the camera again."


def decode_frame(jpeg: bytes, height: int, width: int) -> RgbArray:
    """A JPEG of exactly this size as (H, W, 3). Raises `MediaError`; one of another size, or of very many scans, is not
    decoded at all."""
    if jpeg.count(_SCAN) > _MAX_SCANS:
        raise MediaError(_DAMAGED)
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            if image.size != (width, height):
                raise MediaError(
                    f"This frame is {image.width} x {image.height} pixels, the first one was {width} x {height}. "
                    "Start the camera again."
                )
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(_DAMAGED) from error
