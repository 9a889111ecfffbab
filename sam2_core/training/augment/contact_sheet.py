"""Labeled pictures on one, each as it is and with its labels drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from sam2_core.media.atomic import new_file
from sam2_core.media.draw import color_of
from sam2_core.media.info import RgbArray
from sam2_core.training.synthetic.image_pool import PooledImage

MAX_PICTURES = 24
_SIDE, _GAP = 320, 6
_PAIRS = 2  # in a row
_MAX_NAMES = 12  # written on a picture: more would cover it


def save_contact_sheet(pictures: Sequence[PooledImage], path: Path) -> None:
    """Write a JPEG or PNG of up to `MAX_PICTURES` pictures."""
    cells = [cell for picture in pictures[:MAX_PICTURES] for cell in _cells(picture)]
    rows = [cells[at : at + 2 * _PAIRS] for at in range(0, len(cells), 2 * _PAIRS)]
    heights = [max(cell.height for cell in row) + _GAP for row in rows]
    sheet = Image.new("RGB", (2 * _PAIRS * (_SIDE + _GAP) + _GAP, sum(heights) + _GAP), "white")
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            sheet.paste(cell, (_GAP + column * (_SIDE + _GAP), top))
        top += height
    with new_file(path) as unfinished:
        sheet.save(unfinished, quality=90)


def _cells(picture: PooledImage) -> tuple[Image.Image, Image.Image]:
    scale = _SIDE / max(picture.image.shape[:2])
    plain = _scaled(picture.image, scale)
    drawn, classes = plain.copy(), sorted({each.category for each in picture.instances})
    names = []
    for number, each in enumerate(picture.instances):
        color = color_of((number if len(classes) < 2 else classes.index(each.category)) % 24 + 1)
        canvas = np.zeros(picture.image.shape[:2], np.uint8)
        each.paste_over(canvas)
        small = (_scaled(canvas * np.uint8(255), scale) > 127).astype(np.uint8)
        outlines, _ = cv2.findContours(small, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outlines, -1, color, 1)
        names.append((each.left * scale, each.top * scale, each.category, color))
    cell = Image.fromarray(drawn)
    pen = ImageDraw.Draw(cell)
    for x, y, name, color in names if len(names) <= _MAX_NAMES and len(classes) > 1 else ():
        pen.text((x + 2, y + 1), name.encode("latin-1", "replace").decode("latin-1"), fill=color)
    return Image.fromarray(plain), cell


def _scaled(pixels: RgbArray, scale: float) -> RgbArray:
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)
