"""One set of weights at several input sizes."""

from __future__ import annotations

import pytest
import torch

from sam2_core.training.initialization import new_network
from sam2_core.training.input_size import at_size
from sam2_core.training.trainable_parts import add_low_rank, set_trainable, trainable_names
from tests.networks import TINY


@pytest.mark.parametrize("rank", [None, 2])
def test_a_view_shares_all_parameters(rank: int | None) -> None:
    network = new_network(TINY, 0)
    if rank is not None:
        add_low_rank(network, rank)
    view = at_size(network, 96)
    assert view.image_size == 96
    mine, original = dict(view.named_parameters()), dict(network.named_parameters())
    assert mine.keys() == original.keys()
    assert all(mine[name] is parameter for name, parameter in original.items())
    assert all(not buffer.is_meta for buffer in view.buffers())


def test_a_step_on_the_view_changes_the_original() -> None:
    network = new_network(TINY, 0)
    view = at_size(network, 32)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.SGD(view.parameters(), lr=0.1)
    view.encode_image(torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))).embedding.sum().backward()
    optimizer.step()
    changed = [name for name, value in network.state_dict().items() if not torch.equal(value, before[name])]
    assert "image_encoder.trunk.patch_embed.proj.weight" in changed
    assert not any(name.startswith("memory") for name in changed)


def test_the_network_sees_pictures_of_the_other_size() -> None:
    view = at_size(new_network(TINY, 0), 128)
    features = view.encode_image(torch.zeros(2, 3, 128, 128))
    answer = view.predict_masks(features.embedding, features.high_res, None, None, multimask=None)
    assert features.embedding.shape == (2, TINY.width, 8, 8)
    assert answer.logits.shape == (2, 4, 32, 32)


def test_the_own_size_is_the_network_itself() -> None:
    network = new_network(TINY, 0)
    assert at_size(network, TINY.image_size) is network


def test_making_a_view_does_not_change_what_learns_nor_the_mode() -> None:
    network = new_network(TINY, 0)
    names = trainable_names(network, "decoder")
    set_trainable(network, names)
    for training in (True, False):
        view = at_size(network.train(training), 96)
        assert view.training == training
        for each in (network, view):
            assert {name for name, parameter in each.named_parameters() if parameter.requires_grad} == names
