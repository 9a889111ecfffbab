"""COCO JSON files, valid and broken, with the images in any of the usual folders."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.training.datasets import coco, files, mask_decoding
from sam2_core.training.datasets.coco import is_coco, read_coco
from sam2_core.training.datasets.dataset import BadSample
from tests.training.datasets.tiny import (
    HEIGHT,
    RED,
    WIDTH,
    bar,
    plain_run_lengths,
    run_lengths,
    save_image,
    save_json,
    skipped,
)

SQUARE = [[0, 1, 2, 1, 2, 5, 0, 5]]  # bar(0)
CATEGORIES = [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}]


def image(number: Any, name: str = "a.jpg", **more: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH, **more}


def annotation(number: int, image_id: Any, shape: Any = SQUARE, category: Any = 7, **more: Any) -> dict[str, Any]:
    return {"id": number, "image_id": image_id, "category_id": category, "segmentation": shape, **more}


def plain(images: list[Any], annotations: list[Any], categories: Any = CATEGORIES) -> dict[str, Any]:
    return {"images": images, "annotations": annotations, "categories": categories}


def test_polygons_and_both_kinds_of_run_lengths_are_read(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png")
    kinds = [SQUARE, run_lengths(bar(1)), plain_run_lengths(bar(2))]
    entries = [annotation(place, 1, shape, (7, 9, 7)[place]) for place, shape in enumerate(kinds)]
    file = save_json(tmp_path / "labels.json", plain([image(1, "a.png")], entries))
    dataset = read_coco(file)
    [item] = dataset.images
    labeled = item.read()
    assert (item.name, item.source) == ("a.png", "labels")
    assert (labeled.image == RED).all()
    assert labeled.classes == ("cat", "dog", "cat")
    assert all(np.array_equal(mask, bar(place)) for place, mask in enumerate(labeled.masks))
    assert skipped(dataset.report) == {}


@pytest.mark.parametrize(
    ("json_file", "image_file"),
    [
        ("instances.json", "a.jpg"),
        ("instances.json", "images/a.jpg"),
        ("annotations/instances.json", "images/a.jpg"),
        ("annotations/instances_train2017.json", "train2017/a.jpg"),
        ("annotations/instances_val2017.json", "images/val2017/a.jpg"),
        ("train/_annotations.coco.json", "train/a.jpg"),
        ("annotations/x.json", "a.jpg"),
    ],
)
def test_images_are_found_near_the_json_file(tmp_path: Path, json_file: str, image_file: str) -> None:
    save_image(tmp_path / image_file)
    save_json(tmp_path / json_file, plain([image(1)], [annotation(1, 1)]))
    assert is_coco(tmp_path)
    assert len(read_coco(tmp_path).images) == 1
    assert len(read_coco(tmp_path / json_file).images) == 1


def test_images_are_read_from_the_folder_with_most_of_them_or_a_given_one(tmp_path: Path) -> None:
    names = ["a.jpg", "b.jpg", "sub/c.jpg"]
    for name in names[1:]:
        save_image(tmp_path / "train2017" / name)
    save_image(tmp_path / "a.jpg", 20, 20)
    for name in names:
        save_image(tmp_path / "elsewhere" / name)
    entries = [image(number, name) for number, name in enumerate(names)]
    file = save_json(tmp_path / "x_train2017.json", plain(entries, [annotation(n, n) for n in range(3)]))
    found = read_coco(file)
    assert [item.name for item in found.images] == names[1:]
    assert skipped(found.report)[files.MISSING] == ["a.jpg"]
    assert len(read_coco(file, tmp_path / "elsewhere").images) == 3


def test_instances_are_preferred_and_splits_chosen_by_name(tmp_path: Path) -> None:
    for split in ("train2017", "val2017"):
        save_image(tmp_path / split / f"{split}.jpg")
        for kind in ("instances", "captions"):
            entries = plain([image(1, f"{split}.jpg")], [annotation(1, 1)])
            save_json(tmp_path / "annotations" / f"{kind}_{split}.json", entries)
    assert [item.name for item in read_coco(tmp_path).images] == ["train2017.jpg", "val2017.jpg"]
    for split in ("val", "val2017"):
        assert [item.name for item in read_coco(tmp_path, split=split).images] == ["val2017.jpg"]
    assert read_coco(tmp_path, split="test").images == []


def test_what_is_bad_at_first_sight_is_reported_and_left_out(tmp_path: Path) -> None:
    save_image(tmp_path / "good.jpg")
    save_image(tmp_path / "alone.jpg")
    images = [
        image(1, "good.jpg"), image(1, "good.jpg"), image(2, "alone.jpg"), image(3, "gone.jpg"),
        image(4, "../out.jpg"), image(5, "/out.jpg"), {"id": 6}, "nonsense", image(7, "good.jpg", height="x"),
        image([], "good.jpg"), image(8, "x" * 5000),
    ]  # fmt: skip
    annotations = [
        annotation(1, 1), annotation(2, 1, run_lengths(bar(1)), iscrowd=1), annotation(3, 1, category=8),
        annotation(4, 1, category=[]), annotation(5, 3), annotation(6, 99), annotation(7, 1, []),
        annotation(8, 1, [[1, 2, 3]]), annotation(9, 1, run_lengths(np.ones((3, 4), np.bool_))), "nonsense",
        {"id": 10}, annotation(11, 1, None),
    ]  # fmt: skip
    categories = [*CATEGORIES, "nonsense", {"name": "no id"}]
    dataset = read_coco(save_json(tmp_path / "x.json", plain(images, annotations, categories)))
    [item] = dataset.images
    assert [mask.sum() for mask in item.read().masks] == [bar(0).sum()]
    assert skipped(dataset.report) == {
        coco.REPEATED: ["good.jpg"],
        files.MISSING: ["gone.jpg", "x" * 80],
        files.OUTSIDE: ["../out.jpg", "/out.jpg"],
        coco.CROWD: ["2"],
        coco.UNKNOWN_CATEGORY: ["3"],
        files.NO_IMAGE: ["5", "6"],
        mask_decoding.NO_SHAPE: ["7", "11"],
        files.SIZE_MISMATCH: ["9"],
        files.NO_MASK: ["alone.jpg"],
    } | {files.BROKEN_ENTRY: dataset.report.names[files.BROKEN_ENTRY]}
    assert dataset.report.counts[files.BROKEN_ENTRY] == 4 + 2 + 4


def test_files_that_are_no_coco_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{", "utf-8")
    save_json(tmp_path / "b.json", [1])
    save_json(tmp_path / "c.json", {"images": 3})
    dataset = read_coco(tmp_path)
    assert dataset.images == []
    reasons = {files.BROKEN_JSON: ["a.json"], f"{files.BROKEN_JSON} as COCO's": ["b.json", "c.json"]}
    assert skipped(dataset.report) == reasons


def test_a_file_without_categories_has_masks_without_classes(tmp_path: Path) -> None:
    save_image(tmp_path / "a.jpg")
    file = save_json(tmp_path / "x.json", plain([image("one")], [annotation(1, "one", category=None)], []))
    [item] = read_coco(file).images
    assert item.read().classes == ("",)


@pytest.mark.parametrize(
    ("number", "reference", "category"),
    [("1", 1, "7"), (1, "1", 7.0), (1, 1.0, "7.0"), (1.0, 1, 7), ("0001", 1, "07"), (12, "0012", 7)],
)
def test_ids_of_other_types_are_equal(tmp_path: Path, number: Any, reference: Any, category: Any) -> None:
    for name in ("a.jpg", "b.jpg"):
        save_image(tmp_path / name)
    entries = [annotation(1, reference, category=category, iscrowd="0"), annotation(2, "other", category="9")]
    file = save_json(tmp_path / "x.json", plain([image(number), image("other", "b.jpg")], entries))
    dataset = read_coco(file)
    assert [(item.name, item.read().classes) for item in dataset.images] == [("a.jpg", ("cat",)), ("b.jpg", ("dog",))]
    assert skipped(dataset.report) == {}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_files_in_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    save_image(tmp_path / "汽车.jpg")
    content = json.dumps(
        plain([image(1, "汽车.jpg")], [annotation(1, 1)], [{"id": 7, "name": "红绿灯"}]), ensure_ascii=False
    )
    (tmp_path / "x.json").write_bytes(content.encode(encoding))
    [item] = read_coco(tmp_path / "x.json").images
    assert (item.name, item.read().classes) == ("汽车.jpg", ("红绿灯",))


def test_reading_finds_what_shows_only_then(tmp_path: Path) -> None:
    size = {"height": HEIGHT, "width": WIDTH}
    for name in ("a.jpg", "b.jpg"):
        save_image(tmp_path / name)
    save_image(tmp_path / "c.jpg", HEIGHT, WIDTH + 1)
    (tmp_path / "d.jpg").write_bytes(b"")
    broken = {"size": [HEIGHT, WIDTH], "counts": "0000"}
    entries = [annotation(0, 0, broken), *(annotation(number, number) for number in (1, 2, 3))]
    images = [{"id": number, "file_name": f"{'abcd'[number]}.jpg", **size} for number in range(4)]
    dataset = read_coco(save_json(tmp_path / "x.json", plain(images, entries)))
    assert skipped(dataset.report) == {}
    (tmp_path / "b.jpg").unlink()
    reasons = (files.BROKEN_ENTRY, files.MISSING, files.SIZE_MISMATCH, files.UNREADABLE)
    for image, reason in zip(dataset.images, reasons, strict=True):
        with pytest.raises(BadSample, match=reason):
            image.read()


def test_opening_looks_at_each_folder_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 300
    (tmp_path / "images").mkdir()
    for number in range(count):
        (tmp_path / "images" / f"{number}.jpg").touch()
    entries = plain([image(n, f"{n}.jpg") for n in range(count)], [annotation(n, n) for n in range(count)])
    save_json(tmp_path / "x.json", entries)
    looks = Counter[Path]()
    iterdir, is_file = Path.iterdir, Path.is_file
    for name, original in (("iterdir", iterdir), ("is_file", is_file)):

        def look(path: Path, original: Callable[[Path], Any] = original) -> Any:
            looks[path] += 1
            return original(path)

        monkeypatch.setattr(Path, name, look)
    assert len(read_coco(tmp_path, tmp_path / "images").images) == count
    assert looks == {tmp_path: 1, tmp_path / "images": 1}
