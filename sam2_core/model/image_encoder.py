"""The image encoder: the Hiera trunk and the feature pyramid neck (paper, section 4 and appendix D)."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.model.config import NetworkConfig
from sam2_core.model.hiera import Hiera
from sam2_core.model.official_names import BackboneOutput, backbone_output, position_maps


class FpnNeck(nn.Module):
    """Project the stages to one width; the two coarsest levels are also summed top-down."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        # Checkpoints list the convolutions from the coarsest level to the finest, each in a container.
        self.convs = nn.ModuleList(
            nn.ModuleDict({"conv": nn.Conv2d(channels, config.width, kernel_size=1)})
            for channels in reversed(config.channels)
        )

    def embedding(self, coarse: Tensor, coarsest: Tensor) -> Tensor:
        """Stage maps of stride 16 and 32 -> the image embedding (B, C, H, W)."""
        top_down = F.interpolate(self.lateral(3)(coarsest).float(), scale_factor=2.0, mode="nearest")
        return self.lateral(2)(coarse) + top_down

    def projected(self, level: int, stage_map: Tensor, projection: nn.Conv2d) -> Tensor:
        """A fine level (0: stride 4, 1: stride 8) after the decoder's 1 x 1 `projection`.

        The two 1 x 1 convolutions are folded into one, which avoids the largest map of the network (C channels at
        stride 4).
        """
        lateral = self.lateral(level)
        kernel = torch.einsum("oc,ci->oi", projection.weight.flatten(1), lateral.weight.flatten(1))
        bias = projection(cast("Tensor", lateral.bias).view(1, -1, 1, 1)).flatten()
        return F.conv2d(stage_map, kernel[:, :, None, None], bias)

    def lateral(self, level: int) -> nn.Conv2d:
        """The 1 x 1 convolution of a level, 0 (stride 4) to 3 (stride 32)."""
        return cast("nn.Conv2d", cast("nn.ModuleDict", self.convs[3 - level])["conv"])

    # --- names of the official `FpnNeck` -----------------------------------------------------------------------

    def forward(self, xs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """The maps of the four stages, fine to coarse -> four maps of C channels, and their position maps."""
        stride4, stride8, stride16, stride32 = xs
        fine = [self.lateral(0)(stride4), self.lateral(1)(stride8)]
        maps = [*fine, self.embedding(stride16, stride32), self.lateral(3)(stride32)]
        return maps, position_maps(maps, self.d_model)

    @property
    def d_model(self) -> int:
        """C, the number of channels of all levels."""
        return self.lateral(0).out_channels

    @property
    def backbone_channel_list(self) -> list[int]:
        """Channels of the stages, coarse to fine."""
        return [self.lateral(level).in_channels for level in (3, 2, 1, 0)]


class ImageEncoder(nn.Module):
    """The trunk and the neck; `SAM2.encode_image` runs them together with the decoder's projections."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.trunk = Hiera(config)
        self.neck = FpnNeck(config)

    def forward(self, sample: Tensor) -> BackboneOutput:
        """Encode normalized images (B, 3, S, S) as the official encoder does: maps of stride 4, 8 and 16, all of C
        channels and not projected for the decoder."""
        maps, _ = self.neck(self.trunk(sample))
        return backbone_output(maps[:-1], self.neck.d_model)


def is_untouched(encoder: nn.Module) -> bool:
    """Whether an image encoder and its neck are ours, without hooks and with the methods of their classes."""
    if type(encoder) is not ImageEncoder or type(encoder.neck) is not FpnNeck:
        return False
    parts = (encoder, encoder.neck)
    return not any("forward" in vars(part) or part._forward_hooks or part._forward_pre_hooks for part in parts)
