"""The functions of the official `sam2.utils.misc`, `sam2.build_sam` and `sam2.modeling` that published code imports.

They have the official signatures and results. Our own code does not use them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sam2_core.model.network import SAM2
from sam2_core.model.preprocess import MEAN, STD
from sam2_core.networks import NETWORKS, known_network
from sam2_core.predictors.frames import open_frames
from sam2_core.tracking.cleanup import component_areas, fill_holes
from sam2_core.tracking.device import best_device
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.weights import find_weights, read_weights

T = TypeVar("T")

# --- build_sam -------------------------------------------------------------------------------------------------------

_LETTERS = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}

HF_MODEL_ID_TO_FILENAMES = {
    network.repository: (f"configs/{version}/{version}_hiera_{_LETTERS[size]}.yaml", network.file)
    for network in NETWORKS.values()
    for version, _, size in [network.name.partition("_hiera_")]
    if network.repository is not None
}
"""Hub repository -> configuration name and file of the weights."""


def _hf_download(model_id: str) -> tuple[str, str]:
    """The configuration name and the path of the weights of a Hub repository, which are downloaded if needed."""
    network = known_network(model_id)
    return HF_MODEL_ID_TO_FILENAMES[network.repository or ""][0], str(find_weights(network))


def _load_checkpoint(model: SAM2, ckpt_path: str | os.PathLike[str] | None) -> None:
    """Load a checkpoint strictly; None does nothing."""
    if ckpt_path is not None:
        model.load_state_dict(read_weights(Path(ckpt_path)))


# --- utils.misc ------------------------------------------------------------------------------------------------------


def get_connected_components(mask: Tensor) -> tuple[Tensor, Tensor]:
    """8-connected components of binary masks (N, 1, H, W): their labels, 0 for background, and areas, both int32."""
    return component_areas(mask)


def fill_holes_in_mask_scores(mask: Tensor, max_area: float) -> Tensor:
    """Logits (..., H, W) in which holes of at most `max_area` pixels are just above 0."""
    return fill_holes(mask, max_area)


def mask_to_box(masks: Tensor) -> Tensor:
    """Boxes (B, 1, 4) of boolean masks (B, 1, H, W) as left, top, right, bottom; (W, H, -1, -1) for an empty mask."""
    height, width = masks.shape[-2:]
    edges = []
    for lengths, axis in ((width, -2), (height, -1)):
        hit = masks.any(dim=axis)  # (B, 1, length)
        index = torch.arange(lengths, dtype=torch.int32, device=masks.device)
        edges.append((torch.where(hit, index, lengths).amin(-1), torch.where(hit, index, -1).amax(-1)))
    (left, right), (top, bottom) = edges
    return torch.stack([left, top, right, bottom], dim=-1)


def concat_points(
    old_point_inputs: dict[str, Tensor] | None, new_points: Tensor, new_labels: Tensor
) -> dict[str, Tensor]:
    """Points (B, N, 2) and labels (B, N), after those that were there before."""
    if old_point_inputs is not None:
        new_points = torch.cat([old_point_inputs["point_coords"], new_points], dim=1)
        new_labels = torch.cat([old_point_inputs["point_labels"], new_labels], dim=1)
    return {"point_coords": new_points, "point_labels": new_labels}


def get_sdpa_settings() -> tuple[bool, bool, bool]:
    """(old GPU, flash attention, math kernel) of scaled dot-product attention; PyTorch chooses by itself here."""
    major = torch.cuda.get_device_properties(0).major if torch.cuda.is_available() else 0
    return major < 7, major >= 8, major < 8


def load_video_frames(
    video_path: Any,
    image_size: int,
    offload_video_to_cpu: bool,
    img_mean: tuple[float, float, float] = MEAN,
    img_std: tuple[float, float, float] = STD,
    async_loading_frames: bool = False,
    compute_device: torch.device | str | None = None,
) -> tuple[Tensor, int, int]:
    """All frames of what `init_state` opens, as network input (frames, 3, S, S), with the clip's height and width.

    The default device is the best one. Frames are never loaded in the background.
    """
    frames = open_frames(video_path, image_size)
    images = torch.stack([frames.read(index, image_size) for index in range(len(frames))])
    if (tuple(img_mean), tuple(img_std)) != (MEAN, STD):
        mean, std, own_mean, own_std = (
            torch.tensor(values)[:, None, None] for values in (MEAN, STD, img_mean, img_std)
        )
        images = (images * std + mean - own_mean) / own_std
    device = "cpu" if offload_video_to_cpu else compute_device or best_device()
    return images.to(device), frames.height, frames.width


load_video_frames_from_jpg_images = load_video_frames_from_video_file = load_video_frames


def _load_img_as_tensor(img_path: str | os.PathLike[str], image_size: int) -> tuple[Tensor, int, int]:
    """An image file as RGB in 0..1, (3, S, S), with its height and width."""
    with Image.open(img_path) as image:
        resized = image.convert("RGB").resize((image_size, image_size))
        return torch.from_numpy(np.array(resized) / 255.0).permute(2, 0, 1), image.height, image.width


# --- modeling --------------------------------------------------------------------------------------------------------


def select_closest_cond_frames(
    frame_idx: int, cond_frame_outputs: dict[int, T], max_cond_frame_num: int
) -> tuple[dict[int, T], dict[int, T]]:
    """The conditioning frames near a frame, at most so many (-1: all), and the others."""
    limit = None if max_cond_frame_num == -1 else max_cond_frame_num
    bank = MemoryBank(MemoryRules(max_prompted=limit), prompted=dict(cond_frame_outputs))
    nearest = bank.nearest_prompted(frame_idx)
    others = {at: output for at, output in cond_frame_outputs.items() if at not in nearest}
    return {at: cond_frame_outputs[at] for at in nearest}, others
