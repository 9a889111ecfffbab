"""Numbered pictures, ZIP files and pictures of too many pixels: the page asks, and opens what is meant."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip, numbered_image
from tests.ui.house import launched

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(chromium: Any) -> Iterator[str]:
    with launched(FakeEngine(), "--max-pixels=100000") as (_, address):
        yield address


@pytest.fixture
def shot(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"f_{number}.png" for number in (9, 10, 11)]
    for number, file in enumerate(files):
        Image.fromarray(numbered_image(number, 120, 160)).save(file)
    return files


def expect_clip(desk: Desk, frames: int) -> None:
    desk.expect(".mk-file-facts").to_contain_text(f"{frames} frames")
    desk.press("End")
    desk.expect_frame(frames)


def test_numbered_pictures_are_a_clip_if_the_user_says_so(
    visit: Callable[..., Desk], address: str, shot: list[Path]
) -> None:
    desk = visit(address)
    desk.page.set_input_files(".mk-picker", [shot[1], shot[2], shot[0]])
    desk.expect(".mk-question-dialog").to_contain_text("3 numbered pictures")
    desk.page.click(".mk-question-answers button:has-text('As a clip')")
    expect_clip(desk, 3)
    desk.page.set_input_files(".mk-picker", shot)
    desk.page.click(".mk-question-answers button:has-text('As photos')")
    desk.expect(".mk-photo").to_have_count(3)


def test_a_zip_file_is_a_clip_where_nothing_is_open(
    visit: Callable[..., Desk], address: str, shot: list[Path], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "shot.zip", "w") as archive:
        for file in shot:
            archive.write(file, file.name)
    desk = visit(address)
    desk.page.set_input_files(".mk-picker", tmp_path / "shot.zip")
    expect_clip(desk, 3)


def test_what_is_too_large_is_scaled_down_if_the_user_says_so(
    visit: Callable[..., Desk], address: str, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (300, 500, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    desk = visit(address)
    desk.page.set_input_files(".mk-picker", tmp_path / "large.png")
    desk.expect(".mk-question-text").to_contain_text("the limit is 0.1 million")
    desk.page.click(".mk-question-answers button:has-text('Scale down')")
    desk.expect(".mk-file-facts").to_contain_text("408 × 244")
    desk.expect(".mk-toast").to_contain_text("scaled down from 500 x 300 to 408 x 244")


def test_a_clip_of_one_frame_has_no_timeline(visit: Callable[..., Desk], address: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "short.mp4", frames=1, size=(180, 320))
    desk = visit(address)
    desk.open(clip)
    desk.expect(".mk-clip").to_be_hidden()
    desk.expect(".mk-file-facts").to_have_text("320 × 180")
    desk.click(0.3, 0.5)
    desk.expect_mask(0.28, 0.46)
    desk.expect(".mk-tip").to_contain_text("where it is incomplete")
    desk.page.click(".mk-new")
    desk.press("Escape")
    desk.expect(".mk-sheet").to_be_hidden()
    desk.expect_mask(0.28, 0.46)
