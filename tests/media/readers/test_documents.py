"""ZIP files of several documents: all that can be used is merged, nothing is taken twice, the rest is named."""

from __future__ import annotations

import json
import re
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sam2_core.errors import MediaError
from sam2_core.media import MediaInfo
from sam2_core.media.readers import ImportedAnnotations, read_annotations
from sam2_core.types import Box
from tests.media.readers.media import ALBUM, CLIP, HEIGHT, IMAGE, WIDTH, packed, pixels_of, png, reasons, rle, square

PHOTOS = MediaInfo(
    "album", "3 photos", 3, HEIGHT, WIDTH, HEIGHT, WIDTH,
    sizes=((HEIGHT, WIDTH),) * 3, names=("p1.jpg", "p2.jpg", "p3.jpg"),
)  # fmt: skip
MASK = square(1, 1)


def image(name: str, number: Any = 0) -> dict[str, Any]:
    return {"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH}


def coco(name: str, mask: npt.NDArray[np.bool_] = MASK, label: str = "cell", **more: Any) -> dict[str, Any]:
    annotation = {"id": 0, "image_id": 0, "category_id": 1, "segmentation": rle(mask), **more}
    return {"images": [image(name)], "annotations": [annotation], "categories": [{"id": 1, "name": label}]}


def labelme(name: str, label: str = "cell") -> dict[str, Any]:
    return {"imagePath": name, "shapes": [{"label": label, "points": [[1, 1], [5, 1], [5, 5], [1, 5]]}]}


def captions(name: str) -> dict[str, Any]:
    return {"images": [image(name)], "annotations": [{"image_id": 0, "id": 1, "caption": "a cell"}] * 3}


def read(path: Path, members: dict[str, Any], info: MediaInfo = PHOTOS) -> ImportedAnnotations:
    packed(path / "x.zip", {k: v if isinstance(v, str | bytes) else json.dumps(v) for k, v in members.items()})
    return read_annotations(path / "x.zip", info)


def summary(found: ImportedAnnotations) -> list[tuple[int, str, bool]]:
    return [(each.frame, each.label, each.mask is not None) for each in found.masks]


def test_the_parts_of_an_export_are_merged_in_any_order(tmp_path: Path) -> None:
    parts = {"p1.jpg": (square(1, 1), "cat"), "p2.jpg": (square(9, 2), "dog"), "p3.jpg": (square(2, 9), "cow")}
    for names in permutations(("train", "valid", "test")):
        members = {
            f"{folder}/_annotations.coco.json": coco(name, *parts[name])
            for folder, name in zip(names, parts, strict=True)
        }
        found = read(tmp_path, {"README.dataset.txt": "cells, exported 1.5 of 2.5, 3.5", **members})
        assert summary(found) == [(0, "cat", True), (1, "dog", True), (2, "cow", True)]
        assert all((pixels_of(found, n) == mask).all() for n, (mask, _) in enumerate(parts.values()))
        assert (found.skipped, found.notes) == ((), ())


def test_what_has_no_masks_is_named_with_its_format(tmp_path: Path) -> None:
    points = captions("p1.jpg")
    points["annotations"] = [{"image_id": 0, "id": 1, "keypoints": [1, 2, 2], "num_keypoints": 1}]
    members = {
        "annotations/captions.json": captions("p1.jpg"),
        "annotations/instances.json": coco("p1.jpg"),
        "annotations/key_points.json": points,
        "annotations/panoptic.json": {**captions("p1.jpg"), "annotations": [{"image_id": 0, "segments_info": []}]},
        "annotations/damaged.json": '{"images": [',
        "info.json": {"k": 1},
        "empty.json": "",
        "labels.txt": "cat 0.1 0.2 0.3 0.4\n",
        "more/masks.zip": b"PK",
        "README.txt": "Version 1.0 of 2.0",
    }
    found = read(tmp_path, members)
    assert summary(found) == [(0, "cell", True)]
    told = reasons(found)
    for pattern in (
        r"1 They are COCO's captions.* \('annotations/captions\.json'",
        r"1 They are COCO's key points.* \('annotations/key_points\.json'",
        r"1 They are COCO's panoptic JSON.* into one ZIP file\. \('annotations/panoptic\.json'",
        r"1 The file is damaged or cut off.* \('annotations/damaged\.json'",
        r"2 They are no JSON of a format .* \('empty\.json', 'info\.json'",
        r"1 They are no lines of YOLO's labels.* \('labels\.txt'",
        r"1 They are archives within the ZIP file.* \('more/masks\.zip'",
    ):
        assert re.search(pattern, told), pattern
    assert sum(each.count for each in found.skipped) == 8


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"captions.json": captions("p1.jpg")}, "COCO's captions"),
        ({"a.json": "{", "b.json": {"k": 1}}, "damaged or cut off"),
        ({"a.zip": b"PK"}, "archives within the ZIP file"),
        ({"a.json": {"k": 1}}, "no annotations that can be read here"),
    ],
)
def test_nothing_that_can_be_used_is_an_error_that_names_the_rest(
    tmp_path: Path, members: dict[str, Any], reason: str
) -> None:
    with pytest.raises(MediaError, match=reason):
        read(tmp_path, members)


