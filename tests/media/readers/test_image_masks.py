from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media.readers import read_annotations
from tests.media.readers.media import (
    ALBUM,
    CLIP,
    HEIGHT,
    IMAGE,
    WIDTH,
    packed,
    pixels_of,
    png,
    reasons,
    square,
    summarize,
)


def index(**numbers: int) -> np.ndarray:
    """Squares at these places, by the letters of their columns, with these numbers."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for letter, number in numbers.items():
        pixels[square(6 * "abcde".index(letter), 3)] = number
    return pixels


def test_palettes_as_davis_has_them(tmp_path: Path) -> None:
    members = {
        "DAVIS/JPEGImages/film/00000.png": png(index(a=99)),
        "DAVIS/Annotations/480p/film/00000.png": png(index(a=1, b=2), "P"),
        "DAVIS/Annotations/480p/film/00004.png": png(index(c=2, e=255), "P"),
        "DAVIS/Annotations/480p/film/00005.png": png(index(), "P"),
        "__MACOSX/Annotations/film/._00004.png": b"",
        "DAVIS/.DS_Store": b"",
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert [(frame, track) for frame, track, *_ in summarize(read)] == [(0, 1), (0, 2), (4, 2)]
    assert (pixels_of(read, 1) == square(6, 3)).all()
    assert (pixels_of(read, 2) == square(12, 3)).all()
    assert read.skipped == ()


def test_a_folder_is_chosen_by_the_name_of_the_clip(tmp_path: Path) -> None:
    members = {f"Annotations/{name}/00001.png": png(index(a=1), "P") for name in ("bear", "film", "swan")}
    assert len(read_annotations(packed(tmp_path / "x.zip", members), CLIP).masks) == 1
    del members["Annotations/film/00001.png"]
    with pytest.raises(MediaError, match=r"about 2 clips .*bear"):
        read_annotations(packed(tmp_path / "x.zip", members), CLIP)


@pytest.mark.parametrize(
    ("pixels", "tracks"),
    [
        (index(a=255), 1),
        (index(a=1, b=7, c=255), 2),
        (index(a=1, b=30).astype(np.uint16) * 200, 2),
        (np.where(index(a=1) > 0, 65535, 0).astype(np.uint16), 1),
        (index(a=1) > 0, 1),
        (np.stack([index(a=200, b=90), index(b=90), index(c=8)], axis=2), 3),
    ],
    ids=["white", "gray", "16 bits", "white of 16 bits", "1 bit", "colors"],
)
def test_images_of_every_depth(tmp_path: Path, pixels: np.ndarray, tracks: int) -> None:
    path = tmp_path / "00003.png"
    path.write_bytes(png(pixels))
    read = read_annotations(path, CLIP)
    assert [each.frame for each in read.masks] == [3] * tracks
    assert (pixels_of(read, tracks - 1 if pixels.ndim == 3 else 0) == square(0, 3)).all()


def test_objects_beyond_eight_bits_keep_their_numbers_through_a_clip(tmp_path: Path) -> None:
    deep = np.zeros((HEIGHT, WIDTH), np.uint16)
    deep[square(0, 3)], deep[square(10, 3)] = 1000, 2000
    members = {"00000.png": png(deep), "00001.png": png(np.where(deep == 2000, deep, 0).astype(np.uint16))}
    objects = [{"id": 2000, "name": "Late", "label": "cat"}, {"id": "x"}, 5]
    members["manifest.json"] = json.dumps({"objects": objects}).encode()
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert summarize(read) == [(0, 1, "", ""), (0, 2, "Late", "cat"), (1, 2, "Late", "cat")]


def test_numbered_folders_are_objects(tmp_path: Path) -> None:
    members = {f"film/{number}/{frame:05d}.png": png(index(a=255)) for number in ("000", "001") for frame in (0, 8)}
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert [(frame, track) for frame, track, *_ in summarize(read)] == [(0, 1), (0, 2), (8, 1), (8, 2)]


def test_photos_of_an_album_have_folders(tmp_path: Path) -> None:
    small = np.full((10, 12), 255, np.uint8)
    members = {
        "Dog 2/object_03.png": png(index(a=255)),
        "tiny/object_03.png": png(small),
        "x/object_01.png": png(small),
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), ALBUM)
    assert [(each.frame, each.track) for each in read.masks] == [(1, 1), (2, 1)]
    assert "none of these photos" in reasons(read)


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    members = {
        "00000.png": png(index(a=1)),
        "00001.png": png(index(a=1)[:10]),
        "00002.png": png(index(a=1))[:60],
        "00003.png": b"no picture",
        "00012.png": png(index(a=1)),
        "notes.png": png(index(a=1)),
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert len(read.masks) == 1
    assert "1 They are 30 × 10 pixels" in reasons(read)
    assert "2 They are damaged or no pictures. Export them again. ('00002.png', '00003.png')" in reasons(read)
    assert "2 They are about no frame of this clip" in reasons(read)
    large = np.tile(noise, (2, 2, 1))
    info = type(IMAGE)("image", "photo.jpg", 1, 2 * HEIGHT, 2 * WIDTH, 2 * HEIGHT, 2 * WIDTH)
    large[..., 0] = np.arange(large.shape[1]) % 256
    large[..., 1] = np.arange(large.shape[0])[:, None]
    path = tmp_path / "noise.png"
    path.write_bytes(png(large))
    with pytest.raises(MediaError, match="too many colours"):
        read_annotations(path, info)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("photo_mask_1.png", "photo_mask_2.png"), ["", ""]),
        (("photo/0.png", "photo/1.png"), ["", ""]),
        (
            ("task-7-annotation-3-by-1-tag-big car-0.png", "task-7-annotation-3-by-1-tag-dog-1.png"),
            ["big car", "dog"],
        ),
    ],
)
def test_several_pictures_of_one_frame_have_different_objects(
    tmp_path: Path, names: tuple[str, str], expected: list[str]
) -> None:
    members = dict(zip(names, (png(index(a=255)), png(index(c=255))), strict=True))
    read = read_annotations(packed(tmp_path / "x.zip", members), IMAGE)
    assert summarize(read) == [(0, 1, "", expected[0]), (0, 2, "", expected[1])]
    assert (pixels_of(read, 1) == square(12, 3)).all()


def test_the_masks_of_objects_keep_apart_through_a_clip(tmp_path: Path) -> None:
    members = {
        f"{frame:05d}_{number}.png": png(index(a=255)) for frame, number in ((0, 1), (0, 2), (1, 2), (3, 2), (3, 1))
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert [(frame, track) for frame, track, *_ in summarize(read)] == [(0, 1), (0, 2), (1, 2), (3, 1), (3, 2)]


def test_folders_are_named_after_photos(tmp_path: Path) -> None:
    album = replace(ALBUM, sizes=((HEIGHT, WIDTH),) * 3)
    members = {name: png(index(a=255)) for name in ("cat/0.png", "cat/1.png", "Dog 2/0.png")}
    read = read_annotations(packed(tmp_path / "x.zip", members), album)
    assert [frame for frame, *_ in summarize(read)] == [0, 0, 1]


def test_brushed_masks_of_tasks_are_in_the_order_of_the_tasks(tmp_path: Path) -> None:
    album = replace(ALBUM, sizes=((HEIGHT, WIDTH),) * 3)
    tasks = {10: "c", 8: "a", 9: "b"}
    members = {
        f"task-{task}-annotation-{task}-by-1-tag-car-{number}.png": png(index(**{letter: 255}))
        for task, letter in tasks.items()
        for number in (0, 1)
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), album)
    assert [frame for frame, *_ in summarize(read)] == [0, 0, 1, 1, 2, 2]
    assert (pixels_of(read, 4) == square(12, 3)).all()
    assert any("order" in note for note in read.notes)


@pytest.mark.parametrize(
    "names", [("masks/1.jpg", "001/1.jpg", "object_02/1.jpg"), ("mask.jpg", "b.jpg", "object_1.jpg")]
)
def test_names_of_photos_count_more_than_what_they_mean_elsewhere(tmp_path: Path, names: tuple[str, ...]) -> None:
    album = replace(ALBUM, sizes=((HEIGHT, WIDTH),) * 3, names=names)
    members = {name.replace(".jpg", ".png"): png(index(a=1, b=2)) for name in names}
    read = read_annotations(packed(tmp_path / "x.zip", members), album)
    assert [frame for frame, *_ in summarize(read)] == [0, 0, 1, 1, 2, 2]


def test_gray_is_undecided_only_beside_white(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(png(index(a=127, c=255)))
    assert len(read_annotations(path, IMAGE).masks) == 2
    trimap = index(a=255)
    trimap[3:8, 5:10] = 128
    path.write_bytes(png(trimap))
    read = read_annotations(path, IMAGE)
    assert len(read.masks) == 1
    assert any("undecided" in note for note in read.notes)
