"""Ids are equal where they mean the same, whatever type they are written as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sam2_core.media.readers import read_annotations
from sam2_core.media.readers.json_values import IdMap, id_of
from tests.media.readers.media import ALBUM, CLIP, IMAGE, as_json, reasons, rle, square, summarize

MASK = rle(square(1, 1))


@pytest.mark.parametrize(
    ("one", "other"), [(1, "1"), (1, 1.0), ("1", "1.0"), (" 1", 1), (0, "0"), (-3, "-3"), ("a", " a "), (1.5, 1.5)]
)
def test_ids_that_mean_the_same(one: Any, other: Any) -> None:
    assert id_of(one) == id_of(other) is not None


@pytest.mark.parametrize("value", [None, True, "", " ", [], {}, float("nan"), float("inf")])
def test_what_is_no_id(value: Any) -> None:
    assert id_of(value) is None
    assert IdMap([(value, "x")]).find(value) == ()


def test_ids_are_looked_for_as_written_then_as_numbers_then_without_zeros() -> None:
    ids = IdMap(
        [("001", "padded"), ("1", "text"), ("07", "seven"), (2, "number"), (3, "a"), (3, "b"), (4, "c"), (4.0, "c")]
    )
    assert [ids.get(key) for key in ("001", "1", 1, 1.0, 7, "7", "007", "2", "02")] == [
        "padded", "text", "text", "text", "seven", "seven", "seven", "number", "number",
    ]  # fmt: skip
    assert (ids.get(3), len(ids.find(3)), ids.get(4), ids.get(5)) == (None, 2, "c", None)


@pytest.mark.parametrize(
    ("image", "reference", "category", "name"),
    [
        ("1", 1, 1, 1),
        (1, "1", "1", 1),
        (1, 1.0, 1, "1.0"),
        (1.0, 1, 2.0, "2"),
        ("0001", 1, "01", 1),
        (7, "007", 3, "03"),
    ],
)
def test_images_and_categories_of_other_types(
    tmp_path: Path, image: Any, reference: Any, category: Any, name: Any
) -> None:
    plain = {
        "images": [{"id": image, "file_name": "photo.jpg"}, {"id": "x", "file_name": "other.jpg"}],
        "categories": [{"id": category, "name": "leaf"}],
        "annotations": [{"image_id": reference, "category_id": name, "segmentation": MASK}],
    }
    assert summarize(read_annotations(as_json(tmp_path / "x", plain), IMAGE)) == [(0, 1, "", "leaf")]


def test_tracks_and_clips_of_other_types(tmp_path: Path) -> None:
    frames = [{"id": n, "file_name": f"{n:05d}.jpg", "video_id": "2", "frame_id": n} for n in range(3)]
    other = {"id": 9, "file_name": "00000.jpg", "video_id": 1, "frame_id": 0}
    annotations = [
        {"image_id": str(n), "segmentation": MASK, "track_id": track} for n, track in enumerate((5, "5", 5.0))
    ]
    plain = {
        "videos": [{"id": 1.0, "name": "other"}, {"id": 2, "name": "film"}],
        "images": [*frames, other],
        "tracks": [{"id": "5", "name": "Bea"}],
        "annotations": [*annotations, {"image_id": 9, "segmentation": MASK}],
    }
    read = read_annotations(as_json(tmp_path / "x", plain), CLIP)
    assert summarize(read) == [(n, 1, "Bea", "") for n in range(3)]


def test_pictures_that_share_an_id_are_not_guessed(tmp_path: Path) -> None:
    plain = {
        "images": [
            {"id": 1, "file_name": "cat.jpg"},
            {"id": "1", "file_name": "Dog 2.png"},
            {"id": 2, "file_name": "tiny.jpg"},
        ],
        "annotations": [{"image_id": n, "segmentation": MASK, "bbox": [1, 1, 3, 3]} for n in (1, 1.0)]
        + [{"image_id": "2", "bbox": [1, 1, 3, 3]}],
    }
    read = read_annotations(as_json(tmp_path / "x", plain), ALBUM)
    assert [each.frame for each in read.masks if each.box] == [2]
    plain["images"][1]["id"] = 1  # type: ignore[index]
    read = read_annotations(as_json(tmp_path / "x", plain), ALBUM)
    assert [each.frame for each in read.masks] == [2]
    assert "2 Several pictures in the file have the same id" in reasons(read)
