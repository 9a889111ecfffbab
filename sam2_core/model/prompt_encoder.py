"""The prompt encoder of SAM (Kirillov et al. 2023, section 3): points and boxes to tokens, mask prompts to a map."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sam2_core.model.config import NetworkConfig
from sam2_core.model.layers import LayerNorm2d
from sam2_core.model.position_encoding import PositionEmbeddingRandom


class PromptEncoder(nn.Module):
    """Point labels: 1 positive, 0 negative, 2 and 3 the first and second corner of a box, -1 no point."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.mask_prompt_channels
        self.image_size = config.image_size
        self.embedding_size = config.embedding_size
        self.pe_layer = PositionEmbeddingRandom(width)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, width) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, width)
        self.no_mask_embed = nn.Embedding(1, width)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, hidden // 4, kernel_size=2, stride=2),
            LayerNorm2d(hidden // 4),
            nn.GELU(),
            nn.Conv2d(hidden // 4, hidden, kernel_size=2, stride=2),
            LayerNorm2d(hidden),
            nn.GELU(),
            nn.Conv2d(hidden, width, kernel_size=1),
        )

    def embed_points(self, coords: Tensor, labels: Tensor) -> Tensor:
        """Coordinates (B, N, 2) in pixels of the S x S input and labels (B, N) -> tokens (B, N + 1, C).

        The last token is always "no point".
        """
        positions = (coords.float() + 0.5) / self.image_size
        positions = torch.cat([positions, positions.new_zeros(len(positions), 1, 2)], dim=1)
        labels = torch.cat([labels, labels.new_full((len(labels), 1), -1)], dim=1)
        by_label = torch.cat([embedding.weight for embedding in (self.not_a_point_embed, *self.point_embeddings)])
        is_point = (labels >= 0)[..., None]
        return torch.where(is_point, self.pe_layer(positions), 0.0) + by_label[labels.long() + 1]

    def embed_mask(self, logits: Tensor | None, batch: int) -> Tensor:
        """Mask logits (B, 1, 4H, 4W), or None for no mask prompt -> (B, C, H, W)."""
        if logits is not None:
            return self.mask_downscaling(logits)
        no_mask = self.no_mask_embed.weight[:, :, None, None]
        return no_mask.expand(batch, -1, self.embedding_size, self.embedding_size)

    def image_positions(self) -> Tensor:
        """The position encoding of the image embedding, the same as that of points: (1, C, H, W)."""
        return self.pe_layer.grid(self.embedding_size)
