"""Initial weights of a network that is trained from scratch.

Apart from small random values, two choices make attention useful from the first step. In the mask decoder queries and
keys have the same projection, so a point attends to its own position ("mimetic" initialization, Trockman and Kolter
2023). In the memory attention queries and keys start as the same constant, so the rotary encoding alone decides, and a
pixel attends to its own position in the memory.
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

_STD = 0.02
_MIMETIC_GAIN = 1.2
_LOCAL_BIAS = 1.5
_SMALL_SCALE = 0.1


def new_network(config: NetworkConfig, seed: int) -> SAM2:
    """Build a network with random weights that depend only on the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SAM2(config)
        trunk = network.image_encoder.trunk
        for name, parameter in network.named_parameters():
            if "." not in name:  # embeddings of memory and object pointers
                nn.init.trunc_normal_(parameter, std=_STD)
        for table in (trunk.pos_embed, trunk.pos_embed_window):
            nn.init.trunc_normal_(table, std=_STD)
        for module in network.modules():
            if isinstance(module, CXBlock):
                nn.init.constant_(module.gamma, _SMALL_SCALE)
            elif isinstance(module, MemoryAttentionLayer):
                _attend_to_same_position_in_memory(module)
        _attend_to_own_position(network)
    return network


def _attend_to_own_position(network: SAM2) -> None:
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


def _attend_to_same_position_in_memory(layer: MemoryAttentionLayer) -> None:
    for projection in (layer.cross_attn_image.q_proj, layer.cross_attn_image.k_proj):
        nn.init.constant_(projection.bias, _LOCAL_BIAS)
    with torch.no_grad():  # residual branches start small
        for last in (layer.self_attn.out_proj, layer.linear2):
            last.weight.mul_(_SMALL_SCALE)
            last.bias.zero_()
        layer.cross_attn_image.out_proj.weight.mul_(3 * _SMALL_SCALE)
        layer.cross_attn_image.out_proj.bias.zero_()


@torch.no_grad()
def match_memory_scale(network: SAM2, embedding: Tensor) -> None:
    """Give the output of the memory attention the mean and scale of `embedding` (B, C, H, W), in place.

    To be called once before the first step on clips: until then the decoder has only seen embeddings without memory.
    """
    tokens = network.without_memory(embedding).float().flatten(2).transpose(1, 2).flatten(0, 1)  # (B * H * W, C)
    network.memory_attention.norm.weight.fill_(float(tokens.std(dim=1).mean()))
    network.memory_attention.norm.bias.copy_(tokens.mean(dim=0))
