"""Conversion between low-resolution logits and masks at the size of a frame."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sam2_core.model.input_geometry import InputGeometry, mask_coverage, mask_input
from sam2_core.model.network import ABSENT_LOGIT, MASK_PROMPT_LOGIT
from sam2_core.model.sam import Network
from sam2_core.tracking.boundaries import fit_boundaries
from sam2_core.tracking.cleanup import fill_holes, remove_islands
from sam2_core.tracking.mask_filters import stability_scores
from sam2_core.tracking.segmenter import FrameOutput
from sam2_core.types import BoolArray, Candidate, Mask, ObjectMask, RatingSettings

MAX_SPECK_AREA = 8
"""Holes and islands of at most this many low-resolution pixels are removed as noise."""

STABILITY_OFFSET = 1.0
"""How far the stability score that rates a mask moves the threshold of the logits up and down."""


def mask_prompt(network: Network, mask: Mask) -> Tensor:
    """A mask prompt as network input (1, 1, S, S) on the network's device."""
    geometry = network.geometry(mask.height, mask.width)
    return mask_input(torch.from_numpy(mask.to_array()), geometry).to(network.device)


def object_mask(
    object_id: int,
    output: FrameOutput,
    geometry: InputGeometry,
    ratings: RatingSettings,
    pixels: Tensor | None = None,
) -> ObjectMask:
    """A frame output (B = 1) with its candidates as masks at the size of the frame, rated as those of a prompt.

    With the `pixels` of the frame's image features the boundary is fitted to them; that of another candidate will be
    when it is chosen.
    """
    mask, candidates = None, []
    if output.candidates is not None and output.candidate_predicted_iou is not None:
        for logits, predicted_iou in zip(output.candidates[0], output.candidate_predicted_iou[0].tolist(), strict=True):
            rating = ratings.rate(as_fraction(predicted_iou), stability_of(logits))
            is_chosen = mask is None and torch.equal(logits, output.logits[0, 0])
            shape = full_mask(logits, geometry, pixels if is_chosen else None)
            candidates.append(Candidate(shape, as_fraction(predicted_iou), rating))
            if is_chosen:  # saves resizing it twice
                mask = shape
    if mask is None:
        mask = full_mask(output.logits[0, 0], geometry, pixels)
    iou, score = as_fraction(float(output.predicted_iou)), float(output.object_score)
    return ObjectMask(
        object_id, mask, iou, score, tuple(candidates), rating=ratings.rate(iou, stability_of(output.logits[0, 0]))
    )


def stability_of(logits: Tensor) -> float:
    """The stability score of the mask of low-resolution logits (4H, 4W), 0..1."""
    return float(stability_scores(logits[None].float(), 0.0, STABILITY_OFFSET))


def as_fraction(predicted_iou: float) -> float:
    """A predicted IoU within 0..1; that of SAM may lie a little outside."""
    return min(max(predicted_iou, 0.0), 1.0)


def full_mask(logits: Tensor, geometry: InputGeometry, pixels: Tensor | None = None) -> Mask:
    """Logits (4H, 4W) -> the mask at the size of the frame, without specks; boundaries are fitted to `pixels`
    (1, S, S, 3), if there are any."""
    (height, width), (rows, columns) = geometry.frame, geometry.inner_mask
    logits = fill_holes(logits[:rows, :columns].float().cpu(), MAX_SPECK_AREA)
    cleaned = remove_islands(logits, MAX_SPECK_AREA)
    if bool((cleaned > 0).any()):  # else the object itself is no larger than a speck
        logits = cleaned
    logits = fit_boundaries(logits, pixels)
    values = logits.contiguous().numpy()
    if geometry.is_padded:  # in two steps, because a low-resolution pixel may lie partly in the padding
        values = cv2.resize(values, (4 * columns, 4 * rows), interpolation=cv2.INTER_LINEAR)
        values = values[: geometry.inner[0], : geometry.inner[1]]
    return resized_mask(values, height, width)


def resized_mask(logits: npt.NDArray[np.float32], height: int, width: int) -> Mask:
    """The foreground of logits (H', W') that are resized bilinearly to `height` x `width`.

    Down a column the resized logits are linear between the rows of `logits`, so that the run lengths follow from where
    they cross zero. The resized logits themselves, some hundred megabytes for a large photo, are never made.
    """
    rows, columns = logits.shape
    logits = np.nan_to_num(logits, nan=ABSENT_LOGIT, posinf=-ABSENT_LOGIT, neginf=ABSENT_LOGIT)  # of half precision
    # Only columns and rows near the foreground can hold any.
    filled, filled_rows = (np.flatnonzero((logits > 0).any(axis=axis)) for axis in (0, 1))
    if not filled.size:
        return Mask(height, width, np.array([height * width], dtype="<u4").tobytes())
    first, last = max(filled_rows[0] - 1, 0), filled_rows[-1] + 2
    scale = columns / width
    left = min(max(int((filled[0] - 0.5) / scale) - 1, 0), width - 1)
    right = min(int((filled[-1] + 1.5) / scale) + 2, width)
    at = np.clip((np.arange(left, right) + 0.5) * scale - 0.5, 0, columns - 1)
    before = np.minimum(at.astype(np.int64), max(columns - 2, 0))
    after, share = np.minimum(before + 1, columns - 1), (at - before).astype(np.float32)[:, None]
    near = logits[first:last].T
    lines = near[before] * (1 - share) + near[after] * share  # (right - left, last - first)

    inside = lines > 0
    column, row = np.nonzero(inside[:, 1:] != inside[:, :-1])
    above, below = (lines[column, row + step].astype(np.float64) for step in (0, 1))
    crossing = (row + first + above / (above - below) + 0.5) * (height / rows) - 0.5  # in pixels of the mask
    # The first pixel below it that is foreground, or that is not. On it the logit is zero: background.
    edges = np.where(below > 0, np.floor(crossing) + 1, np.ceil(crossing)).clip(0, height).astype(np.int64)
    tops, bottoms = np.flatnonzero(inside[:, 0]), np.flatnonzero(inside[:, -1]) + 1
    bounds = np.concatenate([column * height + edges, tops * height, bottoms * height]) + left * height
    bounds, counts = np.unique(bounds, return_counts=True)
    bounds = bounds[counts % 2 == 1]  # where one run ends another one begins, or one has no pixel in it
    ends = [] if bounds.size and bounds[-1] == height * width else [height * width]
    return Mask(height, width, np.diff(np.concatenate([[0], bounds, ends])).astype("<u4").tobytes())


def low_resolution_logits(mask: BoolArray, geometry: InputGeometry) -> Tensor:
    """A mask (height, width) of a frame -> logits (1, 1, 4H, 4W) of a mask prompt, antialiased at its edges."""
    return (2 * mask_coverage(torch.from_numpy(mask), geometry) - 1) * MASK_PROMPT_LOGIT
