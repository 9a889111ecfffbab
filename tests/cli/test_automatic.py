"""Segment everything."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sam2_core.cli.automatic import as_objects, traits_of
from sam2_core.types import AutomaticMask, Box, Mask, Point
from tests.cli.runner import CommandRunner, masks_in


def found(area: int) -> AutomaticMask:
    pixels = np.zeros((10, 10), bool)
    pixels.reshape(-1)[:area] = True
    whole = Box(0, 0, 10, 10)
    return AutomaticMask(Mask.from_array(pixels), area / 100, 1.0, whole, Point(5, 5), whole)


def test_the_largest_object_is_at_the_bottom() -> None:
    masks = as_objects([found(5), found(70), found(20)])
    assert [each.mask.area for each in masks.objects] == [70, 20, 5]
    assert [each.predicted_iou for each in masks.objects] == [0.7, 0.2, 0.05]
    assert [each.id for each in traits_of(masks)] == [1, 2, 3]


def test_everything_in_a_picture(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    arguments = ("--grid", "2", "--least-quality", "0.85", "--out", tmp_path / "out", "--json")
    done = masklet("everything", photo, *arguments, "--least-stability", "0.1")
    assert done.code == 0
    assert sorted(done.result["files"]) == ["coco", "png"]
    objects = done.result["objects"]
    assert len(objects) == 4, "the best of the three masks of each point"
    assert [each["area"] for each in objects] == sorted((each["area"] for each in objects), reverse=True)
    masks = masks_in(tmp_path / "out" / "a_coco.json")
    assert {number: mask.area for (_, number), mask in masks.items()} == {each["id"]: each["area"] for each in objects}
    again = masklet("everything", photo, *arguments, "--least-stability", "0.8")
    assert json.loads(again.out)["outcomes"] == {"coco": "replaced", "png": "replaced"}
    assert len(again.result["objects"]) == 2, "those on the right, which are more stable"


def test_invalid_settings_are_errors(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    assert masklet("everything", photo, "--grid", "0").code == 2
    for wrong in ("70", "nan", "-0.1"):  # nothing would be found, and the picture looks empty
        done = masklet("everything", photo, "--least-quality", wrong, "--out", tmp_path)
        assert (done.code, "from 0 to 1" in done.err) == (2, True)
    done = masklet("everything", photo, "--grid", "65", "--out", tmp_path)
    assert (done.code, "1 to 64 points a side" in done.err) == (1, True)
