"""Contact sheets: what the figures look like. Each draws what it needs as soon as it is shown, and keeps no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from sam2_core.media.atomic import new_file
from sam2_core.media.draw import Rgb, color_of, overlay
from sam2_core.media.info import RgbArray
from sam2_core.training.evaluate.clicks import first_click
from sam2_core.training.evaluate.clip_evaluation import TrackedFrame
from sam2_core.training.evaluate.image_evaluation import ObjectResult, ScoredMask
from sam2_core.training.evaluate.metrics import iou
from sam2_core.training.evaluate.report import HEADINGS
from sam2_core.types import BoolArray, Box, Mask, Point

ENDINGS = frozenset({".png", ".jpg", ".jpeg"})
"""Of pictures that can be written."""

_SIDE, _CAPTION, _GAP = 180, 28, 4
_COLUMNS = 7
_MARGIN = 0.6  # of an object's longer side, shown around it
_PREDICTED, _TRUE, _YES, _NO = (0, 158, 115), (255, 255, 255), (86, 255, 120), (255, 70, 50)
_Cell = Image.Image


@dataclass(slots=True)
class ImageSheet:
    """One row for each object: the picture with its first click, five answers, and the truth.

    Pictures are taken evenly out of `images`; with fewer pictures than `rows`, several objects of each.
    """

    images: int
    rows: int
    drawn: list[list[_Cell]] = field(default_factory=list)
    _taken: dict[int, int] = field(default_factory=dict)

    def observe(self, result: ObjectResult) -> None:
        """Draw this object if it is one of the chosen ones."""
        number = result.subject.number
        taken = self._taken.get(number, 0)
        per_image = -(-self.rows // max(1, self.images))
        if number in evenly_spaced(self.images, self.rows) and taken < per_image and len(self.drawn) < self.rows:
            self._taken[number] = taken + 1
            self.drawn.append(_result_row(result))


@dataclass(slots=True)
class ClipSheet:
    """Two rows for each clip, after a mask and after a click; the columns are frames, evenly spread.

    Predictions are tinted, with a line around the truth. Clips are taken evenly out of `clips`.
    """

    clips: int
    rows: int
    drawn: list[list[_Cell]] = field(default_factory=list)

    def observe(self, tracked: TrackedFrame) -> None:
        """Draw this frame if it is one of the chosen ones."""
        frames = (tracked.start.frame, *tracked.start.later_frames)
        if tracked.number not in evenly_spaced(self.clips, (self.rows + 1) // 2):
            return
        if tracked.frame not in {frames[place] for place in evenly_spaced(len(frames), _COLUMNS)}:
            return
        if tracked.frame == tracked.start.frame:
            self.drawn.append([])
        self.drawn[-1].append(_frame_cell(tracked))


def evenly_spaced(count: int, chosen: int) -> list[int]:
    """At most `chosen` of the numbers below `count`, evenly spread, with the first and the last one."""
    return sorted({round(float(place)) for place in np.linspace(0, count - 1, min(count, chosen))})


def save_sheet(rows: Sequence[Sequence[_Cell]], path: Path) -> None:
    """Write the rows below each other as a PNG or JPEG, by the name's ending."""
    heights = [max(cell.height for cell in row) + _GAP for row in rows]
    sheet = Image.new("RGB", (_COLUMNS * (_SIDE + _GAP) + _GAP, sum(heights) + _GAP), "white")
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            sheet.paste(cell, (_GAP + column * (_SIDE + _GAP), top))
        top += height
    with new_file(path) as unfinished:
        sheet.save(unfinished)


