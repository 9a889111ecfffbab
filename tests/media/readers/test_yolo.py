from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media.readers import read_annotations
from sam2_core.types import Box
from tests.media.readers.media import ALBUM, CLIP, HEIGHT, STILL, WIDTH, packed, pixels_of, reasons, square, told


def outline(left: int, top: int, side: int = 5) -> str:
    corners = ((left, top), (left + side - 1, top), (left + side - 1, top + side - 1), (left, top + side - 1))
    return " ".join(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in corners)


def test_one_file_is_about_one_picture(tmp_path: Path) -> None:
    path = tmp_path / "anything.txt"
    path.write_text(f"0 {outline(3, 4)}\n\n2 0.5 0.5 0.2 0.4\n", "utf-8")
    read = read_annotations(path, STILL)
    assert told(read) == [(0, 1, "", "class 0"), (0, 2, "", "class 2")]
    assert (pixels_of(read) == square(3, 4)).all()
    assert read.masks[1].box == pytest.approx(Box(12, 6, 18, 14)) or read.masks[1].box == Box(12, 6, 18, 14)


def test_an_outline_of_any_shape_comes_back(tmp_path: Path) -> None:
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(pixels, (14, 9), 7, 1, -1)
    [found], _ = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    numbers = " ".join(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in found.reshape(-1, 2))
    path = tmp_path / "photo.txt"
    path.write_text(f"7 {numbers}", "utf-8")
    assert (pixels_of(read_annotations(path, STILL)) == pixels.astype(bool)).all()


@pytest.mark.parametrize(
    "names",
    ["names: [cat, dog]", "nc: 2\nnames:\n  0: cat\n  1: dog\n", "classes.txt"],
    ids=["list", "numbers", "text"],
)
def test_an_archive_has_frames_and_classes(tmp_path: Path, names: str) -> None:
    members = {f"labels/train/film_{n:05d}.txt": f"1 {outline(n, 2)}" for n in (0, 2, 10)}
    members["labels/train/film_00003.txt"] = ""
    members |= {"classes.txt": "cat\ndog\n"} if names == "classes.txt" else {"data.yaml": names}
    members |= {"README.txt": "0 means cat", "images/train/film_00000.png": "", "train.txt": "./images/a.jpg\n"}
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert told(read) == [(0, 1, "", "dog"), (2, 1, "", "dog")]
    assert [(each.count, each.names) for each in read.skipped] == [(1, ("film_00010.txt",))]


def test_names_that_count_from_one_are_understood(tmp_path: Path) -> None:
    members = {f"labels/film_{n}.txt": f"0 {outline(n, 2)}" for n in (1, 4, 10)}
    assert [frame for frame, *_ in told(read_annotations(packed(tmp_path / "x.zip", members), CLIP))] == [0, 3, 9]


def test_confidences_and_numbers_of_objects_are_no_coordinates(tmp_path: Path) -> None:
    lines = [f"0 {outline(1, 1)} 0.91 7", f"0 {outline(9, 9)} 0.5", f"0 {outline(20, 9)} 12", "0 0.5 0.5 0.2 0.2 3"]
    members = {"labels/00000.txt": "\n".join(lines), "labels/00001.txt": f"0 {outline(20, 1)} 0.8 7"}
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert [(frame, track) for frame, track, *_ in told(read)] == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 1)]
    assert (pixels_of(read) == square(1, 1)).all()


def test_photos_are_told_by_name_and_have_their_own_sizes(tmp_path: Path) -> None:
    members = {"labels/tiny.txt": "0 0 0 0.5 0 0.5 0.5 0 0.5", "labels/nobody.txt": f"0 {outline(1, 1)}"}
    read = read_annotations(packed(tmp_path / "x.zip", members), ALBUM)
    assert (read.masks[0].frame, pixels_of(read).shape) == (2, (10, 12))
    assert "They are about none of these photos. Name them as the photos are named. ('nobody.txt',)" in reasons(read)


def test_lines_that_are_none_are_left_out(tmp_path: Path) -> None:
    lines = [f"0 {outline(1, 1)}", "cat 0.1 0.2 0.3 0.4", "0 5 6 7 8", "0 0.1 0.2 ..5 0.4", "0 0.1", "0 0.1 0.1 0 0"]
    path = tmp_path / "photo.txt"
    path.write_text("\n".join(lines), "utf-8")
    read = read_annotations(path, STILL)
    assert len(read.masks) == 1
    assert sum(each.count for each in read.skipped) == len(lines) - 1


@pytest.mark.parametrize("text", ["hello", "1 2 3", "0 a b c d", "\x00\x01"])
def test_another_text_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(MediaError, match="no annotations that can be read here"):
        read_annotations(path, STILL)
