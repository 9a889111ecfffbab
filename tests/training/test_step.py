"""What training steps share: features of objects, masks and logits at the loss's resolution."""

from __future__ import annotations

import numpy as np
import torch

from sam2_core.training.initialization import new_network
from sam2_core.training.step import coverage, resize_logits, select_features
from tests.networks import TINY

CPU = torch.device("cpu")


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


def test_each_object_gets_the_features_of_its_own_image() -> None:
    network = new_network(TINY, 0)
    features = network.encode_image(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    chosen = select_features(features, torch.tensor([1, 0, 1]))
    assert torch.equal(chosen.embedding[[0, 2]], features.embedding[[1, 1]])
    assert torch.equal(chosen.high_res[0][1], features.high_res[0][0])
    assert torch.equal(chosen.high_res[1][2], features.high_res[1][1])
