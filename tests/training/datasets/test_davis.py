"""DAVIS and its followers: clips of numbered frames with index pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sam2_core.errors import DataError
from sam2_core.training.datasets import files, frame_folders, mask_decoding
from sam2_core.training.datasets.dataset import BadSample
from sam2_core.training.datasets.davis import is_davis, read_davis
from tests.training.datasets.tiny import RED, WIDTH, bar, index_map, save_image, save_index, skipped


def save_clip(root: Path, name: str, frames: int = 6, every: int = 2, inner: str = "480p") -> None:
    for index in range(frames):
        save_image(root / "JPEGImages" / inner / name / f"{index:05d}.jpg")
        if index % every == 0:
            path = root / "Annotations" / inner / name / f"{index:05d}.png"
            save_index(path, index_map(*([3, 1] if index else [])), palette=True)


@pytest.mark.parametrize("inner", ["480p", "Full-Resolution", ""])
def test_clips_are_read_frame_by_frame(tmp_path: Path, inner: str) -> None:
    save_clip(tmp_path, "dance", inner=inner)
    assert is_davis(tmp_path)
    dataset = read_davis(tmp_path)
    [clip] = dataset.clips
    assert (clip.name, clip.source, len(clip), tuple(clip.annotated)) == ("dance", tmp_path.name, 6, (0, 2, 4))
    assert (np.abs(clip.frame(5).astype(int) - RED) < 5).all()
    assert clip.masks(0) == {}
    assert set(clip.masks(2)) == {1, 3}
    assert np.array_equal(clip.masks(2)[1], bar(1))
    with pytest.raises(BadSample, match=files.NO_MASK):
        clip.masks(1)
    assert skipped(dataset.report) == {}


def test_annotated_frames_are_pictures_as_well(tmp_path: Path) -> None:
    save_clip(tmp_path, "dance")
    images = read_davis(tmp_path).images
    assert [picture.name for picture in images] == ["dance/00000", "dance/00002", "dance/00004"]
    with pytest.raises(BadSample, match=mask_decoding.EMPTY):
        images[0].read()
    labeled = images[1].read()
    assert (len(labeled.masks), labeled.classes, images[1].source) == (2, ("", ""), tmp_path.name)


def test_the_usual_resolution_is_preferred(tmp_path: Path) -> None:
    save_clip(tmp_path, "high", inner="1080p")
    save_clip(tmp_path, "low", inner="480p")
    assert [clip.name for clip in read_davis(tmp_path).clips] == ["low"]


def test_masks_may_have_a_folder_for_each_object(tmp_path: Path) -> None:
    for index in range(5):
        save_image(tmp_path / "JPEGImages_24fps" / "v" / f"{index:05d}.jpg")
    labels = tmp_path / "Annotations_6fps" / "v"
    save_index(labels / "000" / "00000.png", index_map(255))
    save_index(labels / "001" / "00000.png", index_map(0, 1))
    save_index(labels / "001" / "00004.png", index_map(0, 1))
    assert is_davis(tmp_path)
    [clip] = read_davis(tmp_path).clips
    assert tuple(clip.annotated) == (0, 4)
    assert {number: mask.tolist() for number, mask in clip.masks(0).items()} == {
        1: bar(0).tolist(),
        2: bar(1).tolist(),
    }
    assert set(clip.masks(4)) == {2}


def test_frames_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        save_image(tmp_path / "JPEGImages" / "v" / f"{number}.jpg", width=WIDTH + number)
    save_index(tmp_path / "Annotations" / "v" / "10.png", index_map(1, width=WIDTH + 10))
    [clip] = read_davis(tmp_path).clips
    assert [clip.frame(index).shape[1] - WIDTH for index in range(3)] == [1, 2, 10]
    assert tuple(clip.annotated) == (2,)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("ImageSets/2017/val.txt", "b"),
        ("ImageSets/480p/val.txt", "/JPEGImages/480p/b/00000.jpg /Annotations/480p/b/00000.png"),
        ("sav_val.txt", "b"),
    ],
)
def test_lists_say_which_clips_count(tmp_path: Path, file: str, line: str) -> None:
    for name in ("a", "b"):
        save_clip(tmp_path, name)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(f"{line}\n../../etc\n", "utf-8")
    dataset = read_davis(tmp_path, "val")
    assert [clip.name for clip in dataset.clips] == ["b"]
    assert skipped(dataset.report) == {"clip that is listed and not there": [".."]}
    with pytest.raises(DataError, match=r"train\.txt"):
        read_davis(tmp_path, "train")


def test_what_is_bad_is_reported_and_left_out(tmp_path: Path) -> None:
    save_clip(tmp_path, "good")
    save_index(tmp_path / "Annotations" / "480p" / "good" / "00009.png", index_map(1))
    save_clip(tmp_path, "sizes")
    save_index(tmp_path / "Annotations" / "480p" / "sizes" / "00000.png", index_map(1, width=10))
    save_index(tmp_path / "Annotations" / "480p" / "widow" / "00000.png", index_map(1))
    (tmp_path / "JPEGImages" / "480p" / "hollow").mkdir()
    save_clip(tmp_path, "damaged")
    (tmp_path / "JPEGImages" / "480p" / "damaged" / "00000.jpg").write_bytes(b"no picture")
    save_image(tmp_path / "JPEGImages" / "480p" / "plain" / "00000.jpg")
    dataset = read_davis(tmp_path)
    assert {clip.name: len(clip.annotated) for clip in dataset.clips} == {"good": 3, "plain": 0}
    assert skipped(dataset.report) == {
        files.NO_IMAGE: ["good/00009.png", "widow"],
        files.SIZE_MISMATCH: ["sizes"],
        frame_folders.NO_FRAMES: ["hollow"],
        files.UNREADABLE: ["damaged"],
    }


def test_a_later_mask_of_another_size_is_found_when_it_is_read(tmp_path: Path) -> None:
    save_clip(tmp_path, "v")
    save_index(tmp_path / "Annotations" / "480p" / "v" / "00004.png", index_map(1, width=10))
    [clip] = read_davis(tmp_path).clips
    with pytest.raises(BadSample, match=files.SIZE_MISMATCH):
        clip.masks(4)
