"""Segment everything, with the bundled network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sam2_core.cli.automatic import masks_from_records, traits_of
from sam2_core.types import Mask
from tests.cli.runner import CommandRunner, masks_in


def record(area: int) -> dict[str, object]:
    pixels = np.zeros((10, 10), bool)
    pixels.reshape(-1)[:area] = True
    return {"area": area, "segmentation": Mask.from_array(pixels).to_coco(), "predicted_iou": area / 100}


def test_the_largest_object_is_at_the_bottom() -> None:
    masks = masks_from_records([record(5), record(70), record(20)])
    assert [each.mask.area for each in masks.objects] == [70, 20, 5]
    assert [each.predicted_iou for each in masks.objects] == [0.7, 0.2, 0.05]
    assert [each.id for each in traits_of(masks)] == [1, 2, 3]


def test_the_bundled_network_segments_everything(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    arguments = (
        "--grid",
        "4",
        "--least-quality",
        "0.2",
        "--least-stability",
        "0.2",
        "--out",
        tmp_path / "out",
        "--json",
    )
    done = masklet("everything", photo, *arguments)
    assert done.code == 0
    assert sorted(done.result["files"]) == ["coco", "png"]
    found = done.result["objects"]
    assert found, "nothing was found in a picture of red and blue fields"
    assert [each["area"] for each in found] == sorted((each["area"] for each in found), reverse=True)
    masks = masks_in(tmp_path / "out" / "a_coco.json")
    assert {number: mask.area for (_, number), mask in masks.items()} == {each["id"]: each["area"] for each in found}
    again = masklet("everything", photo, *arguments)
    assert json.loads(again.out)["outcomes"] == {"coco": "replaced", "png": "replaced"}


def test_invalid_settings_are_errors(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    assert masklet("everything", photo, "--grid", "0").code == 2
    done = masklet("everything", photo, "--model", "bla", "--out", tmp_path)
    assert (done.code, "There is no network named 'bla'" in done.err) == (2, True)
    done = masklet("everything", photo, "--device", "bla", "--out", tmp_path)
    assert (done.code, "Try --device auto" in done.err) == (2, True)
