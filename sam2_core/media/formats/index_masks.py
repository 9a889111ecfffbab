"""Index pictures: one picture in which each pixel names the object it belongs to, 0 for none."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.draw import crop
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.types import FrameMasks

Index: TypeAlias = npt.NDArray[np.uint16]
"""(H, W)."""

MOST_COLORS = 254  # 0 is the background, and to many readers 255 is void
OVERLAPS = "Where objects overlap, the pixel belongs to the one above, which is the later one in the list."


def paint_index(media: MaskedMedia, found: FrameMasks, values: Mapping[int, int]) -> tuple[Index, bool]:
    """The objects of one frame by their values, the later ones above, and whether any of them overlap."""
    index = np.zeros(media.info.size_of(found.frame), np.uint16)
    is_covered = False
    for each in found.objects:
        pixels, (left, top, width, height) = crop(each.mask)
        region = index[top : top + height, left : left + width]
        is_covered = is_covered or bool(region[pixels].any())
        region[pixels] = values[each.object_id]
    return index, is_covered


def palette_png(index: npt.NDArray[np.unsignedinteger]) -> bytes:
    """An index picture (H, W) of values up to 255 as a PNG with the colors of Pascal VOC and DAVIS."""
    image = Image.fromarray(index.astype(np.uint8))
    image.putpalette(PALETTE)
    packed = io.BytesIO()
    image.save(packed, "PNG", compress_level=3)
    return packed.getvalue()


def check_count(objects: int, title: str) -> None:
    """Refuse (`MediaError`) more objects than a palette has colors."""
    if objects > MOST_COLORS:
        raise MediaError(f"{title} holds up to {MOST_COLORS} objects in a picture, not {objects}. Choose fewer.")


def _palette() -> bytes:
    """256 colors: the bits of a number, dealt out to red, green and blue in turn, fill these from the highest bit."""
    colors = np.zeros((256, 3), np.uint8)
    numbers = np.arange(256)
    for bit in range(8):
        colors[:, bit % 3] |= ((numbers >> bit & 1) << (7 - bit // 3)).astype(np.uint8)
    return colors.tobytes()


PALETTE = _palette()
"""Red, green and blue of the values 0 to 255."""
