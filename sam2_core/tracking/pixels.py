"""Low-resolution logits become masks at the frame's size, and back."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.network import SAM2
from sam2_core.model.preprocess import mask_to_input
from sam2_core.tracking.cleanup import fill_holes, remove_islands
from sam2_core.tracking.segmenter import Trace
from sam2_core.types import BoolArray, Candidate, Mask, ObjectMask

SPECK_AREA = 8
"""Holes and islands of up to so many low-resolution pixels are noise of the network."""


def mask_input(network: SAM2, mask: Mask) -> Tensor:
    """A mask as a prompt (1, 1, S, S), where the network is."""
    return mask_to_input(torch.from_numpy(mask.to_array()), network.image_size).to(network.device)


def object_mask(object_id: int, trace: Trace, height: int, width: int) -> ObjectMask:
    """What a user sees of a trace."""
    mask, candidates = None, []
    if trace.candidates is not None and trace.candidate_predicted_iou is not None:
        for logits, predicted_iou in zip(trace.candidates[0], trace.candidate_predicted_iou[0].tolist(), strict=True):
            candidates.append(Candidate(full_mask(logits, height, width), predicted_iou))
            if mask is None and torch.equal(logits, trace.logits[0, 0]):
                mask = candidates[-1].mask  # the chosen one need not be made twice
    if mask is None:
        mask = full_mask(trace.logits[0, 0], height, width)
    return ObjectMask(object_id, mask, float(trace.predicted_iou), float(trace.object_score), tuple(candidates))


def full_mask(logits: Tensor, height: int, width: int) -> Mask:
    """Logits (4H, 4W) -> the mask at the frame's size, without specks."""
    logits = fill_holes(logits.float().cpu(), SPECK_AREA)
    cleaned = remove_islands(logits, SPECK_AREA)
    if bool((cleaned > 0).any()):  # a tiny object is no speck
        logits = cleaned
    if not bool((logits > 0).any()):
        return Mask(height, width, np.array([height * width], dtype="<u4").tobytes())
    # Runs go down the columns: enlarging the transposed map spares turning a large mask around.
    columns = cv2.resize(np.ascontiguousarray(logits.T.numpy()), (height, width), interpolation=cv2.INTER_LINEAR)
    return Mask.from_array((columns > 0).T)


def to_low_resolution(mask: BoolArray, size: int) -> Tensor:
    """A mask (H, W) as shares of foreground (1, 1, size, size)."""
    pixels = torch.from_numpy(mask).float()[None, None]
    return F.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
