from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import MediaError
from sam2_core.media.readers import read_annotations
from sam2_core.types import Box
from tests.media.readers.media import CLIP, as_json, pixels_of, reasons, rle, square, told


def plain(names: list[str], segmentations: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "videos": [{"id": 1, "width": 30, "height": 20, "length": len(names), "file_names": names}],
        "annotations": [
            {"id": 5, "video_id": 1, "category_id": 4, "segmentations": segmentations, "bboxes": [None] * len(names)}
        ],
        "categories": [{"id": 4, "name": "ape"}],
        **more,
    }


def test_frames_are_told_by_their_names(tmp_path: Path) -> None:
    masks = [rle(square(0, 0)), None, rle(square(9, 2))]
    read = read_annotations(as_json(tmp_path / "x", plain(["a/00000.jpg", "a/00005.jpg", "a/00009.jpg"], masks)), CLIP)
    assert told(read) == [(0, 1, "", "ape"), (9, 1, "", "ape")]
    assert (pixels_of(read, 1) == square(9, 2)).all()


def test_as_many_places_as_frames_are_the_frames(tmp_path: Path) -> None:
    names = [f"a/{5 * n:05d}.jpg" for n in range(10)]
    read = read_annotations(as_json(tmp_path / "x", plain(names, [None, rle(square(0, 0)), *[None] * 8])), CLIP)
    assert told(read) == [(1, 1, "", "ape")]


def test_boxes_where_there_are_no_masks(tmp_path: Path) -> None:
    file = plain(["0.jpg", "3.jpg"], [])
    file["annotations"][0]["bboxes"] = [None, [1, 2, 3, 4]]
    [found] = read_annotations(as_json(tmp_path / "x", file), CLIP).masks
    assert (found.frame, found.mask, found.box) == (3, None, Box(1, 2, 4, 6))


def test_the_clip_that_is_open_is_chosen_by_its_folder(tmp_path: Path) -> None:
    file = plain(["film/00002.jpg"], [rle(square(0, 0))])
    file["videos"].insert(0, {"id": 2, "file_names": ["other/00000.jpg"]})
    assert told(read_annotations(as_json(tmp_path / "x", file), CLIP)) == [(2, 1, "", "ape")]
    file["videos"][1]["file_names"] = ["another/00002.jpg"]
    with pytest.raises(MediaError, match="Import a file about this one alone"):
        read_annotations(as_json(tmp_path / "x", file), CLIP)


def test_masks_beyond_the_clip_or_of_another_size_are_left_out(tmp_path: Path) -> None:
    masks = [rle(square(0, 0)), rle(square(0, 0)), rle(square(0, 0, size=(5, 9))), rle(square(1, 1))]
    read = read_annotations(as_json(tmp_path / "x", plain(["1.jpg", "12.jpg", "3.jpg"], masks)), CLIP)
    assert len(read.masks) == 1
    assert "2 They are about no frame" in reasons(read)
    assert "9 × 5 pixels" in reasons(read)
