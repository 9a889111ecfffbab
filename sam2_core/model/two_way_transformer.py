"""The two-way transformer of the mask decoder (SAM, appendix A): tokens and image attend to each other."""

from __future__ import annotations

from torch import Tensor, nn

from sam2_core.model.attention import Attention
from sam2_core.model.config import SegmentationConfig, ViTConfig
from sam2_core.model.layers import MLP, MLPBlock, cpu_autocast


class TwoWayAttentionBlock(nn.Module):
    """Self-attention of tokens, attention of tokens to image, MLP on tokens, attention of image to tokens."""

    def __init__(self, config: SegmentationConfig, first: bool) -> None:
        super().__init__()
        width, heads = config.width, config.decoder_heads
        self.first = first
        self.self_attn = Attention(width, heads)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn_token_to_image = Attention(width, heads, inner_width=width // 2)
        self.norm2 = nn.LayerNorm(width)
        is_sam = isinstance(config, ViTConfig)
        self.mlp = MLPBlock(width, config.decoder_mlp, "relu") if is_sam else MLP((width, config.decoder_mlp, width))
        self.norm3 = nn.LayerNorm(width)
        self.cross_attn_image_to_token = Attention(width, heads, inner_width=width // 2)
        self.norm4 = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, image: Tensor, token_pe: Tensor, image_pe: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, C) and image (B, H * W, C), each with its positions -> updated tokens and image."""
        if self.first:  # tokens equal their positions here, and there is no residual
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            placed = tokens + token_pe
            tokens = tokens + self.self_attn(placed, placed, tokens)
        tokens = self.norm1(tokens)
        placed_image = image + image_pe
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + token_pe, placed_image, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = self.norm4(image + self.cross_attn_image_to_token(placed_image, tokens + token_pe, tokens))
        return tokens, image


class TwoWayTransformer(nn.Module):
    """Two-way blocks and a final attention of tokens to the image."""

    def __init__(self, config: SegmentationConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TwoWayAttentionBlock(config, first=index == 0) for index in range(config.decoder_depth)
        )
        self.final_attn_token_to_image = Attention(config.width, config.decoder_heads, inner_width=config.width // 2)
        self.norm_final_attn = nn.LayerNorm(config.width)

    def forward(self, tokens: Tensor, image: Tensor, image_pe: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, C), image and its positions (B, C, H, W) -> tokens (B, N, C), image (B, C, H, W)."""
        size = image.shape[-2:]
        token_pe = tokens
        dtype = cpu_autocast(image) or image.dtype
        keys, key_pe = (x.flatten(2).transpose(1, 2).to(dtype).contiguous() for x in (image, image_pe))  # (B, H * W, C)
        for layer in self.layers:
            tokens, keys = layer(tokens, keys, token_pe, key_pe)
        tokens = tokens + self.final_attn_token_to_image(tokens + token_pe, keys + key_pe, keys)
        return self.norm_final_attn(tokens), keys.transpose(1, 2).unflatten(2, size)
