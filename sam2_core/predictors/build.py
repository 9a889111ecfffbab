"""The official builders: `build_sam2`, `build_sam2_video_predictor` and their Hub variants.

Configuration names of the official code are accepted; the default is the bundled network.
"""

from __future__ import annotations

import os
from typing import Any

import torch
import yaml

from sam2_core.errors import ConfigError
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

    `config_file` is the name of a network ("sam2.1_hiera_tiny", or any official string for it) or a YAML file; see
    `load_network` for the defaults. `device` None is the best one available. `apply_postprocessing` False disables
    the fallback from an unstable single mask to the best candidate. Raises `WeightsError` or `ConfigError`.
    """
    network = load_network(config_file, ckpt_path)
    apply_overrides(network, hydra_overrides_extra)
    network.sam_mask_decoder.stability_fallback = apply_postprocessing
    return network.to(device or best_device()).train(mode != "eval")


def build_sam2_hf(model_id: str, **kwargs: Any) -> SAM2:
    """Build a network by its Hub repository ("facebook/sam2.1-hiera-tiny"), downloading the weights if needed."""
    return build_sam2(known_network(model_id).name, **kwargs)


def apply_overrides(network: SAM2, overrides: list[str] | None, switches: tuple[str, ...] = ()) -> None:
    """Apply Hydra overrides as in official scripts ("++model.non_overlap_masks=true"), for the attributes `switches`.

    Raises `ConfigError` for any other override.
    """
    for override in overrides or []:
        name, _, value = override.lstrip("+").removeprefix("model.").partition("=")
        if name not in switches:
            raise ConfigError(
                f"The override {override!r} is not supported (known here: {', '.join(switches) or 'none'}). Sizes of a "
                "network stand in its YAML file; give one of your own instead of the name."
            )
        try:
            setattr(network, name, type(getattr(network, name))(yaml.safe_load(value)))
        except (yaml.YAMLError, TypeError, ValueError) as error:
            raise ConfigError(f"The override {override!r} has no value that {name} can take.") from error
