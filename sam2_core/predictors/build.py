"""The official builders: `build_sam2`, `build_sam2_video_predictor` and their Hub variants.

Configuration strings of the official code are accepted as names; without a name the bundled network is built.
"""

from __future__ import annotations

import os
from typing import Any

import torch

from sam2_core.model.network import SAM2
from sam2_core.networks import known_network
from sam2_core.tracking.device import best_device
from sam2_core.weights import load_network

PathLike = str | os.PathLike[str]


def build_sam2(
    config_file: str | None = None,
    ckpt_path: PathLike | None = None,
    device: str | torch.device | None = None,
    mode: str = "eval",
    hydra_overrides_extra: list[str] | None = None,
    apply_postprocessing: bool = True,
    **kwargs: Any,
) -> SAM2:
    """Build a network for `SAM2ImagePredictor` and `SAM2AutomaticMaskGenerator`.

    `config_file` is a name ("sam2.1_hiera_tiny", or any official string for it) or a YAML file; without it the
    checkpoint tells, and without both it is the bundled network. `device` None takes the best there is.
    `apply_postprocessing` False turns the fallback from an unstable single mask to the best candidate off. There is
    no Hydra here, so overrides are refused rather than ignored.
    """
    refuse_overrides(hydra_overrides_extra)
    network = load_network(config_file, ckpt_path)
    network.sam_mask_decoder.stability_fallback = apply_postprocessing
    return network.to(device or best_device()).train(mode != "eval")


def build_sam2_hf(model_id: str, **kwargs: Any) -> SAM2:
    """Build a network by its Hub repository ("facebook/sam2.1-hiera-tiny"), fetching the weights if needed."""
    return build_sam2(known_network(model_id).name, **kwargs)


def refuse_overrides(overrides: list[str] | None) -> None:
    """Raise for Hydra overrides, which cannot be honoured."""
    if overrides:
        raise ValueError(f"Hydra overrides are not supported: {overrides}. Give a YAML file of your own instead.")
