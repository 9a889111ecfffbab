"""Folders of pictures and masks, paired by name in four ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sam2_core.training.datasets import files, folder
from sam2_core.training.datasets.dataset import BadSample
from sam2_core.training.datasets.folder import is_folder_layout, read_folder
from tests.training.datasets.tiny import HEIGHT, RED, WIDTH, bar, index_map, save_image, save_index, skipped


def bars(root: Path) -> dict[str, list[int]]:
    """Which bars each picture's masks are, by name."""
    dataset = read_folder(root)
    assert skipped(dataset.report) == {}
    places: dict[str, list[int]] = {}
    for picture in dataset.images:
        labeled = picture.read()
        assert (np.abs(labeled.image.astype(int) - RED) < 5).all()
        assert labeled.classes == ("",) * len(labeled.masks)
        places[picture.name] = [int(np.flatnonzero(mask.any(0))[0]) // 2 for mask in labeled.masks]
        for place, mask in zip(places[picture.name], labeled.masks, strict=True):
            assert np.array_equal(mask, bar(place))
    return places


def test_one_mask_picture_each(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.png", "c.jpeg", "face_mask.jpg"):
        save_image(tmp_path / "images" / name)
    save_index(tmp_path / "masks" / "a.png", index_map(255))
    save_index(tmp_path / "masks" / "b_mask.png", index_map(1, 2))
    save_index(tmp_path / "masks" / "c.png", index_map(5, 1, 255), palette=True)
    save_index(tmp_path / "masks" / "face_mask.png", index_map(0, 1))
    assert is_folder_layout(tmp_path)
    assert bars(tmp_path) == {"a": [0], "b": [0, 1], "c": [1, 0], "face_mask": [1]}
    assert {picture.source for picture in read_folder(tmp_path).images} == {tmp_path.name}


def test_several_mask_pictures_each(tmp_path: Path) -> None:
    for stem in ("x", "y"):
        save_image(tmp_path / "images" / f"{stem}.jpg")
    save_index(tmp_path / "masks" / "x" / "0.png", index_map(0, 255))
    save_index(tmp_path / "masks" / "x" / "1.png", index_map(255))
    save_index(tmp_path / "masks" / "y" / "anything.png", index_map(0, 0, 1))
    assert bars(tmp_path) == {"x": [1, 0], "y": [2]}


def test_side_by_side(tmp_path: Path) -> None:
    save_image(tmp_path / "x.jpg")
    save_index(tmp_path / "x_mask.png", index_map(300, 5, dtype=np.uint16))
    assert is_folder_layout(tmp_path)
    assert bars(tmp_path) == {"x": [1, 0]}


def test_a_folder_for_each_picture(tmp_path: Path) -> None:
    for name, place in (("p", 0), ("q", 1)):
        save_image(tmp_path / name / "images" / f"{name}.png")
        for number in range(2):
            values = [0] * (place + number) + [255]
            save_index(tmp_path / name / "masks" / f"{number}.png", index_map(*values))
    assert is_folder_layout(tmp_path)
    assert bars(tmp_path) == {"p/p": [0, 1], "q/q": [1, 2]}


def test_pictures_may_lie_elsewhere(tmp_path: Path) -> None:
    save_image(tmp_path / "photos" / "x.jpg")
    save_image(tmp_path / "photos" / "y.jpg")
    for stem in ("x", "y"):
        save_index(tmp_path / "drawn" / f"{stem}.png", index_map(1))
    dataset = read_folder(tmp_path / "drawn", tmp_path / "photos")
    assert [picture.name for picture in dataset.images] == ["x", "y"]
    assert skipped(dataset.report) == {}


def test_other_folders_are_not_taken_for_this_layout(tmp_path: Path) -> None:
    save_image(tmp_path / "images" / "x.jpg")
    (tmp_path / "x_mask.json").touch()
    (tmp_path / "masks.txt").touch()
    assert not is_folder_layout(tmp_path)
    assert not is_folder_layout(tmp_path / "masks.txt")


def test_what_is_bad_at_first_sight_is_reported_and_left_out(tmp_path: Path) -> None:
    for stem in ("good", "alone", "small", "damaged", "lossy"):
        save_image(tmp_path / "images" / f"{stem}.jpg")
    save_image(tmp_path / "images" / "good.png")
    (tmp_path / "images" / "damaged.jpg").write_bytes(b"no picture")
    for stem in ("good", "damaged", "widow"):
        save_index(tmp_path / "masks" / f"{stem}.png", index_map(1))
    save_index(tmp_path / "masks" / "orphans" / "1.png", index_map(1))
    save_index(tmp_path / "masks" / "small.png", index_map(1, height=HEIGHT - 2))
    save_image(tmp_path / "masks" / "lossy.jpg")
    dataset = read_folder(tmp_path)
    assert [picture.name for picture in dataset.images] == ["good"]
    assert skipped(dataset.report) == {
        folder.SAME_NAME: ["good.png"],
        folder.LOSSY: ["lossy.jpg"],
        files.NO_MASK: ["alone.jpg", "lossy.jpg"],
        files.UNREADABLE: ["damaged.jpg"],
        files.SIZE_MISMATCH: ["small.jpg"],
        files.NO_IMAGE: ["widow.png", "1.png"],
    }


def test_masks_side_by_side_that_have_no_picture_are_reported(tmp_path: Path) -> None:
    save_image(tmp_path / "x.jpg")
    save_index(tmp_path / "y_mask.png", index_map(1))
    assert skipped(read_folder(tmp_path).report) == {files.NO_MASK: ["x.jpg"], files.NO_IMAGE: ["y_mask.png"]}


def test_reading_finds_what_shows_only_then(tmp_path: Path) -> None:
    for stem in ("sizes", "cut", "empty"):
        save_image(tmp_path / "images" / f"{stem}.jpg")
    save_index(tmp_path / "masks" / "sizes" / "0.png", index_map(1))
    save_index(tmp_path / "masks" / "sizes" / "1.png", index_map(1, width=WIDTH + 2))
    save_index(tmp_path / "masks" / "empty.png", index_map())
    whole = save_index(tmp_path / "masks" / "cut.png", index_map(1)).read_bytes()
    (tmp_path / "masks" / "cut.png").write_bytes(whole[:50])
    images = {picture.name: picture for picture in read_folder(tmp_path).images}
    with pytest.raises(BadSample, match=files.SIZE_MISMATCH):
        images["sizes"].read()
    with pytest.raises(BadSample, match=files.UNREADABLE):
        images["cut"].read()
    [mask] = images["empty"].read().masks
    assert not mask.any()
