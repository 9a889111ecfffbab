"""The same weights at another input size, so that training can begin with small images."""

from __future__ import annotations

from dataclasses import replace

from sam2_core.model.clip_prompt import add_clip_prompt, clip_prompt_of
from sam2_core.model.network import SAM2
from sam2_core.model.sam import Network
from sam2_core.training.trainable_parts import add_low_rank, low_rank
from sam2_core.weights import without_values


def at_size(network: Network, size: int) -> Network:
    """The network for square images of `size` pixels; all parameters are shared with the original.

    A network of SAM has one size only, that of its position embeddings.
    """
    if network.image_size == size:
        return network
    if not isinstance(network, SAM2):
        raise ValueError(f"{network.config.name} takes images of {network.image_size} pixels only.")
    with without_values():
        view = SAM2(replace(network.config, image_size=size))
        if (rank := low_rank(network)) is not None:
            add_low_rank(view, rank)
        if (clip := clip_prompt_of(network)) is not None:
            add_clip_prompt(view, clip.projection.in_features)
    for mine, original in zip(view.parameters(), network.parameters(), strict=True):
        mine.requires_grad_(original.requires_grad)  # assignment keeps the flag of what it replaces
    view.load_state_dict(network.state_dict(keep_vars=True), assign=True)
    return view.train(network.training)
