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
from sam2_core.predictors.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2_core.predictors.build import apply_overrides
from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from sam2_core.predictors.video_predictor import SWITCHES, SAM2VideoPredictor
from tests.predictors.golden_cases import (
    OVERRIDES,
    SETTINGS,
    Arrays,
    Setting,
    answers,
    feature_answers,
    finetuning_answers,
    generator_answers,
    override_answers,
    part_answers,
)
from tests.predictors.golden_inputs import MINI, PRESENT, sample, weights

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
        error = np.abs(found[key] - values).max(initial=0) / scale
        assert error < TOLERANCE, f"{key} is off by {error:.1e} of its range"


@pytest.mark.parametrize(
    ("setting", "case"),
    [pytest.param(setting, case, id=f"{setting.name}-{case}") for setting in SETTINGS for case in setting.cases],
)
def test_the_official_numbers(setting: Setting, case: str, tmp_path: Path) -> None:
    found = answers(case, lambda: image_predictor(setting), lambda: video_predictor(setting), tmp_path)
    assert_close(found, case_of(setting.name, case))


def case_of(name: str, case: str) -> Arrays:
    prefix = f"{case}/"
    return {key.removeprefix(prefix): values for key, values in golden(name).items() if key.startswith(prefix)}


def mini_image_predictor() -> SAM2ImagePredictor:
    return SAM2ImagePredictor(build(SAM2, MINI, 1.0, PRESENT))


@pytest.mark.parametrize("answers_of", [feature_answers, part_answers], ids=["features", "parts"])
def test_the_official_numbers_of_parts_of_the_model(answers_of: Callable[[Any], Arrays]) -> None:
    case = answers_of.__name__.removesuffix("_answers") + "s"
    assert_close(answers_of(mini_image_predictor()), case_of("mini_parts", case))


def test_the_official_losses_of_a_fine_tuning_loop() -> None:
    found, expected = finetuning_answers(mini_image_predictor()), case_of("mini_parts", "finetuning")
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=5e-6)  # 1.3e-7 on the processor that made it
    assert_close(found, expected)


def test_the_official_masks_of_the_generator_with_small_regions_removed() -> None:
    found = generator_answers(lambda **kw: SAM2AutomaticMaskGenerator(build(SAM2, MINI, 1.0, PRESENT), **kw))
    assert [found["plain.count"].item(), found["small.count"].item()] == [1, 3]
    assert_close(found, case_of("mini_parts", "generator"))


@pytest.mark.parametrize("name", OVERRIDES)
def test_the_official_numbers_with_overrides(name: str, tmp_path: Path) -> None:
    predictor = build(SAM2VideoPredictor, MINI, 1.0, PRESENT)
    predictor.sam_mask_decoder.stability_fallback = False
    predictor.binarize_mask_from_pts_for_mem_enc = False
    predictor.fill_hole_area = 0
    apply_overrides(predictor, OVERRIDES[name], SWITCHES)
    assert_close(override_answers(predictor, tmp_path), case_of("mini_parts", f"override_{name}"))


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
