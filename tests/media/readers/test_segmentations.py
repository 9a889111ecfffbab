"""All forms in which programs write an annotation's mask, and what is left of those that are broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media.readers import annotation_builder, read_annotations
from sam2_core.types import Box, Mask
from tests.media.readers.media import CLIP, HEIGHT, IMAGE, WIDTH, as_json, pixels_of, rle, square

SQUARE = square(4, 3)  # pixels 4 to 8 and 3 to 7
GOOD = [4, 3, 9, 3, 9, 8, 4, 8]
BBOX = [4, 3, 5, 5]
COUNTS = np.frombuffer(Mask.from_array(SQUARE).runs, "<u4").tolist()
PAIRS = [[4, 3], [9, 3], [9, 8], [4, 8]]
POINTS = [{"x": x, "y": y} for x, y in PAIRS]
NAN = float("nan")


def coco(segmentation: Any, **more: Any) -> dict[str, Any]:
    annotation = {"image_id": 1, "category_id": 1, "segmentation": segmentation, **more}
    return {"images": [{"id": 1, "file_name": "photo.jpg"}], "annotations": [annotation]}


def runs(counts: Any, size: Any = (HEIGHT, WIDTH)) -> dict[str, Any]:
    return {"size": size, "counts": counts}


@pytest.mark.parametrize(
    "segmentation",
    [
        [GOOD],
        GOOD,
        [[*GOOD, 3]],
        [*GOOD, 3],
        [[str(number) for number in GOOD]],
        PAIRS,
        [PAIRS],
        POINTS,
        [POINTS],
        [[x, y, 0] for x, y in PAIRS],
        [[GOOD]],
        json.dumps([GOOD]),
        json.dumps(GOOD),
        runs(COUNTS),
        runs([float(number) for number in COUNTS]),
        runs([str(number) for number in COUNTS]),
        runs(COUNTS, [str(HEIGHT), float(WIDTH)]),
        runs(json.dumps(COUNTS)),
        runs(" ".join(map(str, COUNTS))),
        runs(", ".join(map(str, COUNTS))),
        runs(repr(rle(SQUARE)["counts"].encode())),
        rle(SQUARE),
        [rle(SQUARE)],
        json.dumps(rle(SQUARE)),
        [runs(COUNTS), rle(SQUARE)],
    ],
)
def test_all_forms_of_a_mask_are_read(tmp_path: Path, segmentation: Any) -> None:
    read = read_annotations(as_json(tmp_path / "x", coco(segmentation, bbox=BBOX)), IMAGE)
    assert (pixels_of(read) == SQUARE).all()
    assert (read.skipped, read.notes) == ((), ())


def test_compressed_counts_may_begin_like_a_list(tmp_path: Path) -> None:
    flat = np.zeros(HEIGHT * WIDTH, bool)
    flat[43:60] = True  # 43 is written as "[1"
    pixels = flat.reshape(WIDTH, HEIGHT).T
    assert rle(pixels)["counts"].startswith("[")
    read = read_annotations(as_json(tmp_path / "x", coco(rle(pixels), bbox=BBOX)), IMAGE)
    assert (pixels_of(read) == pixels).all()


@pytest.mark.parametrize(
    "part",
    [[60.0, 40.0], [5, 5, 6, 6], [], [NAN] * 8, [None] * 6, ["a"] * 6, None, 7, [1e9] * 6, runs("!!"), runs(None)],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_broken_part_costs_that_part_only(tmp_path: Path, part: Any, is_first: bool) -> None:
    parts = [part, GOOD] if is_first else [GOOD, part]
    read = read_annotations(as_json(tmp_path / "x", coco(parts, bbox=BBOX)), IMAGE)
    assert (pixels_of(read) == SQUARE).all()
    assert "a part cannot be used and is left out: 1." in read.notes[0]


def test_a_corner_that_is_none_costs_that_corner(tmp_path: Path) -> None:
    ring = [4, 3, NAN, 1, 9, 3, 9, 8, 4, None, 4, 8]
    assert (pixels_of(read_annotations(as_json(tmp_path / "x", coco([ring])), IMAGE)) == SQUARE).all()


def test_several_run_lengths_are_joined(tmp_path: Path) -> None:
    parts = [rle(square(0, 0)), rle(square(20, 9)), GOOD]
    read = read_annotations(as_json(tmp_path / "x", coco(parts)), IMAGE)
    assert (pixels_of(read) == square(0, 0) | square(20, 9) | SQUARE).all()


@pytest.mark.parametrize(
    "segmentation",
    [[[]], [[5, 5, 6, 6]], [[5, 5], [6, 6]], [[NAN] * 6], [[2, 2, 9, 2, 5, 2]], rle(square(0, 0, 0)), runs("!"), "x y"],
)
@pytest.mark.parametrize("bbox", [BBOX, [str(number) for number in BBOX], json.dumps(BBOX)])
def test_the_box_is_used_where_nothing_else_is_left(tmp_path: Path, segmentation: Any, bbox: Any) -> None:
    read = read_annotations(as_json(tmp_path / "x", coco(segmentation, bbox=bbox)), IMAGE)
    assert read.masks[0].box == Box(4, 3, 9, 8)
    assert read.notes == ("Objects of which only the box is used, since their outline cannot be: 1.",)
    with pytest.raises(MediaError, match=r"Nothing in this file can be used\. \w"):
        read_annotations(as_json(tmp_path / "x", coco(segmentation)), IMAGE)


@pytest.mark.parametrize("segmentation", [None, False, [], "", {}, 0])
def test_no_mask_at_all_is_a_box_without_a_note(tmp_path: Path, segmentation: Any) -> None:
    read = read_annotations(as_json(tmp_path / "x", coco(segmentation, bbox=BBOX)), IMAGE)
    assert (read.masks[0].box, read.notes) == (Box(4, 3, 9, 8), ())


def test_the_same_holds_for_masks_through_a_clip(tmp_path: Path) -> None:
    shapes = [[[5, 5], GOOD], [[]], GOOD, None, None]
    boxes = [None, BBOX, None, [0, 0, 0, 0], "[4, 3, 5, 5]"]
    plain = {
        "videos": [{"id": "1", "file_names": [f"{n:05d}.jpg" for n in range(5)]}],
        "annotations": [{"video_id": 1.0, "segmentations": shapes, "bboxes": boxes}],
    }
    read = read_annotations(as_json(tmp_path / "x", plain), CLIP)
    assert [(each.frame, each.box is None) for each in read.masks] == [(0, True), (1, False), (2, True), (4, False)]
    assert (len(read.notes), read.skipped) == (2, ())


def test_labelme_corners_that_are_none_are_left_out(tmp_path: Path) -> None:
    points = [[4, 3], [5], None, [8, 3], ["a", 1], [8, 7], {"x": 4, "y": 7}, [NAN, 4]]
    read = read_annotations(as_json(tmp_path / "x", {"shapes": [{"label": "a", "points": points}]}), IMAGE)
    assert (pixels_of(read) == SQUARE).all()


def test_many_run_lengths_of_one_object_cost_what_they_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = as_json(tmp_path / "x", coco([rle(SQUARE)] * 50))
    assert len(read_annotations(path, IMAGE).masks) == 1
    monkeypatch.setattr(annotation_builder, "MAX_PIXELS", 50 * HEIGHT * WIDTH)
    with pytest.raises(MediaError, match="Import fewer frames"):
        read_annotations(path, IMAGE)
