"""Conversion between low-resolution logits and masks at the size of a frame."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.network import MASK_PROMPT_LOGIT, SAM2
from sam2_core.model.preprocess import mask_to_input
from sam2_core.tracking.cleanup import fill_holes, remove_islands
from sam2_core.tracking.segmenter import FrameOutput
from sam2_core.types import BoolArray, Candidate, Mask, ObjectMask

MAX_SPECK_AREA = 8
"""Holes and islands of at most this many low-resolution pixels are removed as noise."""


def mask_input(network: SAM2, mask: Mask) -> Tensor:
    """A mask prompt as network input (1, 1, S, S) on the network's device."""
    return mask_to_input(torch.from_numpy(mask.to_array()), network.image_size).to(network.device)


def object_mask(object_id: int, output: FrameOutput, height: int, width: int) -> ObjectMask:
    """A frame output (B = 1) with its candidates as masks at the size of the frame."""
    mask, candidates = None, []
    if output.candidates is not None and output.candidate_predicted_iou is not None:
        for logits, predicted_iou in zip(output.candidates[0], output.candidate_predicted_iou[0].tolist(), strict=True):
            candidates.append(Candidate(full_mask(logits, height, width), predicted_iou))
            if mask is None and torch.equal(logits, output.logits[0, 0]):
                mask = candidates[-1].mask  # saves resizing the chosen candidate twice
    if mask is None:
        mask = full_mask(output.logits[0, 0], height, width)
    return ObjectMask(object_id, mask, float(output.predicted_iou), float(output.object_score), tuple(candidates))


def full_mask(logits: Tensor, height: int, width: int) -> Mask:
    """Logits (4H, 4W) -> the mask at the size of the frame, without specks."""
    logits = fill_holes(logits.float().cpu(), MAX_SPECK_AREA)
    cleaned = remove_islands(logits, MAX_SPECK_AREA)
    if bool((cleaned > 0).any()):  # else the object itself is no larger than a speck
        logits = cleaned
    if not bool((logits > 0).any()):
        return Mask(height, width, np.array([height * width], dtype="<u4").tobytes())
    # Resized as its transpose: run lengths are column-major, so `from_array` need not transpose the large mask.
    columns = cv2.resize(np.ascontiguousarray(logits.T.numpy()), (height, width), interpolation=cv2.INTER_LINEAR)
    return Mask.from_array((columns > 0).T)


def low_resolution_logits(mask: BoolArray, size: int) -> Tensor:
    """A mask (H', W') of a frame -> logits (1, 1, size, size) of a mask prompt, antialiased at its edges."""
    pixels = torch.from_numpy(mask).float()[None, None]
    coverage = F.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
    return (2 * coverage - 1) * MASK_PROMPT_LOGIT
