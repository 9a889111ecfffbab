from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sam2_core.predictors.video_predictor import SAM2VideoPredictor
from sam2_core.training.datasets.dataset import Clip, SkipReport
from sam2_core.training.datasets.frame_folders import open_frame_folder
from sam2_core.training.evaluate import evaluate_clips
from sam2_core.training.evaluate.clicks import farthest_point
from sam2_core.training.evaluate.clip_evaluation import TrackedFrame, as_video_predictor
from sam2_core.training.evaluate.metrics import boundary_f, iou
from sam2_core.types import BoolArray
from tests.networks import tiny_network
from tests.training.datasets.tiny import skipped
from tests.training.evaluate.scenes import MemoryClip, moving, painted, rectangle

FRAMES = 6


def objects_on(frame: int) -> dict[int, BoolArray]:
    """Two that move, the second of which goes out of sight."""
    left = 4 + 3 * frame
    found = {1: rectangle(6, left, 24, left + 18)}
    return found | ({4: rectangle(28, 30 - left, 44, 52 - left)} if frame < 4 else {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames as JPEGs; index pictures for all but the first and the third frame."""
    root = tmp_path_factory.mktemp("clip")
    for name in ("frames", "masks"):
        (root / name).mkdir()
    for frame in range(FRAMES):
        found = objects_on(frame)
        Image.fromarray(painted(*found.values(), seed=frame)).save(root / "frames" / f"{frame:05d}.jpg")
        if frame not in (0, 2):
            index = sum(mask * np.uint8(number) for number, mask in found.items())
            Image.fromarray(np.asarray(index, np.uint8)).save(root / "masks" / f"{frame:05d}.png")
    return root


@pytest.fixture
def clip(folder: Path) -> Clip:
    return open_frame_folder("two", "made", folder / "frames", folder / "masks", SkipReport())


@torch.inference_mode()
def by_hand(predictor: SAM2VideoPredictor, frames: Path, mode: str) -> tuple[float, float]:
    """J and F through the public API on the folder itself."""
    state = predictor.init_state(frames)
    for number, mask in objects_on(1).items():
        if mode == "mask":
            predictor.add_new_mask(state, 1, number, mask)
        else:
            predictor.add_new_points_or_box(state, 1, number, points=[farthest_point(mask)], labels=[1])
    regions, outlines = [], []
    for frame, numbers, logits in predictor.propagate_in_video(state):
        for number, mask in zip(numbers, logits[:, 0].numpy() > 0, strict=True):
            truth = objects_on(frame).get(number, np.zeros_like(mask))
            if frame in (3, 4, 5):
                regions.append(iou(mask, truth))
                outlines.append(boundary_f(mask, truth))
    assert len(regions) == 6
    return float(np.mean(regions)), float(np.mean(outlines))


def test_scores_equal_those_of_the_public_api(clip: Clip, folder: Path) -> None:
    network = tiny_network()
    with torch.device("meta"):
        predictor = SAM2VideoPredictor(network.config).eval()
    predictor.load_state_dict(network.state_dict(), assign=True)
    [(source, scores)] = evaluate_clips(network, [clip]).scores.rows
    assert source == "made"
    expected = {}
    for mode in ("mask", "click"):
        region, outline = by_hand(predictor, folder / "frames", mode)
        expected |= {f"{mode}_J": region, f"{mode}_F": outline, f"{mode}_J&F": (region + outline) / 2}
    assert scores == pytest.approx(expected)
    assert 0 < scores["mask_J"] < 1


def test_all_annotated_frames_can_be_observed(clip: Clip) -> None:
    seen: list[TrackedFrame] = []
    result = evaluate_clips(tiny_network(), [moving(2), clip], observe=seen.append)
    assert result.scores.count() == 2
    seen = [each for each in seen if each.number == 1]
    assert [(each.mode, each.frame) for each in seen] == [
        (mode, frame) for mode in ("mask", "click") for frame in (1, 3, 4, 5)
    ]
    assert list(seen[0].predicted) == list(seen[0].truths) == [1, 4]
    assert not seen[3].truths[4].any(), "out of sight"
    prompted = {each.mode: iou(each.predicted[1], each.truths[1]) for each in seen if each.frame == 1}
    assert prompted["mask"] > 0.7 > prompted["click"], "a mask is taken as it is, an untrained answer is not"
    later = [each for each in seen if each.mode == "mask" and each.frame > 1]
    found = [iou(each.predicted[number], each.truths[number]) for each in later for number in (1, 4)]
    assert result.scores.rows[1][1]["mask_J"] == pytest.approx(np.mean(found)), "the prompted frame does not count"


def test_what_cannot_be_measured_on_is_left_out() -> None:
    good, progress = moving(3), []
    torn = MemoryClip("torn", good.frames, good.labels, broken=frozenset({2}))
    odd = MemoryClip("odd", [*good.frames[:2], np.zeros((50, 64, 3), np.uint8)], good.labels)
    bare = MemoryClip("bare", good.frames, {})
    result = evaluate_clips(
        tiny_network(), [torn, odd, bare, good], progress=lambda done, text: progress.append((done, text))
    )
    assert result.scores.count() == 1
    assert skipped(result.report) == {
        "frame is broken": ["torn"],
        "picture and labels of different sizes": ["odd"],
        "clip without a mask to begin with": ["bare"],
    }
    assert progress == [(0.0, "torn"), (0.25, "odd"), (0.5, "bare"), (0.75, "moving"), (1.0, "")]


def test_frames_after_the_last_annotated_one_are_not_read() -> None:
    clip = moving(4)
    cut = MemoryClip("cut", clip.frames, {0: clip.labels[0], 2: clip.labels[2]}, broken=frozenset({3}))
    assert evaluate_clips(tiny_network(), [cut]).scores.count() == 1


def test_the_video_predictor_shares_the_weights() -> None:
    network = tiny_network()
    predictor = as_video_predictor(network)
    pairs = zip(network.parameters(), predictor.parameters(), strict=True)
    assert all(ours.data_ptr() == theirs.data_ptr() for ours, theirs in pairs)
    assert not predictor.training
