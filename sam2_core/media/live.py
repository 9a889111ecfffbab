"""Frames of a camera, which arrive as JPEGs."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.info import RgbArray


def decode_frame(jpeg: bytes, height: int, width: int) -> RgbArray:
    """A JPEG of exactly this size as (H, W, 3). Raises `MediaError`; another size is not decoded at all."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            if image.size != (width, height):
                raise MediaError(
                    f"This frame is {image.width} x {image.height} pixels, the first one was {width} x {height}. "
                    "Start the camera again."
                )
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError("A frame of the camera is no JPEG, or a damaged one. Start the camera again.") from error
