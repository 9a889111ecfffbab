"""What steps on images and on clips share: random generators, results, and tensors at the resolution of the loss."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.network import ImageFeatures
from sam2_core.training.arrays import BinaryMask, Random


@dataclass(slots=True)
class StepResult:
    """The loss, with its graph, and metrics for the log, each a mean over objects."""

    loss: Tensor
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepRng:
    """Random generators of one step.

    `shared` is in the same state on all processes, so that they use the same parts of the network; `own` and `torch`
    differ between processes.
    """

    shared: Random
    own: Random
    torch: torch.Generator

    @classmethod
    def seeded(cls, shared: Random, seed: tuple[int, ...]) -> StepRng:
        """Generators of one process and step; `seed` contains both numbers."""
        own = np.random.default_rng(seed)
        return cls(shared, own, torch.Generator().manual_seed(int(own.integers(2**62))))


def select_features(features: ImageFeatures, index: Tensor) -> ImageFeatures:
    """The features of the image that each object belongs to; `index` (N) counts images."""
    return ImageFeatures(features.embedding[index], tuple(feature[index] for feature in features.high_res))


def coverage(masks: BinaryMask, stride: int, device: torch.device) -> Tensor:
    """Masks (..., S, S) -> the share of each cell of `stride` pixels that they cover, (..., S / stride, S / stride)."""
    cells = torch.from_numpy(masks).to(device).float()
    return F.avg_pool2d(cells.flatten(0, -3)[:, None], stride).view(
        *cells.shape[:-2], *(n // stride for n in cells.shape[-2:])
    )


def resize_logits(logits: Tensor, size: int) -> Tensor:
    """Logits (N, M, h, w) -> (N, M, size, size) in fp32: the resolution of the loss."""
    if logits.shape[-1] == size:
        return logits.float()
    return F.interpolate(logits.float(), size=(size, size), mode="bilinear", align_corners=False)
