"""The same weights at another input size: position tables stretch, so a network can learn small and run large."""

from __future__ import annotations

from dataclasses import replace

import torch

from sam2_core.model.network import SAM2
from sam2_core.training.trainable_parts import add_low_rank, low_rank


def at_size(network: SAM2, size: int) -> SAM2:
    """A view of the network for images of `size` pixels; it shares all parameters with the original."""
    if network.image_size == size:
        return network
    with torch.device("meta"):
        view = SAM2(replace(network.config, image_size=size))
        if (rank := low_rank(network)) is not None:
            add_low_rank(view, rank)
    for mine, original in zip(view.parameters(), network.parameters(), strict=True):
        mine.requires_grad_(original.requires_grad)  # what is assigned takes this over from what was there
    view.load_state_dict(network.state_dict(keep_vars=True), assign=True)
    return view.train(network.training)
