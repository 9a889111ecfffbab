"""The automatic mask generator over a fake predictor that returns discs around the points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sam2_core import SAM2AutomaticMaskGenerator, build_sam2
from sam2_core.errors import ConfigError, MediaError
from sam2_core.predictors import automatic_mask_generator as module
from sam2_core.predictors.transforms import SAM2Transforms
from sam2_core.tracking import automatic_masks
from sam2_core.types import Mask

HEIGHT, WIDTH = 120, 160
IMAGE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
FOUR = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))


@dataclass
class DiscPredictor:
    """Predicts discs around the points; logits decrease by `slope` per pixel outward."""

    radius: float = 12.0
    slope: float = 1.0
    ious: tuple[float, ...] = (0.9375, 0.875, 0.8125)  # exact in binary
    speckles: Callable[[Tensor], Tensor] = lambda logits: logits  # changes the logits (H, W)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    _transforms: SAM2Transforms = field(default_factory=lambda: SAM2Transforms(1024))
    sizes: list[tuple[int, int]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    prompted_with_masks: list[bool] = field(default_factory=list)
    pixels: Tensor | None = None  # (1, S, S, 3), to which boundaries are fitted

    def set_image(self, image: np.ndarray) -> None:
        self.sizes.append(image.shape[:2])

    def reset_predictor(self) -> None:
        pass

    def _current_features(self) -> dict[str, Tensor]:
        return {} if self.pixels is None else {"pixels": self.pixels}

    def _predict_low_res(
        self, points: tuple[Tensor, Tensor], mask_input: Tensor | None, multimask_output: bool
    ) -> tuple[Tensor, Tensor]:
        point_coords, point_labels = points
        assert point_labels.shape == point_coords.shape[:2]
        assert (point_labels == 1).all()
        count, masks = len(point_coords), 3 if multimask_output else 1
        self.batches.append(count)
        self.prompted_with_masks.append(mask_input is not None)
        height, width = self.sizes[-1]
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        discs = []
        for x, y in (point_coords[:, 0] / 1024 * torch.tensor([width, height])).tolist():
            distance = torch.hypot(columns - x, rows - y)
            radius = self.radius / 2 if mask_input is not None else self.radius
            discs += [self.speckles((radius + 3 * part - distance) * self.slope) for part in range(masks)]
        logits = torch.stack(discs).reshape(count, masks, height, width)
        return logits, torch.tensor(self.ious[:masks]).expand(count, masks)


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """`generate` with a disc predictor; the defaults keep all four discs of a 2 x 2 grid."""

    def with_areas(predictor: DiscPredictor, **areas: float) -> DiscPredictor:
        vars(predictor._transforms).update(areas)
        return predictor

    monkeypatch.setattr(module, "SAM2ImagePredictor", with_areas)

    def run(predictor: DiscPredictor | None = None, image: Any = IMAGE, **settings: Any) -> list[dict[str, Any]]:
        defaults = {"points_per_side": 2, "stability_score_thresh": 0.0, "multimask_output": False}
        return SAM2AutomaticMaskGenerator(predictor or DiscPredictor(), **{**defaults, **settings}).generate(image)

    return run


def test_the_contents_of_a_record(find: Any) -> None:
    first, *others = find()
    assert len(others) == 3
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    disc = (columns - 40) ** 2 + (rows - 30) ** 2 < 12**2
    assert first["segmentation"].dtype == bool
    np.testing.assert_array_equal(first["segmentation"], disc)
    assert first["area"] == disc.sum()
    assert first["bbox"] == [29.0, 19.0, 22.0, 22.0]
    assert first["point_coords"] == [[40.0, 30.0]]
    assert first["crop_box"] == [0.0, 0.0, 160.0, 120.0]
    assert first["predicted_iou"] == 0.9375
    strict, generous = ((columns - 40) ** 2 + (rows - 30) ** 2 < r**2 for r in (11, 13))
    assert first["stability_score"] == pytest.approx(strict.sum() / generous.sum())
    assert list(first) == [
        "segmentation", "area", "bbox", "predicted_iou", "point_coords", "stability_score", "crop_box",
    ]  # fmt: skip


@pytest.mark.parametrize(("side", "count"), [(1, 1), (2, 4), (4, 16)])
def test_points_per_side(find: Any, side: int, count: int) -> None:
    found = find(DiscPredictor(radius=6), points_per_side=side)
    expected = [[(x + 0.5) * WIDTH / side, (y + 0.5) * HEIGHT / side] for y in range(side) for x in range(side)]
    assert [point for record in found for point in record["point_coords"]] == expected
    assert len(found) == count


def test_points_per_batch_changes_the_batches_and_nothing_else(find: Any) -> None:
    predictor = DiscPredictor(radius=6)
    in_threes = find(predictor, points_per_side=4, points_per_batch=3)
    assert predictor.batches == [3, 3, 3, 3, 3, 1]
    at_once = find(DiscPredictor(radius=6), points_per_side=4)
    np.testing.assert_equal(in_threes, at_once)


class CountingTransforms(SAM2Transforms):
    """Records how many masks are upsampled at a time."""

    def __init__(self, resolution: int) -> None:
        super().__init__(resolution)
        self.upsampled: list[int] = []

    def postprocess_masks(self, masks: Tensor, orig_hw: tuple[int, int]) -> Tensor:
        self.upsampled.append(masks.shape[0] * masks.shape[1])
        return super().postprocess_masks(masks, orig_hw)


@pytest.mark.parametrize(("pixels", "largest"), [(7 * HEIGHT * WIDTH, 6), (1, 3), (10**9, 48)])
@pytest.mark.parametrize("use_m2m", [False, True])
def test_the_masks_upsampled_at_a_time_are_limited(
    find: Any, monkeypatch: pytest.MonkeyPatch, pixels: int, largest: int, use_m2m: bool
) -> None:
    settings = {"points_per_side": 4, "multimask_output": True, "pred_iou_thresh": 0.0, "use_m2m": use_m2m}
    expected = find(DiscPredictor(radius=6), **settings)
    monkeypatch.setattr(automatic_masks, "MAX_UPSAMPLED_PIXELS", pixels)
    transforms = CountingTransforms(1024)
    np.testing.assert_equal(find(DiscPredictor(radius=6, _transforms=transforms), **settings), expected)
    if use_m2m:  # one mask for each prompt
        largest = min(max(1, pixels // (HEIGHT * WIDTH)), 48)
    assert max(transforms.upsampled) == largest
    assert sum(transforms.upsampled) == 48


def test_points_without_a_mask_above_the_threshold_are_not_upsampled(find: Any) -> None:
    transforms = CountingTransforms(1024)
    assert find(DiscPredictor(_transforms=transforms), pred_iou_thresh=0.95) == []
    assert sum(transforms.upsampled) == 0


def test_pred_iou_thresh_is_exclusive_and_zero_keeps_all(find: Any) -> None:
    settings = {"multimask_output": True, "box_nms_thresh": 1.0}
    assert {r["predicted_iou"] for r in find(pred_iou_thresh=0.875, **settings)} == {0.9375}
    assert len(find(pred_iou_thresh=0.8, **settings)) == 12
    assert find(DiscPredictor(ious=(-0.5,)), pred_iou_thresh=0.01) == []
    assert len(find(DiscPredictor(ious=(-0.5,)), pred_iou_thresh=0.0)) == 4


def test_stability_threshold_and_offset(find: Any) -> None:
    score = find()[0]["stability_score"]  # about (11 / 13)²
    assert len(find(stability_score_thresh=score)) == 4
    assert find(stability_score_thresh=score + 1e-3) == []
    assert len(find(stability_score_thresh=score + 1e-3, stability_score_offset=0.5)) == 4
    assert len(find(DiscPredictor(slope=20), stability_score_thresh=0.95)) == 4


def test_mask_threshold(find: Any) -> None:
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    smaller = (columns - 40) ** 2 + (rows - 30) ** 2 < 8**2
    np.testing.assert_array_equal(find(mask_threshold=4.0)[0]["segmentation"], smaller)


def test_box_nms_keeps_the_best_of_similar_masks(find: Any) -> None:
    settings = {"multimask_output": True, "pred_iou_thresh": 0.0}  # radii 12, 15, 18: box IoU 0.62 and 0.68
    assert [r["area"] for r in find(box_nms_thresh=0.3, **settings)] == [find()[0]["area"]] * 4
    assert len(find(box_nms_thresh=0.65, **settings)) == 8  # 12 hides none, 15 hides 18
    best_last = DiscPredictor(ious=(0.5, 0.625, 0.75))
    assert {r["predicted_iou"] for r in find(best_last, box_nms_thresh=0.3, **settings)} == {0.75}


def test_crops_are_searched_and_share_the_overlap(find: Any) -> None:
    predictor = DiscPredictor(radius=3)
    found = find(predictor, crop_n_layers=1, crop_overlap_ratio=0.2)  # 24 pixels shared
    assert predictor.sizes == [(HEIGHT, WIDTH)] + [(72, 92)] * 4
    boxes = {tuple(record["crop_box"]) for record in found}
    assert boxes == {
        (0, 0, 160, 120), (0, 0, 92, 72), (0, 48, 92, 72), (68, 0, 92, 72), (68, 48, 92, 72),
    }  # fmt: skip
    [corner] = [r for r in found if r["crop_box"][:2] == [68, 48] and r["point_coords"] == [[137.0, 102.0]]]
    rows, columns = np.nonzero(corner["segmentation"])
    assert (columns.mean(), rows.mean()) == (137.0, 102.0)
    assert corner["segmentation"].shape == (HEIGHT, WIDTH)


def test_masks_cut_off_by_a_crop_are_dropped(find: Any) -> None:
    layer_one = {"points_per_side": None, "point_grids": [np.empty((0, 2)), [(0.5, 0.5)]], "crop_n_layers": 1}
    assert len(find(DiscPredictor(radius=5), crop_overlap_ratio=0.2, **layer_one)) == 4
    # Radius 20 in a crop of 92 x 72 ends 16 pixels from the inner edge (cut off) and 16 from the image's own.
    assert find(DiscPredictor(radius=20), crop_overlap_ratio=0.2, **layer_one) == []
    assert len(find(DiscPredictor(radius=59))) == 4  # at the edge of the image itself nothing is cut off


def test_between_crops_the_smaller_crop_is_kept(find: Any) -> None:
    grids = [[(46 / 160, 36 / 120)], [(0.5, 0.5)]]  # (46, 36): the center of the first crop
    settings = {"points_per_side": None, "point_grids": grids, "crop_n_layers": 1, "crop_overlap_ratio": 0.2}
    found = find(DiscPredictor(radius=5), **settings)
    at_center = [r["crop_box"] for r in found if r["point_coords"] == [[46.0, 36.0]]]
    assert at_center == [[0.0, 0.0, 92.0, 72.0]]
    assert len(found) == 4
    assert len(find(DiscPredictor(radius=5), crop_nms_thresh=1.0, **settings)) == 5


def test_crop_n_points_downscale_factor(find: Any) -> None:
    predictor = DiscPredictor()
    find(predictor, points_per_side=4, crop_n_layers=2, crop_n_points_downscale_factor=2)
    assert predictor.batches == [16] + [4] * 4 + [1] * 16


def test_own_points(find: Any) -> None:
    found = find(points_per_side=None, point_grids=[np.array([[0.5, 0.5], [0.125, 0.25]])])
    assert [r["point_coords"] for r in found] == [[[80.0, 60.0]], [[20.0, 30.0]]]


def _with_island_and_hole(logits: Tensor) -> Tensor:
    changed = logits.clone()
    changed[0:2, 0:3] = 5.0  # an island of 6 pixels
    changed[59:62, 79:81] = -5.0  # a hole of 6 pixels in a disc at the center
    return changed


@pytest.mark.parametrize(("min_area", "island", "hole"), [(0, True, True), (5, True, True), (6, False, False)])
def test_min_mask_region_area(find: Any, min_area: float, island: bool, hole: bool) -> None:
    """Regions of up to this area in the low-resolution mask, which the disc predictor returns at full size."""
    settings = {"points_per_side": 1, "min_mask_region_area": min_area}
    [record] = find(DiscPredictor(speckles=_with_island_and_hole), **settings)
    assert record["segmentation"][0, 0] == island
    assert record["segmentation"][60, 80] != hole
    assert record["bbox"][:2] == ([0.0, 0.0] if island else [69.0, 49.0])
    assert record["area"] == record["segmentation"].sum()


def test_small_regions_are_removed_before_masks_are_scored_and_compared(find: Any) -> None:
    disc = find(DiscPredictor(), points_per_side=1)[0]

    def without_island(**settings: Any) -> list[dict[str, Any]]:
        predictor = DiscPredictor(speckles=_with_island_and_hole)
        return find(predictor, points_per_side=1, **{"min_mask_region_area": 6, **settings})

    [record] = without_island()
    assert record["stability_score"] == disc["stability_score"]
    threshold = disc["stability_score"] - 1e-6  # holes make the mask with them less stable
    assert len(without_island(stability_score_thresh=threshold)) == 1
    twins = {"multimask_output": True, "pred_iou_thresh": 0.0, "box_nms_thresh": 0.6}
    assert [each["predicted_iou"] for each in without_island(**twins)] == [0.9375, 0.8125]
    assert find(DiscPredictor(radius=3), points_per_side=1, min_mask_region_area=1000, stability_score_thresh=0.1) == []


def test_the_output_modes_hold_the_same_masks(find: Any) -> None:
    arrays = [record["segmentation"] for record in find()]
    for mode, counts in (("uncompressed_rle", list), ("coco_rle", str)):
        found = find(output_mode=mode)
        assert {type(record["segmentation"]["counts"]) for record in found} == {counts}
        np.testing.assert_array_equal([Mask.from_coco(r["segmentation"]).to_array() for r in found], arrays)
    whole = find(DiscPredictor(radius=500), points_per_side=1, output_mode="uncompressed_rle")
    assert whole[0]["segmentation"] == {"size": [HEIGHT, WIDTH], "counts": [0, HEIGHT * WIDTH]}


def test_m2m_predicts_again_with_each_mask(find: Any) -> None:
    predictor = DiscPredictor(radius=24)
    found = find(predictor, use_m2m=True, multimask_output=True, points_per_batch=3, box_nms_thresh=1.0)
    assert predictor.prompted_with_masks == [False] + [True] * 3 + [False, True]
    assert predictor.batches == [3, 3, 3, 3, 1, 3]
    assert len(found) == 12
    assert {record["area"] for record in found} == {find(DiscPredictor(radius=12))[0]["area"]}


def test_multimask_output_gives_three_masks_per_point(find: Any) -> None:
    found = find(multimask_output=True, box_nms_thresh=1.0)
    assert sorted({record["predicted_iou"] for record in found}) == [0.8125, 0.875, 0.9375]
    assert len(found) == 12


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"points_per_side": None}, "point_grids"),
        ({"point_grids": [FOUR]}, "points_per_side"),
        ({"points_per_side": None, "point_grids": [FOUR], "crop_n_layers": 1}, "2 point_grids, not 1"),
        ({"points_per_side": 0}, "raise points_per_side"),
        ({"points_per_side": 2, "crop_n_layers": 2, "crop_n_points_downscale_factor": 2}, "downscale_factor"),
        ({"crop_n_layers": -1}, "0 or more"),
        ({"points_per_batch": 0}, "at least 1"),
        ({"output_mode": "png"}, "coco_rle"),
    ],
)
def test_invalid_settings_are_refused(find: Any, settings: dict[str, Any], advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        find(**settings)


def test_an_unknown_setting_is_reported(find: Any) -> None:
    with pytest.warns(UserWarning, match="points_per_sides"):
        find(points_per_sides=3)


@pytest.mark.parametrize(
    "image", [IMAGE[..., 0], IMAGE.astype(np.float32) + 255, np.zeros((4, 4, 4), np.uint8), IMAGE.astype(int), "a.jpg"]
)
def test_other_images_are_refused(find: Any, image: Any) -> None:
    with pytest.raises(MediaError):
        find(image=image)


def test_a_tiny_image_with_many_crops(find: Any) -> None:
    found = find(DiscPredictor(radius=1), image=np.zeros((3, 5, 3), np.uint8), points_per_side=1, crop_n_layers=3)
    assert all(record["segmentation"].shape == (3, 5) for record in found)


def test_from_pretrained_separates_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    received: dict[str, Any] = {}
    monkeypatch.setattr(module, "SAM2ImagePredictor", lambda model, **_: model)
    monkeypatch.setattr(module, "build_sam2_hf", lambda model_id, **kw: received.update(id=model_id, **kw) or "network")
    made = SAM2AutomaticMaskGenerator.from_pretrained("facebook/sam2.1-hiera-tiny", device="cpu", points_per_side=3)
    assert received == {"id": "facebook/sam2.1-hiera-tiny", "device": "cpu"}
    assert (made.predictor, len(made.point_grids[0])) == ("network", 9)


def test_the_bundled_network_finds_a_bright_disc() -> None:
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    disc = (columns - 80) ** 2 + (rows - 60) ** 2 < 30**2
    image = np.where(disc[..., None], np.uint8([230, 120, 40]), np.uint8([40, 70, 110])).astype(np.uint8)
    generator = SAM2AutomaticMaskGenerator(
        build_sam2(device="cpu"), points_per_side=4, pred_iou_thresh=0.5, stability_score_thresh=0.5
    )
    overlaps = [(r["segmentation"] & disc).sum() / (r["segmentation"] | disc).sum() for r in generator.generate(image)]
    assert max(overlaps) > 0.75


def larger_discs(side: int) -> Tensor:
    """Pixels (1, 4S, 4S, 3) of a picture in which the four discs of `FOUR` are a little larger than the predicted."""
    rows, columns = np.mgrid[: 4 * side, : 4 * side] / 4
    distances = [np.hypot(columns - x * side, rows - y * side) for x, y in FOUR]
    painted = np.where(np.min(distances, axis=0) < 14, 220, 40).astype(np.uint8)
    return torch.from_numpy(painted)[None, ..., None].expand(-1, -1, -1, 3)


def test_boundaries_are_fitted_after_all_filters(find: Any) -> None:
    image = np.zeros((HEIGHT, HEIGHT, 3), np.uint8)
    plain = find(DiscPredictor(slope=0.2), image)
    fitted = find(DiscPredictor(slope=0.2, pixels=larger_discs(HEIGHT)), image)
    assert len(fitted) == len(plain) == 4
    rows, columns = np.ogrid[:HEIGHT, :HEIGHT]
    for before, after in zip(plain, fitted, strict=True):
        [(x, y)] = after["point_coords"]
        disc, mask = np.hypot(columns - x, rows - y) < 14, after["segmentation"]
        assert (mask ^ disc).sum() < 0.5 * (before["segmentation"] ^ disc).sum()
        ys, xs = np.nonzero(mask)
        assert after["bbox"] == [xs.min(), ys.min(), xs.max() - xs.min(), ys.max() - ys.min()]
        assert after["area"] == mask.sum()
        for name in ("predicted_iou", "stability_score", "point_coords", "crop_box"):
            assert after[name] == before[name]
    other = find(DiscPredictor(pixels=larger_discs(HEIGHT)), image, mask_threshold=1.0)
    np.testing.assert_equal(other, find(image=image, mask_threshold=1.0))


def test_small_regions_that_are_removed_stay_so_when_boundaries_are_fitted(find: Any) -> None:
    def with_hole(logits: Tensor) -> Tensor:
        changed = logits.clone()
        changed[52:68, 52:68] = -5.0
        return changed

    gray = torch.full((1, HEIGHT, HEIGHT, 3), 90, dtype=torch.uint8)
    image = np.zeros((HEIGHT, HEIGHT, 3), np.uint8)
    for area, is_filled in ((200, False), (300, True)):
        predictor = DiscPredictor(radius=40, speckles=with_hole, pixels=gray)
        [record] = find(predictor, image, points_per_side=1, min_mask_region_area=area)
        assert record["segmentation"][60, 60] == is_filled
        assert record["segmentation"][60, 40]


def test_masks_of_crops_are_fitted_in_the_pixels_of_their_crop() -> None:
    pixels = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    pixels[20:50, 30:70], pixels[70:100, 90:140] = (220, 180, 40), (20, 60, 250)
    network = build_sam2(device="cpu")
    settings: dict[str, Any] = {"points_per_side": 4, "pred_iou_thresh": 0.5, "stability_score_thresh": 0.3}
    found = SAM2AutomaticMaskGenerator(network, **settings, crop_n_layers=1).generate(pixels)
    of_crops = [each for each in found if each["crop_box"][2:] != [WIDTH, HEIGHT]]
    square = np.zeros((HEIGHT, WIDTH), bool)
    square[20:50, 30:70] = True
    best = max(of_crops, key=lambda each: (each["segmentation"] & square).sum() / (each["segmentation"] | square).sum())
    assert (best["segmentation"] & square).sum() > 0.97 * (best["segmentation"] | square).sum()
