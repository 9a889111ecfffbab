"""Index masks: images in which each pixel is the number of its object, 0 for none."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.draw import crop
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.types import FrameMasks

IndexMask: TypeAlias = npt.NDArray[np.uint16]
"""(H, W)."""

PICTURE_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".webp")
"""Suffixes of paths that `save_picture` can write; it takes more than 8 bits for the first three."""
MAX_VALUES = 254  # 0 is the background, and many readers take 255 for void
OVERLAPS = "Where objects overlap, the pixel belongs to the one above, which is the later one in the list."


def paint_index(media: MaskedMedia, masks: FrameMasks, values: Mapping[int, int]) -> tuple[IndexMask, bool]:
    """The index mask of one frame with these values by object id, later objects above, and whether any overlap."""
    index = np.zeros(media.info.size_of(masks.frame), np.uint16)
    has_overlap = False
    for each in masks.objects:
        pixels, (left, top, width, height) = crop(each.mask)
        region = index[top : top + height, left : left + width]
        has_overlap = has_overlap or bool(region[pixels].any())
        region[pixels] = values[each.object_id]
    return index, has_overlap


def save_picture(path: Path, pixels: npt.NDArray[np.unsignedinteger[Any]]) -> None:
    """Write gray pixels (H, W) of 8 or 16 bits without loss, in the format that the suffix names."""
    compression: dict[str, dict[str, Any]] = {".webp": {"lossless": True}, ".tif": {"compression": "tiff_deflate"}}
    suffix = ".tif" if path.suffix.lower() == ".tiff" else path.suffix.lower()
    Image.fromarray(pixels).save(path, **compression.get(suffix, {}))


def palette_png(index: npt.NDArray[np.unsignedinteger]) -> bytes:
    """An index mask (H, W) of values up to 255 as a PNG with the palette of Pascal VOC and DAVIS."""
    image = Image.fromarray(index.astype(np.uint8))
    image.putpalette(PALETTE)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def check_count(objects: int, title: str) -> None:
    """Raise `MediaError` for more objects than a palette has colors."""
    if objects > MAX_VALUES:
        raise MediaError(f"{title} holds up to {MAX_VALUES} objects in a picture, not {objects}. Choose fewer.")


def _palette() -> bytes:
    """VOC's color map: the bits of a value go to red, green and blue in turn, which they fill from the highest bit."""
    colors = np.zeros((256, 3), np.uint8)
    values = np.arange(256)
    for bit in range(8):
        colors[:, bit % 3] |= ((values >> bit & 1) << (7 - bit // 3)).astype(np.uint8)
    return colors.tobytes()


PALETTE = _palette()
"""Red, green and blue of the values 0 to 255."""
