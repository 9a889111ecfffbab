"""The prompt encoder of SAM (Kirillov et al. 2023, section 3): points and boxes to tokens, mask prompts to a map."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sam2_core.model.config import SegmentationConfig
from sam2_core.model.derived import derived
from sam2_core.model.layers import LayerNorm2d
from sam2_core.model.position_encoding import PositionEmbeddingRandom


class PromptEncoder(nn.Module):
    """Point labels: 1 positive, 0 negative, 2 and 3 the first and second corner of a box, -1 no point."""

    def __init__(self, config: SegmentationConfig) -> None:
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

    def forward(
        self,
        points: tuple[Tensor, Tensor] | None = None,
        boxes: Tensor | None = None,
        masks: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Embed the prompts of B objects, with the official signature.

        Points as coordinates (B, N, 2) in pixels of the S x S input and labels (B, N), boxes (B, 4), mask logits
        (B, 1, 4H, 4W) -> tokens (B, N', C) and a map (B, C, H, W). Without points and boxes there are no tokens.
        """
        tokens = []
        if points is not None:
            tokens.append(self.embed_points(*points, pad=boxes is None))
        if boxes is not None:
            tokens.append(self.embed_boxes(boxes))
        if not tokens:
            batch = 1 if masks is None else len(masks)
            tokens.append(self.no_mask_embed.weight.new_zeros(batch, 0, self.embed_dim))
        sparse = torch.cat(tokens, dim=1)
        return sparse, self.embed_mask(masks, len(sparse))

    def embed_points(self, coords: Tensor, labels: Tensor, pad: bool = True) -> Tensor:
        """Coordinates (B, N, 2) in pixels of the S x S input and labels (B, N) -> tokens (B, N + 1, C).

        The last token is always "no point"; without `pad` it is left out.
        """
        positions, labels = (coords.float() + 0.5) / self.image_size, labels.long()
        if pad:
            positions = torch.cat([positions, positions.new_zeros(len(positions), 1, 2)], dim=1)
            labels = torch.cat([labels, labels.new_full((len(labels), 1), -1)], dim=1)
        by_label = torch.cat([embedding.weight for embedding in (self.not_a_point_embed, *self.point_embeddings)])
        is_point = (labels >= 0)[..., None]
        return torch.where(is_point, self.pe_layer(positions), 0.0) + by_label[labels + 1]

    def embed_boxes(self, boxes: Tensor) -> Tensor:
        """Boxes (B, 4) as left, top, right, bottom in pixels of the S x S input -> tokens (B, 2, C)."""
        corners = boxes.reshape(-1, 2, 2)
        return self.embed_points(corners, torch.tensor([[2, 3]], device=boxes.device).expand(len(corners), -1), False)

    def embed_mask(self, logits: Tensor | None, batch: int) -> Tensor:
        """Mask logits (B, 1, 4H, 4W), or None for no mask prompt -> (B, C, H, W)."""
        if logits is not None:
            return self.mask_downscaling(logits)
        no_mask = self.no_mask_embed.weight[:, :, None, None]
        return no_mask.expand(batch, -1, self.embedding_size, self.embedding_size)

    def image_positions(self) -> Tensor:
        """The position encoding of the image embedding, the same as that of points: (1, C, H, W)."""
        layer, side = self.pe_layer, self.embedding_size
        return derived(layer, side, (layer.positional_encoding_gaussian_matrix,), lambda: layer.grid(side))

    # --- names of the official `PromptEncoder` -----------------------------------------------------------------

    num_point_embeddings = 4

    def get_dense_pe(self) -> Tensor:
        """`image_positions`."""
        return self.image_positions()

    @property
    def embed_dim(self) -> int:
        """C, the width of tokens and map."""
        return self.no_mask_embed.embedding_dim

    @property
    def input_image_size(self) -> tuple[int, int]:
        """(S, S)."""
        return (self.image_size, self.image_size)

    @property
    def image_embedding_size(self) -> tuple[int, int]:
        """(H, W)."""
        return (self.embedding_size, self.embedding_size)

    @property
    def mask_input_size(self) -> tuple[int, int]:
        """(4H, 4W)."""
        return (4 * self.embedding_size, 4 * self.embedding_size)

    def _embed_points(self, points: Tensor, labels: Tensor, pad: bool) -> Tensor:
        return self.embed_points(points, labels, pad)

    def _embed_boxes(self, boxes: Tensor) -> Tensor:
        return self.embed_boxes(boxes)

    def _embed_masks(self, masks: Tensor) -> Tensor:
        return self.embed_mask(masks, len(masks))
