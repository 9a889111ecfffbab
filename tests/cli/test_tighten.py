"""Boxes of annotation files become those of the masks that they prompt, and all else stays."""

from __future__ import annotations

import json
import xml.etree.ElementTree as Xml
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.cli.tighten import ELSEWHERE, EMPTY, UNSURE, box_iou, tighten_box
from sam2_core.media.picture_folder import describe_pictures
from sam2_core.media.readers import read_annotations
from sam2_core.serving.commands import Command, SetPrompt
from sam2_core.types import Box, FrameMasks, Mask, ObjectMask
from tests.cli.conftest import HEIGHT, WIDTH
from tests.cli.runner import CommandRunner
from tests.fakes import FakeEngine

INSET = 3


class ShrinkingEngine(FakeEngine):
    """Its mask of a box has a margin of `INSET` pixels; of one at the left border the network is unsure."""

    def execute(self, session: str, command: Command[Any]) -> Any:
        answer = super().execute(session, command)
        if isinstance(command, SetPrompt) and command.prompt.boxes:
            [box] = command.prompt.boxes
            pixels = np.zeros((HEIGHT, WIDTH), bool)
            pixels[
                round(box.top) + INSET : round(box.bottom) - INSET, round(box.left) + INSET : round(box.right) - INSET
            ] = True
            mask = ObjectMask(1, Mask.from_array(pixels), 0.2 if box.left == 0 else 0.9, 4.0)
            return FrameMasks(0, answer.revision, (mask,))
        return answer


@pytest.fixture
def shrinking(masklet: CommandRunner) -> CommandRunner:
    masklet.engine = ShrinkingEngine()
    return masklet


def coco_file(path: Path) -> dict[str, Any]:
    annotations = [
        {"id": 7, "image_id": 1, "category_id": 3, "bbox": [10, 20, 40, 30], "area": 1200, "by": "Ann"},
        {"id": 8, "image_id": 1, "category_id": 3, "bbox": [0, 5, 20, 20], "area": 400},
        {"id": 9, "image_id": 2, "category_id": 4, "bbox": [30.5, 10, 20, 30]},
        {"id": 10, "image_id": 2, "category_id": 4, "bbox": [1, 1, 2, 2], "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]},
        {"id": 11, "image_id": 3, "category_id": 4, "bbox": [1, 1, 5, 5]},
    ]
    names = ("a.png", "deep/b.jpg", "absent.png")
    images = [
        {"id": n, "file_name": name, "height": HEIGHT, "width": WIDTH, "license": 2} for n, name in enumerate(names, 1)
    ]
    plain = {
        "info": {"année": 2026},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 3, "name": "bird"}, {"id": 4, "name": "cat"}],
    }
    path.write_text(json.dumps(plain), "utf-8")
    return plain


def test_boxes_of_coco_are_replaced_and_all_else_stays(shrinking: CommandRunner, photos: Path, tmp_path: Path) -> None:
    before, out = coco_file(tmp_path / "boxes.json"), tmp_path / "tight.json"
    done = shrinking("tighten", tmp_path / "boxes.json", "--images", photos, "--out", out, "--json")
    assert done.code == 0, done.err
    after = json.loads(out.read_text("utf-8"))
    changed = after["annotations"]
    assert [each["bbox"] for each in changed[:3]] == [[13, 23, 34, 24], [0, 5, 20, 20], [33, 13, 14, 24]]
    assert (changed[0]["area"], changed[0]["by"], "area" in changed[2]) == (34 * 24, "Ann", False)
    for old, new in zip(before["annotations"], changed, strict=True):
        same = {name: value for name, value in old.items() if name not in ("bbox", "area")}
        assert {name: value for name, value in new.items() if name not in ("bbox", "area")} == same
    assert {**after, "annotations": 0} == {**before, "annotations": 0}
    result = done.result
    assert (result["boxes"], result["tightened"], result["kept"]) == (3, 2, {UNSURE: 1})
    assert sum(result["left_out"].values()) == 2
    [first, unsure, last] = result["changes"]
    assert first["old"] == [10, 20, 50, 50]
    assert first["new"] == [13, 23, 47, 47]
    assert first["iou"] == pytest.approx(34 * 24 / 1200, abs=1e-4)
    assert unsure["kept"] == UNSURE
    assert result["mean_iou"] == pytest.approx((first["iou"] + last["iou"]) / 2, abs=1e-3)
    assert result["changed_much"] == 2
    assert "2 of 3 boxes tightened" in done.err