def test_masks_beside_captions_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, {"captions.json": captions("p1.jpg"), "masks/p2.png": png(MASK.astype(np.uint8), "P")})
    assert [each.frame for each in found.masks] == [1]
    assert "COCO's captions" in reasons(found)


def test_a_file_about_other_clips_does_not_cost_the_others(tmp_path: Path) -> None:
    other = {
        "videos": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}],
        "annotations": [{"video_id": 1, "segmentations": [rle(MASK)]}],
    }
    found = read(tmp_path, {"a.json": other, "b.json": coco("00002.jpg")}, CLIP)
    assert [each.frame for each in found.masks] == [2]
    assert "2 clips" in reasons(found)


def test_equal_objects_of_two_documents_are_taken_once(tmp_path: Path) -> None:
    points = coco("p1.jpg", keypoints=[1, 1, 2], track_id=4)
    points["annotations"].append({**points["annotations"][0], "segmentation": rle(square(9, 9)), "track_id": 5})
    boxes = coco("p1.jpg", segmentation=None, bbox=[1, 1, 5.4, 4.8])
    found = read(tmp_path, {"instances.json": coco("p1.jpg"), "person_keypoints.json": points, "boxes.json": boxes})
    assert summary(found) == [(0, "cell", True), (0, "cell", True)]
    assert found.notes == ("Objects that are in several of the files and were taken once: 2.",)


def test_equal_objects_of_one_document_or_other_classes_stay(tmp_path: Path) -> None:
    twice = coco("p1.jpg")
    twice["annotations"] *= 2
    found = read(
        tmp_path, {"a.json": twice, "b.json": coco("p1.jpg", label="cat"), "c.json": coco("p1.jpg", square(2, 2))}
    )
    assert sorted(each.label for each in found.masks) == ["cat", "cell", "cell", "cell"]
    assert found.notes == ()


def test_a_picture_that_two_formats_describe_is_taken_from_one(tmp_path: Path) -> None:
    members = {
        "coco.json": coco("p1.jpg"),
        "p1.json": labelme("p1.jpg"),
        "p2.json": labelme("p2.jpg"),
        "labels/p1.txt": "0 0.5 0.5 0.2 0.2",
        "labels/p3.txt": "0 0.5 0.5 0.2 0.2",
    }
    found = read(tmp_path, members)
    assert summary(found) == [(0, "cell", True), (1, "cell", True), (2, "class 0", False)]
    assert found.notes == (
        "Frames that are described in several formats and taken from COCO, not from LabelMe, YOLO: 1.",
    )
    boxes = coco("p1.jpg", segmentation=None, bbox=[1, 1, 5, 5])
    found = read(tmp_path, {"coco.json": boxes, "p1.json": labelme("p1.jpg")})
    assert (summary(found), "taken from LabelMe, not from COCO" in found.notes[0]) == ([(0, "cell", True)], True)


def test_ids_of_tracks_in_the_parts_of_a_clip(tmp_path: Path) -> None:
    def part(first: int, label: str = "cat", mask: npt.NDArray[np.bool_] = MASK) -> dict[str, Any]:
        images = [{**image(f"{n:05d}.jpg", n), "frame_index": n} for n in (first, first + 1)]
        annotations = [
            {"image_id": n, "category_id": 1, "segmentation": rle(mask), "track_id": 7} for n in (first, first + 1)
        ]
        return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": label}]}

    found = read(tmp_path, {"a.json": part(0), "b.json": part(2)}, CLIP)
    assert [(each.frame, each.track) for each in found.masks] == [(0, 1), (1, 1), (2, 1), (3, 1)]
    assert "same id and label in several of the files and were taken as the same: 1." in found.notes[0]
    for other in (part(2, "dog"), part(1, mask=square(9, 9))):
        found = read(tmp_path, {"a.json": part(0), "b.json": other}, CLIP)
        assert sorted(each.track for each in found.masks) == [1, 1, 2, 2]
        assert found.notes == ()


def panoptic(*segments: tuple[int, int]) -> dict[str, Any]:
    listed = [{"id": number, "category_id": category} for number, category in segments]
    return {
        "images": [image("p1.jpg", 5), image("p2.jpg", 6)],
        "annotations": [{"image_id": "5", "file_name": "p1.png", "segments_info": listed}],
        "categories": [{"id": 1, "name": "cell"}, {"id": 2, "name": "sky"}],
    }


def colors(ids: npt.NDArray[np.int64]) -> bytes:
    return png(np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=2).astype(np.uint8))


