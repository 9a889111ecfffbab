"""Index images, polygons and run lengths become masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sam2_core.training.datasets import files, mask_decoding
from sam2_core.training.datasets.dataset import BadSample
from sam2_core.training.datasets.mask_decoding import (
    check_cost,
    decode_segmentations,
    object_masks,
    parse_segmentation,
    read_index_image,
)
from tests.training.datasets.tiny import (
    HEIGHT,
    WIDTH,
    bar,
    index_map,
    plain_run_lengths,
    run_lengths,
    save_image,
    save_index,
)

SIZE = (HEIGHT, WIDTH)


def decoded(segmentation: object, size: tuple[int, int] = SIZE) -> npt.NDArray[np.bool_]:
    [mask] = decode_segmentations([parse_segmentation(segmentation)], size)
    return mask


@pytest.mark.parametrize(
    ("index", "palette", "expected"),
    [
        (index_map(255), False, [255]),
        (index_map(1), False, [1]),
        (index_map(1, 2, 255), False, [1, 2, 255]),
        (index_map(300, 70, 65535, dtype=np.uint16), False, [300, 70, 65535]),
        (index_map(3, 1, 255), True, [3, 1]),
        (index_map(255), True, [255]),
        (index_map(1).astype(np.bool_), False, [1]),
        (np.repeat(index_map(255)[..., None], 3, axis=2), False, [255]),
    ],
    ids=["0_255", "0_1", "8_bits", "16_bits", "palette_with_void", "palette_0_255", "1_bit", "grey_as_rgb"],
)
def test_every_value_is_an_object(tmp_path: Path, index: Any, palette: bool, expected: list[int]) -> None:
    found = object_masks(read_index_image(save_index(tmp_path / "x.png", index, palette)))
    assert set(found) == set(expected)
    for place, value in enumerate(expected):
        assert np.array_equal(found[value], bar(place))


def test_colors_are_objects(tmp_path: Path) -> None:
    index = np.stack([index_map(200, 0), index_map(0, 7), index_map(0, 0)], axis=2)
    found = object_masks(read_index_image(save_index(tmp_path / "x.png", index)))
    assert set(found) == {200 << 16, 7 << 8}
    assert np.array_equal(found[7 << 8], bar(1))


def test_soft_edges_are_thresholded_unless_values_are_indices(tmp_path: Path) -> None:
    index = index_map(255, 255, 255, 255)
    index[8, :12] = np.linspace(20, 240, 12)
    path = save_index(tmp_path / "x.png", index)
    assert np.array_equal(object_masks(read_index_image(path))[255], index >= 128)
    assert set(object_masks(read_index_image(path, is_index=True))) == set(np.unique(index)) - {0}


def test_float_and_damaged_masks_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros(SIZE, np.float32)).save(tmp_path / "x.tif")
    whole = save_image(tmp_path / "y.png").read_bytes()
    (tmp_path / "y.png").write_bytes(whole[:50])
    for name in ("x.tif", "y.png"):
        with pytest.raises(BadSample, match="cannot be read"):
            read_index_image(tmp_path / name)


def test_an_empty_index_image_has_no_objects() -> None:
    assert object_masks(np.zeros(SIZE, np.int32)) == {}


def test_numbers_far_apart_are_found_as_well() -> None:
    index = np.zeros(SIZE, np.int32)
    index[0, :2] = -5, 1 << 24
    assert sorted(object_masks(index)) == [-5, 1 << 24]


@pytest.mark.parametrize(("count", "size"), [(5000, (10, 10)), (100, (8000, 8000)), (1, (10_000, 10_000))])
def test_too_much_for_the_memory_is_refused(count: int, size: tuple[int, int]) -> None:
    with pytest.raises(BadSample, match=mask_decoding.TOO_MANY):
        check_cost(count, size)


def test_a_polygon_covers_the_pixels_whose_centers_lie_inside() -> None:
    corners = np.array([[3.2, 1.0], [13.7, 4.3], [9.1, 11.6], [1.4, 8.8], [6.0, 6.0]])
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    is_inside = np.zeros(SIZE, np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        with np.errstate(divide="ignore"):
            is_inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    drawn = decoded([corners.ravel().tolist()])
    assert 30 < is_inside.sum() < 80
    assert np.array_equal(drawn, is_inside)


def test_polygons_are_united_and_cut_at_the_border() -> None:
    square, beyond = [1, 1, 4, 1, 4, 4, 1, 4], [-9, -9, 3, -9, 3, 3, -9, 3]
    expected = np.zeros(SIZE, np.bool_)
    expected[1:4, 1:4] = expected[:3, :3] = True
    assert np.array_equal(decoded([square, beyond]), expected)
    assert np.array_equal(decoded(square), decoded([square]))
    assert not decoded([[20, 1, 25, 1, 25, 5]]).any()
    assert not decoded([[1, 2, 9, 2, 5, 2]]).any()


@pytest.mark.parametrize("encode", [run_lengths, plain_run_lengths])
def test_run_lengths_are_read(encode: Any) -> None:
    mask = bar(2) | bar(0)
    assert np.array_equal(decoded(encode(mask)), mask)


BROKEN: list[object] = [
    5, "x", [5], [[1, 2, 3, 4]], [["a"] * 6], [[float("nan")] * 6], [[1e9] * 6], [None],
    [[[1, 2], [3]]], {"counts": "x"}, {"size": [1, 2]}, {"size": [1, 2], "counts": 4},
]  # fmt: skip


@pytest.mark.parametrize("segmentation", BROKEN, ids=str)
def test_broken_segmentations_are_refused(segmentation: object) -> None:
    with pytest.raises(BadSample, match=files.BROKEN_ENTRY):
        parse_segmentation(segmentation)


@pytest.mark.parametrize(
    "broken", [[1, 2], [], [1, 2, 3, 4], [float("nan")] * 6, [None] * 6, None, {"size": [1, 2]}], ids=str
)
def test_a_broken_part_costs_that_part_only(broken: object) -> None:
    square = [1, 1, 4, 1, 4, 4, 1, 4]
    assert np.array_equal(decoded([broken, square]), decoded([square]))
    assert np.array_equal(decoded([[*square, 7], broken]), decoded([square]))


def test_run_lengths_within_a_list_and_json_text_are_read() -> None:
    parts = [run_lengths(bar(0)), plain_run_lengths(bar(2))]
    for segmentation in (parts, json.dumps(parts), [[parts[0]], parts[1]]):
        assert np.array_equal(decoded(segmentation), bar(0) | bar(2))


@pytest.mark.parametrize("segmentation", [None, [], {}])
def test_a_missing_segmentation_is_called_so(segmentation: object) -> None:
    with pytest.raises(BadSample, match=files.BROKEN_ENTRY if segmentation == {} else mask_decoding.NO_SHAPE):
        parse_segmentation(segmentation)


def test_run_lengths_must_fit_and_fill_the_image() -> None:
    with pytest.raises(BadSample, match=files.SIZE_MISMATCH):
        decoded(run_lengths(bar(0)), (WIDTH, HEIGHT))
    for counts in ("", "~~~", [5], [-1, HEIGHT * WIDTH + 1], [1e300]):
        with pytest.raises(BadSample, match=files.BROKEN_ENTRY):
            decoded({"size": list(SIZE), "counts": counts})


def test_a_polygon_of_too_many_crossings_is_refused() -> None:
    zigzag: npt.NDArray[np.float64] = np.zeros((30_000, 2))
    zigzag[1::2, 1] = 5000
    with pytest.raises(BadSample, match=files.BROKEN_ENTRY):
        decoded([zigzag.ravel().tolist()], (5000, 10))
