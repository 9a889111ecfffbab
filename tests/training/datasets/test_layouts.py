"""Which layout a path holds, what the choices mean, and what is said when nothing can be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import DataError
from sam2_core.training.datasets.layouts import LAYOUTS, open_dataset, recognize
from tests.training.datasets import test_coco, test_davis, test_pack, test_sav, test_voc
from tests.training.datasets.tiny import bar, index_map, run_lengths, save_image, save_index, save_json


def make_pack(root: Path) -> None:
    save_json(root / "manifest.json", {"images": [test_pack.save_labeled(root, "a")], "videos": []})


def make_coco(root: Path) -> None:
    save_image(root / "a.jpg")
    entries = test_coco.plain([test_coco.image(1)], [test_coco.annotation(1, 1)])
    save_json(root / "instances_train2017.json", entries)


def make_voc(root: Path) -> None:
    test_voc.save_sample(root, "a")
    test_voc.save_list(root, "train", "a")
    (root / "Annotations").mkdir()
    (root / "Annotations" / "a.xml").touch()


def make_davis(root: Path) -> None:
    test_davis.save_clip(root, "v")
    (root / "ImageSets").mkdir()
    (root / "ImageSets" / "train.txt").write_text("v", "utf-8")


def make_folder(root: Path) -> None:
    save_image(root / "images" / "x.jpg")
    save_index(root / "masks" / "x.png", index_map(1))


def make_sav(root: Path) -> None:
    save_image(root / "sa_1.jpg")
    save_json(root / "sa_1.json", test_sav.sa1b(run_lengths(bar(0))))


MAKERS: dict[str, Callable[[Path], None]] = {
    "pack": make_pack, "coco": make_coco, "voc": make_voc, "davis": make_davis, "folder": make_folder, "sav": make_sav,
}  # fmt: skip


def test_every_layout_is_covered() -> None:
    assert set(MAKERS) == set(LAYOUTS)


@pytest.mark.parametrize("layout", MAKERS)
def test_layouts_are_recognised(tmp_path: Path, layout: str) -> None:
    root = tmp_path / "outer" / "inner"
    MAKERS[layout](root)
    assert recognize(root) == (root, layout)
    found, name = recognize(tmp_path)
    assert (root.is_relative_to(found), name) == (True, layout)
    for dataset in (open_dataset(str(root)), open_dataset(root, layout), open_dataset(tmp_path)):
        assert len(dataset.images) == (3 if layout == "davis" else 1)


@pytest.mark.parametrize("layout", ["coco", "voc", "davis"])
def test_a_split_is_chosen_by_the_layouts_own_lists(tmp_path: Path, layout: str) -> None:
    MAKERS[layout](tmp_path)
    assert open_dataset(tmp_path, split="train").images
    with pytest.raises(DataError):
        open_dataset(tmp_path, split="test")


@pytest.mark.parametrize("layout", MAKERS)
def test_a_split_may_be_a_folder(tmp_path: Path, layout: str) -> None:
    for split in ("train", "val"):
        MAKERS[layout](tmp_path / split)
    assert open_dataset(tmp_path, split="val").images
    assert open_dataset(tmp_path, layout, split="val").images


def test_a_manifest_of_something_else_makes_no_pack(tmp_path: Path) -> None:
    """Downloads of masks have one."""
    for layout in ("voc", "davis", "folder"):
        MAKERS[layout](tmp_path / layout)
        save_json(tmp_path / layout / "manifest.json", {"name": "film.mp4", "objects": []})
        assert recognize(tmp_path / layout)[1] == layout


def test_several_packs_are_no_folder_of_pictures(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_pack(tmp_path / name)
    with pytest.raises(DataError, match="No known layout"):
        open_dataset(tmp_path)


def test_only_some_sources_of_a_pack(tmp_path: Path) -> None:
    make_pack(tmp_path)
    assert open_dataset(tmp_path, sources={"ours"}).images
    with pytest.raises(DataError, match="Nothing"):
        open_dataset(tmp_path, sources={"theirs"})


@pytest.mark.parametrize(("layout", "option"), [("coco", "sources"), ("pack", "images"), ("folder", "split")])
def test_choices_that_a_layout_does_not_have_are_refused(tmp_path: Path, layout: str, option: str) -> None:
    MAKERS[layout](tmp_path)
    options: dict[str, Any] = {"sources": {"x"}, "images": tmp_path, "split": "train"}
    with pytest.raises(DataError, match=f"no choice of {option}"):
        open_dataset(tmp_path, **{option: options[option]})


def test_pictures_elsewhere(tmp_path: Path) -> None:
    make_coco(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "a.jpg").rename(tmp_path / "photos" / "a.jpg")
    assert open_dataset(tmp_path / "instances_train2017.json", images=tmp_path / "photos").images


def test_an_unknown_layout_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "x.txt").touch()
    for path in (tmp_path, tmp_path / "x.txt"):
        with pytest.raises(DataError, match="No known layout") as told:
            open_dataset(path)
        assert all(layout in str(told.value) for layout in LAYOUTS)
    with pytest.raises(DataError, match="choose one of pack, voc"):
        open_dataset(tmp_path, "yolo")
    with pytest.raises(DataError, match="There is no data set at"):
        open_dataset(tmp_path / "nowhere")


def test_a_data_set_without_anything_usable_says_why(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / "masks" / "x.png").unlink()
    with pytest.raises(DataError, match=r"(?s)Nothing in .* as folder .*skipped 1: picture without a mask \(x\.jpg\)"):
        open_dataset(tmp_path)
