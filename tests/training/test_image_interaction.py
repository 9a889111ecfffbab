"""One training step on images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sam2_core.model.network import SAM2
from sam2_core.training import prompts
from sam2_core.training.image_interaction import image_step
from sam2_core.training.initialization import new_network
from sam2_core.training.losses import LossWeights, intersection_over_union
from sam2_core.training.step import StepResult, StepRng, coverage, resize_logits
from tests.networks import TINY


def a_batch(count: int = 2, objects: int = 3) -> tuple[torch.Tensor, np.ndarray]:
    images = torch.randn(count, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    masks = np.zeros((count, objects, 64, 64), np.uint8)
    for at, mask in enumerate(masks.reshape(-1, 64, 64)):
        mask[5 * at : 5 * at + 20, 10:50] = 1
    return images, masks


def step(network: SAM2, corrections: int = 1, objects: int = 3, seed: int = 0, stride: int = 2) -> StepResult:
    images, masks = a_batch(objects=objects)
    rng = StepRng.seeded(np.random.default_rng(seed), (seed, 1))
    return image_step(network, network.encode_image(images), masks, corrections, stride, LossWeights(), rng)


def test_a_step_gives_a_loss_and_metrics_of_all_iterations() -> None:
    result = step(new_network(TINY, 0), corrections=2)
    assert torch.isfinite(result.loss)
    assert set(result.metrics) == {"click1", "click1 best", "click2", "click3", "box", "box+1", "box+2"}
    assert all(0 <= value <= 1 for value in result.metrics.values())
    assert result.metrics["click1"] <= result.metrics["click1 best"]


def test_a_single_object_is_clicked() -> None:
    result = step(new_network(TINY, 0), corrections=0, objects=1)
    assert set(result.metrics) == {"click1", "click1 best"}


def test_everything_but_the_memory_gets_gradients() -> None:
    network = new_network(TINY, 0).train()
    step(network).loss.backward()
    without = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    memory = ("memory_", "obj_ptr", "mask_downsample.", "maskmem", "no_mem_pos_enc", "no_obj")
    assert all(name.startswith(memory) or "not_a_point" in name for name in without)
    assert "memory_attention.norm.weight" in without


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_rng_determines_the_loss_to_the_last_bit(stride: int) -> None:
    network = new_network(TINY, 0)
    first, again, other = (step(network, seed=seed, stride=stride).loss for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_loss_is_the_mean_over_the_objects() -> None:
    """Several equal images have the loss of one of them."""
    network = new_network(TINY, 0)
    images, masks = a_batch(1, 1)
    masks[:] = 0
    masks[..., 31, 31] = 1  # there is only one place to click

    def loss(count: int) -> torch.Tensor:
        rng = StepRng.seeded(np.random.default_rng(0), (1,))
        many = network.encode_image(images.repeat(count, 1, 1, 1)), masks.repeat(count, 0)
        return image_step(network, *many, 0, 1, LossWeights(), rng).loss

    assert loss(3).item() == pytest.approx(loss(1).item(), rel=1e-5)


@pytest.mark.parametrize(("way", "kind"), [("strict_boxes", "box"), ("rank_outputs", "click"), (None, "box")])
def test_training_sees_the_mask_that_inference_answers_with(
    monkeypatch: pytest.MonkeyPatch, way: str | None, kind: str
) -> None:
    network = new_network(replace(TINY, **({way: True} if way else {})), 0)
    images, masks = a_batch(count=4, objects=2)
    asked: list[prompts.Points] = []

    def always(_: object, *rest: Any) -> prompts.Points:
        asked.append(first_prompt(kind, *rest))
        return asked[-1]

    first_prompt = prompts.first_prompt
    monkeypatch.setattr(prompts, "first_prompt", always)
    rng = StepRng.seeded(np.random.default_rng(0), (0, 1))
    metrics = image_step(network, network.encode_image(images), masks, 0, 2, LossWeights(), rng).metrics

    network.sam_mask_decoder.stability_fallback = False
    features = network.eval().encode_image(images)
    at = 1 if kind == "box" else 0  # objects with a click come first
    embedding = network.without_memory(features.embedding)
    multimask = None if way == "rank_outputs" else False
    answer = network.predict_masks(embedding, features.high_res, asked[at], None, multimask)
    best = answer.predicted_iou.argmax(dim=1, keepdim=True)
    chosen = resize_logits(torch.take_along_dim(answer.logits, best[..., None, None], dim=1), 32)[:, 0] > 0
    truth = coverage(masks[:, at], 2, chosen.device) >= 0.5
    assert metrics["box" if kind == "box" else "click1"] == pytest.approx(
        float(intersection_over_union(chosen, truth).mean()), abs=1e-6
    )


def test_border_and_shared_clicks_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, float]] = []
    for name in ("first_clicks", "share_clicks", "corrections"):

        def watched(*args: object, name: str = name, original: object = getattr(prompts, name)) -> object:
            seen.append((name, float(args[-1])))  # type: ignore[arg-type]
            return original(*args)  # type: ignore[operator]

        monkeypatch.setattr(prompts, name, watched)
    images, masks = a_batch()
    network = new_network(TINY, 0)
    features = network.encode_image(images)
    for seed in range(4):
        rng = StepRng.seeded(np.random.default_rng(seed), (seed, 1))
        image_step(network, features, masks, 2, 2, LossWeights(), rng, 0.25, 0.5)
    assert set(seen) == {("first_clicks", 0.25), ("share_clicks", 0.5), ("corrections", 0.25)}
