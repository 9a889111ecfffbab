"""The module names of the official packages: `sam2_core.build_sam`, `sam2_core.utils.amg`, and so on.

They serve published code in which `sam2.` or `segment_anything.` is replaced by `sam2_core.`. The modules exist in this
table only: an import hook makes them when they are imported. A class is the same object under both of its names.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_BUILD, _AMG, _MISC = "predictors.build", "predictors.official_amg", "predictors.official_misc"
_VIDEO, _CAMERA = "predictors.video_predictor", "predictors.camera_predictor"
_SAM, _MODEL = "predictors.sam_predictor", "model"


def _same(module: str, *names: str) -> dict[str, str]:
    return {name: f"{module}:{name}" for name in names}


MODULES: dict[str, dict[str, str]] = {
    "build_sam": {
        **_same(_BUILD, "build_sam2", "build_sam2_hf"),
        **_same(_VIDEO, "build_sam2_video_predictor", "build_sam2_video_predictor_hf"),
        **_same(_CAMERA, "build_sam2_camera_predictor"),
        **_same(_MISC, "HF_MODEL_ID_TO_FILENAMES", "_hf_download", "_load_checkpoint"),
        **_same(_SAM, "build_sam", "build_sam_vit_b", "build_sam_vit_h", "build_sam_vit_l", "sam_model_registry"),
    },
    "predictor": _same(_SAM, "SamPredictor"),
    "sam2_camera_predictor": {
        "SAM2CameraPredictor": f"{_CAMERA}:SAM2CameraPredictor",
        "SAM2CameraPredictorVOS": f"{_CAMERA}:SAM2CameraPredictor",
    },
    "sam2_image_predictor": _same("predictors.image_predictor", "SAM2ImagePredictor"),
    "sam2_video_predictor": {
        "SAM2VideoPredictor": f"{_VIDEO}:SAM2VideoPredictor",
        "SAM2VideoPredictorVOS": f"{_VIDEO}:SAM2VideoPredictor",
    },
    "sam2_video_predictor_legacy": _same(_VIDEO, "SAM2VideoPredictor"),
    "automatic_mask_generator": {
        **_same("predictors.automatic_mask_generator", "SAM2AutomaticMaskGenerator"),
        **_same("predictors.sam_mask_generator", "SamAutomaticMaskGenerator"),
    },
    "utils": {},
    "utils.amg": _same(
        _AMG,
        "MaskData",
        "area_from_rle",
        "batch_iterator",
        "batched_mask_to_box",
        "box_xyxy_to_xywh",
        "build_all_layer_point_grids",
        "build_point_grid",
        "calculate_stability_score",
        "coco_encode_rle",
        "generate_crop_boxes",
        "is_box_near_crop_edge",
        "mask_to_rle_pytorch",
        "remove_small_regions",
        "rle_to_mask",
        "uncrop_boxes_xyxy",
        "uncrop_masks",
        "uncrop_points",
    ),
    "utils.onnx": _same("predictors.sam_onnx", "SamOnnxModel"),
    "utils.transforms": {
        **_same("predictors.transforms", "SAM2Transforms"),
        **_same("predictors.sam_transforms", "ResizeLongestSide"),
    },
    "utils.misc": _same(
        _MISC,
        "_load_img_as_tensor",
        "concat_points",
        "fill_holes_in_mask_scores",
        "get_connected_components",
        "get_sdpa_settings",
        "load_video_frames",
        "load_video_frames_from_jpg_images",
        "load_video_frames_from_video_file",
        "mask_to_box",
    ),
    "modeling": {
        **_same(f"{_MODEL}.vit", "ImageEncoderViT"),
        "MaskDecoder": f"{_MODEL}.sam:SamMaskDecoder",
        **_same(f"{_MODEL}.prompt_encoder", "PromptEncoder"),
        **_same(f"{_MODEL}.sam", "Sam"),
        **_same(f"{_MODEL}.two_way_transformer", "TwoWayTransformer"),
    },
    "modeling.common": _same(f"{_MODEL}.layers", "LayerNorm2d", "MLPBlock"),
    "modeling.image_encoder": _same(f"{_MODEL}.vit", "Block", "ImageEncoderViT"),
    "modeling.mask_decoder": {"MaskDecoder": f"{_MODEL}.sam:SamMaskDecoder"},
    "modeling.prompt_encoder": {
        **_same(f"{_MODEL}.prompt_encoder", "PromptEncoder"),
        **_same(f"{_MODEL}.position_encoding", "PositionEmbeddingRandom"),
    },
    "modeling.transformer": _same(f"{_MODEL}.two_way_transformer", "TwoWayAttentionBlock", "TwoWayTransformer"),
    "modeling.sam2_base": {
        "SAM2Base": f"{_MODEL}.network:SAM2",
        "NO_OBJ_SCORE": f"{_MODEL}.network:ABSENT_LOGIT",
    },
    "modeling.sam2_utils": {
        **_same(f"{_MODEL}.layers", "LayerNorm2d"),
        **_same(_MISC, "select_closest_cond_frames"),
        "get_1d_sine_pe": f"{_MODEL}.position_encoding:sine_of_time",
    },
    "modeling.memory_attention": _same(f"{_MODEL}.memory_attention", "MemoryAttention", "MemoryAttentionLayer"),
    "modeling.memory_encoder": _same(
        f"{_MODEL}.memory_encoder", "CXBlock", "Fuser", "MaskDownSampler", "MemoryEncoder"
    ),
    "modeling.position_encoding": _same(f"{_MODEL}.position_encoding", "PositionEmbeddingRandom"),
    "modeling.sam": _same(f"{_MODEL}.sam", "Sam"),
    "modeling.sam.mask_decoder": _same(f"{_MODEL}.mask_decoder", "MaskDecoder"),
    "modeling.sam.prompt_encoder": _same(f"{_MODEL}.prompt_encoder", "PromptEncoder"),
    "modeling.sam.transformer": {
        **_same(f"{_MODEL}.two_way_transformer", "TwoWayAttentionBlock", "TwoWayTransformer"),
        "Attention": f"{_MODEL}.attention:Attention",
        "RoPEAttention": f"{_MODEL}.attention:RotaryAttention",
    },
    "modeling.backbones": {},
    "modeling.backbones.hieradet": _same(f"{_MODEL}.hiera", "Hiera", "MultiScaleAttention", "MultiScaleBlock"),
    "modeling.backbones.image_encoder": _same(f"{_MODEL}.image_encoder", "FpnNeck", "ImageEncoder"),
}
"""Modules of the packages `sam2` and `segment_anything` -> official name -> module of this package and name there."""

_PACKAGE = __name__.partition(".")[0]


class _CallableModule(ModuleType):
    """A module that can be called like the function of its own name, which it hides.

    `from segment_anything import build_sam` means the function, `from sam2.build_sam import build_sam2` the module.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **kwargs)


class _OfficialModules(MetaPathFinder, Loader):
    """Finds the modules of the table and fills them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != _PACKAGE or name not in MODULES:
            return None
        is_package = any(other.startswith(f"{name}.") for other in MODULES)
        return ModuleSpec(fullname, self, is_package=is_package)

    def exec_module(self, module: ModuleType) -> None:
        names = MODULES[module.__name__.partition(".")[2]]
        module.__doc__ = "The names that published code imports from the official module; see `official_modules`."
        for official, origin in names.items():
            source, _, ours = origin.partition(":")
            setattr(module, official, getattr(import_module(f"{_PACKAGE}.{source}"), ours))
        if module.__name__.rpartition(".")[2] in names:
            module.__class__ = _CallableModule


def install() -> None:
    """Make the modules importable; they are not imported yet."""
    if not any(type(finder).__qualname__ == _OfficialModules.__qualname__ for finder in sys.meta_path):
        sys.meta_path.append(_OfficialModules())
