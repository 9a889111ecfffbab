"""Boundaries that follow the picture: closer to edges, and never far from what the network found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import sam2_core
from sam2_core.model.network import MASK_PROMPT_LOGIT
from sam2_core.model.preprocess import Pixels, input_to_pixels, normalize, pixels_to_input
from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from sam2_core.tracking.boundaries import FloatMap, fit_boundaries, fit_boundary, fit_mask_prompt
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import PREVIOUS_LOGIT_LIMIT, Segmenter
from sam2_core.tracking.session import ClipSize, TrackingSession
from sam2_core.training.evaluate.metrics import iou, outline_f
from sam2_core.types import BoolArray, Mask, Point, Prompt

SIDE = 192


def star(scale: float = 1.0) -> BoolArray:
    """A shape with corners, which a coarse mask rounds off."""
    angle = np.arange(10) * np.pi / 5
    radius = scale * np.where(np.arange(10) % 2, 30, 62)
    corners = SIDE / 2 + np.stack([np.sin(angle) * radius, np.cos(angle) * radius], axis=1)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    return np.asarray(cv2.fillPoly(mask, [corners.round().astype(np.int32)], 1) > 0)


def picture(mask: BoolArray, contrast: int = 90) -> Pixels:
    """The shape in a noisy picture."""
    noise = np.random.default_rng(3).integers(-12, 13, (SIDE, SIDE, 3))
    colors = np.where(mask[..., None], [120 + contrast, 110, 60], [120, 110, 120])
    return np.asarray((colors + noise).clip(0, 255), np.uint8)


def coarse_logits(mask: BoolArray, shift: int = 0) -> FloatMap:
    """Logits of stride 4 for a mask that is blurred and a few pixels off."""
    blurred = cv2.GaussianBlur(np.roll(mask, shift, axis=1).astype(np.float32), (0, 0), 5)
    small = cv2.resize(blurred, (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA)
    return np.asarray(12 * small - 6, np.float32)


def at_full_size(logits: FloatMap) -> BoolArray:
    return np.asarray(cv2.resize(logits, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) > 0)


@pytest.mark.parametrize("shift", [0, 3, -3])
def test_the_boundary_moves_to_the_edge_in_the_picture(shift: int) -> None:
    truth = star()
    logits = coarse_logits(truth, shift)
    before, after = at_full_size(logits), fit_boundary(logits, picture(truth)) > 0
    assert iou(before, truth) < 0.95
    assert iou(after, truth) > iou(before, truth) + 0.02
    assert outline_f(after, truth, 2) > outline_f(before, truth, 2) + 0.2


def test_a_mask_without_an_edge_in_the_picture_stays_nearly_as_it_is() -> None:
    logits = coarse_logits(star())
    gray = picture(star(), contrast=0)
    gray[...] = 128
    assert iou(fit_boundary(logits, gray) > 0, at_full_size(logits)) > 0.88


@pytest.mark.parametrize("value", [-5.0, 5.0])
def test_all_or_nothing_stays(value: float) -> None:
    logits = np.full((SIDE // 4, SIDE // 4), value, np.float32)
    assert ((fit_boundary(logits, picture(star())) > 0) == (value > 0)).all()


def test_masks_at_the_border_of_the_picture_reach_it() -> None:
    truth = np.zeros((SIDE, SIDE), np.bool_)
    truth[:, :70] = True
    after = fit_boundary(coarse_logits(truth), picture(truth)) > 0
    assert after[:, 0].all()
    assert not after[:, 90:].any()
    assert iou(after, truth) > 0.97


def test_where_colors_would_take_the_mask_away_it_stays() -> None:
    """A thin line that the picture does not show."""
    truth = np.zeros((SIDE, SIDE), np.bool_)
    truth[94:98, 20:170] = True
    logits = 8 * cv2.resize(truth.astype(np.float32), (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA) - 1
    hidden = picture(star())
    before = at_full_size(logits)
    assert before.any()
    assert iou(fit_boundary(logits, hidden) > 0, before) >= 0.6


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_leave_the_mask(value: float) -> None:
    """Half precision has them; the network's infinite logits are those of a very sure mask."""
    logits = coarse_logits(star())
    sure = fit_boundary(logits, picture(star())) > 0
    logits[logits > 5.5] = abs(value)
    logits[0, 0] = value
    fitted = fit_boundary(logits, picture(star()))
    assert np.isfinite(fitted).all()
    assert np.isnan(value) or iou(fitted > 0, sure) > 0.95


