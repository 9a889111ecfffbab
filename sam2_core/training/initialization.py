"""First values for a network that is trained from scratch.

Besides the usual small random numbers, two starts make attention useful from the first step on. In the mask decoder
queries and keys are projected alike, so a point looks at its own place ("mimetic" initialisation, Trockman and Kolter
2023). In the memory attention queries and keys start from the same constant, so rotary positions alone decide, and a
pixel looks at its own place in the memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from sam2_core.model.attention import Attention
from sam2_core.model.config import NetworkConfig
from sam2_core.model.memory_attention import MemoryAttentionLayer
from sam2_core.model.memory_encoder import CXBlock
from sam2_core.model.network import SAM2
from sam2_core.model.two_way_transformer import TwoWayAttentionBlock

_SPREAD = 0.02
_MIMETIC_GAIN = 1.2
_LOCAL_BIAS = 1.5
_QUIET = 0.1


def new_network(config: NetworkConfig, seed: int) -> SAM2:
    """Build a network with random weights that depend on nothing but the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SAM2(config)
        trunk = network.image_encoder.trunk
        for name, parameter in network.named_parameters():
            if "." not in name:  # the loose embeddings of memory and object pointers
                nn.init.trunc_normal_(parameter, std=_SPREAD)
        for table in (trunk.pos_embed, trunk.pos_embed_window):
            nn.init.trunc_normal_(table, std=_SPREAD)
        for module in network.modules():
            if isinstance(module, CXBlock):
                nn.init.constant_(module.gamma, _QUIET)
            elif isinstance(module, MemoryAttentionLayer):
                _look_at_same_place_in_memory(module)
        _look_at_own_place(network)
    return network


def _look_at_own_place(network: SAM2) -> None:
    transformer = network.sam_mask_decoder.transformer
    cross_attentions: list[Attention] = [transformer.final_attn_token_to_image]
    for layer in cast("Iterable[TwoWayAttentionBlock]", transformer.layers):
        cross_attentions += [layer.cross_attn_token_to_image, layer.cross_attn_image_to_token]
    for attention in cross_attentions:
        nn.init.orthogonal_(attention.q_proj.weight, gain=_MIMETIC_GAIN)
        with torch.no_grad():
            attention.k_proj.weight.copy_(attention.q_proj.weight)
        nn.init.zeros_(attention.q_proj.bias)
        nn.init.zeros_(attention.k_proj.bias)


def _look_at_same_place_in_memory(layer: MemoryAttentionLayer) -> None:
    for projection in (layer.cross_attn_image.q_proj, layer.cross_attn_image.k_proj):
        nn.init.constant_(projection.bias, _LOCAL_BIAS)
    with torch.no_grad():  # what a layer adds starts small
        for last in (layer.self_attn.out_proj, layer.linear2):
            last.weight.mul_(_QUIET)
            last.bias.zero_()
        layer.cross_attn_image.out_proj.weight.mul_(3 * _QUIET)
        layer.cross_attn_image.out_proj.bias.zero_()


@torch.no_grad()
def match_memory_scale(network: SAM2, embedding: Tensor) -> None:
    """Make the memory attention put out what the decoder is used to: `embedding` (B, C, H, W) shows its scale.

    To be called once, before a network that so far has seen stills only learns from clips.
    """
    tokens = network.without_memory(embedding).float().flatten(2).transpose(1, 2).flatten(0, 1)  # (B * H * W, C)
    network.memory_attention.norm.weight.fill_(float(tokens.std(dim=1).mean()))
    network.memory_attention.norm.bias.copy_(tokens.mean(dim=0))
