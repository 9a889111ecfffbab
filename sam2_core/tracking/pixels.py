"""Low-resolution logits become masks at the frame's size, and back."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.tracking.cleanup import fill_holes, remove_islands
from sam2_core.tracking.segmenter import Trace
from sam2_core.types import BoolArray, Candidate, Mask, ObjectMask

SPECK_AREA = 8
"""Holes and islands of up to so many low-resolution pixels are noise of the network."""


def object_mask(object_id: int, trace: Trace, height: int, width: int) -> ObjectMask:
    """What a user sees of a trace."""
    candidates: tuple[Candidate, ...] = ()
    if trace.candidates is not None and trace.candidate_quality is not None:
        qualities = trace.candidate_quality[0].tolist()
        masks = (full_mask(trace.candidates[:, index], height, width) for index in range(len(qualities)))
        candidates = tuple(map(Candidate, masks, qualities))
    return ObjectMask(
        object_id,
        full_mask(trace.logits[:, 0], height, width),
        quality=float(trace.quality),
        presence=float(trace.presence),
        candidates=candidates,
    )


def full_mask(logits: Tensor, height: int, width: int) -> Mask:
    """Logits (1, 4H, 4W) -> the mask at the frame's size, without specks."""
    logits = fill_holes(logits.float()[None], SPECK_AREA)
    cleaned = remove_islands(logits, SPECK_AREA)
    if bool((cleaned > 0).any()):  # a tiny object is no speck
        logits = cleaned
    if not bool((logits > 0).any()):
        return Mask(height, width, np.array([height * width], dtype="<u4").tobytes())
    full = F.interpolate(logits, size=(height, width), mode="bilinear", align_corners=False)
    return Mask.from_array((full[0, 0] > 0).cpu().numpy())


def to_low_resolution(mask: BoolArray, size: int) -> Tensor:
    """A mask (H, W) as shares of foreground (1, 1, size, size)."""
    pixels = torch.from_numpy(mask).float()[None, None]
    return F.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
