"""All that is in a picture, found by the bundled network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sam2_core.commands.everything import all_masks, objects_of
from sam2_core.types import Mask
from tests.commands.calls import Caller, masks_in


def record(area: int) -> dict[str, object]:
    pixels = np.zeros((10, 10), bool)
    pixels.reshape(-1)[:area] = True
    return {"area": area, "segmentation": Mask.from_array(pixels).to_coco(), "predicted_iou": area / 100}


def test_the_largest_lies_below() -> None:
    masks = all_masks([record(5), record(70), record(20)])
    assert [each.mask.area for each in masks.objects] == [70, 20, 5]
    assert [each.predicted_iou for each in masks.objects] == [0.7, 0.2, 0.05]
    assert [each.id for each in objects_of(masks)] == [1, 2, 3]


def test_the_bundled_network_finds_what_is_there(call: Caller, photo: Path, tmp_path: Path) -> None:
    said = ("--grid", "4", "--least-quality", "0.2", "--least-stability", "0.2", "--out", tmp_path / "out", "--json")
    done = call("everything", photo, *said)
    assert done.code == 0
    assert sorted(done.result["files"]) == ["coco", "png"]
    found = done.result["objects"]
    assert found, "nothing was found in a picture of red and blue fields"
    assert [each["area"] for each in found] == sorted((each["area"] for each in found), reverse=True)
    masks = masks_in(tmp_path / "out" / "a_coco.json")
    assert {number: mask.area for (_, number), mask in masks.items()} == {each["id"]: each["area"] for each in found}
    again = call("everything", photo, *said)
    assert json.loads(again.out)["status"] == "skipped"


def test_the_settings_must_make_sense(call: Caller, photo: Path, tmp_path: Path) -> None:
    assert call("everything", photo, "--grid", "0").code == 2
    done = call("everything", photo, "--model", "bla", "--out", tmp_path)
    assert (done.code, "There is no network named 'bla'" in done.err) == (2, True)
    done = call("everything", photo, "--device", "bla", "--out", tmp_path)
    assert (done.code, "Try --device auto" in done.err) == (2, True)
