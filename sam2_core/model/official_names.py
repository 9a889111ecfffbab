"""The settings and methods of the official `SAM2Base` that published code uses, as a base class of `SAM2`.

They serve code that reaches into the model: scripts that read or set its settings (`num_maskmem`, `image_size`),
predictors that call `forward_image`, and exporters. `forward` of the encoders and of the mask decoder has the official
signature and result; what else code uses of these parts stands at the end of their classes.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn

from sam2_core.errors import ConfigError
from sam2_core.model.position_encoding import sine_map

BackboneOutput: TypeAlias = dict[str, Any]
"""`backbone_fpn`: feature maps, fine to coarse; `vision_pos_enc`: their position maps; `vision_features`: the last."""


class ConfigValue:
    """A field of the network's configuration as an attribute that can be set."""

    def __init__(self, field: str) -> None:
        self.field = field

    def __get__(self, network: Any, owner: type) -> Any:
        return self if network is None else getattr(network.config, self.field)

    def __set__(self, network: Any, value: Any) -> None:
        network.reconfigure(**{self.field: value})


class FixedValue:
    """A setting of the official code that has the same value in all of its networks, and cannot be changed here."""

    def __init__(self, value: bool | int | float) -> None:
        self.value = value

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, network: object | None, owner: type) -> Any:
        return self if network is None else self.value

    def __set__(self, network: object, value: Any) -> None:
        self.check(value)

    def check(self, value: Any) -> None:
        """Raise `ConfigError` for another value."""
        if value != self.value:
            raise ConfigError(f"{self.name} is {self.value} in all SAM 2 networks and cannot be {value!r}.")


class NetworkNames(nn.Module):
    """What code for the official `SAM2Base` reads, sets and calls."""

    image_size = ConfigValue("image_size")
    hidden_dim = ConfigValue("width")
    sam_prompt_embed_dim = ConfigValue("width")
    mem_dim = ConfigValue("memory_width")
    sam_image_embedding_size = ConfigValue("embedding_size")
    num_maskmem = ConfigValue("memory_slots")
    max_obj_ptrs_in_encoder = ConfigValue("max_pointers")
    max_cond_frames_in_attn = ConfigValue("max_conditioning_frames")
    memory_temporal_stride_for_eval = ConfigValue("memory_stride")
    non_overlap_masks_for_mem_enc = ConfigValue("non_overlapping_memory")
    multimask_output_in_sam = ConfigValue("multimask_output")
    multimask_output_for_tracking = ConfigValue("multimask_for_tracking")
    multimask_min_pt_num = ConfigValue("multimask_min_points")
    multimask_max_pt_num = ConfigValue("multimask_max_points")
    add_tpos_enc_to_obj_ptrs = ConfigValue("pointer_times")
    proj_tpos_enc_in_obj_ptrs = ConfigValue("pointer_times")
    use_signed_tpos_enc_to_obj_ptrs = ConfigValue("pointer_times")

    backbone_stride = FixedValue(16)
    num_feature_levels = FixedValue(3)
    directly_add_no_mem_embed = FixedValue(True)
    use_high_res_features_in_sam = FixedValue(True)
    use_mask_input_as_output_without_sam = FixedValue(True)
    sigmoid_scale_for_mem_enc = FixedValue(20.0)
    sigmoid_bias_for_mem_enc = FixedValue(-10.0)
    iou_prediction_use_sigmoid = FixedValue(True)
    use_obj_ptrs_in_encoder = FixedValue(True)
    only_obj_ptrs_in_the_past_for_eval = FixedValue(True)
    pred_obj_scores = FixedValue(True)
    pred_obj_scores_mlp = FixedValue(True)
    fixed_no_obj_ptr = FixedValue(True)
    soft_no_obj_ptr = FixedValue(False)
    use_multimask_token_for_obj_ptr = FixedValue(True)
    use_mlp_for_obj_ptr_proj = FixedValue(True)

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


OFFICIAL_FIELDS = {name: value.field for name, value in vars(NetworkNames).items() if isinstance(value, ConfigValue)}
"""Official names of settings -> fields of `NetworkConfig`."""

FIXED_SETTINGS = {name: value for name, value in vars(NetworkNames).items() if isinstance(value, FixedValue)}
"""Official names of settings that cannot be changed."""


def backbone_output(maps: list[Tensor], channels: int) -> BackboneOutput:
    """The official dictionary for feature maps (B, ..., H, W), fine to coarse; C is the number of `channels`."""
    return {"vision_features": maps[-1], "vision_pos_enc": position_maps(maps, channels), "backbone_fpn": maps}


def position_maps(maps: list[Tensor], channels: int) -> list[Tensor]:
    """Sine position maps (B, C, H, W) for maps (B, ..., H, W); not cached, because the finest takes 64 MB."""
    return [
        sine_map.__wrapped__(channels, *each.shape[-2:], each.device).to(each.dtype).expand(len(each), -1, -1, -1)
        for each in maps
    ]
