"""The automatic mask generator of SAM: the official numbers, and what differs from the one of SAM 2.

The numbers come from the official code at commit dca509f, built with the sizes of `golden_inputs.SMALL_SAM` and with
`golden_inputs.weights`; where they differ, the official code is right.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import sam2_core
from sam2_core.errors import ConfigError, MediaError
from sam2_core.model.sam import Sam
from sam2_core.predictors.sam_mask_generator import SamAutomaticMaskGenerator
from sam2_core.types import Mask
from tests.predictors.golden_inputs import picture, small_sam

SETTINGS: dict[str, Any] = {
    "points_per_side": 4,
    "pred_iou_thresh": 0.5,
    "stability_score_thresh": 0.0,
    "stability_score_offset": 0.05,
    "box_nms_thresh": 0.8,
}
CROPS = {"crop_n_layers": 1, "crop_n_points_downscale_factor": 2, "crop_nms_thresh": 0.8, "min_mask_region_area": 60}
NAN = math.nan

# bbox, area, predicted IoU, point, stability score, crop box
WHOLE = [
    ([0, 0, 129, 88], 2021, 1.0526, [81.25, 33.75], 0.2291, [0, 0, 130, 90]),
    ([38, 0, 17, 1], 6, 0.9334, [113.75, 56.25], 0.0, [0, 0, 130, 90]),
    ([0, 0, 0, 0], 0, 0.9282, [81.25, 11.25], NAN, [0, 0, 130, 90]),
    ([0, 0, 0, 0], 0, 0.8953, [16.25, 56.25], NAN, [0, 0, 130, 90]),
    ([0, 0, 0, 0], 0, 0.6918, [113.75, 78.75], NAN, [0, 0, 130, 90]),
    ([0, 0, 0, 0], 0, 0.5767, [81.25, 56.25], 0.0, [0, 0, 130, 90]),
    ([13, 0, 116, 75], 171, 0.5719, [113.75, 33.75], 0.125, [0, 0, 130, 90]),
    ([0, 0, 0, 0], 0, 0.5153, [48.75, 11.25], 0.0, [0, 0, 130, 90]),
]
IN_CROPS = [
    ([0, 0, 0, 0], 0, 0.667, [60.0, 45.0], NAN, [0, 0, 80, 60]),
    ([0, 0, 0, 0], 0, 0.9282, [81.25, 11.25], NAN, [0, 0, 130, 90]),
    ([0, 0, 0, 0], 0, 0.8953, [16.25, 56.25], NAN, [0, 0, 130, 90]),
    ([0, 0, 0, 0], 0, 0.6918, [113.75, 78.75], NAN, [0, 0, 130, 90]),
    ([0, 0, 0, 0], 0, 0.5767, [81.25, 56.25], 0.0, [0, 0, 130, 90]),
    ([0, 0, 0, 0], 0, 0.5153, [48.75, 11.25], 0.0, [0, 0, 130, 90]),
    ([25, 0, 104, 54], 315, 1.0526, [81.25, 33.75], 0.2291, [0, 0, 130, 90]),
    ([54, 0, 1, 1], 4, 0.9334, [113.75, 56.25], 0.0, [0, 0, 130, 90]),
    ([126, 0, 3, 3], 15, 0.5719, [113.75, 33.75], 0.125, [0, 0, 130, 90]),
]


@pytest.fixture(scope="module")
def model() -> Sam:
    network = small_sam()
    network.mask_threshold = 0.2
    return network


@pytest.mark.parametrize(("settings", "expected"), [({}, WHOLE), (CROPS, IN_CROPS)], ids=["whole", "crops"])
def test_the_official_numbers(model: Sam, settings: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    found = SamAutomaticMaskGenerator(model, **SETTINGS, **settings).generate(picture())
    assert len(found) == len(expected)
    for record, (box, area, iou, point, stability, crop) in zip(found, expected, strict=True):
        assert (record["bbox"], record["area"], record["crop_box"]) == (box, area, crop)
        assert {type(edge) for edge in record["bbox"]} == {int}
        numbers = [record["predicted_iou"], record["stability_score"], *record["point_coords"][0]]
        np.testing.assert_allclose(numbers, [iou, stability, *point], atol=1e-3)
        assert record["segmentation"].dtype == bool
        assert record["segmentation"].sum() == area


def test_the_output_modes_hold_the_same_masks(model: Sam) -> None:
    arrays = [record["segmentation"] for record in SamAutomaticMaskGenerator(model, **SETTINGS).generate(picture())]
    for mode, counts in (("uncompressed_rle", list), ("coco_rle", str)):
        found = SamAutomaticMaskGenerator(model, **SETTINGS, output_mode=mode).generate(picture())
        assert {type(record["segmentation"]["counts"]) for record in found} == {counts}
        np.testing.assert_array_equal([Mask.from_coco(each["segmentation"]).to_array() for each in found], arrays)


def test_the_official_defaults() -> None:
    generator = SamAutomaticMaskGenerator(small_sam())
    assert (generator.pred_iou_thresh, generator.stability_score_thresh, generator.box_nms_thresh) == (0.88, 0.95, 0.7)
    assert (generator.points_per_batch, len(generator.point_grids[0]), generator.output_mode) == (
        64,
        1024,
        "binary_mask",
    )
    assert generator.predictor.features is None
    assert sam2_core.SamAutomaticMaskGenerator is SamAutomaticMaskGenerator


def test_invalid_settings_and_pictures_are_refused(model: Sam) -> None:
    with pytest.raises(ConfigError, match="coco_rle"):
        SamAutomaticMaskGenerator(model, output_mode="png")  # type: ignore[arg-type]
    with pytest.raises(MediaError):
        SamAutomaticMaskGenerator(model, points_per_side=1).generate(np.zeros((8, 8, 3)))
