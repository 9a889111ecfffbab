"""Masks as pixels: colors, overlays, PNGs; and the image encodings that several modules use."""

from __future__ import annotations

import colorsys
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.errors import BadPrompt
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray, Mask

Rgb: TypeAlias = tuple[int, int, int]
Xywh: TypeAlias = tuple[int, int, int, int]
"""x, y, width, height in pixels of the original frame, as COCO's `bbox`."""

# The colors of Okabe and Ito without black; then colors chosen greedily for the largest distance to all before, for
# normal vision and the three kinds of dichromacy (Machado et al. 2009, distances in CIELAB).
_DISTINCT_COLORS: tuple[Rgb, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167), (213, 94, 0), (0, 114, 178),
    (135, 0, 240), (120, 45, 15), (195, 240, 195), (60, 45, 165), (105, 255, 135), (150, 120, 255), (105, 60, 105),
    (240, 0, 75), (150, 0, 60), (135, 195, 120), (255, 180, 210), (195, 165, 75), (135, 15, 135), (150, 90, 120),
    (150, 30, 210), (90, 120, 60), (255, 120, 150),
)  # fmt: skip
_HEX = re.compile("#[0-9a-fA-F]{6}")
_GOLDEN_ANGLE = 0.381966  # of a full turn: hues never repeat and neighbors are far apart


def color_of(object_id: int) -> Rgb:
    """The default color of an object. Those of ids 1 to 24 are distinct for color-blind people, too."""
    index = object_id - 1
    if 0 <= index < len(_DISTINCT_COLORS):
        return _DISTINCT_COLORS[index]
    lightness = (0.55, 0.7, 0.4)[index % 3]
    red, green, blue = colorsys.hls_to_rgb(index * _GOLDEN_ANGLE % 1.0, lightness, 0.75)
    return round(red * 255), round(green * 255), round(blue * 255)


def hex_of(color: Rgb) -> str:
    """The color as #rrggbb."""
    return "#" + bytes(color).hex()


def is_hex(text: object) -> bool:
    """Whether it is a color as #rrggbb."""
    return isinstance(text, str) and _HEX.fullmatch(text) is not None


def rgb_of(text: str) -> Rgb:
    """The color of a valid #rrggbb (see `is_hex`)."""
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def crop(mask: Mask) -> tuple[BoolArray, Xywh]:
    """The mask within its bounding box as booleans (height, width), and that box; (0, 0) and zeros for an empty mask.

    Only the columns that hold foreground are decoded, so small masks on large frames are fast.
    """
    bounds = np.cumsum(np.frombuffer(mask.runs, "<u4"), dtype=np.int64)
    starts, stops = bounds[0:-1:2], bounds[1::2]
    starts, stops = starts[starts < stops], stops[starts < stops]
    if not starts.size:
        return np.zeros((0, 0), bool), (0, 0, 0, 0)
    left, right = int(starts[0]) // mask.height, (int(stops[-1]) - 1) // mask.height + 1
    flat = np.zeros((right - left) * mask.height + 1, np.int8)
    flat[starts - left * mask.height] = 1
    flat[stops - left * mask.height] -= 1
    columns = np.cumsum(flat[:-1], dtype=np.int8).view(bool).reshape(right - left, mask.height)
    filled = np.flatnonzero(columns.any(axis=0))
    top, bottom = int(filled[0]), int(filled[-1]) + 1
    return np.ascontiguousarray(columns[:, top:bottom].T), (left, top, right - left, bottom - top)


def overlay(frame: RgbArray, masks: Sequence[tuple[Mask, Rgb]], opacity: float = 0.5, outline: int = 2) -> RgbArray:
    """A copy of the frame (H, W, 3) with masks tinted (`opacity` 0..1) and outlined (`outline` pixels, 0 for none).

    Later masks are drawn above earlier ones. Raises `BadPrompt` for a mask of another size than the frame.
    """
    drawn = frame.copy()
    for mask, color in masks:
        if (mask.height, mask.width) != frame.shape[:2]:
            raise BadPrompt(
                f"The mask is {mask.width} x {mask.height} pixels and the frame {frame.shape[1]} x {frame.shape[0]}."
            )
        pixels, (x, y, width, height) = crop(mask)
        if pixels.size:
            tint(drawn[y : y + height, x : x + width], pixels.view(np.uint8), color, opacity, outline)
    return drawn


def mask_png(mask: Mask) -> tuple[bytes, Xywh]:
    """The mask within its bounding box as a PNG of one bit per pixel, white on transparent, and that box.

    An empty mask gives one transparent pixel at (0, 0).
    """
    pixels, box = crop(mask)
    if not pixels.size:
        pixels, box = np.zeros((1, 1), bool), (0, 0, 1, 1)
    height, width = pixels.shape
    packed = np.packbits(pixels, axis=1)
    rows = np.pad(packed, ((0, 0), (1, 0)))  # each row begins with its filter: 0, none
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)  # bit depth 1, palette colors
    chunks = (
        (b"IHDR", header),
        (b"PLTE", bytes((0, 0, 0, 255, 255, 255))),
        (b"tRNS", bytes((0, 255))),
        (b"IDAT", zlib.compress(rows.tobytes(), 1)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks), box


def grayscale_png(mask: Mask, compression: int = 3) -> bytes:
    """The whole mask as a PNG of one channel, 0 or 255; `compression` is from 0 to 9."""
    return encode_png(mask.to_array().view(np.uint8) * np.uint8(255), compression)


def encode_png(pixels: npt.NDArray[np.unsignedinteger[Any]], compression: int = 3) -> bytes:
    """Grayscale pixels (H, W) of 8 or 16 bits as a PNG."""
    return cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, compression])[1].tobytes()


def encode_jpeg(image: RgbArray) -> bytes:
    """An RGB image (H, W, 3) as a JPEG of quality 95."""
    return encode_image(image, ".jpg")


IMAGE_EXTENSIONS: Mapping[str, int] = MappingProxyType({
    ".jpg": 65535, ".jpeg": 65535, ".jfif": 65535, ".png": 1 << 20, ".bmp": 1 << 20, ".tif": 1 << 20, ".tiff": 1 << 20,
    ".webp": 16383,
})  # fmt: skip
"""The extensions of formats that `encode_image` writes, and the pixels of the longer side at most."""


def encode_image(image: RgbArray, extension: str) -> bytes:
    """An RGB image (H, W, 3) in the format of an extension (one of `IMAGE_EXTENSIONS`), at quality 95 if it has one."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    extension = {".jfif": ".jpg"}.get(extension, extension)
    quality = {".webp": cv2.IMWRITE_WEBP_QUALITY, ".jpg": cv2.IMWRITE_JPEG_QUALITY, ".jpeg": cv2.IMWRITE_JPEG_QUALITY}
    parameters = [quality[extension], 95] if extension in quality else []
    return cv2.imencode(extension, bgr, parameters)[1].tobytes()


def tint(region: RgbArray, inside: RgbArray, color: Rgb, opacity: float, outline: int) -> None:
    """Draw one mask into its part (h, w, 3) of a frame, in place; `inside` (h, w) is 0 or 1."""
    levels = np.arange(256)[:, None] * (1 - opacity) + np.array(color) * opacity
    tinted = cv2.LUT(region, np.rint(levels).astype(np.uint8)[None])
    cv2.copyTo(tinted, inside, region)
    if outline > 0:
        kernel = np.ones((2 * outline + 1, 2 * outline + 1), np.uint8)
        core = cv2.erode(inside, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        region[(inside - core).view(bool)] = color


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
