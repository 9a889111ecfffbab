"""The image predictor beyond its numbers: shapes, order of calls, and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sam2_core
from sam2_core.errors import BadPrompt, ConfigError, MediaError
from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from tests.predictors.golden_inputs import picture

CLICK, LABEL = np.array([[40, 42]]), np.array([1])
BOX = np.array([18, 20, 56, 60])


@pytest.fixture(scope="module")
def predictor() -> SAM2ImagePredictor:
    return SAM2ImagePredictor(sam2_core.build_sam2(device="cpu"))


def test_shapes_and_types(predictor: SAM2ImagePredictor) -> None:
    predictor.set_image(picture())
    masks, quality, low = predictor.predict(CLICK, LABEL)
    assert (masks.shape, quality.shape, low.shape) == ((3, 90, 130), (3,), (3, 96, 96))
    assert {masks.dtype, quality.dtype, low.dtype} == {np.dtype(np.float32)}
    assert set(np.unique(masks)) <= {0.0, 1.0}
    assert np.abs(low).max() <= 32
    masks, quality, low = predictor.predict(box=np.stack([BOX, BOX + 5]), multimask_output=False)
    assert (masks.shape, quality.shape, low.shape) == ((2, 1, 90, 130), (2, 1), (2, 1, 96, 96))


def test_the_bundled_network_finds_the_disc(predictor: SAM2ImagePredictor) -> None:
    predictor.set_image(picture())
    mask = predictor.predict(box=BOX, multimask_output=False)[0][0] > 0
    y, x = np.mgrid[:90, :130]
    disc = (x - 36) ** 2 + (y - 40) ** 2 < 18**2
    assert (mask & disc).sum() / (mask | disc).sum() > 0.8


def test_a_batch_equals_one_image_after_the_other(predictor: SAM2ImagePredictor) -> None:
    images = [picture(0), picture(2, 64, 200)]
    predictor.set_image_batch(images)
    together = predictor.predict_batch([CLICK] * 2, [LABEL] * 2, return_logits=True)
    for index, image in enumerate(images):
        predictor.set_image(image)
        for one, all_of_them in zip(predictor.predict(CLICK, LABEL, return_logits=True), together, strict=True):
            np.testing.assert_allclose(one, all_of_them[index], rtol=1e-3, atol=2e-3)


def test_boxes_equal_one_box_after_the_other(predictor: SAM2ImagePredictor) -> None:
    predictor.set_image(picture())
    together = predictor.predict(box=np.stack([BOX, BOX + 5]), multimask_output=False, return_logits=True)[0]
    alone = predictor.predict(box=BOX + 5, multimask_output=False, return_logits=True)[0]
    np.testing.assert_allclose(together[1], alone, rtol=1e-3, atol=2e-3)


def test_corners_of_a_box_may_come_in_any_order(predictor: SAM2ImagePredictor) -> None:
    predictor.set_image(picture())
    left, top, right, bottom = BOX
    boxes = [BOX, [right, bottom, left, top], [left, bottom, right, top], [[right, top], [left, bottom]]]
    answers = [predictor.predict(box=np.array(box), multimask_output=False, return_logits=True)[0] for box in boxes]
    for other in answers[1:]:
        np.testing.assert_array_equal(other, answers[0])


def test_pil_images_arrays_and_views_give_the_same_embedding(predictor: SAM2ImagePredictor) -> None:
    pixels = picture()
    frozen = pixels.copy()
    frozen.flags.writeable = False
    mirrored_twice = np.ascontiguousarray(pixels[:, ::-1])[:, ::-1]
    results = []
    for image in (pixels, Image.fromarray(pixels), frozen, mirrored_twice):
        predictor.set_image(image)
        results.append(predictor.get_image_embedding())
    assert all(torch.equal(result, results[0]) for result in results)


def test_gray_and_transparent_pil_images_are_converted_to_rgb(predictor: SAM2ImagePredictor) -> None:
    for mode in ("L", "RGBA", "P"):
        predictor.set_image(Image.fromarray(picture()).convert(mode))
        assert predictor.predict(CLICK, LABEL)[0].shape == (3, 90, 130)


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.int64), "truck.jpg"],
    ids=["gray", "rgba", "integers", "path"],
)
def test_other_images_are_refused(predictor: SAM2ImagePredictor, image: Any) -> None:
    with pytest.raises(MediaError, match="should be RGB, uint8"):
        predictor.set_image(image)


def test_a_refused_image_removes_the_former_one(predictor: SAM2ImagePredictor) -> None:
    predictor.set_image(picture())
    with pytest.raises(MediaError):
        predictor.set_image(np.zeros((4, 4), np.uint8))
    with pytest.raises(RuntimeError, match="set_image"):
        predictor.predict(CLICK, LABEL)


def test_wrong_order_of_calls(predictor: SAM2ImagePredictor) -> None:
    predictor.reset_predictor()
    with pytest.raises(RuntimeError, match="set_image"):
        predictor.predict(CLICK, LABEL)
    with pytest.raises(RuntimeError, match="set_image"):
        predictor.get_image_embedding()
    predictor.set_image(picture())
    with pytest.raises(RuntimeError, match="set_image_batch"):
        predictor.predict_batch([CLICK], [LABEL])


def test_points_need_labels(predictor: SAM2ImagePredictor) -> None:
    predictor.set_image(picture())
    with pytest.raises(ValueError, match="point_labels"):
        predictor.predict(CLICK)


@pytest.mark.parametrize(("prompt", "complaint"), [
    ((CLICK, [1, 0]), "1 points but 2 labels"),
    (([CLICK, CLICK], [1]), "2 points but 1 labels"),
    ((CLICK, [7]), "Labels are 1"),
    ((CLICK, [-2]), "Labels are 1"),
    (([[40, np.nan]], [1]), "finite"),
    (([[40, 42, 3]], [1]), r"pairs \(x, y\)"),
    ((None, None, [1, 2, 3]), "four numbers"),
    ((None, None, [1, 2, 3, np.inf]), "finite"),
])  # fmt: skip
def test_invalid_prompts_are_refused(predictor: SAM2ImagePredictor, prompt: tuple[Any, ...], complaint: str) -> None:
    predictor.set_image(picture())
    with pytest.raises(BadPrompt, match=complaint):
        predictor.predict(*prompt)


def test_prompts_may_be_tensors_lists_or_frozen_arrays(predictor: SAM2ImagePredictor) -> None:
    predictor.set_image(picture())
    frozen = CLICK.astype(np.float32)
    frozen.flags.writeable = False
    clicks = (CLICK, CLICK.tolist(), torch.as_tensor(CLICK), frozen)
    predictions = [predictor.predict(click, [1], return_logits=True)[0] for click in clicks]
    assert all(np.array_equal(prediction, predictions[0]) for prediction in predictions)


def test_holes_are_filled_only_if_requested(predictor: SAM2ImagePredictor) -> None:
    logits = torch.full((1, 1, 8, 8), 4.0)
    logits[0, 0, 3, 3] = -4.0
    cleaning = SAM2ImagePredictor(predictor.model, max_hole_area=2)
    assert (cleaning._transforms.postprocess_masks(logits, (8, 8)) > 0).all()
    assert not (predictor._transforms.postprocess_masks(logits, (8, 8)) > 0).all()


def test_builders_accept_official_options() -> None:
    network = sam2_core.build_sam2("nano", device="cpu", mode="train", apply_postprocessing=False)
    assert network.training
    assert network.sam_mask_decoder.stability_fallback is False
    with pytest.raises(ConfigError, match="Known names"):
        sam2_core.build_sam2("configs/sam3/sam3.yaml", device="cpu")
    with pytest.raises(ConfigError, match="give one of your own"):
        sam2_core.build_sam2("nano", device="cpu", hydra_overrides_extra=["++model.image_encoder.trunk.embed_dim=512"])
