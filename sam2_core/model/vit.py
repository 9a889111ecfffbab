"""The image encoder of SAM: a plain vision transformer with windowed and global attention, and a neck.

Kirillov et al. 2023, "Segment Anything", section 3 and appendix A; the backbone is that of Li et al. 2022, "Exploring
Plain Vision Transformer Backbones for Object Detection". P is the number of tokens along a side of the image, S / 16,
and E the width of the transformer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.model.config import ViTConfig
from sam2_core.model.layers import LayerNorm2d, MLPBlock

_QUERIES_PER_STEP = 512  # of global attention, which bounds the memory that the position bias takes


class RelativeAttention(nn.Module):
    """Self-attention on a map whose scores get a bias for the distance in rows and one for the distance in columns."""

    def __init__(self, width: int, heads: int, side: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, width // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, width // heads))

    def forward(self, x: Tensor) -> Tensor:
        """(B, P, P, E) -> (B, P, P, E); P is the side for which the module was built."""
        _, height, width, _ = x.shape
        q, k, v = (
            self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(3, 0, 4, 1, 2, 5)
        )  # (B, heads, P, P, E / heads)
        keys, values = k.flatten(2, 3), v.flatten(2, 3)
        rows, columns = _distances(self.rel_pos_h, height), _distances(self.rel_pos_w, width)  # (P, P, E / heads)
        step = max(1, _QUERIES_PER_STEP // width)
        mixed = [
            self._attend(q[:, :, top : top + step], keys, values, rows[top : top + step], columns)
            for top in range(0, height, step)
        ]
        return self.proj(torch.cat(mixed, dim=2).transpose(1, 2).flatten(2).unflatten(1, (height, width)))

    def _attend(self, q: Tensor, keys: Tensor, values: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Some rows of queries (B, heads, R, P, E / heads) -> (B, heads, R * P, E / heads)."""
        row_bias = torch.einsum("bnhwc,hkc->bnhwk", q, rows)
        column_bias = torch.einsum("bnhwc,wkc->bnhwk", q, columns)
        bias = (row_bias[..., :, None] + column_bias[..., None, :]).flatten(-2).flatten(2, 3)
        return F.scaled_dot_product_attention(q.flatten(2, 3), keys, values, attn_mask=bias)


def _distances(table: Tensor, side: int) -> Tensor:
    """A table (2 P - 1, C) of vectors for the distances 1 - P to P - 1 -> those of each query and key, (P, P, C)."""
    places = torch.arange(side, device=table.device)
    return table[places[:, None] - places[None, :] + side - 1]


class Block(nn.Module):
    """Attention and MLP with residuals; with a `window`, attention stays within windows of this side."""

    def __init__(self, config: ViTConfig, window: int) -> None:
        super().__init__()
        width = config.embed_dim
        self.window = window
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = RelativeAttention(width, config.num_heads, window or config.embedding_size)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = MLPBlock(width, 4 * width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, P, P, E) -> (B, P, P, E)."""
        normalized = self.norm1(x)
        x = x + (self._in_windows(normalized) if self.window else self.attn(normalized))
        return x + self.mlp(self.norm2(x))

    def _in_windows(self, x: Tensor) -> Tensor:
        """Attention within windows; the map is padded with zeros, which take part as in the official code."""
        (batch, height, width, _), side = x.shape, self.window
        padded = F.pad(x, (0, 0, 0, -width % side, 0, -height % side))
        down, across = padded.shape[1] // side, padded.shape[2] // side
        windows = padded.unflatten(2, (across, side)).unflatten(1, (down, side))  # (B, down, side, across, side, E)
        mixed = self.attn(windows.transpose(2, 3).flatten(0, 2))
        restored = mixed.unflatten(0, (batch, down, across)).transpose(2, 3).flatten(3, 4).flatten(1, 2)
        return restored[:, :height, :width]


class PatchEmbed(nn.Module):
    """Patches of 16 x 16 pixels to tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=16, stride=16)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, P, P, E)."""
        return self.proj(image).permute(0, 2, 3, 1)


class ImageEncoderViT(nn.Module):
    """The transformer and its neck. Attributes have the names of the official checkpoints."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        side = config.embedding_size
        self.img_size = config.image_size
        self.patch_embed = PatchEmbed(config.embed_dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, side, side, config.embed_dim))
        self.blocks = nn.ModuleList(
            Block(config, 0 if index in config.global_attention_blocks else config.window_size)
            for index in range(config.depth)
        )
        self.neck = nn.Sequential(
            nn.Conv2d(config.embed_dim, config.width, kernel_size=1, bias=False),
            LayerNorm2d(config.width),
            nn.Conv2d(config.width, config.width, kernel_size=3, padding=1, bias=False),
            LayerNorm2d(config.width),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Normalized and padded images (B, 3, S, S) -> embeddings (B, C, P, P)."""
        x = self.patch_embed(image) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2))
