"""Pascal VOC: objects, classes, lists, and the void around everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sam2_core.errors import DataError
from sam2_core.training.datasets import files, mask_decoding
from sam2_core.training.datasets.dataset import BadSample
from sam2_core.training.datasets.voc import is_voc, read_voc
from tests.training.datasets.tiny import bar, index_map, save_image, save_index, skipped


def save_sample(
    root: Path, name: str, things: tuple[int, ...] | None = (1, 2, 255), classes: tuple[int, ...] | None = (15, 8, 255)
) -> None:
    save_image(root / "JPEGImages" / f"{name}.jpg")
    for folder, values in (("SegmentationObject", things), ("SegmentationClass", classes)):
        if values is not None:
            save_index(root / folder / f"{name}.png", index_map(*values), palette=True)


def save_list(root: Path, split: str, *names: str) -> None:
    folder = root / "ImageSets" / "Segmentation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{split}.txt").write_text("\n".join(names) + "\n", "utf-8")


def test_objects_get_the_class_that_lies_over_them(tmp_path: Path) -> None:
    save_sample(tmp_path, "a")
    assert is_voc(tmp_path)
    [picture] = read_voc(tmp_path).images
    labeled = picture.read()
    assert labeled.classes == ("person", "cat")
    assert all(np.array_equal(mask, bar(place)) for place, mask in enumerate(labeled.masks))


@pytest.mark.parametrize(
    ("things", "classes", "names"),
    [
        ((3, 1), None, ("", "")),
        (None, (1, 255, 20), ("aeroplane", "tv/monitor")),
        ((1, 2), (77, 6), ("", "bus")),
        ((1, 2), (0, 255), ("", "")),
    ],
    ids=["objects_only", "classes_only", "unknown_class", "no_class"],
)
def test_either_kind_of_index_picture_will_do(
    tmp_path: Path, things: tuple[int, ...] | None, classes: tuple[int, ...] | None, names: tuple[str, ...]
) -> None:
    save_sample(tmp_path, "a", things, classes)
    [picture] = read_voc(tmp_path).images
    assert picture.read().classes == names


def test_void_does_not_outvote_a_class(tmp_path: Path) -> None:
    save_sample(tmp_path, "a", (1,), None)
    classes = np.where(bar(0), 255, 0).astype(np.uint8)
    classes[1, 0] = 17
    save_index(tmp_path / "SegmentationClass" / "a.png", classes)  # grey: a palette's void is known before
    [picture] = read_voc(tmp_path).images
    assert picture.read().classes == ("sheep",)


def test_grey_index_pictures_have_void_too(tmp_path: Path) -> None:
    save_sample(tmp_path, "a", None, None)
    save_index(tmp_path / "SegmentationClass" / "a.png", index_map(2, 255))
    [picture] = read_voc(tmp_path).images
    assert picture.read().classes == ("bicycle",)


def test_lists_say_which_pictures_count(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        save_sample(tmp_path, name)
    assert [picture.name for picture in read_voc(tmp_path).images] == ["a", "b", "c"]
    save_list(tmp_path, "train", "b", "gone", "", "../../x")
    save_list(tmp_path, "val", "a", "b")
    dataset = read_voc(tmp_path)
    assert sorted(picture.name for picture in dataset.images) == ["a", "b"]
    assert skipped(dataset.report) == {files.NO_MASK: ["gone"], files.OUTSIDE: ["../../x"]}
    assert [picture.name for picture in read_voc(tmp_path, "val").images] == ["a", "b"]
    with pytest.raises(DataError, match=r"test\.txt"):
        read_voc(tmp_path, "test")


def test_what_is_bad_is_reported_or_raised(tmp_path: Path) -> None:
    save_sample(tmp_path, "alone", None, None)
    save_sample(tmp_path, "empty", (0, 255), None)
    save_sample(tmp_path, "small", None, None)
    save_index(tmp_path / "SegmentationObject" / "small.png", index_map(1, width=10))
    save_index(tmp_path / "SegmentationObject" / "widow.png", index_map(1))
    dataset = read_voc(tmp_path)
    assert skipped(dataset.report) == {
        files.NO_MASK: ["alone"],
        files.SIZE_MISMATCH: ["small"],
        files.NO_IMAGE: ["widow"],
    }
    [picture] = dataset.images
    with pytest.raises(BadSample, match=mask_decoding.EMPTY):
        picture.read()