@pytest.mark.parametrize("folder", ["panoptic_val", "masks", "."])
def test_panoptic_segments_are_colors(tmp_path: Path, folder: str) -> None:
    number = 3 + 256 * 2 + 65536
    ids = np.where(square(1, 1), number, np.where(square(10, 10), 7, 0)).astype(np.int64)
    members = {"annotations/panoptic_val.json": panoptic((number, 1), (7, 2), (9, 2)), f"{folder}/p1.png": colors(ids)}
    if folder == "panoptic_val":
        members["images/p1.png"] = b""
    found = read(tmp_path, members)
    assert summary(found) == [(0, "cell", True), (0, "sky", True)]
    assert (pixels_of(found) == square(1, 1)).all()
    assert "1 They cover no pixel" in reasons(found)


def test_panoptic_pictures_that_are_wrong_are_named(tmp_path: Path) -> None:
    ids = np.where(MASK, 7, 0).astype(np.int64)
    plain = panoptic((7, 1))
    plain["annotations"] += [
        {"image_id": 6, "file_name": name, "segments_info": [{"id": 7}]} for name in ("a.png", "b.png")
    ]
    members = {"x.json": plain, "p1.png": colors(ids), "a.png": b"\x89PNG", "b.png": colors(ids[:, :-2])}
    found = read(tmp_path, members)
    assert summary(found) == [(0, "cell", True)]
    assert "1 They are damaged or no PNG pictures" in reasons(found)
    assert "28 × 20 pixels" in reasons(found)
    both = {"x.json": plain, "u/p1.png": colors(ids), "v/p1.png": colors(ids)}
    with pytest.raises(MediaError, match="Several PNG pictures have this name"):
        read(tmp_path, both)


def test_gray_pictures_hold_the_ids_themselves(tmp_path: Path) -> None:
    members = {"x.json": panoptic((300, 1)), "p1.png": png(np.where(MASK, 300, 0).astype(np.uint16))}
    assert (pixels_of(read(tmp_path, members)) == MASK).all()


def test_instances_are_preferred_to_panoptic_segments(tmp_path: Path) -> None:
    ids = np.where(MASK, 7, 0).astype(np.int64)
    found = read(tmp_path, {"a.json": panoptic((7, 2)), "b.json": coco("p1.jpg"), "a/p1.png": colors(ids)})
    assert summary(found) == [(0, "cell", True)]
    assert "taken from COCO, not from COCO panoptic: 1." in found.notes[0]


def test_a_panoptic_file_alone_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(panoptic((7, 1))), "utf-8")
    with pytest.raises(
        MediaError, match=r"panoptic JSON, whose masks are PNG pictures\. Pack the JSON file and the folder"
    ):
        read_annotations(tmp_path / "x.json", PHOTOS)


def test_files_for_one_picture(tmp_path: Path) -> None:
    found = read(tmp_path, {"a.json": coco("photo.jpg"), "b.json": coco("photo.jpg", square(5, 5))}, IMAGE)
    assert len(found.masks) == 2
    boxes = coco("tiny.jpg", segmentation=None, bbox=[1, 1, 5, 5])
    boxes["images"][0] |= {"width": 12, "height": 10}
    assert read(tmp_path, {"a.json": boxes}, ALBUM).masks[0].box == Box(1, 1, 6, 6)


@pytest.mark.parametrize("describe", [coco, labelme], ids=["coco", "labelme"])
def test_equal_names_in_documents_of_two_folders_are_different_pictures(tmp_path: Path, describe: Any) -> None:
    sides = {"front/labels.json": describe("0001.jpg", label="a"), "rear/labels.json": describe("0001.jpg", label="b")}
    names = ("front/0001.jpg", "rear/0001.jpg")
    size = {"height": HEIGHT, "width": WIDTH, "stored_height": HEIGHT, "stored_width": WIDTH}
    both = MediaInfo("album", "2 photos", 2, **size, sizes=((HEIGHT, WIDTH),) * 2, names=names)
    assert summary(read(tmp_path, sides, both)) == [(0, "a", True), (1, "b", True)]
    one = MediaInfo("image", "0001.jpg", 1, **size)
    with pytest.raises(MediaError, match="not certain"):
        read(tmp_path, sides, one)
    apart = {"annotations/instances.json": sides["front/labels.json"], "coco/more.json": sides["rear/labels.json"]}
    assert [each.label for each in read(tmp_path, apart, one).masks] == ["a", "b"]


def test_masks_beside_other_annotations_are_named(tmp_path: Path) -> None:
    members = {"a.json": coco("p1.jpg"), "images/p1.png": b"", "masks/p2.png": png(MASK.astype(np.uint8), "P")}
    found = read(tmp_path, members)
    assert summary(found) == [(0, "cell", True)]
    assert "1 They are pictures of masks beside other annotations. Import them from" in reasons(found)
