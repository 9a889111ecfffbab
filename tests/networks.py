"""A small network for tests: all parts of SAM 2 at an input of 64 pixels, with fixed random weights."""

from __future__ import annotations

from functools import lru_cache

import torch

from sam2_core.model.config import NetworkConfig
from sam2_core.model.network import SAM2

TINY = NetworkConfig(
    name="test",
    image_size=64,
    embed_dim=8,
    stages=(1, 1, 1, 1),
    global_attention_blocks=(2,),
    window_sizes=(4, 4, 4, 2),
    background_size=(4, 4),
    width=32,
    mask_prompt_channels=4,
    decoder_heads=2,
    decoder_mlp=32,
    iou_head_width=32,
    memory_width=16,
    memory_layers=1,
    memory_mlp=32,
    fuser_layers=1,
)


@lru_cache(maxsize=1)
def tiny_network() -> SAM2:
    """Shared by all tests, which must not change its weights."""
    torch.manual_seed(0)
    network = SAM2(TINY).eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1 and "embed" not in name:
            torch.nn.init.xavier_normal_(parameter.flatten(1), gain=1.5)
        elif not name.endswith("weight"):
            torch.nn.init.normal_(parameter, std=0.2)
    # A high object score, so that masks are not hidden.
    torch.nn.init.constant_(network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias, 5.0)
    return network
