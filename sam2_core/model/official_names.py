"""The official `SAM2Base` as published code uses it: a base class of `SAM2` with its settings and methods.

It serves code that reaches into the model, such as exporters and predictors that call `forward_image`. `forward` of the
encoders and of the mask decoder has the official signature and result; what else code uses of these parts stands at the
end of their classes.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn

from sam2_core.model.official_settings import NetworkSettings
from sam2_core.model.position_encoding import sine_map

BackboneOutput: TypeAlias = dict[str, Any]
"""`backbone_fpn`: feature maps, fine to coarse; `vision_pos_enc`: their position maps; `vision_features`: the last."""


class NetworkNames(NetworkSettings, nn.Module):
    """What code for the official `SAM2Base` reads, sets and calls."""

    def forward_image(self, img_batch: Tensor) -> BackboneOutput:
        """Encode normalized images (B, 3, S, S); the two fine maps are projected for the decoder (C / 8, C / 4)."""
        features = cast("Any", self).encode_image(img_batch)
        maps = [*features.high_res, features.embedding]
        return backbone_output(maps, cast("int", self.hidden_dim))

    def _prepare_backbone_features(
        self, backbone_out: BackboneOutput
    ) -> tuple[BackboneOutput, list[Tensor], list[Tensor], list[tuple[int, int]]]:
        """Flatten the maps and their positions to (H * W, B, C), fine to coarse; also returns each (H, W)."""
        maps, positions = backbone_out["backbone_fpn"][-3:], backbone_out["vision_pos_enc"][-3:]
        flat, flat_positions = ([each.flatten(2).permute(2, 0, 1) for each in levels] for levels in (maps, positions))
        return dict(backbone_out), flat, flat_positions, [(each.shape[-2], each.shape[-1]) for each in positions]

    def _apply_non_overlapping_constraints(self, pred_masks: Tensor) -> Tensor:
        """Clamp logits (objects, ..., H, W) to at most -10 wherever another object has a higher one."""
        if len(pred_masks) < 2:
            return pred_masks
        highest = pred_masks.argmax(dim=0, keepdim=True)
        is_highest = torch.zeros_like(pred_masks, dtype=torch.bool).scatter_(0, highest, True)
        return torch.where(is_highest, pred_masks, pred_masks.clamp(max=-10.0))


def backbone_output(maps: list[Tensor], channels: int) -> BackboneOutput:
    """The official dictionary for feature maps (B, ..., H, W), fine to coarse; C is the number of `channels`."""
    return {"vision_features": maps[-1], "vision_pos_enc": position_maps(maps, channels), "backbone_fpn": maps}


def position_maps(maps: list[Tensor], channels: int) -> list[Tensor]:
    """Sine position maps (B, C, H, W) for maps (B, ..., H, W); not cached, because the finest takes 64 MB."""
    return [
        sine_map.__wrapped__(channels, *each.shape[-2:], each.device).to(each.dtype).expand(len(each), -1, -1, -1)
        for each in maps
    ]