def test_no_masks_are_no_masks() -> None:
    pixels = torch.from_numpy(picture(star()))[None]
    assert fit_boundaries(torch.zeros(0, 3, SIDE // 4, SIDE // 4), pixels).shape == (0, 3, SIDE, SIDE)


def test_tensors_of_several_masks_and_no_pixels() -> None:
    logits = torch.from_numpy(np.stack([coarse_logits(star()), coarse_logits(star(0.5))]))[None]
    pixels = torch.from_numpy(picture(star()))[None]
    fitted = fit_boundaries(logits, pixels)
    assert fitted.shape == (1, 2, SIDE, SIDE)
    assert np.array_equal(fitted[0, 1].numpy(), fit_boundary(logits[0, 1].numpy(), pixels[0].numpy()))
    assert fit_boundaries(logits, None) is logits


def test_mask_prompts_keep_their_size_and_follow_the_picture() -> None:
    truth = star()
    logits = torch.from_numpy(coarse_logits(truth, shift=5))[None, None]
    pixels = torch.from_numpy(picture(truth))[None]
    fitted = fit_mask_prompt(logits, pixels)
    assert fitted.shape == logits.shape
    cells = cv2.resize(truth.astype(np.float32), logits.shape[-2:], interpolation=cv2.INTER_AREA) > 0.5
    assert iou((fitted[0, 0] > 0).numpy(), cells) > iou((logits[0, 0] > 0).numpy(), cells) + 0.05
    assert fit_mask_prompt(logits, None) is logits


def test_a_further_click_corrects_the_fitted_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    network = sam2_core.build_sam2(device="cpu")
    image = cv2.resize(picture(star()), (network.image_size,) * 2, interpolation=cv2.INTER_LINEAR)
    click = np.array([[network.image_size / 2] * 2], np.float32), np.ones(1, np.int32)
    predictor = SAM2ImagePredictor(network)
    predictor.set_image(image)
    masks, _, returned = predictor.predict(*click, multimask_output=False, return_logits=True)
    side = returned.shape[-1]
    averaged = masks.reshape(1, side, 4, side, 4).mean(axis=(2, 4))  # the picture has the size of the input
    assert np.allclose(returned, averaged, atol=1e-4)

    prompts = []
    decode = network.predict_masks

    def recorded(*arguments: Any) -> Any:
        prompts.append(arguments[3])
        return decode(*arguments)

    monkeypatch.setattr(network, "predict_masks", recorded)

    class Picture:
        def frame(self, frame: int) -> Pixels:
            return image

    segmenter, side = Segmenter(network), network.image_size
    cache = FeatureCache(2**26)
    session = TrackingSession("s", segmenter, Picture(), ClipSize(1, side, side), cache)
    points, given = [Point(side / 2, side / 2), Point(side / 2, 0.6 * side)], np.zeros((side, side), np.bool_)
    given[side // 4 : side // 2, side // 4 : side // 2] = True
    with torch.inference_mode():
        session.set_prompt(0, 1, Prompt((points[0],)))
        session.set_prompt(0, 1, Prompt(tuple(points)))
        session.set_prompt(0, 2, Prompt((points[0],), mask=Mask.from_array(given)))
        features = segmenter.encode(pixels_to_input(image, side))
        clicks = torch.tensor([[[point.x, point.y] for point in points]]), torch.ones(1, 2, dtype=torch.int32)
        before = segmenter.from_prompt(features, (clicks[0][:, :1], clicks[1][:, :1]), None, None).logits
        segmenter.refine(features, clicks, before)
        segmenter.refine(replace(features, pixels=None), clicks, before)
    first, second, pointer, corrected, again, refined, plain = prompts
    fitted = fit_mask_prompt(before, features.pixels)
    assert first is None and again is None
    assert torch.equal(second, fitted)
    assert pointer.abs().max() > 0  # the object pointer of the given mask
    assert corrected.min() == -MASK_PROMPT_LOGIT and corrected.max() == MASK_PROMPT_LOGIT  # as it was given
    assert torch.equal(refined, fitted)
    assert torch.equal(plain, before.clamp(-PREVIOUS_LOGIT_LIMIT, PREVIOUS_LOGIT_LIMIT))
    assert not torch.equal(refined, plain)


def test_only_networks_that_ask_for_it_keep_pixels() -> None:
    network = sam2_core.build_sam2(device="cpu")
    assert network.config.fit_boundaries
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8))
    image = normalize(pixels.movedim(-1, 1).float() / 255)
    assert torch.equal(input_to_pixels(image), pixels)
    network.reconfigure(image_size=64)
    with torch.inference_mode():
        features = network.encode_image(image)
        assert features.pixels is not None
        assert torch.equal(features.pixels, pixels)
        assert features.bytes - 64 * 64 * 3 == sum(4 * x.numel() for x in (features.embedding, *features.high_res))
        assert torch.equal(features[0].pixels, pixels)
        assert network.train().encode_image(image).pixels is None
    assert not sam2_core.model.config.NetworkConfig(name="any").fit_boundaries
