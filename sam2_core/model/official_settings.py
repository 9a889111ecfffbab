"""The settings of the official `SAM2Base` under their official names, as attributes of `SAM2`.

They serve published code that reads or sets them (`model.image_size`, `predictor.num_maskmem`), the overrides in the
style of Hydra, and official YAML files. This module imports no torch.
"""

from __future__ import annotations

from typing import Any

from sam2_core.errors import ConfigError


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


class NetworkSettings:
    """The settings of the official `SAM2Base`."""

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

    binarize_mask_from_pts_for_mem_enc = False

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


OFFICIAL_FIELDS = {name: value.field for name, value in vars(NetworkSettings).items() if isinstance(value, ConfigValue)}
"""Official names of settings -> fields of `NetworkConfig`."""

FIXED_SETTINGS = {name: value for name, value in vars(NetworkSettings).items() if isinstance(value, FixedValue)}
"""Official names of settings that cannot be changed."""
