"""A table (CSV) with a row for each object on each frame on which it has a mask, even an empty one.

time in seconds; area in pixels; left, top, right, bottom: the box, whose right and bottom edges are exclusive; x and y:
the center of mass; predicted_iou (0..1); presence_score: the object-score logit, above 0 if the object is visible;
stale (1 or 0): a prompt nearby changed after the mask was computed. An empty mask has no box.

Texts that a spreadsheet would take for a formula begin with an apostrophe.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from sam2_core.media.draw import crop
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import FRAMES_SHARE, one_line
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import Mask, ObjectMask

COLUMNS = (
    "frame", "time", "file", "object", "name", "label", "area", "left", "top", "right", "bottom", "x", "y",
    "predicted_iou", "presence_score", "stale",
)  # fmt: skip
_FORMULA = tuple("=+-@＝＋－＠")


def write_table(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for masks in media.iterate("Writing rows", report, FRAMES_SHARE):
            rows.writerows(_row(media, masks.frame, each) for each in masks.objects)


def _row(media: MaskedMedia, frame: int, each: ObjectMask) -> list[str | int | float]:
    traits, info = media.traits_of(each.object_id), media.info
    time = round(float(media.store.times[frame]), 6)
    file = info.name if info.kind == "clip" else info.name_of(frame)
    names = (_without_formula(file), traits.id, _text(traits.name), _text(traits.label))
    scores = [round(float(each.predicted_iou), 4), round(float(each.object_score), 4), int(each.stale)]
    return [frame, time, *names, each.mask.area, *_box_and_center(each.mask), *scores]


def _box_and_center(mask: Mask) -> list[str | int | float]:
    """Box and center of mass; the center of the first pixel is at (0.5, 0.5)."""
    pixels, (left, top, width, height) = crop(mask)
    if not pixels.size:
        return [""] * 6
    by_row, by_column = pixels.sum(axis=1), pixels.sum(axis=0)
    x = left + 0.5 + float(np.arange(width) @ by_column) / float(by_column.sum())
    y = top + 0.5 + float(np.arange(height) @ by_row) / float(by_row.sum())
    return [left, top, left + width, top + height, round(x, 3), round(y, 3)]


def _text(text: str) -> str:
    return _without_formula(one_line(text))


def _without_formula(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
