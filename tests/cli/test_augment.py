"""Labeled pictures are made of labeled pictures, in formats that can be read again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.media.picture_folder import describe_pictures
from sam2_core.media.readers import ImportedAnnotations, read_annotations
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.types import Mask
from tests.cli.runner import CommandRunner

HEIGHT, WIDTH = 90, 120


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A COCO data set: three pictures with a red bird and a larger green cat each."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(1, 4):
        pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        for category, (top, left, tall, wide), color in (
            (1, (10 + 5 * number, 10, 12, 16), (220, 30, 30)), (2, (40, 50 + number, 36, 40), (30, 200, 40)),
        ):  # fmt: skip
            mask = np.zeros((HEIGHT, WIDTH), bool)
            mask[top : top + tall, left : left + wide] = True
            pixels[mask] = color
            plain = {"id": 2 * number + category, "image_id": number, "category_id": category}
            annotations.append(
                {**plain, "bbox": [left, top, wide, tall], "segmentation": Mask.from_array(mask).to_coco()}
            )
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": HEIGHT, "width": WIDTH})
    categories = [{"id": 1, "name": "bird"}, {"id": 2, "name": "cat"}]
    plain = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(plain), "utf-8")
    return folder


def read(folder: Path) -> ImportedAnnotations:
    return read_annotations(folder, describe_pictures(folder).info)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_formats_have_the_same_labels(masklet: CommandRunner, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "more"
    arguments = ("--count", 5, "--objects-per-picture", "2-3", "--format", "coco,yolo,yolo-boxes,voc", "--json")
    done = masklet("augment", dataset, "--out", out, *arguments)
    assert done.code == 0, done.err
    counts = done.result["labels"]
    assert done.result["cutouts"] == {"bird": 3, "cat": 3}
    assert counts["bird"] >= 5
    with Image.open(out / "contact_sheet.jpg") as sheet:
        assert sheet.width > 1000
    by_format = {name: read(out / name) for name in ("coco", "yolo", "yolo-boxes", "voc")}
    for name, found in by_format.items():
        labels = [each.label for each in found.masks]
        assert {label: labels.count(label) for label in counts} == counts, name
        assert not found.skipped, name
    areas = {
        name: sorted(each.mask.area for each in found.masks if each.mask is not None)
        for name, found in by_format.items()
    }
    assert areas["yolo-boxes"] == []
    assert areas["voc"] == areas["coco"], "no two masks overlap"
    assert np.allclose(areas["yolo"], areas["coco"], rtol=0.2)
    boxes = [each.box for each in by_format["yolo-boxes"].masks if each.box is not None]
    assert sorted(round(box.right - box.left) for box in boxes) == sorted(
        each["bbox"][2] for each in json.loads((out / "coco/annotations/instances.json").read_text())["annotations"]
    )
    assert len(open_dataset(out / "coco").images) == 5
    again = masklet("augment", out / "voc", "--out", tmp_path / "again", "--count", 2, "--json")
    assert set(again.result["labels"]) == {"bird", "cat"}


def test_the_same_seed_makes_the_same_files(masklet: CommandRunner, dataset: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder, seed in zip(folders, (4, 4, 5), strict=True):
        assert masklet("augment", dataset, "--out", folder, "--count", 2, "--seed", seed).code == 0
    one, two, three = map(files_in, folders)
    assert one == two
    assert one["images/000000.jpg"] != three["images/000000.jpg"]
    assert b"seed: 4" in one["augmentation.yaml"]


def test_objects_are_pasted_onto_other_pictures(masklet: CommandRunner, dataset: Path, tmp_path: Path) -> None:
    backgrounds = tmp_path / "streets"
    backgrounds.mkdir()
    Image.new("RGB", (400, 300), (95, 90, 90)).save(backgrounds / "street.png")
    (backgrounds / "broken.jpg").write_bytes(b"no picture")
    Image.new("RGB", (400, 300)).save(backgrounds / "cut.bmp")
    (backgrounds / "cut.bmp").write_bytes((backgrounds / "cut.bmp").read_bytes()[:200])  # its header is whole
    arguments = ("--backgrounds", backgrounds, "--classes", "bird", "--largest-side", 200, "--count", 3, "--json")
    done = masklet("augment", dataset, "--out", tmp_path / "more", *arguments)
    assert done.code == 0, done.err
    assert set(done.result["labels"]) == {"bird"}
    assert "1 backgrounds cannot be read and are left out: broken.jpg" in done.err
    assert done.err.count("The background cut.bmp is left out: ") == 1
    with Image.open(tmp_path / "more/images/000002.jpg") as image:
        assert image.size == (200, 150)


def test_boxes_are_pasted_as_boxes(masklet: CommandRunner, dataset: Path, tmp_path: Path) -> None:
    file = dataset / "instances.json"
    plain = json.loads(file.read_text("utf-8"))
    for each in plain["annotations"]:
        del each["segmentation"]
    file.write_text(json.dumps(plain), "utf-8")
    done = masklet("augment", file, "--images", dataset / "images", "--out", tmp_path / "more", "--count", 2)
    assert done.code == 0, done.err
    assert "masklet tighten --include-masks" in done.err
    found = json.loads((tmp_path / "more/annotations/instances.json").read_text("utf-8"))["annotations"]
    assert found and not any("segmentation" in each for each in found)


def test_nothing_that_is_there_is_lost(masklet: CommandRunner, dataset: Path, tmp_path: Path) -> None:
    before, out = files_in(dataset), tmp_path / "more"
    onto_itself = masklet("augment", dataset, "--out", dataset, "--again")
    assert (onto_itself.code, "not written by this command" in onto_itself.err) == (2, True)
    assert files_in(dataset) == before
    assert masklet("augment", dataset, "--out", out, "--count", 1).code == 0
    assert masklet("augment", dataset, "--out", out, "--count", 2).code == 2
    failed = masklet("augment", dataset, "--out", out, "--again", "--classes", "ship")
    assert (failed.code, "No object is of the class ship" in failed.err) == (2, True)
    assert len([*(out / "images").iterdir()]) == 1
    assert masklet("augment", out, "--out", out, "--again").code == 2, "it would read what it replaces"
    assert masklet("augment", dataset, "--out", out, "--count", 2, "--again").code == 0
    assert len([*(out / "images").iterdir()]) == 2
    assert [path.name for path in tmp_path.glob(".more*")] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(("--format", "pickle"), "There is no format pickle"), (("--oversample", "bird"), "CLASS=FACTOR"),
     (("--objects-per-picture", "5-2"), "two numbers from 1 to 100"), (("--scale", "0-1"), "two factors"),
     (("--rotation", "999"), "0 to 180 degrees")],
)  # fmt: skip
def test_wrong_options_are_refused(
    masklet: CommandRunner, dataset: Path, tmp_path: Path, wrong: tuple[str, ...], said: str
) -> None:
    done = masklet("augment", dataset, "--out", tmp_path / "more", *wrong)
    assert (done.code, said in done.err) == (2, True), done.err
    assert not (tmp_path / "more").exists()


def test_pictures_are_made_without_torch(dataset: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from sam2_core.cli.main import main; "
        f"print(main(['augment', {str(dataset)!r}, '--out', {str(tmp_path / 'm')!r}, '--count', '1', '--quiet']), "
        "'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["0", "False"]


def test_a_missing_data_set_is_named(masklet: CommandRunner, tmp_path: Path) -> None:
    done = masklet("augment", tmp_path / "none", "--out", tmp_path / "more")
    assert (done.code, f"no file or folder {tmp_path / 'none'}" in done.err) == (2, True)
