"""Masks from annotation files are exported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from PIL import Image

from sam2_core.types import Mask
from tests.cli.conftest import FRAMES, HEIGHT, WIDTH
from tests.cli.runner import CommandRunner, masks_in

BOX = ("--box", "10,20,40,50")


def coco(folder: Path, annotation: dict[str, Any], name: str = "a.png") -> Path:
    image = {"id": 1, "file_name": name, "width": WIDTH, "height": HEIGHT}
    found = {"id": 1, "image_id": 1, "category_id": 3, **annotation}
    plain = {"images": [image], "annotations": [found], "categories": [{"id": 3, "name": "bird"}]}
    file = folder / "instances.json"
    file.write_text(json.dumps(plain), "utf-8")
    return file


def test_exported_masks_can_be_exported_again(masklet: CommandRunner, clip: Path, tmp_path: Path) -> None:
    masklet("track", clip, "--object", "Ball", "--label", "toy", *BOX, "--out", tmp_path / "film_coco.json")
    masklet.built.clear()
    arguments = ("--masks", tmp_path / "film_coco.json", "--export", "coco,mp4", "--out", tmp_path / "out", "--json")
    done = masklet("export", clip, *arguments)
    assert done.code == 0
    assert masklet.built == [], "masks that are there need no network"
    [ball] = done.result["objects"]
    assert (ball["name"], ball["label"], ball["frames"], ball["area"]) == ("Ball", "toy", FRAMES, 900)
    assert masks_in(tmp_path / "out" / "film_coco.json") == masks_in(tmp_path / "film_coco.json")
    assert (tmp_path / "out" / "film_edited.mp4").stat().st_size > 0
    few = masklet("export", clip, *arguments[:-1], "--again", "--first", "2", "--last", "6", "--every", "2", "--json")
    assert few.result["objects"][0]["frames"] == 3


def test_the_network_segments_boxes(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    file = coco(tmp_path, {"bbox": [10, 20, 30, 5]})
    done = masklet("export", photo, "--masks", file, "--export", "coco", "--out", tmp_path / "m.json", "--json")
    assert len(masklet.built) == 1
    [bird] = done.result["objects"]
    assert (bird["label"], bird["box"]) == ("bird", [10, 20, 40, 25])


def test_each_image_has_its_own_annotation_file(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    masklet("segment", photos, *BOX, "--export", "coco", "--out", tmp_path / "masks")
    (tmp_path / "masks" / "b_coco.json").unlink()
    shutil.copy(tmp_path / "masks" / "c_coco.json", tmp_path / "masks" / "c_more.json")
    arguments = ("--masks", tmp_path / "masks", "--export", "png", "--out", tmp_path / "out", "--json")
    done = masklet("export", photos, *arguments)
    assert done.code == 1
    assert [each["status"] for each in done.results] == ["done", "failed", "failed"]
    assert "masks is called like b.jpg." in done.results[1]["error"]
    assert "is called like c.png (c_coco.json, c_more.json)." in done.results[2]["error"]
    with Image.open(tmp_path / "out" / "a_edited.png") as image:
        assert image.size == (WIDTH, HEIGHT)


def test_images_of_equal_names_are_told_apart_by_their_folders(
    masklet: CommandRunner, photo: Path, tmp_path: Path
) -> None:
    square = {"segmentation": Mask.from_array([[1] * WIDTH] * HEIGHT).to_coco()}
    file = coco(tmp_path, square, "front/1.png")
    plain = json.loads(file.read_text("utf-8"))
    plain["images"].append({**plain["images"][0], "id": 2, "file_name": "rear/1.png"})
    file.write_text(json.dumps(plain), "utf-8")
    for folder in ("front", "rear"):
        (tmp_path / folder).mkdir()
        shutil.copy(photo, tmp_path / folder / "1.png")
    arguments = ("--masks", file, "--export", "coco", "--out", tmp_path / "out", "--json")
    done = masklet("export", tmp_path / "front" / "1.png", tmp_path / "rear" / "1.png", *arguments)
    assert [each["status"] for each in done.results] == ["done", "failed"]


def test_unusable_annotations_are_reported(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    mask = Mask.from_array([[1] * 5] * 5).to_coco()
    file = coco(tmp_path, {"segmentation": mask})
    done = masklet("export", photo, "--masks", file, "--export", "png", "--out", tmp_path / "out")
    assert done.code == 1
    assert "error: " in done.err
    assert "Traceback" not in done.err


def test_masks_and_formats_are_required(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    assert "--masks" in masklet("export", photo, "--export", "png").err
    none = masklet("export", photo, "--masks", tmp_path / "no.json", "--export", "png", "--out", tmp_path / "out")
    assert (none.code, "There is no file" in none.err) == (1, True)
    bare = masklet("export", photo, "--masks", tmp_path / "no.json", "--out", tmp_path / "out")
    assert (bare.code, "--export" in bare.err) == (2, True)
