"""Masklet: promptable segmentation of images and video with SAM 2.

Packages, from top to bottom; each imports only from those below it:

    cli          the command line: `python -m sam2_core`, or `masklet`
    training     data, simulated prompts, losses, training loop, evaluation
    serving      many sessions on one or several devices: commands, `Engine`, workspace, projects
    predictors   the official SAM 2 Python API: drop-in classes and builders
    tracking     one session: prompts, memory bank, propagation through a clip
    dataset      the data engine's folder: images, masks, who made them (imports only `media`, `types` and `errors`)
    detection    phrases to boxes: open-vocabulary detectors (imports only `hub`, `types` and `errors`)
    model        the network: tensors in, tensors out
    media        files, frames and pixels: decode, draw, encode, export (imports only `types` and `errors`)
    types        values that all packages share; `errors`: the exceptions

`networks` lists the networks with published weights, `weights` finds and reads checkpoints, `hub` and `download` fetch
files, `paths` is where data files lie, `processors` counts the cores that may be used, `guided_filter` moves soft masks
to the edges of a picture, `console` is the output of all commands to the terminal, and `version` is the package's.

The public names are imported when they are first used, so that `import sam2_core` does not import torch. The module
names of the official package (`sam2_core.build_sam`, `sam2_core.utils.amg`) exist for published code, see
`predictors.official_modules`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sam2_core.predictors import official_modules
from sam2_core.version import __version__

if TYPE_CHECKING:
    from sam2_core.predictors.automatic_mask_generator import SAM2AutomaticMaskGenerator
    from sam2_core.predictors.build import build_sam2, build_sam2_hf
    from sam2_core.predictors.camera_predictor import SAM2CameraPredictor, build_sam2_camera_predictor
    from sam2_core.predictors.image_predictor import SAM2ImagePredictor
    from sam2_core.predictors.lang_sam import LangSAM
    from sam2_core.predictors.sam_mask_generator import SamAutomaticMaskGenerator
    from sam2_core.predictors.sam_predictor import (
        SamPredictor,
        build_sam_vit_b,
        build_sam_vit_h,
        build_sam_vit_l,
        sam_model_registry,
    )
    from sam2_core.predictors.video_predictor import (
        SAM2VideoPredictor,
        build_sam2_video_predictor,
        build_sam2_video_predictor_hf,
    )

_MODULES = {
    "LangSAM": "lang_sam",
    "SAM2AutomaticMaskGenerator": "automatic_mask_generator",
    "SAM2CameraPredictor": "camera_predictor",
    "SAM2ImagePredictor": "image_predictor",
    "SAM2VideoPredictor": "video_predictor",
    "SamAutomaticMaskGenerator": "sam_mask_generator",
    "SamPredictor": "sam_predictor",
    "build_sam_vit_b": "sam_predictor",
    "build_sam_vit_h": "sam_predictor",
    "build_sam_vit_l": "sam_predictor",
    "sam_model_registry": "sam_predictor",
    "build_sam2": "build",
    "build_sam2_camera_predictor": "camera_predictor",
    "build_sam2_hf": "build",
    "build_sam2_video_predictor": "video_predictor",
    "build_sam2_video_predictor_hf": "video_predictor",
}

__all__ = [
    "LangSAM",
    "SAM2AutomaticMaskGenerator",
    "SAM2CameraPredictor",
    "SAM2ImagePredictor",
    "SAM2VideoPredictor",
    "SamAutomaticMaskGenerator",
    "SamPredictor",
    "__version__",
    "build_sam2",
    "build_sam2_camera_predictor",
    "build_sam2_hf",
    "build_sam2_video_predictor",
    "build_sam2_video_predictor_hf",
    "build_sam_vit_b",
    "build_sam_vit_h",
    "build_sam_vit_l",
    "sam_model_registry",
]


official_modules.install()


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sam2_core.predictors.{_MODULES[name]}"), name)
