from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.training.evaluate import evaluate_clips, evaluate_images
from sam2_core.training.evaluate.contact_sheets import ClipSheet, ImageSheet, evenly_spaced, save_sheet
from sam2_core.training.evaluate.image_evaluation import ObjectResult, ScoredMask
from sam2_core.training.evaluate.protocol import EvaluationImage
from sam2_core.types import Box, Point
from tests.networks import tiny_network
from tests.training.evaluate.scenes import MemoryImage, moving, rectangle

GRAY, GREEN = 100, (0, 158, 115)


def result(number: int = 0, name: str = "x") -> ObjectResult:
    """On a grey picture: the first answer is the left half, the other ones are empty."""
    image = np.full((60, 90, 3), GRAY, np.uint8)
    truth = rectangle(10, 10, 50, 80, (60, 90))
    left, empty = rectangle(0, 0, 60, 45, (60, 90)), np.zeros((60, 90), np.bool_)
    predictions = {
        name: ScoredMask(empty, 0.25, 0.0) for name in ("click1", "click1_oracle", "click3", "click5", "box")
    }
    predictions["click1"] = ScoredMask(left, 0.5, 0.5)
    clicks = tuple(Point(40 + 2 * place, 30, positive=place < 3) for place in range(5))
    return ObjectResult(
        EvaluationImage(number, name, "made", image, (truth,)), truth, clicks, Box(10, 10, 80, 50), predictions
    )


def is_tinted(cell: Image.Image, x: float, y: float) -> bool:
    """At a place of the picture, given as shares of its 180 x 120 pixels in the cell."""
    found = cell.getpixel((round(180 * x), round(120 * y)))
    return found == tuple(round((GRAY + channel) / 2) for channel in GREEN)


def test_numbers_are_spread_evenly() -> None:
    assert evenly_spaced(10, 4) == [0, 3, 6, 9]
    assert evenly_spaced(3, 7) == [0, 1, 2]
    assert evenly_spaced(5, 1) == [0]
    assert evenly_spaced(0, 3) == evenly_spaced(3, 0) == []


def test_a_row_shows_click_answers_and_truth() -> None:
    sheet = ImageSheet(images=1, rows=1)
    sheet.observe(result())
    [row] = sheet.drawn
    assert len(row) == 7
    assert {cell.size for cell in row} == {(180, 120 + 28)}
    answer, empty, truth = row[1], row[2], row[6]
    assert is_tinted(answer, 0.1, 0.1)
    assert not is_tinted(answer, 0.9, 0.1)
    assert not is_tinted(empty, 0.1, 0.1)
    inside, outside = truth.getpixel((90, 60)), truth.getpixel((8, 8))
    assert inside != outside == (GRAY,) * 3


def test_clicks_are_drawn_in_their_colours() -> None:
    sheet = ImageSheet(images=1, rows=1)
    sheet.observe(result())
    [row] = sheet.drawn
    last_click = (97, 61)  # the fifth: x = 48.5 of 90, y = 30.5 of 60, negative
    red = row[4].getpixel(last_click)
    assert red[0] > 200 > red[1]
    green = row[0].getpixel((81, 61))
    assert green[1] > 200 > green[0]
    assert row[3].getpixel(last_click) != red, "not clicked yet"


def test_pictures_are_chosen_evenly() -> None:
    sheet = ImageSheet(images=9, rows=3)
    for number in range(9):
        for _ in range(2):
            sheet.observe(result(number))
    assert len(sheet.drawn) == 3


def test_few_pictures_show_more_objects_each() -> None:
    sheet = ImageSheet(images=2, rows=3)
    for number in (0, 0, 0, 1, 1, 1):
        sheet.observe(result(number))
    assert len(sheet.drawn) == 3


def test_without_rows_nothing_is_drawn() -> None:
    sheet, clips = ImageSheet(images=2, rows=0), ClipSheet(clips=1, rows=0)
    sheet.observe(result())
    evaluate_clips(tiny_network(), [moving(2)], clips.observe)
    assert sheet.drawn == clips.drawn == []


def test_clips_have_a_row_for_each_way_to_begin() -> None:
    sheet = ClipSheet(clips=3, rows=4)
    evaluate_clips(tiny_network(), [moving(9, step=1), moving(3), moving(3)], sheet.observe)
    assert [len(row) for row in sheet.drawn] == [7, 7, 3, 3]
    square = np.asarray(sheet.drawn[0][-1])[:135]  # 64 x 48 pixels, scaled to 180 x 135
    white = (square == 255).all(-1)
    columns = np.flatnonzero(white.sum(0) > 30)  # the line around the truth: 18 to 38 of 64 pixels in the ninth frame
    assert columns.min() == pytest.approx(18 / 64 * 180, abs=2)
    assert columns.max() == pytest.approx(38 / 64 * 180, abs=2)


@pytest.mark.parametrize("name", ["sheet.png", "new/sheet.jpg"])
def test_a_sheet_is_saved(tmp_path: Path, name: str) -> None:
    images, clips = ImageSheet(1, 2), ClipSheet(1, 2)
    evaluate_images(tiny_network(), [MemoryImage("ünï 名", (rectangle(8, 8, 28, 28),))], observe=images.observe)
    evaluate_clips(tiny_network(), [moving(2)], clips.observe)
    rows = [*images.drawn, *clips.drawn]
    assert len(rows) == 3
    save_sheet(rows, tmp_path / name)
    with Image.open(tmp_path / name) as sheet:
        sheet.load()
        assert sheet.width == 7 * 184 + 4
        assert sheet.height == sum(max(cell.height for cell in row) + 4 for row in rows) + 4
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [Path(name).name]
