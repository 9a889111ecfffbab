"""One training step on still pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam2_core.model.network import SAM2
from sam2_core.training.image_interaction import (
    StepResult,
    StepRng,
    coverage,
    image_step,
    resize_logits,
    select_features,
)
from sam2_core.training.initialization import new_network
from sam2_core.training.losses import LossWeights
from tests.networks import TINY

CPU = torch.device("cpu")


def a_batch(pictures: int = 2, objects: int = 3) -> tuple[torch.Tensor, np.ndarray]:
    images = torch.randn(pictures, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    masks = np.zeros((pictures, objects, 64, 64), np.uint8)
    for at, mask in enumerate(masks.reshape(-1, 64, 64)):
        mask[5 * at : 5 * at + 20, 10:50] = 1
    return images, masks


def step(network: SAM2, corrections: int = 1, objects: int = 3, seed: int = 0, stride: int = 2) -> StepResult:
    images, masks = a_batch(objects=objects)
    rng = StepRng.seeded(np.random.default_rng(seed), (seed, 1))
    return image_step(network, images, masks, corrections, stride, LossWeights(), rng)


def test_coverage_is_the_covered_share_of_each_cell() -> None:
    masks = np.zeros((2, 3, 8, 8), np.uint8)
    masks[1, 2, :3, :5] = 1
    cells = coverage(masks, 4, CPU)
    assert cells.shape == (2, 3, 2, 2)
    assert cells[1, 2].tolist() == [[12 / 16, 3 / 16], [0, 0]]
    assert cells.sum() == 15 / 16
    assert torch.equal(coverage(masks[0], 1, CPU), torch.zeros(3, 8, 8))


def test_logits_come_at_the_size_of_the_truth() -> None:
    logits = torch.randn(2, 3, 16, 16).bfloat16()
    assert torch.equal(resize_logits(logits, 16), logits.float())
    assert resize_logits(logits, 64).shape == (2, 3, 64, 64)
    assert resize_logits(logits, 64).dtype == torch.float32


def test_each_object_gets_the_features_of_its_own_picture() -> None:
    network = new_network(TINY, 0)
    features = network.encode_image(a_batch()[0])
    chosen = select_features(features, torch.tensor([1, 0, 1]))
    assert torch.equal(chosen.embedding[[0, 2]], features.embedding[[1, 1]])
    assert torch.equal(chosen.high_res[0][1], features.high_res[0][0])
    assert torch.equal(chosen.high_res[1][2], features.high_res[1][1])


def test_a_step_gives_a_loss_and_figures_of_all_turns() -> None:
    result = step(new_network(TINY, 0), corrections=2)
    assert torch.isfinite(result.loss)
    assert set(result.metrics) == {"click1", "click1 best", "click2", "click3", "box", "box+1", "box+2"}
    assert all(0 <= value <= 1 for value in result.metrics.values())
    assert result.metrics["click1"] <= result.metrics["click1 best"]


def test_a_single_object_is_clicked() -> None:
    result = step(new_network(TINY, 0), corrections=0, objects=1)
    assert set(result.metrics) == {"click1", "click1 best"}


def test_everything_but_the_memory_learns() -> None:
    network = new_network(TINY, 0).train()
    step(network).loss.backward()
    without = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    memory = ("memory_", "obj_ptr", "mask_downsample.", "maskmem", "no_mem_pos_enc", "no_obj")
    assert all(name.startswith(memory) or "not_a_point" in name for name in without)
    assert "memory_attention.norm.weight" in without


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_dice_fix_the_loss_to_the_last_bit(stride: int) -> None:
    network = new_network(TINY, 0)
    first, again, other = (step(network, seed=seed, stride=stride).loss for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_loss_is_the_mean_over_the_objects() -> None:
    """Pictures with the same contents cost together what one of them costs."""
    network = new_network(TINY, 0)
    images, masks = a_batch(1, 1)
    masks[:] = 0
    masks[..., 31, 31] = 1  # there is only one place to click

    def loss(count: int) -> torch.Tensor:
        rng = StepRng.seeded(np.random.default_rng(0), (1,))
        many = images.repeat(count, 1, 1, 1), masks.repeat(count, 0)
        return image_step(network, *many, 0, 1, LossWeights(), rng).loss

    assert loss(3).item() == pytest.approx(loss(1).item(), rel=1e-5)