@dataclass(frozen=True, slots=True)
class _View:
    """A part of a picture, scaled to fit into a cell."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def scale(self) -> float:
        return _SIDE / max(self.right - self.left, self.bottom - self.top)

    @property
    def size(self) -> tuple[int, int]:
        width, height = self.right - self.left, self.bottom - self.top
        return max(1, round(width * self.scale)), max(1, round(height * self.scale))

    def pixels(self, image: RgbArray) -> RgbArray:
        part = image[self.top : self.bottom, self.left : self.right]
        how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        return cv2.resize(part, self.size, interpolation=how).astype(np.uint8, copy=False)

    def mask(self, mask: BoolArray) -> Mask:
        part = np.ascontiguousarray(mask[self.top : self.bottom, self.left : self.right]).astype(np.uint8)
        return Mask.from_array(cv2.resize(part, self.size, interpolation=cv2.INTER_NEAREST))

    def place(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.left) * self.scale, (y - self.top) * self.scale


def _whole(image: RgbArray) -> _View:
    return _View(0, 0, image.shape[1], image.shape[0])


def _around(box: Box, image: RgbArray) -> _View:
    margin = _MARGIN * max(box.right - box.left, box.bottom - box.top)
    return _View(
        max(0, int(box.left - margin)),
        max(0, int(box.top - margin)),
        min(image.shape[1], int(box.right + margin) + 1),
        min(image.shape[0], int(box.bottom + margin) + 1),
    )


def _result_row(result: ObjectResult) -> list[_Cell]:
    image, predictions = result.subject.image, result.predictions
    near = _around(result.box, image)
    whole = _whole(image)
    first = _cell(whole.pixels(image), result.subject.name, result.subject.source)
    _draw_box(first, whole, result.box)
    _draw_clicks(first, whole, result.clicks[:1])
    clicks = {"click1": 1, "click1_oracle": 1, "click3": 3, "click5": 5, "box": 0}
    cells = [first]
    for name, count in clicks.items():
        cell = _prediction_cell(near, image, name, predictions[name])
        _draw_clicks(cell, near, result.clicks[:count])
        if not count:
            _draw_box(cell, near, result.box)
        cells.append(cell)
    truth = overlay(near.pixels(image), [(near.mask(result.truth), color_of(1))], outline=1)
    return [*cells, _cell(truth, "truth", f"{100 * result.truth.mean():.1f} % of the picture")]


def _prediction_cell(view: _View, image: RgbArray, name: str, prediction: ScoredMask) -> _Cell:
    drawn = overlay(view.pixels(image), [(view.mask(prediction.mask), _PREDICTED)], outline=1)
    return _cell(drawn, HEADINGS[name], f"IoU {100 * prediction.true:.0f}, predicted {100 * prediction.predicted:.0f}")


def _frame_cell(tracked: TrackedFrame) -> _Cell:
    image = tracked.clip.frame(tracked.frame)
    view = _whole(image)
    drawn = view.pixels(image)
    for each, mask in tracked.predicted.items():
        drawn = overlay(drawn, [(view.mask(mask), _color(each, tracked))], opacity=0.45, outline=2)
    for truth in tracked.truths.values():
        drawn = overlay(drawn, [(view.mask(truth), _TRUE)], opacity=0.0, outline=1)
    is_start = tracked.frame == tracked.start.frame
    mean = np.mean([iou(tracked.predicted[each], truth) for each, truth in tracked.truths.items()])
    place = f"frame {tracked.frame}  J {100 * mean:.0f}"
    if not is_start:
        return _cell(drawn, place, "")
    cell = _cell(drawn, tracked.clip.name, f"from a {tracked.mode}, {place}")
    if tracked.mode == "click":
        _draw_clicks(cell, view, [first_click(truth) for truth in tracked.truths.values()])
    return cell


def _color(number: int, tracked: TrackedFrame) -> Rgb:
    return color_of(1 + list(tracked.start.objects).index(number))


def _cell(pixels: RgbArray, title: str, detail: str) -> _Cell:
    """A picture with two lines of text below it."""
    height = pixels.shape[0]
    cell = Image.new("RGB", (_SIDE, height + _CAPTION), "white")
    cell.paste(Image.fromarray(pixels), (0, 0))
    draw = ImageDraw.Draw(cell)
    for line, text in enumerate((title, detail)):
        draw.text((0, height + line * _CAPTION // 2), _latin(text), fill="black")
    return cell


def _latin(text: str) -> str:
    """What every built-in font can write."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _draw_clicks(cell: _Cell, view: _View, clicks: Sequence[Point]) -> None:
    draw = ImageDraw.Draw(cell)
    for click in clicks:
        x, y = view.place(click.x + 0.5, click.y + 0.5)
        draw.ellipse([x - 4, y - 4, x + 4, y + 4], fill=_YES if click.positive else _NO, outline="black")


def _draw_box(cell: _Cell, view: _View, box: Box) -> None:
    right, bottom = view.place(box.right, box.bottom)
    ImageDraw.Draw(cell).rectangle([view.place(box.left, box.top), (right - 1, bottom - 1)], outline=_YES)
