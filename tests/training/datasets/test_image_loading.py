"""Images in memory: downscaled, and without what cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from sam2_core.training.datasets import image_loading
from sam2_core.training.datasets.dataset import BadSample, LabeledImage, SkipReport
from sam2_core.training.datasets.image_loading import downscaled, load_image
from sam2_core.training.datasets.mask_decoding import EMPTY
from tests.training.datasets.tiny import skipped


@dataclass(frozen=True)
class Given:
    """A picture that was read before."""

    name: str
    labeled: LabeledImage | None
    source: str = "given"

    def read(self) -> LabeledImage:
        if self.labeled is None:
            raise BadSample("no good")
        return self.labeled


def labeled(*squares: tuple[int, int], height: int = 40, width: int = 60) -> LabeledImage:
    """A picture that is white in its left half, with square masks of (corner, side)."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2] = 255
    masks = [np.zeros((height, width), np.bool_) for _ in squares]
    for mask, (corner, side) in zip(masks, squares, strict=True):
        mask[corner : corner + side, corner : corner + side] = True
    return LabeledImage(image, tuple(masks), tuple(str(place) for place in range(len(squares))))


def test_bad_pictures_and_empty_masks_are_left_out_and_reported() -> None:
    images = [
        Given("good", labeled((4, 8))),
        Given("bad", None),
        Given("half", labeled((0, 0), (4, 8), (0, 0))),
        Given("hollow", labeled((0, 0))),
        Given("unlabelled", labeled()),
    ]
    report = SkipReport()
    read = {image.name: load_image(image, report) for image in images}
    found = {name: result.classes for name, result in read.items() if result is not None}
    assert found == {"good": ("0",), "half": ("1",), "unlabelled": ()}
    assert read["good"] is images[0].labeled
    assert skipped(report) == {
        "no good": ["bad"],
        EMPTY: ["half", "half", "hollow"],
        image_loading.NOTHING_LEFT: ["hollow"],
    }


@pytest.mark.parametrize(
    ("size", "short_side", "expected"), [((40, 60), 20, (20, 30)), ((90, 31), 10, (29, 10)), ((40, 60), 40, (40, 60))]
)
def test_the_short_side_is_bounded(size: tuple[int, int], short_side: int, expected: tuple[int, int]) -> None:
    given = labeled((0, 20), height=size[0], width=size[1])
    small = downscaled(given, short_side)
    assert small.image.shape == (*expected, 3)
    assert small.image.dtype == np.uint8
    assert [mask.shape for mask in small.masks] == [expected]
    assert small.masks[0].dtype == np.bool_
    assert (small is given) == (size == expected)


def test_masks_keep_what_they_covered_by_half() -> None:
    given = labeled((0, 0))
    mask = np.zeros((40, 60), np.bool_)
    mask[0, 0:4:2] = mask[0, 8:12] = True  # two quarters and two halves of the small pixels
    small = downscaled(LabeledImage(given.image, (mask,), ("",)), 20)
    assert np.argwhere(small.masks[0]).tolist() == [[0, 4], [0, 5]]


def test_images_are_averaged_by_area() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, ::4] = 200
    assert (downscaled(LabeledImage(image, (), ()), 2).image == 50).all()


def test_a_mask_that_vanishes_is_dropped_with_its_class() -> None:
    report = SkipReport()
    images = [Given("some", labeled((4, 1), (4, 20))), Given("all", labeled((4, 1)))]
    small, nothing = (load_image(image, report, 5) for image in images)
    assert small is not None and small.classes == ("1",)
    assert nothing is None
    assert skipped(report) == {image_loading.VANISHED: ["some", "all"], image_loading.NOTHING_LEFT: ["all"]}


@pytest.mark.parametrize("factor", [2, 3, 2.5, 3.7])
def test_masks_agree_with_exact_means(factor: float) -> None:
    rng = np.random.default_rng(5)
    side = int(12 * factor)
    mask = rng.random((side, side)) < 0.5
    weights = np.clip(
        np.minimum(np.arange(side)[None] + 1, (np.arange(12)[:, None] + 1) * side / 12)
        - np.maximum(np.arange(side)[None], np.arange(12)[:, None] * side / 12),
        0,
        None,
    )
    mean = weights @ mask @ weights.T * (12 / side) ** 2
    small = downscaled(LabeledImage(np.zeros((side, side, 3), np.uint8), (mask,), ("",)), 12).masks[0]
    is_clear = np.abs(mean - 0.5) > 0.01
    assert 50 < small.sum() < 110
    assert np.array_equal(small[is_clear], mean[is_clear] >= 0.5)
