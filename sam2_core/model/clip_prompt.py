"""A text prompt as the SAM paper explores it (Kirillov et al. 2023, section 7.5 and appendix D.5): an embedding of CLIP
becomes a prompt token. In training it is that of a crop around a mask, later that of a text."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.model.network import SAM2

MODULE = "sam_prompt_encoder.clip."
"""Beginning of the names of its weights in a network that is trained with it."""


class ClipPrompt(nn.Module):
    """Projects embeddings of CLIP (N, D) to prompt tokens (N, 1, C)."""

    def __init__(self, clip_width: int, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(clip_width, width)

    def forward(self, embeddings: Tensor) -> Tensor:
        """The length of an embedding does not count."""
        unit = F.normalize(embeddings.float(), dim=-1)
        token: Tensor = self.projection(unit * unit.shape[-1] ** 0.5)
        return token[:, None]


def add_clip_prompt(network: SAM2, clip_width: int) -> None:
    """Add a `ClipPrompt` to the prompt encoder, in place, so that it is trained with it."""
    network.sam_prompt_encoder.clip = ClipPrompt(clip_width, network.config.width).to(network.device)


def clip_prompt_of(network: nn.Module) -> ClipPrompt | None:
    """What `add_clip_prompt` added, None for a network without it."""
    return next((module for module in network.modules() if isinstance(module, ClipPrompt)), None)


def split_clip_prompt(weights: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights of the network, and those of its `ClipPrompt` under their own names."""
    plain = {name: value for name, value in weights.items() if not name.startswith(MODULE)}
    added = {name.removeprefix(MODULE): value for name, value in weights.items() if name.startswith(MODULE)}
    return plain, added
