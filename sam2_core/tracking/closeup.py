"""Refine here: a part of a frame fills the network's input, so that its mask becomes as fine as the part is small.

What the whole frame gave is fed back as the previous answer, which tells the network what to refine; around the part a
margin is seen too, so that a thing which the part's edge cuts does not end there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.network import MASK_PROMPT_LOGIT, ImageFeatures
from sam2_core.model.preprocess import Pixels
from sam2_core.tracking.pixels import full_mask, to_low_resolution
from sam2_core.tracking.prompts import point_inputs
from sam2_core.tracking.segmenter import Segmenter, Trace
from sam2_core.types import BoolArray, Box, Mask, ObjectMask, Point, Prompt

MARGIN = 0.125
"""What is seen beyond each edge of the part, as a share of its side."""

LEAST_SIDE = 32
"""Pixels that are seen at least; fewer of them show the network nothing."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a frame in whole pixels; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, crop: Box, height: int, width: int) -> Window:
        """The pixels of a crop, at least one."""
        left, right = _whole(crop.left, crop.right, width)
        top, bottom = _whole(crop.top, crop.bottom, height)
        return cls(left, top, right, bottom)

    def with_margin(self, height: int, width: int) -> Window:
        """What is seen of the frame."""
        left, right = _widened(self.left, self.right, width)
        top, bottom = _widened(self.top, self.bottom, height)
        return Window(left, top, right, bottom)

    @property
    def place(self) -> tuple[slice, slice]:
        """Index of these pixels in an array (H, W)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left


def _whole(start: float, end: float, most: int) -> tuple[int, int]:
    first = min(max(round(start), 0), most - 1)
    return first, min(max(round(end), first + 1), most)


def _widened(start: int, end: int, most: int) -> tuple[int, int]:
    missing = max(round((end - start) * MARGIN), -(-(LEAST_SIDE - (end - start)) // 2))
    return max(start - missing, 0), min(end + missing, most)


def cut(pixels: Pixels, seen: Window, height: int, width: int) -> Pixels:
    """The window of a frame that is `height` x `width`, but may be stored smaller."""
    rows, columns = pixels.shape[0] / height, pixels.shape[1] / width
    stored = Box(seen.left * columns, seen.top * rows, seen.right * columns, seen.bottom * rows)
    return pixels[Window.of(stored, *pixels.shape[:2]).place]


def look_closer(
    segmenter: Segmenter, features: ImageFeatures, part: Window, prompt: Prompt, trace: Trace, found: ObjectMask
) -> tuple[Trace, ObjectMask]:
    """What the whole frame gave (`trace`, `found`), refined within `part`; outside it the mask stays as it is.

    `features` are those of the part with its margin. Where neither mask nor click lies in there, or the network does
    not see the thing in it, nothing changes.
    """
    mask, network = found.mask.to_array(), segmenter.network
    seen = part.with_margin(*mask.shape)
    said = _points_within(prompt, seen, mask[seen.place])
    if not said.points:
        return trace, found
    points = point_inputs(said, *seen.size, network.image_size, network.device)
    closer = segmenter.refine(features, points, _logits_within(trace.logits, seen, *mask.shape))
    if float(closer.object_score) <= 0:
        return trace, found
    finer = mask.copy()
    finer[seen.place] = full_mask(closer.logits[0, 0], *seen.size).to_array()
    mask[part.place] = finer[part.place]
    merged = replace(trace, logits=_with_mask(trace.logits, part, mask), predicted_iou=closer.predicted_iou)
    return merged, replace(found, mask=Mask.from_array(mask), predicted_iou=float(closer.predicted_iou), candidates=())


def _points_within(prompt: Prompt, seen: Window, before: BoolArray) -> Prompt:
    """The clicks in the window, in its pixels; where none is on the thing, the middle of its mask comes first."""
    inside = [
        Point(point.x - seen.left, point.y - seen.top, point.positive)
        for point in prompt.points
        if seen.left <= point.x <= seen.right and seen.top <= point.y <= seen.bottom
    ]
    if not any(point.positive for point in inside):
        if not before.any():
            return Prompt()
        inside.insert(0, _middle(before))
    return Prompt(tuple(inside))


def _middle(mask: BoolArray) -> Point:
    """The pixel of a mask that lies farthest from its edge."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return Point(float(column) + 0.5, float(row) + 0.5)


def _logits_within(logits: Tensor, seen: Window, height: int, width: int) -> Tensor:
    """The window of a frame's logits (1, 1, 4H, 4W), enlarged to the same size."""
    (rows, columns), size = seen.size, logits.shape[-1]
    middles = (torch.arange(size, device=logits.device) + 0.5) / size
    y = (seen.top + middles * rows) * 2 / height - 1
    x = (seen.left + middles * columns) * 2 / width - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None]
    return F.grid_sample(logits.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)


def _with_mask(logits: Tensor, part: Window, mask: BoolArray) -> Tensor:
    """Logits (1, 1, 4H, 4W) that say within `part` what the mask says, so that tracking goes on from there."""
    (height, width), size = mask.shape, logits.shape[-1]
    y, x = (torch.arange(size) + 0.5) * height / size, (torch.arange(size) + 0.5) * width / size
    inside = ((y >= part.top) & (y < part.bottom))[:, None] & ((x >= part.left) & (x < part.right))
    sure = (2 * to_low_resolution(mask, size) - 1) * MASK_PROMPT_LOGIT
    return torch.where(inside.to(logits.device), sure.to(logits), logits)
