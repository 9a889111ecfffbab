"""Hiera (Ryali et al. 2023): a plain hierarchical vision transformer, the trunk of the image encoder.

Every stage but the first halves the map and doubles channels and heads, by max-pooling the queries of its first block.
Attention is windowed, except in a few global blocks.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parameter import Parameter

from sam2_core.model.attention import attention
from sam2_core.model.config import NetworkConfig
from sam2_core.model.derived import derived, is_cpu_inference
from sam2_core.model.layers import MLP, Linear, cpu_autocast

_BAND = 8192
"""Tokens of a band, with which a block's intermediate results fit into caches."""


class PatchEmbed(nn.Module):
    """Image (B, 3, S, S) -> tokens (B, S/4, S/4, channels)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, kernel_size=7, stride=4, padding=3)

    def forward(self, image: Tensor) -> Tensor:
        # With channels last the tokens come out in one piece each.
        # A copy in any case: kernels are chosen by strides, and those of a single picture may be anything.
        dtype = cpu_autocast(image) or image.dtype
        image = image.to(dtype=dtype, memory_format=torch.channels_last, copy=True)
        return self.proj(image).permute(0, 2, 3, 1)


def _max_pool(x: Tensor) -> Tensor:
    """(B, H, W, C) -> (B, H / 2, W / 2, C)."""
    return F.max_pool2d(x.permute(0, 3, 1, 2), kernel_size=2, stride=2).permute(0, 2, 3, 1)


class MultiScaleAttention(nn.Module):
    """Self-attention within each (H, W) map of a batch, optionally with pooled queries."""

    def __init__(self, width: int, out_width: int, heads: int, pool: bool) -> None:
        super().__init__()
        self.heads = heads
        self.pool = pool
        self.qkv = Linear(width, 3 * out_width)
        self.proj = Linear(out_width, out_width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H', W', C') at half the size if queries are pooled, else at the same size."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        if self.pool:
            q = _max_pool(q)
        size = q.shape[1:3]
        mixed = attention(self._split(q), self._split(k), self._split(v))
        return self.proj(mixed.transpose(1, 2).flatten(2).unflatten(1, size))

    def _split(self, x: Tensor) -> Tensor:
        return x.flatten(1, 2).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, H * W, C / heads)


class MultiScaleBlock(nn.Module):
    """Attention and MLP with residual connections; `window` 0 means global attention."""

    def __init__(self, width: int, out_width: int, heads: int, window: int, pool: bool) -> None:
        super().__init__()
        self.window = window
        self.pool = pool
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = MultiScaleAttention(width, out_width, heads, pool)
        self.norm2 = nn.LayerNorm(out_width, eps=1e-6)
        self.mlp = MLP((out_width, 4 * out_width, out_width), "gelu")
        if width != out_width:
            self.proj = Linear(width, out_width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H', W', C'), half the size with pooling."""
        rows = max(1, _BAND // (x.shape[2] * self.window)) * self.window if self.window else 0
        if not is_cpu_inference(x) or not 0 < rows < x.shape[1]:
            return self._run(x)
        # Windows do not see each other: a band of them at a time stays in the caches.
        return torch.cat([self._run(band) for band in x.split(rows, dim=1)], dim=1)

    def _run(self, x: Tensor) -> Tensor:
        normed = self.norm1(x)
        if self.pool:
            x = _max_pool(self.proj(normed))
        x = x + self._windowed_attention(normed, out_size=(x.shape[1], x.shape[2]))
        return x + self.mlp(self.norm2(x))

    def _windowed_attention(self, x: Tensor, out_size: tuple[int, int]) -> Tensor:
        if self.window == 0:
            return self.attn(x)
        windows, grid = partition_windows(x, self.window)
        return join_windows(self.attn(windows), grid, out_size)


def partition_windows(x: Tensor, window: int) -> tuple[Tensor, tuple[int, int]]:
    """Cut a zero-padded (B, H, W, C) map into (B * rows * columns, window, window, C); also returns (rows, columns)."""
    batch, height, width, channels = x.shape
    x = F.pad(x, (0, 0, 0, -width % window, 0, -height % window))
    rows, columns = x.shape[1] // window, x.shape[2] // window
    x = x.view(batch, rows, window, columns, window, channels).transpose(2, 3)
    return x.reshape(-1, window, window, channels), (rows, columns)


def join_windows(windows: Tensor, grid: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """The inverse of `partition_windows`, without the padding: (B, *size, C)."""
    x = windows.unflatten(0, (-1, *grid)).transpose(2, 3)  # (B, rows, window, columns, window, C)
    return x.flatten(3, 4).flatten(1, 2)[:, : size[0], : size[1]]


class Hiera(nn.Module):
    """Image (B, 3, S, S) -> one map per stage, (B, C_i, S / 4 / 2**i, S / 4 / 2**i), fine to coarse."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(config.embed_dim)
        self.pos_embed = Parameter(torch.zeros(1, config.embed_dim, *config.background_size))
        self.pos_embed_window = Parameter(
            torch.zeros(1, config.embed_dim, config.window_sizes[0], config.window_sizes[0])
        )
        self.stage_ends = [sum(config.stages[: stage + 1]) - 1 for stage in range(4)]
        self.channel_list = list(reversed(config.channels))  # official, for code that takes the trunk as a backbone
        self.blocks = nn.ModuleList(_blocks(config))

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.patch_embed(image)
        # Autocast keeps residuals in fp32. On CPUs moving these costs more than the arithmetic.
        x = x + self._position(x.shape[1], x.shape[2], cpu_autocast(x) or self.pos_embed.dtype)
        maps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.stage_ends:
                maps.append(x.permute(0, 3, 1, 2))
        return maps

    def _position(self, height: int, width: int, dtype: torch.dtype) -> Tensor:
        """Resized background embedding plus tiled window embedding (Bolya et al. 2023): (1, H, W, C)."""

        def compute() -> Tensor:
            background = F.interpolate(self.pos_embed, size=(height, width), mode="bicubic")
            window = self.pos_embed_window
            tiled = window.tile(1, 1, height // window.shape[2], width // window.shape[3])
            return (background + tiled).permute(0, 2, 3, 1).contiguous().to(dtype)

        return derived(self, ("position", height, width, dtype), (self.pos_embed, self.pos_embed_window), compute)


def _blocks(config: NetworkConfig) -> list[MultiScaleBlock]:
    blocks: list[MultiScaleBlock] = []
    for stage, depth in enumerate(config.stages):
        out_width, heads = config.channels[stage], config.num_heads * 2**stage
        for position in range(depth):
            pool = stage > 0 and position == 0
            # The pooling block uses the window size of the stage before.
            window = config.window_sizes[stage - 1 if pool else stage]
            if len(blocks) in config.global_attention_blocks:
                window = 0
            width = config.channels[stage - 1] if pool else out_width
            blocks.append(MultiScaleBlock(width, out_width, heads, window, pool))
    return blocks