def test_masks_can_be_included(shrinking: CommandRunner, photos: Path, tmp_path: Path) -> None:
    coco_file(tmp_path / "boxes.json")
    arguments = ("--images", photos, "--out", tmp_path / "tight.json", "--include-masks")
    assert shrinking("tighten", tmp_path / "boxes.json", *arguments).code == 0
    first, unsure = json.loads((tmp_path / "tight.json").read_text("utf-8"))["annotations"][:2]
    assert Mask.from_coco(first["segmentation"]).area == first["area"] == 34 * 24
    assert "segmentation" not in unsure


def test_a_folder_of_yolo_labels_is_resumable(shrinking: CommandRunner, photos: Path, tmp_path: Path) -> None:
    labels, out = tmp_path / "labels", tmp_path / "out"
    labels.mkdir()
    (labels / "classes.txt").write_text("bird\ncat\n", "utf-8")
    (labels / "a.txt").write_text("1 0.5 0.5 0.25 0.5 0.875  # sure\n0 0.1 0.1 0.3 0.1 0.3 0.3\n", "utf-8")
    (labels / "b.txt").write_text("0\t0.5\t0.5\t0.25\t0.25\r\n", "utf-8", newline="")
    arguments = ("tighten", labels, "--images", photos, "--out", out, "--json")
    done = shrinking(*arguments)
    assert done.code == 0, done.err
    assert [each["tightened"] for each in done.results] == [1, 1]
    lines = (out / "a.txt").read_text("utf-8").splitlines()
    assert lines == ["1 0.500000 0.500000 0.187500 0.406250 0.875  # sure", "0 0.1 0.1 0.3 0.1 0.3 0.3"]
    assert (out / "b.txt").read_bytes() == b"0\t0.500000\t0.500000\t0.187500\t0.156250\r\n"
    assert not (out / "classes.txt").exists()
    assert [each["status"] for each in shrinking(*arguments).results] == ["skipped", "skipped"]


