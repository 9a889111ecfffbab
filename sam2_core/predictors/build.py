"""The official builders: `build_sam2`, `build_sam2_video_predictor` and their Hub variants.

Configuration names of the official code are accepted; the default is the bundled network.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import torch
import yaml

from sam2_core.errors import ConfigError
from sam2_core.model.config import RUNTIME_FIELDS
from sam2_core.model.network import SAM2
from sam2_core.model.official_settings import FIXED_SETTINGS, OFFICIAL_FIELDS
from sam2_core.networks import known_network
from sam2_core.tracking.device import best_device
from sam2_core.weights import load_sam2

PathLike = str | os.PathLike[str]


def build_sam2(
    config_file: str | None = None,
    ckpt_path: PathLike | None = None,
    device: str | torch.device | None = None,
    mode: str = "eval",
    hydra_overrides_extra: Sequence[str] | None = None,
    apply_postprocessing: bool = True,
    *,
    image_size: int | None = None,
    **kwargs: Any,
) -> SAM2:
    """Build a network for `SAM2ImagePredictor` and `SAM2AutomaticMaskGenerator`.

    `config_file` is the name of a network ("sam2.1_hiera_tiny", or any official string for it) or a YAML file; see
    `load_sam2` for the defaults. `device` None is the best one available. `apply_postprocessing` False disables
    the fallback from an unstable single mask to the best candidate. `hydra_overrides_extra` are overrides of the
    official model, see `apply_overrides`. `image_size` is the side of the square input in pixels, a multiple of 32:
    512 is several times faster than the 1024 of the official networks, and coarser. "sam2.1_hiera_tiny@512" says the
    same. Raises `WeightsError` or `ConfigError`.
    """
    network = load_sam2(config_file, ckpt_path, image_size=image_size)
    network.sam_mask_decoder.stability_fallback = apply_postprocessing
    apply_overrides(network, hydra_overrides_extra, IMAGE_SWITCHES)
    return network.to(device or best_device()).train(mode != "eval")


def build_sam2_hf(model_id: str, **kwargs: Any) -> SAM2:
    """Build a network by its Hub repository ("facebook/sam2.1-hiera-tiny"), downloading the weights if needed."""
    return build_sam2(known_network(model_id).name, **kwargs)


IMAGE_SWITCHES = ("binarize_mask_from_pts_for_mem_enc",)
"""Attributes of the network that `build_sam2` accepts as overrides; images do not depend on them."""

_DECODER = "sam_mask_decoder_extra_args."
_DECODER_SETTINGS = {
    _DECODER + "dynamic_multimask_via_stability": "stability_fallback",
    _DECODER + "dynamic_multimask_stability_delta": "stability_delta",
    _DECODER + "dynamic_multimask_stability_thresh": "stability_threshold",
}
_FROM_IMAGE_SIZE = tuple(f"memory_attention.layer.{part}_attention.feat_sizes" for part in ("self", "cross"))
"""Accepted and ignored: official scripts set the size of the embedding beside `image_size`, of which it follows."""

_COMPILE = "compile_image_encoder"
_TARGETS = ("SAM2Base", "SAM2CameraPredictor", "SAM2VideoPredictor", "SAM2VideoPredictorVOS")


def apply_overrides(network: SAM2, overrides: Iterable[str] | None, switches: tuple[str, ...] = ()) -> None:
    """Apply Hydra overrides of the official model, such as "++model.image_size=512", in the order given.

    They change the configuration of the network, its mask decoder, or its attributes `switches`. Settings that are the
    same in all official networks are accepted with that value. Raises `ConfigError` for any other override.
    """
    for override in overrides or ():
        name, separator, text = override.lstrip("+").removeprefix("model.").partition("=")
        if not separator:
            raise ConfigError(f"The override {override!r} has no value: write it as ++model.name=value.")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"The override {override!r} has no value that can be read.") from error
        _override(network, name, value, override, switches)


def _override(network: SAM2, name: str, value: Any, override: str, switches: tuple[str, ...]) -> None:
    if name in switches:
        setattr(network, name, _as_kind(value, getattr(network, name), override))
    elif name in _DECODER_SETTINGS:
        decoder, attribute = network.sam_mask_decoder, _DECODER_SETTINGS[name]
        setattr(decoder, attribute, _as_kind(value, getattr(decoder, attribute), override))
    elif name == "num_maskmem":
        network.limit_memory(_as_kind(value, 1, override))
    elif OFFICIAL_FIELDS.get(name) in RUNTIME_FIELDS:
        setattr(network, name, _as_kind(value, getattr(network, name), override))
    elif name in FIXED_SETTINGS:
        FIXED_SETTINGS[name].check(value)
    elif name in _FROM_IMAGE_SIZE:
        pass
    elif name == _COMPILE:
        if _as_kind(value, True, override):
            network.image_encoder.trunk.compile()
    elif name != "_target_" or str(value).rpartition(".")[2] not in _TARGETS:
        runtime = [official for official, field in OFFICIAL_FIELDS.items() if field in RUNTIME_FIELDS]
        known = [*runtime, *switches, *_DECODER_SETTINGS, _COMPILE]
        raise ConfigError(
            f"The override {override!r} is not supported (known here: {', '.join(known)}). Sizes of a network stand in "
            "its YAML file; give one of your own instead of the name."
        )


def _as_kind(value: Any, like: Any, override: str) -> Any:
    """The value of an override, which must be of the same kind as `like`."""
    if isinstance(like, float) and type(value) is int:
        return float(value)
    if type(value) is not type(like):
        kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(like)]
        raise ConfigError(f"The override {override!r} needs {kind}.")
    return value
