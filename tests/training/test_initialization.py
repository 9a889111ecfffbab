"""First values of a network: fixed by the seed, and useful for attention."""

from __future__ import annotations

import torch

from sam2_core.training.initialization import match_memory_scale, new_network
from tests.networks import TINY


def test_the_seed_determines_every_value() -> None:
    torch.manual_seed(100)
    first = new_network(TINY, 5).state_dict()
    torch.manual_seed(200)
    second, other = new_network(TINY, 5).state_dict(), new_network(TINY, 6).state_dict()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert sum(not torch.equal(value, other[name]) for name, value in first.items()) > len(first) / 3


def test_the_global_random_numbers_are_left_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    new_network(TINY, 1)
    assert torch.equal(torch.rand(3), expected)


def test_nothing_that_learns_by_itself_starts_at_zero() -> None:
    network = new_network(TINY, 0)
    loose = {name for name, _ in network.named_parameters() if "." not in name}
    assert {"no_mem_embed", "no_obj_ptr", "maskmem_tpos_enc", "no_obj_embed_spatial"} <= loose
    tables = [network.image_encoder.trunk.pos_embed, network.image_encoder.trunk.pos_embed_window]
    for parameter in [network.get_parameter(name) for name in loose] + tables:
        assert parameter.abs().min() > 0
        assert parameter.abs().max() < 0.2


def test_a_query_of_the_decoder_looks_at_its_own_place() -> None:
    network = new_network(TINY, 0)
    attention = network.sam_mask_decoder.transformer.layers[0].cross_attn_token_to_image
    places = network.sam_prompt_encoder.image_positions().flatten(2).transpose(1, 2)  # (1, H * W, C)
    likeness = attention.q_proj(places)[0] @ attention.k_proj(places)[0].T
    assert torch.equal(likeness.argmax(dim=1), torch.arange(TINY.embedding_size**2))


def test_the_memory_attention_looks_at_its_own_place_in_the_memory() -> None:
    network = new_network(TINY, 0)
    layer = network.memory_attention.layers[0].cross_attn_image
    side = TINY.embedding_size
    image, memory = torch.zeros(1, side**2, TINY.width), torch.zeros(1, side**2, TINY.memory_width)
    values = torch.eye(side**2)[None]  # what comes from where
    layer.v_proj, layer.out_proj = torch.nn.Identity(), torch.nn.Identity()
    assert torch.equal(layer(image, memory, values)[0].argmax(dim=1), torch.arange(side**2))


def test_the_memory_puts_out_what_the_decoder_is_used_to() -> None:
    network = new_network(TINY, 0)
    generator = torch.Generator().manual_seed(1)
    offset = torch.randn(1, TINY.width, 1, 1, generator=generator)
    side = TINY.embedding_size
    embedding = 3 * torch.randn(2, TINY.width, side, side, generator=generator) + offset
    match_memory_scale(network, embedding)
    norm = network.memory_attention.norm
    seen = network.without_memory(embedding)
    expected = seen.flatten(2).std(dim=1).mean()
    assert torch.allclose(norm.weight, expected.expand(TINY.width), rtol=1e-5)
    assert torch.allclose(norm.bias, seen.mean(dim=(0, 2, 3)), atol=1e-5)
    assert norm.weight.requires_grad


def test_the_scale_can_be_matched_on_a_single_pixel() -> None:
    network = new_network(TINY, 0)
    match_memory_scale(network, torch.ones(1, TINY.width, 1, 1))
    assert torch.isfinite(network.memory_attention.norm.weight).all()
