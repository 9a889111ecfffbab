"""Crop refinement ("Refine here"): segment an enlarged crop of a frame, for a finer mask of a small object.

The crop with a margin around it fills the network's input. The logits of the whole frame are fed back as the mask
prompt. The margin gives context to objects that the crop's edge cuts. Pixels inside the crop are replaced. What lies
outside and ends at the crop's edge, because the finer mask does not go on there, would leave a rectangular hole: where
all that was clicked on is in the crop, it is dropped, else the mask stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.input_geometry import InputGeometry
from sam2_core.model.network import ImageFeatures
from sam2_core.model.preprocess import Pixels
from sam2_core.tracking.masks import as_fraction, full_mask, low_resolution_logits, stability_of
from sam2_core.tracking.prompts import point_inputs
from sam2_core.tracking.segmenter import FrameOutput, Segmenter
from sam2_core.types import BoolArray, Box, Mask, ObjectMask, Point, Prompt

MARGIN = 0.125
"""Margin beyond each edge of the crop, as a fraction of its side."""

MIN_SIDE = 32
"""Smallest side of crop and margin together, in pixels; less gives the network no context."""


SEAM = 3
"""Pixels by which the two masks may miss each other at the crop's edge and still go on."""


@dataclass(frozen=True, slots=True)
class Window:
    """A crop of a frame in whole pixels; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, crop: Box, height: int, width: int) -> Window:
        """Round a box to pixels of a frame; each side has at least one."""
        left, right = _rounded(crop.left, crop.right, width)
        top, bottom = _rounded(crop.top, crop.bottom, height)
        return cls(left, top, right, bottom)

    def with_margin(self, height: int, width: int) -> Window:
        """The window with its margin, clipped to the frame."""
        left, right = _widened(self.left, self.right, width)
        top, bottom = _widened(self.top, self.bottom, height)
        return Window(left, top, right, bottom)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the window's pixels in an array (H', W')."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left


def _rounded(start: float, end: float, length: int) -> tuple[int, int]:
    first = min(max(round(start), 0), length - 1)
    return first, min(max(round(end), first + 1), length)


def _widened(start: int, end: int, length: int) -> tuple[int, int]:
    margin = max(round((end - start) * MARGIN), -(-(MIN_SIDE - (end - start)) // 2))
    return max(start - margin, 0), min(end + margin, length)


def crop_pixels(pixels: Pixels, window: Window, height: int, width: int) -> Pixels:
    """Cut a window out of a frame of `height` x `width` whose stored `pixels` may be smaller."""
    rows, columns = pixels.shape[0] / height, pixels.shape[1] / width
    stored = Box(window.left * columns, window.top * rows, window.right * columns, window.bottom * rows)
    return pixels[Window.of(stored, *pixels.shape[:2]).slices]


def refine_crop(
    segmenter: Segmenter,
    features: ImageFeatures,
    crop: Window,
    prompt: Prompt,
    output: FrameOutput,
    result: ObjectMask,
) -> tuple[FrameOutput, ObjectMask]:
    """Refine the output and the mask of a whole frame within `crop`; outside of it the mask stays as it is.

    `features` are those of the crop with its margin. Returns `output` and `result` unchanged where neither the mask
    nor a point of `prompt` lies in there, or where the object score of the crop is not positive.
    """
    mask, network = result.mask.to_array(), segmenter.network
    outer = crop.with_margin(*mask.shape)
    cropped = _points_within(prompt, outer, mask[outer.slices])
    if not cropped.points:
        return output, result
    whole, inner = network.geometry(*mask.shape), network.geometry(*outer.size)
    points = point_inputs(cropped, inner, network.device)
    refined = segmenter.refine(features, points, _cropped_logits(output.logits, outer, whole, inner))
    if float(refined.object_score) <= 0:
        return output, result
    finer = mask.copy()
    finer[outer.slices] = full_mask(refined.logits[0, 0], inner, features.pixels).to_array()
    cut_off = cut_off_parts(mask, finer, crop)
    if cut_off.any() and not _is_about(prompt, crop):
        return output, result
    mask[cut_off] = False
    mask[crop.slices] = finer[crop.slices]
    logits = _with_mask(output.logits, crop, mask, whole)
    if cut_off.any():
        logits = low_resolution_logits(mask, whole).to(logits)
    merged = replace(output, logits=logits, predicted_iou=refined.predicted_iou)
    predicted_iou = as_fraction(float(refined.predicted_iou))
    rating = network.config.ratings.rate(predicted_iou, stability_of(refined.logits[0, 0]))
    finer_mask = Mask.from_array(mask)
    return merged, replace(result, mask=finer_mask, predicted_iou=predicted_iou, rating=rating, candidates=())


def _is_about(prompt: Prompt, crop: Window) -> bool:
    """Whether the prompt consists of points in the crop."""
    within = (crop.left <= point.x <= crop.right and crop.top <= point.y <= crop.bottom for point in prompt.points)
    return bool(prompt.points) and not prompt.boxes and prompt.mask is None and all(within)


def cut_off_parts(mask: BoolArray, finer: BoolArray, crop: Window) -> BoolArray:
    """The connected parts of `mask` outside of the crop that touch it mostly where the finer mask does not go on."""
    outside = mask.copy()
    outside[crop.slices] = False
    count, labels = cv2.connectedComponents(outside.astype(np.uint8), connectivity=8)
    goes_on = cv2.dilate(finer.astype(np.uint8), np.ones((2 * SEAM + 1, 2 * SEAM + 1), np.uint8)) > 0
    touching, continued = np.zeros(count, np.int64), np.zeros(count, np.int64)
    padded, (rows, columns) = np.pad(labels, 1), crop.slices  # pixel (y, x) of the frame is (y + 1, x + 1)
    edges = (
        (padded[crop.top, 1:-1][columns], goes_on[crop.top, columns]),
        (padded[crop.bottom + 1, 1:-1][columns], goes_on[crop.bottom - 1, columns]),
        (padded[1:-1, crop.left][rows], goes_on[rows, crop.left]),
        (padded[1:-1, crop.right + 1][rows], goes_on[rows, crop.right - 1]),
    )
    for beyond, inside in edges:
        touching += np.bincount(beyond, minlength=count)
        continued += np.bincount(beyond[inside], minlength=count)
    is_cut_off = (touching > 0) & (2 * continued < touching)
    is_cut_off[0] = False  # label 0 is everything outside of `mask`
    return is_cut_off[labels]


def _points_within(prompt: Prompt, window: Window, mask: BoolArray) -> Prompt:
    """The points in the window, in its pixels; if none is positive, the innermost pixel of `mask` comes first."""
    inside = [
        Point(point.x - window.left, point.y - window.top, point.positive)
        for point in prompt.points
        if window.left <= point.x <= window.right and window.top <= point.y <= window.bottom
    ]
    if not any(point.positive for point in inside):
        if not mask.any():
            return Prompt()
        inside.insert(0, _innermost_pixel(mask))
    return Prompt(tuple(inside))


def _innermost_pixel(mask: BoolArray) -> Point:
    """The center of the pixel that lies farthest from the edge of a mask."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return Point(float(column) + 0.5, float(row) + 0.5)


def _cropped_logits(logits: Tensor, window: Window, whole: InputGeometry, inner: InputGeometry) -> Tensor:
    """The window of a frame's logits (1, 1, 4H, 4W), resized to the same shape.

    `whole` is the geometry of the frame, `inner` that of the window.
    """
    (rows, columns), (height, width), size = inner.extent, whole.extent, logits.shape[-1]
    centers = (torch.arange(size, device=logits.device) + 0.5) / size
    y = (window.top + centers * rows) * 2 / height - 1
    x = (window.left + centers * columns) * 2 / width - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None]
    return F.grid_sample(logits.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)


def _with_mask(logits: Tensor, crop: Window, mask: BoolArray, whole: InputGeometry) -> Tensor:
    """Logits (1, 1, 4H, 4W) replaced within `crop` by those of the mask, so that tracking starts from it."""
    (height, width), size = whole.extent, logits.shape[-1]
    y, x = (torch.arange(size) + 0.5) * height / size, (torch.arange(size) + 0.5) * width / size
    inside = ((y >= crop.top) & (y < crop.bottom))[:, None] & ((x >= crop.left) & (x < crop.right))
    return torch.where(inside.to(logits.device), low_resolution_logits(mask, whole).to(logits), logits)
