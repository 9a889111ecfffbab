"""Schedule, choice of optimiser, running mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from sam2_core.training.config import TrainingConfig
from sam2_core.training.initialization import new_network
from sam2_core.training.optimizer import EmaWeights, Optimizer, rate_factor
from sam2_core.training.trainable_parts import set_trainable, trainable_names
from tests.networks import TINY


def config(**changes: Any) -> TrainingConfig:
    return TrainingConfig(network="nano", steps=100, **changes)


def test_the_rate_warms_up_holds_and_falls() -> None:
    plan = config(warmup_steps=4, hold=0.5)
    rates = [rate_factor(step / 100, step, plan) for step in (0, 1, 3, 4, 50, 75, 90, 99)]
    assert rates == pytest.approx([0.25, 0.5, 1, 1, 1, 0.5, 0.2, 0.02])
    assert rate_factor(1.0, 100, plan) == pytest.approx(0.02)


def test_without_warm_up_and_without_fall() -> None:
    assert rate_factor(0.0, 0, config(warmup_steps=0)) == 1
    assert rate_factor(0.99, 99, config(warmup_steps=0, hold=1.0)) == 1


def groups_of(optimizer: Optimizer) -> Iterator[tuple[str, dict[str, Any], torch.Tensor]]:
    for torch_optimizer in optimizer._optimizers:
        for group in torch_optimizer.param_groups:
            for parameter in group["params"]:
                yield type(torch_optimizer).__name__, group, parameter


def test_matrices_take_orthogonalised_steps_and_everything_else_adamw() -> None:
    network = new_network(TINY, 0)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    found = [(names[id(p)], kind, p) for kind, _, p in groups_of(Optimizer(network, config()))]
    assert sorted(name for name, _, _ in found) == sorted(names.values())
    kinds = {name: kind for name, kind, _ in found}
    for name in (
        "image_encoder.trunk.blocks.0.attn.qkv.weight",
        "memory_attention.layers.0.linear1.weight",
        "sam_mask_decoder.transformer.layers.0.self_attn.q_proj.weight",
        "obj_ptr_tpos_proj.weight",
    ):
        assert kinds[name] == "Muon"
    for name in (
        "image_encoder.trunk.blocks.0.attn.qkv.bias",
        "image_encoder.trunk.patch_embed.proj.weight",
        "image_encoder.trunk.pos_embed",
        "no_mem_embed",
        "no_obj_ptr",
        "sam_mask_decoder.mask_tokens.weight",
        "sam_prompt_encoder.point_embeddings.0.weight",
        "sam_mask_decoder.pred_obj_score_head.layers.2.weight",
        "sam_mask_decoder.iou_prediction_head.layers.2.weight",
    ):
        assert kinds[name] == "AdamW"
    assert all(p.ndim == 2 for _, kind, p in found if kind == "Muon")
    assert {kind for _, kind, _ in groups_of_adamw(network)} == {"AdamW"}


def groups_of_adamw(network: nn.Module) -> list[tuple[int, str, int]]:
    return [(0, kind, 0) for kind, _, _ in groups_of(Optimizer(network, config(optimizer="adamw")))]


def test_only_what_learns_is_optimised() -> None:
    network = new_network(TINY, 0)
    set_trainable(network, trainable_names(network, "decoder"))
    count = sum(parameter.requires_grad for parameter in network.parameters())
    assert len(list(groups_of(Optimizer(network, config())))) == count


def test_vectors_are_not_decayed_and_the_trunk_has_its_own_rate() -> None:
    network = new_network(TINY, 0)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    optimizer = Optimizer(network, config(weight_decay=0.3, trunk_rate=0.25, learning_rate=2e-3))
    optimizer.step(0.5)
    for _, group, parameter in groups_of(optimizer):
        assert group["weight_decay"] == (0.3 if parameter.ndim > 1 else 0)
        share = 0.25 if names[id(parameter)].startswith("image_encoder.") else 1
        assert group["lr"] == pytest.approx(2e-3 * 0.5 * share)


def test_a_step_forgets_gradients_and_leaves_alone_what_has_none() -> None:
    network = new_network(TINY, 0)
    optimizer = Optimizer(network, config(weight_decay=0))
    chosen, other = network.no_mem_embed, network.obj_ptr_tpos_proj.weight
    before = chosen.detach().clone(), other.detach().clone()
    chosen.grad = torch.ones_like(chosen)
    optimizer.step(1.0)
    assert torch.allclose(chosen.detach(), before[0] - 1.2e-3, atol=1e-6)  # Adam's first step has the size of the rate
    assert torch.equal(other, before[1])
    assert chosen.grad is None


def test_gradients_can_be_thrown_away() -> None:
    network = new_network(TINY, 0)
    optimizer = Optimizer(network, config())
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.zero_grad()
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_the_state_can_be_taken_up(kind: str) -> None:
    def step(network: nn.Module, optimizer: Optimizer, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        for parameter in network.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step(0.7)

    plan = config(optimizer=kind)
    straight, stopped = new_network(TINY, 0), new_network(TINY, 0)
    first, second = Optimizer(straight, plan), Optimizer(stopped, plan)
    for optimizer, network in ((first, straight), (second, stopped)):
        step(network, optimizer, 1)
    again = new_network(TINY, 9)
    again.load_state_dict(stopped.state_dict())
    third = Optimizer(again, plan)
    third.load_state_dict(second.state_dict())
    step(straight, first, 2)
    step(again, third, 2)
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), again.parameters(), strict=True))


class Lone(nn.Module):
    """One number, and a count that is no number to average."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))


def test_the_mean_is_fast_at_first_and_slow_later() -> None:
    network = Lone()
    mean = EmaWeights(network, 0.5)
    expected = 0.0
    for step in range(20):
        with torch.no_grad():
            network.value.fill_(step + 1.0)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * (step + 1)
        mean.update(network)
        assert mean.weights["value"].item() == pytest.approx(expected)
    assert mean.count == 20
    assert mean.weights["count"].item() == 0
    assert network.value.item() == 20  # not shared


def test_a_saved_mean_goes_on() -> None:
    network = Lone()
    mean, other = EmaWeights(network, 0.9), EmaWeights(network, 0.9)
    with torch.no_grad():
        network.value.fill_(8.0)
    for _ in range(3):
        mean.update(network)
    other.load({name: value.clone() for name, value in mean.weights.items()}, mean.count)
    for each in (mean, other):
        each.update(network)
    assert torch.equal(mean.weights["value"], other.weights["value"])
