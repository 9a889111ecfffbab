"""A table (CSV) with a row for each object on each frame on which it has a mask, if only an empty one.

time in seconds; area in pixels; left, top, right, bottom: the box, whose right and bottom edges are exclusive; x and y:
the centre of mass; predicted_iou (0..1): how good the network thinks the mask is; presence_score: above 0 the network
sees the object; stale (1 or 0): something was said nearby after the mask was found. An empty mask has no box.

Texts of users that a spreadsheet would take for a formula begin with an apostrophe.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from sam2_core.media.atomic import new_file
from sam2_core.media.draw import crop
from sam2_core.media.formats.archive import MOST_OF_IT, one_line
from sam2_core.media.material import Material
from sam2_core.media.order import Kind, Order
from sam2_core.media.progress import Progress, Reporter
from sam2_core.types import Mask, ObjectMask

COLUMNS = (
    "frame", "time", "file", "object", "name", "label", "area", "left", "top", "right", "bottom", "x", "y",
    "predicted_iou", "presence_score", "stale",
)  # fmt: skip
_FORMULA = tuple("=+-@＝＋－＠")


def write_table(path: Path, material: Material, order: Order, progress: Progress | None = None) -> None:
    """See the top of this file."""
    report = Reporter(progress)
    with new_file(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for found in material.walk("Writing rows", report, MOST_OF_IT):
            rows.writerows(_row(material, found.frame, each) for each in found.objects)
        report(1.0, "Ready")


def _row(material: Material, frame: int, each: ObjectMask) -> list[str | int | float]:
    traits, info = material.traits_of(each.object_id), material.info
    time = round(float(material.store.times[frame]), 6)
    file = info.names[frame] if info.names else info.name
    called = (_text(file), traits.id, _text(traits.name), _text(traits.label))
    scores = [round(float(each.predicted_iou), 4), round(float(each.object_score), 4), int(each.stale)]
    return [frame, time, *called, each.mask.area, *_place(each.mask), *scores]


def _place(mask: Mask) -> list[str | int | float]:
    """Box and centre of mass; the centre of the first pixel is at (0.5, 0.5)."""
    pixels, (left, top, width, height) = crop(mask)
    if not pixels.size:
        return [""] * 6
    down, across = pixels.sum(axis=1), pixels.sum(axis=0)
    x = left + 0.5 + float(np.arange(width) @ across) / float(across.sum())
    y = top + 0.5 + float(np.arange(height) @ down) / float(down.sum())
    return [left, top, left + width, top + height, round(x, 3), round(y, 3)]


def _text(words: str) -> str:
    line = one_line(words)
    return f"'{line}" if line.startswith(_FORMULA) else line


CSV = Kind(
    "data",
    "Table",
    "CSV with place, size and scores of each object on each frame",
    {"image": "csv", "clip": "csv", "album": "csv"},
    write_table,
)