def test_an_empty_yolo_label_is_a_picture_without_objects(
    shrinking: CommandRunner, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (tmp_path / "labels" / "b.txt").write_text("")
    done = shrinking("tighten", tmp_path / "labels", "--images", photos, "--out", tmp_path / "out")
    assert (done.code, "0 of 0 boxes" in done.err) == (0, True), done.err
    assert (tmp_path / "out" / "b.txt").read_text() == ""
    (tmp_path / "boxes.json").write_text("")
    assert shrinking("tighten", tmp_path / "boxes.json", "--images", photos, "--out", tmp_path / "new.json").code == 1


@pytest.mark.parametrize("fault", ["0 0.5 nan 0.2 0.2", "0 0.5 0.5", "0 0.5 0.5 1e999 0.2"])
def test_a_faulty_line_of_yolo_is_named(shrinking: CommandRunner, photos: Path, tmp_path: Path, fault: str) -> None:
    label, out = tmp_path / "a.txt", tmp_path / "out" / "a.txt"
    for lines, number in (([fault, "", "1 0.5 0.5 0.25 0.5"], 1), (["1 0.5 0.5 0.25 0.5", "", fault], 3)):
        label.write_text("\n".join(lines), "utf-8")
        done = shrinking("tighten", label, "--images", photos, "--out", out)
        assert done.code == 0, done.err
        assert "a.txt: 1 of 1 boxes tightened" in done.err
        assert "1 left out: Some lines are not the number of a class" in done.err and f"(line {number})" in done.err
        assert fault in out.read_text("utf-8").splitlines(), "it stays as it is"
    label.write_text(fault, "utf-8")
    done = shrinking("tighten", label, "--images", photos, "--out", out)
    assert done.code == 1
    assert "a.txt" in done.err and "line 1)" in done.err and "number of a class" in done.err


def test_outlines_take_the_place_of_yolo_boxes(shrinking: CommandRunner, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1 0.5 0.5 0.25 0.5 0.875\n", "utf-8")
    out = tmp_path / "out" / "a.txt"
    shrinking("tighten", tmp_path / "a.txt", "--images", photos, "--out", out, "--include-masks")
    [found] = read_annotations(out, describe_pictures(photos).info).masks
    assert found.mask is not None
    assert abs(found.mask.area - 18 * 26) < 18 + 26


def test_boxes_of_voc_are_replaced(shrinking: CommandRunner, photos: Path, tmp_path: Path) -> None:
    box = "<bndbox><xmin>11</xmin><ymin>21</ymin><xmax>50</xmax><ymax>50</ymax></bndbox>"
    thing = f"<object><name>bird</name><mood>calm</mood>{box}</object>"
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
    text = f"<annotation><filename>b.jpg</filename>{size}{thing}</annotation>"
    (tmp_path / "b.xml").write_text(f"<?xml version='1.0' encoding='utf-8'?>\n{text}", "utf-8")
    out = tmp_path / "out" / "b.xml"
    assert shrinking("tighten", tmp_path / "b.xml", "--images", photos, "--out", out).code == 0
    root = Xml.parse(out).getroot()
    found = {child.tag: child.text for child in root.find("object/bndbox") or ()}
    assert found == {"xmin": "14", "ymin": "24", "xmax": "47", "ymax": "47"}
    assert root.findtext("object/mood") == "calm"
    refused = shrinking("tighten", tmp_path / "b.xml", "--images", photos, "--out", out, "--include-masks", "--again")
    assert refused.code == 1
    assert "Leave --include-masks out" in refused.err


def test_other_formats_become_coco(shrinking: CommandRunner, photos: Path, tmp_path: Path) -> None:
    plain = [
        {
            "image": "a.png",
            "annotations": [{"label": "bird", "coordinates": {"x": 30, "y": 30, "width": 40, "height": 20}}],
        }
    ]
    (tmp_path / "create_ml.json").write_text(json.dumps(plain), "utf-8")
    out = tmp_path / "tight.json"
    assert shrinking("tighten", tmp_path / "create_ml.json", "--images", photos, "--out", out).code == 0
    after = json.loads(out.read_text("utf-8"))
    assert [each["file_name"] for each in after["images"]] == ["a.png"]
    assert after["annotations"][0]["bbox"] == [13, 23, 34, 14]
    assert after["categories"] == [{"id": 1, "name": "bird"}]


def test_bad_input_gives_a_sentence(shrinking: CommandRunner, photos: Path, tmp_path: Path) -> None:
    coco_file(tmp_path / "boxes.json")
    onto_itself = shrinking("tighten", tmp_path / "boxes.json", "--images", photos, "--out", tmp_path / "boxes.json")
    assert (onto_itself.code, "the input itself" in onto_itself.err) == (2, True)
    nothing = shrinking("tighten", tmp_path / "boxes.json", "--images", tmp_path / "no", "--out", tmp_path / "o.json")
    assert (nothing.code, "There is no folder" in nothing.err) == (2, True)
    (tmp_path / "broken.json").write_text('{"images": [', "utf-8")
    broken = shrinking("tighten", tmp_path / "broken.json", "--images", photos, "--out", tmp_path / "o.json")
    assert (broken.code, "damaged or cut off" in broken.err) == (1, True)
    wrong = shrinking("tighten", tmp_path / "boxes.json", "--images", photos, "--out", tmp_path / "o.xml")
    assert (wrong.code, "--out ends in .json" in wrong.err) == (1, True)
    assert not (tmp_path / "o.json").exists()
    assert shrinking.built == []


def test_an_uncertain_mask_leaves_the_box() -> None:
    pixels = np.zeros((40, 60), bool)
    pixels[10:30, 20:50] = True
    answer = ObjectMask(1, Mask.from_array(pixels), 0.7, 1.0)
    old = Box(18, 8, 52, 33)
    good = tighten_box(old, answer, 0.5, 0.3)
    assert (good.kept, good.box) == ("", Box(20, 10, 50, 30))
    assert tighten_box(old, answer, 0.8, 0.3).kept == UNSURE
    assert tighten_box(old, answer, 0.5, 0.9) == replace(good, kept=ELSEWHERE, box=old, iou=1.0, mask=None)
    nothing = ObjectMask(1, Mask.from_array(np.zeros((40, 60), bool)), 0.9, 1.0)
    assert tighten_box(old, nothing, 0.5, 0.3).kept == EMPTY


def test_specks_do_not_count_for_the_box() -> None:
    pixels = np.zeros((40, 60), bool)
    pixels[10:30, 20:50] = pixels[1:3, 1:3] = True
    found = tighten_box(Box(18, 8, 52, 33), ObjectMask(1, Mask.from_array(pixels), 0.7, 1.0), 0.5, 0.3)
    assert found.box == Box(20, 10, 50, 30)
    assert found.mask is not None
    assert found.mask.area == 600


def test_iou_of_boxes() -> None:
    assert box_iou(Box(0, 0, 10, 10), Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert box_iou(Box(0, 0, 10, 10), Box(20, 0, 30, 10)) == 0
