"""Trainable parts, and low-rank changes that are merged in the end."""

from __future__ import annotations

import pytest
import torch

from sam2_core.model.network import SAM2
from sam2_core.training.initialization import new_network
from sam2_core.training.trainable_parts import add_low_rank, low_rank, merged, set_trainable, trainable_names
from tests.networks import TINY

IMAGE = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def adapted(rank: int = 3) -> SAM2:
    network = new_network(TINY, 0)
    add_low_rank(network, rank)
    return network


def test_low_rank_changes_start_as_nothing() -> None:
    plain, changed = new_network(TINY, 0), adapted()
    assert torch.equal(plain.encode_image(IMAGE).embedding, changed.encode_image(IMAGE).embedding)
    assert (low_rank(plain), low_rank(changed)) == (None, 3)
    assert len([name for name, _ in changed.named_parameters() if name.endswith(".0.up")]) == 2 * sum(TINY.stages)


def test_both_factors_are_trained() -> None:
    network = adapted()
    set_trainable(network, trainable_names(network, "lora"))
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=1.0)
    for _ in range(2):  # the second factor starts at zero, so the first one has a gradient from the second step on
        network.encode_image(IMAGE).embedding.square().sum().backward()
        optimizer.step()
    gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    assert gradients
    assert all("parametrizations.weight.0." in name or name.startswith("sam_") for name in gradients)
    assert all(gradient.any() for name, gradient in gradients.items() if name.endswith((".up", ".down")))


def test_merged_weights_compute_the_same_under_the_official_names() -> None:
    network = adapted()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(".up"):
                torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(len(name)))
    plain = new_network(TINY, 1)
    plain.load_state_dict(merged(network.state_dict()))
    expected = network.encode_image(IMAGE).embedding
    assert torch.allclose(plain.encode_image(IMAGE).embedding, expected, atol=1e-5)
    assert not torch.allclose(new_network(TINY, 0).encode_image(IMAGE).embedding, expected, atol=1e-2)


def test_without_low_rank_changes_merging_does_nothing() -> None:
    state = new_network(TINY, 0).state_dict()
    plain = merged(state)
    assert plain.keys() == state.keys()
    assert all(plain[name] is value for name, value in state.items())


@pytest.mark.parametrize("train", ["all", "decoder", "memory", "lora"])
def test_each_setting_trains_its_parts(train: str) -> None:
    network = adapted() if train == "lora" else new_network(TINY, 0)
    set_trainable(network, trainable_names(network, train))
    learning = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    roots = {name.split(".")[0] for name in learning}
    decoder = {"sam_mask_decoder", "sam_prompt_encoder"}
    everything = {name.split(".")[0] for name, _ in network.named_parameters()}
    assert (
        roots
        == {
            "all": everything,
            "decoder": decoder,
            "memory": everything - {"image_encoder"},
            "lora": decoder | {"image_encoder"},
        }[train]
    )
    trunk = {name for name in learning if name.startswith("image_encoder.")}
    if train == "lora":
        assert trunk and all(name.endswith((".0.up", ".0.down")) for name in trunk)
    if train == "all":
        assert len(learning) == len(list(network.parameters()))


def test_trainable_parts_can_be_changed() -> None:
    network = new_network(TINY, 0)
    set_trainable(network, trainable_names(network, "all"))
    set_trainable(network, trainable_names(network, "decoder"))
    assert not network.image_encoder.trunk.pos_embed.requires_grad


def test_the_predicted_iou_may_learn_alone() -> None:
    network = new_network(TINY, 0)
    names = trainable_names(network, "quality")
    set_trainable(network, names)
    assert names
    assert all("iou_prediction_head" in name for name in names)
    features = network.encode_image(IMAGE)
    points = torch.full((1, 1, 2), 30.0), torch.ones(1, 1, dtype=torch.int32)
    answer = network.predict_masks(features.embedding, features.high_res, points, None, multimask=None)
    assert answer.predicted_iou.requires_grad
    assert not answer.logits.requires_grad
