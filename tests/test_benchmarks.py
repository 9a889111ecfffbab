"""Benchmarks wait for the device before they stop the clock, and count what they say they count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.mask_warnings import report_ratings, warned_before
from benchmarks.network_parts import timed
from sam2_core.types import Mask, ObjectMask


@pytest.mark.parametrize(("kind", "waits"), [("cpu", False), ("cuda", True), ("mps", True), ("xpu", True)])
def test_the_clock_stops_after_synchronizing(monkeypatch: pytest.MonkeyPatch, kind: str, waits: bool) -> None:
    done: list[str] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda device: done.append(device.type))
    assert timed(lambda: done.append("run"), torch.device(kind)) >= 0
    assert done == (["run", kind] if waits else ["run"])


def mask_of(pixels: int, predicted_iou: float = 0.9, object_score: float = 5.0) -> ObjectMask:
    """A mask of so many pixels on a frame of 100 x 100."""
    array = np.arange(100 * 100).reshape(100, 100) < pixels
    return ObjectMask(1, Mask.from_array(array), predicted_iou, object_score)


@pytest.mark.parametrize(
    ("found", "areas", "warned"),
    [
        (mask_of(1000), [1000, 1000, 1000], False),
        (mask_of(0), [1000], True),
        (mask_of(1000, predicted_iou=0.6), [1000], True),
        (mask_of(1000, object_score=-1.0), [1000], True),
        (mask_of(2500), [1000, 1000, 1000], True),
        (mask_of(2000), [1000, 1000, 1000], False),  # two objects in place of one
        (mask_of(1000), [9000, 1000, 1000], False),
        (mask_of(9000), [9000], True),
    ],
)
def test_the_former_checks_are_kept_to_compare_with(found: ObjectMask, areas: list[int], warned: bool) -> None:
    assert warned_before(found, areas) is warned


def test_the_words_are_counted_with_what_they_are_worth(capsys: pytest.CaptureFixture[str]) -> None:
    good, poor = replace(mask_of(10), rating="good"), replace(mask_of(10), rating="poor")
    report_ratings("pictures", [(good, 0.9), (good, 0.7), (poor, 0.2)])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["pictures", "good", "2", "50.0", "%", "0.0", "%"]
    assert rows[1] == ["pictures", "check", "0", "-", "-"]
    assert rows[2] == ["pictures", "poor", "1", "0.0", "%", "100.0", "%"]
