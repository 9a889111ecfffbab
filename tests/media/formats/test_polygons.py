"""Outlines give back the pixels they were made of."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from sam2_core.media.formats.polygons import Part, edge_polygons, join_rings, pixel_polygons
from sam2_core.types import BoolArray, Mask
from tests.media.formats.scenes import iou


def blobs(seed: int, height: int, width: int, softness: float) -> BoolArray:
    noise = np.random.default_rng(seed).normal(size=(height, width))
    noise = cv2.GaussianBlur(noise, (0, 0), softness) if softness else noise
    return noise > np.quantile(noise, 0.6)


def sampled(corners: np.ndarray, height: int, width: int) -> BoolArray:
    """The pixels whose centres are inside by the even-odd rule: each edge toggles what lies to its right."""
    inside = np.zeros((height, width), bool)
    centers = np.arange(width) + 0.5
    for (x, y), (next_x, next_y) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        for row in range(height):
            level = row + 0.5
            if (y <= level) != (next_y <= level):
                inside[row] ^= centers > x + (level - y) * (next_x - x) / (next_y - y)
    return inside


def filled(corners: np.ndarray, height: int, width: int) -> BoolArray:
    pixels = np.zeros((height, width), np.uint8)
    cv2.fillPoly(pixels, [corners.astype(np.int32)], 1)
    return pixels.view(bool)


@pytest.mark.parametrize("softness", [0.0, 0.8, 3.0])
def test_edges_keep_every_pixel(softness: float) -> None:
    pixels = blobs(1, 30, 41, softness)
    parts = edge_polygons(Mask.from_array(pixels))
    drawn = [sampled(join_rings(part.rings), *pixels.shape) for part in parts]
    np.testing.assert_array_equal(np.any(drawn, axis=0), pixels)
    assert sum(part.astype(int) for part in drawn).max() == 1, "parts do not overlap"


@pytest.mark.parametrize(("softness", "least"), [(0.0, 0.9), (3.0, 0.97), (12.0, 0.985)])
def test_borders_keep_nearly_every_pixel(softness: float, least: float) -> None:
    pixels = blobs(2, 100, 140, softness)
    drawn = [filled(join_rings(part.rings), *pixels.shape) for part in pixel_polygons(Mask.from_array(pixels))]
    assert iou(np.any(drawn, axis=0), pixels) > least


def test_borders_are_the_same_whether_fractions_are_cut_or_rounded() -> None:
    for part in pixel_polygons(Mask.from_array(blobs(3, 50, 60, 2.0))):
        for ring in part.rings:
            np.testing.assert_array_equal(np.round(ring), np.floor(ring))


@pytest.mark.parametrize("outlines", [edge_polygons, pixel_polygons])
def test_the_smallest_masks_have_outlines_too(outlines: Callable[[Mask], list[Part]]) -> None:
    assert outlines(Mask.from_array(np.zeros((5, 7), bool))) == []
    pixels = np.zeros((5, 7), bool)
    for place in [(0, 0), (4, 6), (2, 3)]:
        pixels[:] = False
        pixels[place] = True
        [part] = outlines(Mask.from_array(pixels))
        assert part.outline.shape[0] >= 3
        draw = sampled if outlines is edge_polygons else filled
        np.testing.assert_array_equal(draw(part.outline, 5, 7), pixels)
    [part] = outlines(Mask.from_array(np.ones((5, 7), bool)))
    assert part.outline.min() >= 0
    assert (part.outline <= (7, 5)).all()


def test_a_hole_belongs_to_the_part_around_it() -> None:
    pixels = np.zeros((20, 40), bool)
    pixels[2:18, 2:18] = pixels[4:10, 25:35] = True
    pixels[5:15, 5:15] = False
    pixels[8:12, 8:12] = True
    parts = sorted(edge_polygons(Mask.from_array(pixels)), key=lambda part: (len(part.holes), part.outline[:, 0].max()))
    assert [len(part.holes) for part in parts] == [0, 0, 1]
    assert [part.outline.max(axis=0).tolist() for part in parts] == [[12, 12], [35, 10], [18, 18]]


def test_rings_are_joined_where_they_come_closest() -> None:
    squares = [np.array([(x, 0), (x + 1, 0), (x + 1, 1), (x, 1)], np.float32) for x in (0.0, 10.0, 4.0)]
    path = join_rings(squares)
    bridges = [
        (tuple(start), tuple(end))
        for start, end in zip(path.tolist(), np.roll(path, -1, axis=0).tolist(), strict=True)
        if np.hypot(*np.subtract(start, end)) > 1.5
    ]
    assert len(path) == 4 + 2 * (4 + 2)
    assert sorted(abs(start[0] - end[0]) for start, end in bridges) == [3, 3, 5, 5], "never from the first to the last"
    assert {frozenset(bridge) for bridge in bridges} == {frozenset(bridge[::-1]) for bridge in bridges}
    area = (path[:, 0] @ np.roll(path[:, 1], -1) - path[:, 1] @ np.roll(path[:, 0], -1)) / 2
    assert area == pytest.approx(3.0)


@pytest.mark.parametrize("most_compared", [20_000, 100])
def test_very_many_holes_are_joined_in_one_outline(most_compared: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2_core.media.formats.polygons._MAX_COMPARED", most_compared)
    pixels = np.ones((31, 31), bool)
    pixels[1::2, 1::2] = False
    [part] = edge_polygons(Mask.from_array(pixels))
    assert len(part.holes) == 225
    np.testing.assert_array_equal(sampled(join_rings(part.rings), 31, 31), pixels)


def test_noise_takes_no_longer_than_it_has_corners() -> None:
    pixels = np.ones((161, 161), bool)
    pixels[1::2, 1::2] = False
    [part] = pixel_polygons(Mask.from_array(pixels))
    path = join_rings(part.rings)
    assert len(path) == sum(map(len, part.rings)) + 2 * len(part.holes)
    np.testing.assert_array_equal(filled(path, 161, 161) | ~pixels, True)
