"""Images as the processors of the transformers library take them."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sam2_core.detection.detector import RgbPixels

MAX_ASPECT, MIN_SIDE = 16, 16
"""Longer strips are padded: resized to a network's input, their short side would vanish. So are pictures of a few
pixels, of which the library takes sides of 1 or 3 for channels."""
_GRAY = 127


def as_picture(image: RgbPixels) -> Image.Image:
    """An image (H, W, 3) as PIL's, with a gray margin on the right or at the bottom where it is a strip or tiny."""
    height, width = image.shape[:2]
    shortest = max(MIN_SIDE, -(-max(height, width) // MAX_ASPECT))
    margins = ((0, max(0, shortest - height)), (0, max(0, shortest - width)), (0, 0))
    return Image.fromarray(np.pad(image, margins, constant_values=_GRAY) if np.any(margins) else image)
