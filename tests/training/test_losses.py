"""Losses, compared with values computed by hand."""

from __future__ import annotations

from math import exp, log

import pytest
import torch

from sam2_core.training.losses import (
    LossWeights,
    MaskErrors,
    candidates_loss,
    intersection_over_union,
    mask_errors,
    object_score_loss,
)

NOTHING = LossWeights(focal=0, cross_entropy=0, dice=0, predicted_iou=0, object_score=0)
HALF = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])  # (1, 2, 2)


def loss_of(logits: torch.Tensor, truth: torch.Tensor, **weights: float) -> torch.Tensor:
    return mask_errors(logits, truth, LossWeights(**{"focal": 0.0, "dice": 0.0, **weights})).loss


def test_undecided_logits() -> None:
    logits = torch.zeros(1, 1, 2, 2)
    assert loss_of(logits, HALF, cross_entropy=1).item() == pytest.approx(log(2))
    # alpha 0.25 inside, 0.75 outside; half of the probability is wrong, squared
    assert loss_of(logits, HALF, focal=1).item() == pytest.approx(0.5 * 0.25 * log(2))
    # overlap 1, both areas 2, and one pixel of smoothing
    assert loss_of(logits, HALF, dice=1).item() == pytest.approx(1 - 3 / 5)
    both = loss_of(logits, HALF, cross_entropy=2, dice=3).item()
    assert both == pytest.approx(2 * log(2) + 3 * 0.4)


def test_one_wrong_pixel() -> None:
    logits = torch.tensor([[[[2.0, 2.0], [2.0, -2.0]]]])
    right, wrong = 1 / (1 + exp(-2)), 1 / (1 + exp(2))
    entropy = (3 * -log(right) - log(wrong)) / 4
    assert loss_of(logits, HALF, cross_entropy=1).item() == pytest.approx(entropy)
    inside, outside = 0.25 * wrong**2 * -log(right), 0.75 * wrong**2 * -log(right)
    focal = (2 * inside + outside + 0.75 * right**2 * -log(wrong)) / 4
    assert loss_of(logits, HALF, focal=1).item() == pytest.approx(focal, rel=1e-5)
    dice = 1 - (2 * 2 * right + 1) / (3 * right + wrong + 2 + 1)
    assert loss_of(logits, HALF, dice=1).item() == pytest.approx(dice)
    assert mask_errors(logits, HALF, NOTHING).iou.item() == pytest.approx(2 / 3)


@pytest.mark.parametrize("truth", [HALF, torch.zeros(1, 2, 2), torch.ones(1, 2, 2)], ids=["half", "none", "all"])
def test_sure_and_right_costs_nothing(truth: torch.Tensor) -> None:
    logits = (1000 * (2 * truth - 1))[:, None]
    errors = mask_errors(logits, truth, LossWeights(cross_entropy=1))
    assert errors.loss.item() == pytest.approx(0, abs=1e-6)
    assert errors.iou.item() == 1


def test_sure_and_wrong_is_finite_and_has_a_finite_gradient() -> None:
    logits = (-1e4 * (2 * HALF - 1))[:, None].requires_grad_()
    loss = mask_errors(logits, HALF, LossWeights(cross_entropy=1)).loss.sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_iou_of_nothing_and_nothing_is_one() -> None:
    none, some = torch.zeros(2, 2, dtype=torch.bool), HALF[0] > 0
    assert intersection_over_union(none, none) == 1
    assert intersection_over_union(none, some) == 0
    assert intersection_over_union(some, torch.ones_like(some)) == 0.5
    assert intersection_over_union(torch.stack([none, some]), torch.stack([some, some])).tolist() == [0, 1]


def best_logit(coverage: float, **weights: float) -> float:
    """What the logit of one half-covered cell at an edge should be, if all others are sure and right."""
    guesses = torch.linspace(-8, 8, 641)
    truth = torch.zeros(1, 8, 8)
    truth[:, :, :4] = 1
    logits = (12 * (2 * truth - 1))[:, None].repeat(1, len(guesses), 1, 1)
    truth[0, 3, 4] = coverage
    logits[0, :, 3, 4] = guesses
    return guesses[loss_of(logits, truth, **weights).argmin()].item()


