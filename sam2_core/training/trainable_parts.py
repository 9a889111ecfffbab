"""Which parameters are trained: all, the decoder, decoder and memory, the decoder and low-rank changes to the trunk, or
only the head of the predicted IoU, which leaves all masks as they are.

Low-rank adaptation (LoRA, Hu et al. 2021) freezes a weight matrix and trains a low-rank product that is added to it.
The product is merged into the weight when weights are saved, so files keep the official layout.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from sam2_core.model.clip_prompt import split_clip_prompt
from sam2_core.model.sam import Network
from sam2_core.model.vit import ImageEncoderViT

DECODER = ("sam_mask_decoder.", "sam_prompt_encoder.", "mask_decoder.", "prompt_encoder.")
"""Names in SAM 2 and in SAM."""

IOU_HEAD = ("sam_mask_decoder.iou_prediction_head.", "mask_decoder.iou_prediction_head.")
IMAGE_ENCODER = "image_encoder."
HIGH_RES_PROJECTIONS = ("sam_mask_decoder.conv_s0.", "sam_mask_decoder.conv_s1.")
"""What the decoder does to the image encoder's output before any prompt: it is part of the image features."""

FROZEN_ENCODER = ("decoder", "memory", "quality")
"""The `train` settings that leave the image encoder as it is."""

_ADAPTED = ("attn.qkv", "attn.proj")
_ORIGINAL, _ADDED = "parametrizations.weight.original", "parametrizations.weight.0."


class LowRank(nn.Module):
    """Adds `up @ down` to a weight (out, in): `up` (out, rank) starts at zero, `down` is (rank, in)."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        out_width, in_width = weight.shape
        self.down = nn.Parameter(torch.empty(rank, in_width, device=weight.device))
        self.up = nn.Parameter(torch.zeros(out_width, rank, device=weight.device))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight plus the product."""
        return weight + self.up @ self.down


def add_low_rank(network: Network, rank: int) -> None:
    """Add a `LowRank` to the attention's weights in each block of the trunk, in place."""
    encoder = network.image_encoder
    for block in encoder.blocks if isinstance(encoder, ImageEncoderViT) else encoder.trunk.blocks:
        for name in _ADAPTED:
            layer = cast("nn.Linear", block.get_submodule(name))
            parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank))


def low_rank(network: Network) -> int | None:
    """The rank that `add_low_rank` was called with, None for a network without such changes."""
    ranks = [module.up.shape[1] for module in network.modules() if isinstance(module, LowRank)]
    return ranks[0] if ranks else None


def merged(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict with low-rank changes merged, under the names of a network without them and without `ClipPrompt`."""
    plain, _ = split_clip_prompt({name: value for name, value in state.items() if "parametrizations." not in name})
    for name in state:
        if name.endswith(_ORIGINAL):
            layer = name.removesuffix(_ORIGINAL)
            change = state[f"{layer}{_ADDED}up"].float() @ state[f"{layer}{_ADDED}down"].float()
            plain[f"{layer}weight"] = state[name] + change.to(state[name].dtype)
    return plain


def trainable_names(network: Network, train: str, fixed_features: bool = False) -> frozenset[str]:
    """Names of the parameters to train, for a `train` setting of `TrainingConfig`; with `fixed_features` only those
    that the image features do not depend on."""
    names = [name for name, _ in network.named_parameters()]
    if fixed_features:
        names = [name for name in names if not name.startswith((IMAGE_ENCODER, *HIGH_RES_PROJECTIONS))]
    if train == "all":
        return frozenset(names)
    if train == "quality":
        return frozenset(name for name in names if name.startswith(IOU_HEAD))
    chosen = {name for name in names if name.startswith(DECODER)}
    if train == "memory":
        chosen |= {name for name in names if not name.startswith(IMAGE_ENCODER)}
    if train == "lora":
        chosen |= {name for name in names if _ADDED in name}
    return frozenset(chosen)


def set_trainable(network: nn.Module, names: frozenset[str]) -> None:
    """Require gradients of these parameters and of no others."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in names)
