"""The predictors against files that the official code wrote. tests/golden/README.md says what to do if this fails."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sam2_core.model.network import SAM2
from sam2_core.networks import ROOT, network_config
from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from sam2_core.predictors.video_predictor import SAM2VideoPredictor
from tests.predictors.golden_cases import SETTINGS, Arrays, Setting, answers
from tests.predictors.golden_inputs import sample, weights

GOLDEN = Path(__file__).parents[1] / "golden"
MEDIA = ROOT.parent / "shared" / "media"
TOLERANCE = 1e-3  # memories are stored in bfloat16, and processors round their sums in their own ways

needs_media = pytest.mark.skipif(
    not (MEDIA / "truck.jpg").is_file(), reason=f"the photograph and the clip of these golden files are not in {MEDIA}"
)


def build(kind: Callable[..., SAM2], config: Any, gain: float, presence: float) -> Any:
    with torch.device("meta"):
        network = kind(config)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    network.load_state_dict(weights(shapes, gain, presence), assign=True)
    return network.eval()


def image_predictor(setting: Setting) -> SAM2ImagePredictor:
    network = build(SAM2, setting.config, 1.0, setting.presence)
    network.sam_mask_decoder.stability_fallback = setting.postprocessing
    return SAM2ImagePredictor(network)


def video_predictor(setting: Setting) -> SAM2VideoPredictor:
    predictor = build(SAM2VideoPredictor, setting.config, 1.0, setting.presence)
    predictor.sam_mask_decoder.stability_fallback = setting.postprocessing
    predictor.binarize_mask_from_pts_for_mem_enc = setting.postprocessing
    predictor.fill_hole_area = setting.fill_hole_area
    return predictor


@cache
def golden(name: str) -> Arrays:
    with np.load(GOLDEN / f"{name}.npz") as file:
        return dict(file)


def assert_close(found: Arrays, expected: Arrays) -> None:
    assert list(found) == list(expected)  # the same results for the same objects in the same order
    for key, values in expected.items():
        assert found[key].shape == values.shape, key
        scale = np.abs(values).max(where=np.abs(values) < 1000, initial=1e-6)  # -1024 says "absent", and is no scale
        error = np.abs(found[key] - values).max() / scale
        assert error < TOLERANCE, f"{key} is off by {error:.1e} of its range"


@pytest.mark.parametrize(
    ("setting", "case"),
    [pytest.param(setting, case, id=f"{setting.name}-{case}") for setting in SETTINGS for case in setting.cases],
)
def test_the_official_numbers(setting: Setting, case: str, tmp_path: Path) -> None:
    found = answers(case, lambda: image_predictor(setting), lambda: video_predictor(setting), tmp_path)
    prefix = f"{case}/"
    file = golden(setting.name).items()
    assert_close(found, {key.removeprefix(prefix): values for key, values in file if key.startswith(prefix)})


@needs_media
def test_the_official_numbers_on_a_photograph() -> None:
    predictor = SAM2ImagePredictor(build(SAM2, network_config("sam2.1_hiera_tiny"), 1.3, 0.0))
    with Image.open(MEDIA / "truck.jpg") as photograph:
        predictor.set_image(photograph.convert("RGB").resize((600, 400), Image.Resampling.BILINEAR))
    click, two, box = [[300, 220]], [[300, 220], [120, 90]], [90, 120, 420, 330]
    first = predictor.predict(click, [1])
    single: dict[str, Any] = {"multimask_output": False, "return_logits": True}
    predictions = {
        "click": predictor.predict(click, [1], return_logits=True),
        "two": predictor.predict(two, [1, 0], **single),
        "box": predictor.predict(box=box, **single),
        "refine": predictor.predict([*click, [350, 260]], [1, 1], mask_input=first[2][1:2], **single),
        "boxpoint": predictor.predict(click, [0], box, **single),
        "boxes": predictor.predict(box=[box, [10, 20, 200, 180], [250, 60, 580, 390]], **single),
    }
    found = {
        f"{name}.{part}": sample(values, per_axis=48)
        for name, prediction in predictions.items()
        for part, values in zip(("masks", "ious", "low"), prediction, strict=True)
    }
    assert_close(found | {"binary.click": first[0].reshape(3, -1).mean(axis=1)}, golden("photograph_tiny"))


@needs_media
def test_the_official_numbers_on_a_clip() -> None:
    predictor = build(SAM2VideoPredictor, network_config("sam2.1_hiera_tiny"), 1.3, 0.0)
    predictor.fill_hole_area = 0
    state = predictor.init_state(MEDIA / "frames")
    click = {"points": [[210, 350], [250, 220]], "labels": [1, 0]}
    _, _, clicked = predictor.add_new_points_or_box(state, frame_idx=0, obj_id=1, **click)
    _, ids, boxed = predictor.add_new_points_or_box(state, frame_idx=0, obj_id=2, box=[300, 0, 500, 400])
    found = {"click": sample(clicked, 48), "box": sample(boxed, 48), "ids": np.asarray(ids, np.float32)}
    for frame, _, logits in predictor.propagate_in_video(state, max_frame_num_to_track=2):
        found[f"track.{frame}"] = sample(logits, 48)
    assert_close(found, golden("clip_tiny"))
