"""Automatic masks in a session: many points, each a prompt of its own, on one crop of a frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch

from sam2_core.model.input_geometry import logits_of_frame
from sam2_core.model.network import ImageFeatures
from sam2_core.tracking.automatic_masks import MaskRecord, PointPredictions, Thresholds, masks_of_points
from sam2_core.tracking.crop_refinement import Window
from sam2_core.tracking.mask_filters import mask_boxes, remove_small_regions
from sam2_core.tracking.masks import as_fraction
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.types import AutomaticMask, Box, Mask, Point, RatingSettings

MAX_AUTOMATIC_POINTS = 256
"""Points of one call."""

MIN_AUTOMATIC_AREA = 4
"""Pixels of the frame; fewer have no shape, and in tiny pictures nearly every pixel would be a mask."""


def segment_points(
    segmenter: Segmenter,
    features: ImageFeatures,
    window: Window,
    frame_size: tuple[int, int],
    points: Sequence[tuple[float, float]],
    thresholds: Thresholds,
    min_region_area: float,
) -> Iterator[AutomaticMask]:
    """The masks of points (x, y) in pixels of the frame, whose (height, width) is `frame_size`.

    `features` are those of the window. Masks of fewer than `MIN_AUTOMATIC_AREA` pixels are left out.
    """
    network, geometry = segmenter.network, segmenter.network.geometry(*window.size)
    inner = torch.tensor(points, dtype=torch.float32) - torch.tensor([window.left, window.top])
    coords = geometry.to_input(inner).to(network.device)[:, None]  # (B, 1, 2)
    labels = torch.ones(len(points), 1, dtype=torch.int32, device=network.device)
    output = segmenter.from_prompt(features, (coords, labels), None, None)
    logits, ious = output.candidates, output.candidate_predicted_iou
    if logits is None or ious is None:  # the network is set to give a single mask for a point
        logits, ious = output.logits, output.predicted_iou
    crop = (window.left, window.top, window.right, window.bottom)
    predictions = PointPredictions(logits, ious.float(), inner)
    crop_logits = partial(logits_of_frame, geometry=geometry)
    for record in masks_of_points(predictions, crop, frame_size, thresholds, crop_logits):
        if record.mask.area >= MIN_AUTOMATIC_AREA:
            yield _automatic_mask(record, min_region_area, network.config.ratings)


def _automatic_mask(record: MaskRecord, min_region_area: float, ratings: RatingSettings) -> AutomaticMask:
    mask, box = record.mask, record.box
    if min_region_area > 0:
        cleaned = remove_small_regions(mask.to_array(), min_region_area)
        left, top, right, bottom = mask_boxes(torch.from_numpy(cleaned)[None])[0].tolist()
        mask, box = Mask.from_array(cleaned), (left, top, right, bottom)
    left, top, right, bottom = box
    enclosing = Box(left, top, right + 1, bottom + 1)
    iou = as_fraction(record.predicted_iou)
    point, crop = Point(*record.point), Box(*record.crop)
    return AutomaticMask(
        mask, iou, record.stability_score, enclosing, point, crop, ratings.rate(iou, record.stability_score)
    )
