from __future__ import annotations

import cv2
import numpy as np
import pytest

from sam2_core.training.evaluate.baselines import (
    clip_baselines,
    filled_box,
    flood_fill,
    flow_masks,
    grabcut,
    image_baselines,
)
from sam2_core.training.evaluate.clicks import tight_box
from sam2_core.training.evaluate.metrics import iou
from sam2_core.training.evaluate.protocol import clip_start
from sam2_core.types import Box, Point
from tests.training.evaluate.scenes import MemoryClip, MemoryImage, moving, painted, rectangle

THING = rectangle(10, 12, 34, 40)


def test_grabcut_finds_what_stands_out() -> None:
    cv2.setRNGSeed(0)
    image = painted(THING)
    assert iou(grabcut(image, tight_box(THING)), THING) > 0.9
    assert iou(grabcut(image, Box(6, 5, 48, 40)), THING) > 0.9


def test_grabcut_without_background_gives_nothing() -> None:
    image = painted(THING)
    assert not grabcut(image, Box(0, 0, 64, 48)).any()


def test_the_flood_stays_within_the_tolerance_of_the_click() -> None:
    image = np.full((48, 64, 3), 100, np.uint8)
    image[:, 20:40] = 110
    image[:, 40:] = 120
    assert flood_fill(image, Point(5, 5), 4)[:, :18].all()
    assert not flood_fill(image, Point(5, 5), 4)[:, 22:].any()
    reached = flood_fill(image, Point(5, 5), 16)  # the steps are small, but all are measured from the click
    assert reached[:, :38].all()
    assert not reached[:, 42:].any()


def test_the_flood_does_not_jump() -> None:
    image = np.full((48, 64, 3), 100, np.uint8)
    image[:, 28:36] = 250
    filled = flood_fill(image, Point(5, 5), 24)
    assert filled[:, :24].all()
    assert not filled[:, 36:].any()


def test_the_box_as_a_mask() -> None:
    assert np.array_equal(filled_box(tight_box(THING), THING.shape), THING)


def test_baselines_on_pictures() -> None:
    disc = cv2.circle(np.zeros((48, 64), np.uint8), (30, 24), 15, 1, -1) > 0
    images = [
        MemoryImage("flat", (disc,)),
        MemoryImage("torn", (), fault="torn"),
        MemoryImage("other", (THING,), source="b"),
    ]
    scores = image_baselines(images)
    (first, values), (second, others) = scores.rows
    assert (first, second) == ("made", "b")
    assert values["box_itself"] == pytest.approx(disc.sum() / 31**2)
    assert others["box_itself"] == 1
    for row in (values, others):
        assert row["grabcut_box"] > 0.9
        assert 0.7 < row["floodfill_click_best_of_4"] < 1, "the blur takes the edge"
    assert image_baselines(images).rows == scores.rows, "chance begins anew each time"


def test_flow_follows_what_moves() -> None:
    clip = moving(5, step=2)
    start = clip_start(clip)
    frames = dict(flow_masks(clip, start))
    assert list(frames) == [1, 2, 3, 4]
    assert iou(frames[4][1], clip.labels[4][1]) > 0.8


def test_baselines_on_clips() -> None:
    clip = moving(5, step=2)
    seen: list[tuple[float | None, str]] = []
    clips = [clip, moving(3, step=0, source="still"), MemoryClip("bare", clip.frames, {})]
    scores = clip_baselines(clips, progress=lambda done, text: seen.append((done, text)))
    assert scores.sources == ["made", "still"]
    kept = np.mean([(20 - 2 * frame) / (20 + 2 * frame) for frame in (1, 2, 3, 4)])
    values = scores.means("made")
    assert values["first_mask_kept_J"] == pytest.approx(kept)
    assert values["flow_J"] > 0.8 > kept
    assert values["flow_J&F"] == pytest.approx((values["flow_J"] + values["flow_F"]) / 2)
    assert scores.means("still")["first_mask_kept_J&F"] == scores.means("still")["flow_J"] == 1
    assert [text for _, text in seen] == ["moving", "moving", "bare", ""]


def test_only_annotated_frames_are_scored() -> None:
    clip = moving(5, step=2)
    sparse = MemoryClip("sparse", clip.frames, {0: clip.labels[0], 3: clip.labels[3]})
    assert clip_baselines([sparse]).means()["first_mask_kept_J"] == pytest.approx(14 / 26)


def test_frames_of_different_sizes_are_left_out() -> None:
    clip = moving(3)
    odd = MemoryClip("odd", [*clip.frames[:2], np.zeros((50, 64, 3), np.uint8)], clip.labels)
    assert clip_baselines([odd]).count() == 0
