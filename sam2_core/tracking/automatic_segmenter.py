"""Automatic masks in a session: many points, each a prompt of its own, on one crop of a frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from sam2_core.model.input_geometry import logits_of_frame
from sam2_core.model.mask_decoder import CANDIDATES
from sam2_core.model.network import ImageFeatures
from sam2_core.tracking.automatic_masks import CoarseMask, MaskRecord, PointPredictions, Thresholds, masks_of_points
from sam2_core.tracking.crop_refinement import Window
from sam2_core.tracking.mask_filters import MaskBox, mask_box, remove_small_regions
from sam2_core.tracking.masks import as_fraction
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.types import AutomaticMask, BoolArray, Box, Mask, Point, RatingSettings

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
    crop = (window.left, window.top, window.right, window.bottom)
    crop_logits = partial(logits_of_frame, geometry=segmenter.network.geometry(*window.size))
    ratings, is_coarse = segmenter.network.config.ratings, features.pixels is not None
    predictions = _predictions(segmenter, features, window, points)
    for record in masks_of_points(predictions, crop, frame_size, thresholds, crop_logits):
        if record.mask.area >= MIN_AUTOMATIC_AREA:
            yield _automatic_mask(record, min_region_area, ratings, is_coarse)


def fit_masks(
    segmenter: Segmenter,
    features: ImageFeatures,
    window: Window,
    masks: Sequence[AutomaticMask],
    min_region_area: float,
) -> Iterator[AutomaticMask]:
    """Masks of `segment_points` with boundaries that are fitted to the picture, for networks with `fit_boundaries`.

    They are predicted once more, because the logits of all that are found would be much to keep. Predicted IoU,
    stability score and rating are the network's.
    """
    crop, pixels = (window.left, window.top, window.right, window.bottom), features.pixels
    predictions = _predictions(segmenter, features, window, [(each.point.x, each.point.y) for each in masks])
    for mask, candidates in zip(masks, predictions.logits, strict=True):
        fitted = replace(mask, candidate=None)
        # Another network, which can take the place of the former one at any time, may find something else, or nothing.
        if pixels is not None and mask.candidate is not None and mask.candidate < len(candidates):
            coarse = CoarseMask(candidates[mask.candidate], pixels)
            shape = _cleaned(coarse.fitted(crop, (mask.mask.height, mask.mask.width)), min_region_area)
            if np.count_nonzero(shape) >= MIN_AUTOMATIC_AREA and _are_alike(shape, mask.mask.to_array()):
                fitted = replace(fitted, mask=Mask.from_array(shape), box=_enclosing(mask_box(shape)))
        yield fitted


def _are_alike(fitted: BoolArray, coarse: BoolArray) -> bool:
    return bool(2 * np.count_nonzero(fitted & coarse) >= np.count_nonzero(fitted | coarse))


def _predictions(
    segmenter: Segmenter, features: ImageFeatures, window: Window, points: Sequence[tuple[float, float]]
) -> PointPredictions:
    network, geometry = segmenter.network, segmenter.network.geometry(*window.size)
    inner = torch.tensor(points, dtype=torch.float32) - torch.tensor([window.left, window.top])
    coords = geometry.to_input(inner).to(network.device)[:, None]  # (B, 1, 2)
    labels = torch.ones(len(points), 1, dtype=torch.int32, device=network.device)
    output = segmenter.from_prompt(features, (coords, labels), None, None)
    logits, ious = output.candidates, output.candidate_predicted_iou
    if logits is None or ious is None:  # the network is set to give a single mask for a point
        logits, ious = output.logits, output.predicted_iou
    # The thresholds of networks that rank their single mask, too, were chosen for three candidates.
    return PointPredictions(logits[:, :CANDIDATES], ious[:, :CANDIDATES].float(), inner)


def _automatic_mask(
    record: MaskRecord, min_region_area: float, ratings: RatingSettings, is_coarse: bool
) -> AutomaticMask:
    mask, box = record.mask, record.box
    if min_region_area > 0:
        shape = _cleaned(mask, min_region_area)
        mask, box = Mask.from_array(shape), mask_box(shape)
    iou = as_fraction(record.predicted_iou)
    return AutomaticMask(
        mask,
        iou,
        record.stability_score,
        _enclosing(box),
        Point(*record.point),
        Box(*record.crop),
        ratings.rate(iou, record.stability_score),
        record.candidate if is_coarse else None,
    )


def _cleaned(mask: Mask, min_region_area: float) -> BoolArray:
    """The pixels (H, W) of a mask without small regions."""
    pixels = mask.to_array()
    return remove_small_regions(pixels, min_region_area) if min_region_area > 0 else pixels


def _enclosing(box: MaskBox) -> Box:
    left, top, right, bottom = box
    return Box(left, top, right + 1, bottom + 1)
