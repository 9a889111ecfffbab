"""Masklet: promptable segmentation of images and video with SAM 2.

Packages and modules from top to bottom; imports only go down:

    cli          the command line: `python -m sam2_core`, or `masklet`
    training     makes weights: data, simulated prompts, losses, loop, evaluation
    serving      many sessions on one device: the `Engine` seam, the local engine, replay of a journal
    predictors   the official SAM 2 Python API: drop-in classes and builders
    tracking     one session: what is remembered frame by frame
    model        the network: tensors in, tensors out
    media        files, frames and pixels: decode, draw, encode, export (beside tracking)
    types        data types that all packages share; `errors`: the tree of errors

`networks` lists the networks by name, `weights` finds and reads their checkpoints, `paths` is where data files lie, and
`console` is the output of all commands to the terminal.

The names below are imported on first use, so that `import sam2_core` does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sam2_core.predictors.automatic_mask_generator import SAM2AutomaticMaskGenerator
    from sam2_core.predictors.build import build_sam2, build_sam2_hf
    from sam2_core.predictors.image_predictor import SAM2ImagePredictor
    from sam2_core.predictors.video_predictor import (
        SAM2VideoPredictor,
        build_sam2_video_predictor,
        build_sam2_video_predictor_hf,
    )

__version__ = "0.1.0"

_HOMES = {
    "SAM2AutomaticMaskGenerator": "automatic_mask_generator",
    "SAM2ImagePredictor": "image_predictor",
    "SAM2VideoPredictor": "video_predictor",
    "build_sam2": "build",
    "build_sam2_hf": "build",
    "build_sam2_video_predictor": "video_predictor",
    "build_sam2_video_predictor_hf": "video_predictor",
}

__all__ = [
    "SAM2AutomaticMaskGenerator",
    "SAM2ImagePredictor",
    "SAM2VideoPredictor",
    "build_sam2",
    "build_sam2_hf",
    "build_sam2_video_predictor",
    "build_sam2_video_predictor_hf",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sam2_core.predictors.{_HOMES[name]}"), name)
