"""The image encoder: the Hiera trunk and the feature pyramid neck (paper, section 4 and appendix D)."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.model.config import NetworkConfig
from sam2_core.model.hiera import Hiera


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
        top_down = F.interpolate(self._lateral(3)(coarsest).float(), scale_factor=2.0, mode="nearest")
        return self._lateral(2)(coarse) + top_down

    def projected(self, level: int, stage_map: Tensor, projection: nn.Conv2d) -> Tensor:
        """A fine level (0: stride 4, 1: stride 8) after the decoder's 1 x 1 `projection`.

        The two 1 x 1 convolutions are folded into one, which avoids the largest map of the network (C channels at
        stride 4).
        """
        lateral = self._lateral(level)
        kernel = torch.einsum("oc,ci->oi", projection.weight.flatten(1), lateral.weight.flatten(1))
        bias = projection(cast("Tensor", lateral.bias).view(1, -1, 1, 1)).flatten()
        return F.conv2d(stage_map, kernel[:, :, None, None], bias)

    def _lateral(self, level: int) -> nn.Conv2d:
        return cast("nn.Conv2d", cast("nn.ModuleDict", self.convs[3 - level])["conv"])


class ImageEncoder(nn.Module):
    """Container of the trunk and the neck; `SAM2.encode_image` runs them with the decoder's projections."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.trunk = Hiera(config)
        self.neck = FpnNeck(config)
