"""Files of a run: `checkpoint.pt` to resume from, and weights in the official layout.

Files are written under a temporary name and then renamed, so they are complete even if the process is killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from sam2_core.errors import WeightsError
from sam2_core.media.atomic import new_file

CHECKPOINT_FILE = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run is: `steps` taken, `samples` seen (images and frames), `seconds` of training, `skipped` steps whose
    gradient was not finite, and `memory_ready`: whether `match_memory_scale` was called."""

    steps: int = 0
    samples: int = 0
    seconds: float = 0.0
    skipped: int = 0
    memory_ready: bool = False


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All state of a run. `mean` and `mean_count` are the moving average of the weights."""

    position: Position
    weights: Mapping[str, Tensor]
    mean: Mapping[str, Tensor]
    mean_count: int
    optimizer: list[dict[str, Any]]

    def save(self, folder: Path) -> None:
        """Write `checkpoint.pt` into the folder."""
        with new_file(folder / CHECKPOINT_FILE) as partial:
            torch.save(
                {**{name: getattr(self, name) for name in self.__slots__}, "position": asdict(self.position)}, partial
            )

    @classmethod
    def load(cls, folder: Path) -> Checkpoint | None:
        """Read `checkpoint.pt`; None if there is none. Raises `WeightsError` if it is damaged."""
        file = folder / CHECKPOINT_FILE
        if not file.is_file():
            return None
        try:
            values = torch.load(file, map_location="cpu", weights_only=True)
            if "optimiser" in values:  # written by an earlier version
                values["optimizer"] = values.pop("optimiser")
            return cls(**{**values, "position": Position(**values["position"])})
        except Exception as error:  # which one depends on where the file is damaged
            raise WeightsError(
                f"{file} is damaged, so the run cannot go on from it. Delete it to start again, or give its folder a "
                f"new name. ({error})"
            ) from error


def clip_prompt_file(weights: Path) -> Path:
    """The file beside a file of weights with its `ClipPrompt`."""
    return weights.with_suffix(".clip.safetensors")


def save_clip_prompt(weights: Mapping[str, Tensor], clip: str, file: Path) -> None:
    """Write the weights of a `ClipPrompt` and the name of its CLIP."""
    tensors = {name: value.detach().cpu().float().contiguous() for name, value in weights.items()}
    with new_file(file) as partial:
        save_file(tensors, partial, metadata={"clip": clip})


WEIGHT_SUFFIXES = (".pt", ".safetensors")
"""Suffixes of the files that `save_weights` writes."""


def save_weights(weights: Mapping[str, Tensor], file: Path) -> None:
    """Write a state dict under the official names: `.safetensors` in fp16, or `.pt` in fp32 as the official code reads
    it, which is {"model": ...} for SAM 2 and the bare state dict for SAM."""
    dtype = torch.float16 if file.suffix == ".safetensors" else torch.float32
    tensors = {name: value.detach().cpu().to(dtype).contiguous() for name, value in weights.items()}
    with new_file(file) as partial:
        if file.suffix == ".safetensors":
            save_file(tensors, partial)
        else:
            is_sam = any(name.startswith("mask_decoder.") for name in tensors)
            torch.save(tensors if is_sam else {"model": tensors}, partial)
