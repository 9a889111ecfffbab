"""Packs: images, full masks and clips of many sources under one manifest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sam2_core.errors import DataError
from sam2_core.training.datasets import files, pack
from sam2_core.training.datasets.dataset import BadSample, Dataset
from sam2_core.training.datasets.pack import PackImage, read_pack
from tests.training.datasets.tiny import bar, index_map, save_image, save_index, save_json, skipped

PACKS = os.environ.get("MASKLET_PACKS", "")  # a folder of packs outside of the checkout
INSTANCES = [{"id": 1, "category": "cup"}, {"id": 300, "category": "table"}]


def save_labeled(root: Path, name: str, source: str = "ours", instances: Any = INSTANCES) -> dict[str, Any]:
    save_image(root / "images" / f"{name}.jpg")
    save_index(root / "masks" / f"{name}.png", index_map(1, 300, dtype=np.uint16))
    return {"id": name, "source": source, "path": f"images/{name}.jpg", "instances": instances}


def save_clip(root: Path, name: str, frames: int = 4, labels: tuple[int, ...] = ()) -> dict[str, Any]:
    folder = "videos" if labels else "videos_unlabelled"
    for index in range(frames):
        save_image(root / folder / name / "frames" / f"{index:05d}.jpg")
    for index in labels:
        save_index(root / folder / name / "masks" / f"{index:05d}.png", index_map(2, 1), palette=True)
    return {"name": name, "frames": frames, "source": "films", "path": f"{folder}/{name}"}


def open_pack(root: Path, images: list[Any], videos: list[Any] | None = None, **options: Any) -> Dataset:
    save_json(root / "manifest.json", {"images": images, "videos": videos or []})
    return read_pack(root, **options)


def test_outlines_give_full_masks_and_the_index_mask_the_others(tmp_path: Path) -> None:
    item = save_labeled(tmp_path, "a")
    outline = [[0, 0, 6, 0, 6, 6, 0, 6], [10, 1, 12, 1, 12, 3]]
    save_json(tmp_path / "polys" / "a.json", [{"id": 300, "category": "table", "polygons": outline}])
    dataset = open_pack(tmp_path, [item])
    [image] = dataset.images
    labeled = image.read()
    expected = np.zeros(bar(0).shape, np.uint8)
    for polygon in outline:
        cv2.fillPoly(expected, [np.array(polygon, np.int32).reshape(-1, 2)], 1)
    assert (image.name, image.source, labeled.classes) == ("a", "ours", ("cup", "table"))
    assert np.array_equal(labeled.masks[0], bar(0))
    assert np.array_equal(labeled.masks[1], expected > 0)
    assert (labeled.masks[0] & labeled.masks[1]).any()


def test_unlabeled_images_and_labeled_and_unlabeled_clips_are_distinguished(tmp_path: Path) -> None:
    save_image(tmp_path / "unlabelled" / "u.jpg")
    texture = {"id": "u", "source": "ours", "path": "unlabelled/u.jpg"}
    clips = [save_clip(tmp_path, "with", labels=(0, 2)), save_clip(tmp_path, "without")]
    dataset = open_pack(tmp_path, [save_labeled(tmp_path, "a"), texture], clips)
    assert [image.name for image in dataset.images] == ["a"]
    assert [image.name for image in dataset.unlabeled] == ["u"]
    assert dataset.unlabeled[0].read().masks == ()
    assert [(clip.name, len(clip), tuple(clip.annotated)) for clip in dataset.clips] == [
        ("with", 4, (0, 2)),
        ("without", 4, ()),
    ]
    assert np.array_equal(dataset.clips[0].masks(2)[1], bar(1))
    assert skipped(dataset.report) == {}


def test_only_some_sources_may_be_taken(tmp_path: Path) -> None:
    images = [save_labeled(tmp_path, name, source) for name, source in (("a", "x"), ("b", "y"), ("c", "z"))]
    dataset = open_pack(tmp_path, images, [save_clip(tmp_path, "film")], sources={"x", "z"})
    assert [image.source for image in dataset.images] == ["x", "z"]
    assert dataset.clips == []


def test_images_can_be_keys(tmp_path: Path) -> None:
    [image] = open_pack(tmp_path, [save_labeled(tmp_path, "a")]).images
    assert {image: 1}[image] == 1


def test_what_is_bad_at_first_sight_is_reported_and_left_out(tmp_path: Path) -> None:
    names = ("good", "unmasked", "gone", "sizes", "damaged", "blank", "odd", "outside")
    items = {name: save_labeled(tmp_path, name) for name in names}
    (tmp_path / "masks" / "unmasked.png").unlink()
    (tmp_path / "images" / "gone.jpg").unlink()
    save_index(tmp_path / "masks" / "sizes.png", index_map(1, width=10))
    (tmp_path / "images" / "damaged.jpg").write_bytes(b"no picture")
    items["blank"]["instances"] = []
    items["odd"]["instances"] = [{"category": "no id"}]
    items["outside"]["path"] = "../outside.jpg"
    clips = [save_clip(tmp_path, "short") | {"frames": 9}, {"name": "pathless"}, 5]
    dataset = open_pack(tmp_path, [*items.values(), "nonsense"], clips)
    assert [image.name for image in dataset.images] == ["good"]
    assert dataset.clips == []
    assert skipped(dataset.report) == {
        files.NO_MASK: ["unmasked", "blank"],
        files.MISSING: ["gone"],
        files.SIZE_MISMATCH: ["sizes"],
        files.UNREADABLE: ["damaged"],
        files.BROKEN_ENTRY: ["nonsense", "odd", "5", "pathless"],
        files.OUTSIDE: ["outside"],
        pack.MISSING_FRAMES: ["short"],
    }


@pytest.mark.parametrize("outlines", [3, [3], [{"id": 1}], [{"id": 1, "polygons": [[1, 2]]}]], ids=str)
def test_broken_outlines_show_when_they_are_read(tmp_path: Path, outlines: Any) -> None:
    item = save_labeled(tmp_path, "a")
    save_json(tmp_path / "polys" / "a.json", outlines)
    [image] = open_pack(tmp_path, [item]).images
    with pytest.raises(BadSample, match=files.BROKEN_ENTRY):
        image.read()


@pytest.mark.parametrize("manifest", ["{", "[]", "{}", '"x"'])
def test_a_broken_manifest_is_an_error(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest, "utf-8")
    with pytest.raises(DataError, match="manifest"):
        read_pack(tmp_path)


@pytest.mark.parametrize("name", ["train", "train_coco_nc", "eval"])
def test_the_packs_at_hand_can_be_read(name: str) -> None:
    pack = Path(PACKS, name)
    if not PACKS or not (pack / "manifest.json").is_file():
        pytest.skip("MASKLET_PACKS names no folder with this pack")
    dataset = read_pack(pack, sources={"coco"})
    assert skipped(dataset.report) == {}
    assert len(dataset.images) > 30
    for item in dataset.images[::60]:
        labeled = item.read()
        assert isinstance(item, PackImage)
        assert len(labeled.masks) == len(item.instances) > 0
        assert all(mask.any() and mask.shape == labeled.image.shape[:2] for mask in labeled.masks)
