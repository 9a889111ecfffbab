"""Labeled pictures on one, each as it is and with its labels drawn."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sam2_core.media.atomic import new_file
from sam2_core.media.draw import color_of
from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask
from sam2_core.training.synthetic.image_pool import PooledImage

MAX_PICTURES = 24
_SIDE, _GAP = 320, 6
_PAIRS = 2  # in a row
_NUMBER_HEIGHT = 16
_MAX_NAMES = 12  # written on a picture: more would cover it


def save_contact_sheet(
    pictures: Iterable[PooledImage], path: Path, side: int = _SIDE, is_numbered: bool = False
) -> None:
    """Write a JPEG or PNG of up to `MAX_PICTURES` pictures, whose longer side has `side` pixels on it.

    The classes are written on the pictures, if there are several and not too many. `is_numbered`: each object has one
    of its own, such as its number, which is always written, in the midst of the object.
    """
    cells = [cell for picture in islice(pictures, MAX_PICTURES) for cell in _cells(picture, side, is_numbered)]
    rows = [cells[at : at + 2 * _PAIRS] for at in range(0, len(cells), 2 * _PAIRS)]
    heights = [max(cell.height for cell in row) + _GAP for row in rows]
    sheet = Image.new("RGB", (2 * _PAIRS * (side + _GAP) + _GAP, sum(heights) + _GAP), "white")
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            sheet.paste(cell, (_GAP + column * (side + _GAP), top))
        top += height
    with new_file(path) as unfinished:
        sheet.save(unfinished, quality=90)


def _cells(picture: PooledImage, side: int, is_numbered: bool) -> tuple[Image.Image, Image.Image]:
    scale = side / max(picture.image.shape[:2])
    plain = _scaled(picture.image, scale)
    drawn, classes = plain.copy(), sorted({each.category for each in picture.instances})
    names = []
    for number, each in enumerate(picture.instances):
        color = color_of((number if len(classes) < 2 else classes.index(each.category)) % 24 + 1)
        canvas = np.zeros(picture.image.shape[:2], np.uint8)
        each.paste_over(canvas)
        small = (_scaled(canvas * np.uint8(255), scale) > 127).astype(np.uint8)
        outlines, _ = cv2.findContours(small, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outlines, -1, color, 2 if is_numbered else 1)
        place = _midst(small) if is_numbered else (each.left * scale + 2, each.top * scale + 1)
        names.append((place, each.category.encode("latin-1", "replace").decode("latin-1"), color))
    cell = Image.fromarray(drawn)
    pen = ImageDraw.Draw(cell)
    if is_numbered:
        font = ImageFont.load_default(_NUMBER_HEIGHT)
        for place, name, color in names:
            left, top, right, bottom = pen.textbbox((0, 0), name, font)
            start = (place[0] - (left + right) / 2, place[1] - (top + bottom) / 2)
            dark = tuple(part // 3 for part in color)
            pen.text(start, name, fill="white", font=font, stroke_width=2, stroke_fill=dark)
    elif len(names) <= _MAX_NAMES and len(classes) > 1:
        for place, name, color in names:
            pen.text(place, name, fill=color)
    return Image.fromarray(plain), cell


def _midst(mask: BinaryMask) -> tuple[float, float]:
    """The (x, y) of a mask that is farthest from its edge."""
    distances = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3)
    y, x = np.unravel_index(int(np.argmax(distances)), distances.shape)
    return float(x) - 1, float(y) - 1


def _scaled(pixels: RgbArray, scale: float) -> RgbArray:
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)
