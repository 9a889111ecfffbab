"""Memory attention (paper, section 4): conditions the current frame on memories and object pointers."""

from __future__ import annotations

from torch import Tensor, nn

from sam2_core.model.attention import RotaryAttention
from sam2_core.model.config import NetworkConfig
from sam2_core.model.layers import Linear, activated


class MemoryAttentionLayer(nn.Module):
    """Self-attention of the frame, cross-attention to the memory, MLP."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.self_attn = RotaryAttention(width)
        self.cross_attn_image = RotaryAttention(width, key_width=config.memory_width)
        self.linear1 = Linear(width, config.memory_mlp)
        self.linear2 = Linear(config.memory_mlp, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, image: Tensor, memory: Tensor, memory_pe: Tensor, pointers: int) -> Tensor:
        """Image tokens (B or 1, H * W, C), memory tokens and positions (B, K, D), the last `pointers` of which are
        object pointers -> (B, H * W, C)."""
        normed = self.norm1(image)
        image = (image + self.self_attn(normed, normed, normed)).expand(len(memory), -1, -1)
        normed = self.norm2(image)
        image = image + self.cross_attn_image(normed, memory + memory_pe, memory, unrotated=pointers)
        normed = self.norm3(image)
        return image + self.linear2(activated(self.linear1, normed, "relu"))


class MemoryAttention(nn.Module):
    """A stack of memory attention layers."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(MemoryAttentionLayer(config) for _ in range(config.memory_layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, image: Tensor, image_pe: Tensor, memory: Tensor, memory_pe: Tensor, pointers: int) -> Tensor:
        """Image and positions (B or 1, C, H, W), memory tokens and positions (B, K, D) -> (B, C, H, W)."""
        size = image.shape[-2:]
        tokens = (image + 0.1 * image_pe).flatten(2).transpose(1, 2)  # (B, H * W, C)
        for layer in self.layers:
            tokens = layer(tokens, memory, memory_pe, pointers)
        out: Tensor = self.norm(tokens)
        return out.transpose(1, 2).unflatten(2, size)
