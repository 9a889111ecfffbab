"""The memory encoder (paper, section 4): fuses an image embedding and a mask into a spatial memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sam2_core.model.config import NetworkConfig
from sam2_core.model.layers import LayerNorm2d, Linear, activated


class MaskDownSampler(nn.Module):
    """Mask (B, 1, S, S) -> (B, C, H, W) in four steps of stride 2, each with four times the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (1, 4, 16, 64):
            layers += [
                nn.Conv2d(channels, 4 * channels, kernel_size=3, stride=2, padding=1),
                LayerNorm2d(4 * channels),
                nn.GELU(),
            ]
        self.encoder = nn.Sequential(*layers, nn.Conv2d(256, width, kernel_size=1))

    def forward(self, mask: Tensor) -> Tensor:
        return self.encoder(mask)


class CXBlock(nn.Module):
    """A ConvNeXt block (Liu et al. 2022) on a (B, C, H, W) map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, kernel_size=7, padding=3, groups=width)
        self.norm = LayerNorm2d(width)
        self.pwconv1 = Linear(width, 4 * width)
        self.pwconv2 = Linear(4 * width, width)
        self.gamma = nn.Parameter(torch.full((width,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.norm.channels_last(self.dwconv(x).permute(0, 2, 3, 1))  # (B, H, W, C)
        mixed = self.gamma.to(mixed.dtype) * self.pwconv2(activated(self.pwconv1, mixed, "gelu"))
        return x + mixed.permute(0, 3, 1, 2)


class Fuser(nn.Module):
    """A stack of ConvNeXt blocks."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(CXBlock(config.width) for _ in range(config.fuser_layers))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class MemoryEncoder(nn.Module):
    """Image embedding (B, C, H, W) and scaled mask (B, 1, S, S) -> spatial memory (B, D, H, W)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.mask_downsampler = MaskDownSampler(config.width)
        self.pix_feat_proj = nn.Conv2d(config.width, config.width, kernel_size=1)
        self.fuser = Fuser(config)
        self.out_proj = nn.Conv2d(config.width, config.memory_width, kernel_size=1)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        image, mask = (x.contiguous(memory_format=torch.channels_last) for x in (image, mask))
        return self.out_proj(self.fuser(self.pix_feat_proj(image) + self.mask_downsampler(mask)))
