"""SA-V, SA-1B, what the automatic mask generator gives, and COCO's results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media import MediaInfo
from sam2_core.media.readers import read_annotations
from sam2_core.types import Box
from tests.media.readers.media import (
    ALBUM,
    CLIP,
    HEIGHT,
    IMAGE,
    WIDTH,
    as_json,
    packed,
    pixels_of,
    reasons,
    rle,
    square,
    summarize,
)

EMPTY = rle(np.zeros((HEIGHT, WIDTH), bool))


def sav(*entries: list[Any], **more: Any) -> dict[str, Any]:
    return {"video_id": "film", "masklet": [*entries], "masklet_id": [0, 1], **more}


def test_every_fourth_frame_of_sav(tmp_path: Path) -> None:
    entries = ([rle(square(1, 1)), EMPTY], [rle(square(2, 1)), rle(square(9, 1))], [])
    read = read_annotations(as_json(tmp_path / "film_manual.json", sav(*entries)), CLIP)
    assert summarize(read) == [(0, 1, "", ""), (4, 1, "", ""), (4, 2, "", "")]
    assert (pixels_of(read, 2) == square(9, 1)).all()
    named = sav([EMPTY, rle(square(1, 1))], object_name=["A", "B"], object_label=["cat", "dog"])
    assert summarize(read_annotations(as_json(tmp_path / "x.json", named), CLIP)) == [(0, 1, "B", "dog")]


def test_every_frame_of_sav_and_what_is_beyond_the_clip(tmp_path: Path) -> None:
    one = [rle(square(1, 1))]
    read = read_annotations(as_json(tmp_path / "x.json", sav(*[one] * 10)), CLIP)
    assert [each.frame for each in read.masks] == [*range(10)]
    read = read_annotations(as_json(tmp_path / "x.json", sav(*[one] * 4)), CLIP)
    assert [each.frame for each in read.masks] == [0, 4, 8]
    assert "1 They are about no frame" in reasons(read)


def test_sav_of_another_clip_or_picture(tmp_path: Path) -> None:
    several = {f"{name}.json": json.dumps(sav([rle(square(1, 1))], video_id=name)) for name in ("film", "other")}
    assert len(read_annotations(packed(tmp_path / "x.zip", several), CLIP).masks) == 1
    path = as_json(tmp_path / "sav.json", sav([rle(square(1, 1))], video_id="elsewhere"))
    with pytest.raises(MediaError, match="They are about another picture"):
        read_annotations(path, IMAGE)
    path = as_json(tmp_path / "sav.json", sav([rle(square(1, 1))], video_id="photo"))
    assert len(read_annotations(path, IMAGE).masks) == 1


def record(segmentation: Any, **more: Any) -> dict[str, Any]:
    return {"segmentation": segmentation, "area": 25, "bbox": [1, 1, 4, 4], "predicted_iou": 0.9, **more}


def test_sa1b(tmp_path: Path) -> None:
    image = {"image_id": 7, "width": WIDTH, "height": HEIGHT, "file_name": "photo.jpg"}
    plain = {"image": image, "annotations": [record(rle(square(1, 1)), id=1), record(rle(square(9, 9)), id=2)]}
    read = read_annotations(as_json(tmp_path / "x.json", plain), IMAGE)
    assert [each.track for each in read.masks] == [1, 2]
    assert (pixels_of(read, 1) == square(9, 9)).all()
    plain["image"] = {"image_id": 7}
    info = MediaInfo("image", "sa_7.jpg", 1, HEIGHT, WIDTH, HEIGHT, WIDTH)
    assert len(read_annotations(as_json(tmp_path / "x.json", plain), info).masks) == 2
    with pytest.raises(MediaError, match="They are about another picture"):
        read_annotations(as_json(tmp_path / "x.json", plain), IMAGE)


def test_what_the_mask_generator_gives(tmp_path: Path) -> None:
    pixels = square(3, 4)
    plain = [
        record(rle(square(1, 1))),
        record(pixels.tolist()),
        record(pixels.astype(int).tolist(), crop_box=[0, 0, 9, 9]),
    ]
    for name in ("photo.json", "masks.json"):
        read = read_annotations(as_json(tmp_path / name, plain), IMAGE)
        assert len(read.masks) == 3
        assert (pixels_of(read, 1) == pixels).all()
        assert (pixels_of(read, 2) == pixels).all()
    members = {"cat.json": json.dumps(plain[:1]), "other.json": json.dumps(plain[:1])}
    read = read_annotations(packed(tmp_path / "x.zip", members), ALBUM)
    assert [each.frame for each in read.masks] == [0]
    ragged = [plain[0], record([[True] * WIDTH, [True]]), record([[{}] * WIDTH] * HEIGHT), record([[1] * WIDTH] * 3)]
    read = read_annotations(as_json(tmp_path / "photo.json", ragged), IMAGE)
    assert [each.mask is None for each in read.masks] == [False, True, True]  # the box is used
    assert "They are 30 × 3 pixels" in reasons(read)


def test_masks_of_half_the_size_are_scaled(tmp_path: Path) -> None:
    half = np.zeros((HEIGHT // 2, WIDTH // 2), bool)
    half[2:5, 3:7] = True
    whole = half.repeat(2, axis=0).repeat(2, axis=1)
    for segmentation in (rle(half), half.tolist()):
        read = read_annotations(as_json(tmp_path / "photo.json", [record(segmentation)]), IMAGE)
        assert (pixels_of(read) == whole).all()
        assert "they were scaled to 30 × 20" in " ".join(read.notes)


def result(image_id: Any, **more: Any) -> dict[str, Any]:
    return {"image_id": image_id, "category_id": 3, "segmentation": rle(square(1, 1)), "score": 0.9, **more}


def test_results_are_placed_by_numbers_and_names(tmp_path: Path) -> None:
    names = ("000000000139.jpg", "0285.png", "cat.jpg")
    album = MediaInfo("album", "3", 3, HEIGHT, WIDTH, HEIGHT, WIDTH, sizes=((HEIGHT, WIDTH),) * 3, names=names)
    box = {"image_id": "cat", "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}
    read = read_annotations(as_json(tmp_path / "x.json", [result(139), result(285), box, result(5)]), album)
    assert [(each.frame, each.label) for each in read.masks] == [(0, "class 3"), (1, "class 3"), (2, "class 1")]
    assert read.masks[2].box == Box(1, 2, 4, 6)
    assert "none of these photos" in reasons(read)


def test_results_whose_pictures_are_not_certain(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="They are about another picture"):
        read_annotations(as_json(tmp_path / "x.json", [result(1), result(2)]), IMAGE)
    read = read_annotations(as_json(tmp_path / "x.json", [result(1)]), IMAGE)
    assert any(each.is_guess for each in read.matches)
    assert "The file does not name this picture" in " ".join(read.notes)
    read = read_annotations(as_json(tmp_path / "x.json", [result(n, track_id=n % 2) for n in range(10)]), CLIP)
    assert [(each.frame, each.track) for each in read.masks] == [(n, n % 2 + 1) for n in range(10)]


def test_results_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(json.dumps(result("photo")) for _ in range(2)) + "\n", "utf-8")
    assert len(read_annotations(path, IMAGE).masks) == 2
