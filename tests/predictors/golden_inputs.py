"""What the golden tests start from: tiny networks, weights and scenes that anyone can make again from nothing."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from sam2_core.model.config import NetworkConfig, ViTConfig
from sam2_core.model.sam import Sam

MINI = NetworkConfig(
    name="mini",
    image_size=256,
    embed_dim=32,
    stages=(1, 2, 3, 1),
    global_attention_blocks=(4,),
    width=64,
    memory_width=16,
    memory_layers=2,
    memory_mlp=128,
)
"""As small as the official classes can be made; the windows do not divide the maps, so padding is tested as well."""

MINI_20 = NetworkConfig(
    name="mini_20",
    no_object_in_memory=False,
    pointer_times=False,
    **{key: getattr(MINI, key) for key in ("image_size", "embed_dim", "stages", "global_attention_blocks", "width")},
    **{key: getattr(MINI, key) for key in ("memory_width", "memory_layers", "memory_mlp")},
)
"""The same without what SAM 2.1 added."""

SMALL_SAM = ViTConfig(
    name="small", image_size=128, embed_dim=12, depth=2, num_heads=2, global_attention_blocks=(1,), window_size=3,
    width=32, mask_prompt_channels=4, decoder_heads=2, decoder_mlp=32, iou_head_width=32,
)  # fmt: skip


PRESENT, ABSENT, FLICKERING = 6.0, -6.0, 0.0
"""What is added to the object score's bias: objects are always seen, never seen, or now and then."""


def weights(
    shapes: Mapping[str, Iterable[int]], gain: float = 1.0, presence: float = PRESENT
) -> dict[str, torch.Tensor]:
    """A state dict in which every tensor follows from its name and shape alone.

    `gain` is the deviation that a layer gives to its output for unit input. At 1 rounding stays rounding; far above 1
    the network is chaotic, and even the official code disagrees with itself from one processor to the next.
    """
    tensors = {name: torch.from_numpy(_values(name, tuple(shape), gain)) for name, shape in shapes.items()}
    score = "sam_mask_decoder.pred_obj_score_head.layers.2.bias"
    if score in tensors:  # SAM has none
        tensors[score] += presence
    return tensors


def small_sam() -> Sam:
    """A small network of SAM 1, which the caller may change."""
    with torch.device("meta"):
        network = Sam(SMALL_SAM)
    tensors = weights({name: tuple(tensor.shape) for name, tensor in network.state_dict().items()})
    network.load_state_dict(tensors, assign=True)
    return network.eval().requires_grad_(False)


def _values(name: str, shape: tuple[int, ...], gain: float) -> np.ndarray:
    normal = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).standard_normal(shape).astype(np.float32)
    kind = name.rsplit(".", 1)[-1]
    if kind == "positional_encoding_gaussian_matrix":
        return normal
    if len(shape) >= 2 and "embed" not in kind and "tpos" not in name and "no_" not in name:
        return normal * np.float32(gain / np.prod(shape[1:]) ** 0.5)
    if kind == "weight" and len(shape) == 1:  # a norm's gain
        return 1 + 0.1 * normal
    if kind == "bias":
        return 0.1 * normal
    if kind == "gamma":
        return 0.2 + 0.05 * normal
    return 0.3 * normal


def picture(frame: int = 0, height: int = 90, width: int = 130) -> np.ndarray:
    """A disc and a box that move over a shaded ground, with a little noise: RGB (height, width, 3) uint8."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    image = np.stack([40 + 80 * x / width, 60 + 60 * y / height, 90 + 20 * np.sin(x / 9)], axis=-1)
    image[(x - 36 - 3 * frame) ** 2 + (y - 40 - frame) ** 2 < 18**2] = (215, 70, 50)
    image[(abs(x - 95 + 2 * frame) < 14) & (abs(y - 50) < 20)] = (60, 190, 120)
    noise = np.random.default_rng(frame).integers(-12, 13, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def disc(height: int = 90, width: int = 130) -> np.ndarray:
    """The disc of frame 0 as a mask, at any size."""
    y, x = np.mgrid[:height, :width]
    return ((x + 0.5) / width * 130 - 36) ** 2 + ((y + 0.5) / height * 90 - 40) ** 2 < 18**2


def write_clip(folder: Path, frames: int) -> Path:
    """A folder of numbered frames. Under the .jpg names are PNG data, since JPEG decoders differ by a grey level."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in range(frames):
        with (folder / f"{frame:05d}.jpg").open("wb") as file:
            Image.fromarray(picture(frame)).save(file, format="PNG")
    return folder


def sample(values: Any, per_axis: int = 16) -> np.ndarray:
    """A fixed strided sample of the last two axes, fp32; small arrays stay whole."""
    array = values.detach().float().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
    array = array.astype(np.float32)
    if array.ndim < 2 or min(array.shape[-2:]) <= per_axis:
        return array
    height, width = array.shape[-2:]
    return np.ascontiguousarray(array[..., :: height // per_axis, :: width // per_axis])