@pytest.mark.parametrize("coverage", [0.1, 0.25, 0.5, 0.7, 0.9])
def test_a_partly_covered_cell_learns_how_much_of_it_is_covered(coverage: float) -> None:
    for weights in ({"cross_entropy": 1.0}, {"focal": 1.0}):
        assert best_logit(coverage, **weights) == pytest.approx(log(coverage / (1 - coverage)), abs=0.02)


@pytest.mark.parametrize("weights", [{"focal": 20.0, "dice": 1.0}, {"cross_entropy": 2.0, "dice": 2.0}])
def test_the_edge_of_the_upsampled_mask_follows_the_coverage(weights: dict[str, float]) -> None:
    def edge(coverage: float) -> float:
        """Where between the centers of the cells 3, 4 and 5 the logits of 12, x and -12 cross zero."""
        logit = best_logit(coverage, **weights)
        return 3.5 + 12 / (12 - logit) if logit < 0 else 4.5 + logit / (logit + 12)

    edges = [edge(coverage) for coverage in (0.2, 0.4, 0.6, 0.8)]
    assert edges == sorted(set(edges))
    for coverage, found in zip((0.2, 0.4, 0.6, 0.8), edges, strict=True):
        assert (found < 4.5) == (coverage < 0.5)
        assert abs(found - (4 + coverage)) < 0.31


def test_only_the_best_candidate_learns_from_the_mask() -> None:
    logits = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    truth = (torch.arange(16).view(4, 4) % 3 == 0).float().expand(2, 4, 4)
    weights = LossWeights()
    errors = mask_errors(logits, truth, weights)
    predicted_iou = torch.full((2, 3), 0.5, requires_grad=True)
    candidates_loss(errors, predicted_iou, weights).sum().backward()
    assert logits.grad is not None and predicted_iou.grad is not None
    learns = logits.grad.flatten(2).any(dim=2)
    expected = torch.zeros(2, 3, dtype=torch.bool).scatter(1, errors.loss.argmin(1, keepdim=True), True)
    assert torch.equal(learns, expected)
    assert predicted_iou.grad.all()


def test_predicted_ious_are_compared_with_the_real_ones() -> None:
    errors = MaskErrors(torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([[0.2, 0.9, 0.4]]))
    predicted_iou = torch.tensor([[0.3, 0.7, 0.4]])
    expected = 1 + 5 * (0.1**2 + 0.2**2 + 0) / 3
    assert candidates_loss(errors, predicted_iou, LossWeights(predicted_iou=5)).item() == pytest.approx(expected)


def test_object_scores() -> None:
    scores = torch.tensor([[0.0], [2.0], [2.0]])
    found = object_score_loss(scores, torch.tensor([[True], [True], [False]]))
    assert found.tolist() == pytest.approx([log(2), log(1 + exp(-2)), log(1 + exp(2))])


def test_picking_a_worse_candidate_costs_the_iou_that_is_lost() -> None:
    errors = MaskErrors(torch.zeros(1, 3), torch.tensor([[0.2, 0.9, 0.4]]))
    weights = LossWeights(predicted_iou=0, pick=2)
    sure = torch.tensor([[0.0, 9.0, 0.0], [9.0, 0.0, 0.0]])
    assert candidates_loss(errors, sure[:1], weights).item() == pytest.approx(0, abs=1e-6)
    assert candidates_loss(errors, sure[1:], weights).item() == pytest.approx(2 * 0.7)
    undecided = torch.full((1, 3), 0.5, requires_grad=True)
    loss = candidates_loss(errors, undecided, weights)
    assert loss.item() == pytest.approx(2 * (0.9 - 0.5))
    loss.backward()
    assert undecided.grad is not None
    assert undecided.grad.argmin() == 1  # a step against the gradient favors the best candidate
    single = MaskErrors(torch.zeros(1, 1), torch.tensor([[0.2]]))
    assert candidates_loss(single, torch.tensor([[0.7]]), weights).item() == 0
