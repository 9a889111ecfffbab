"""Masks become the right pixels, and only those."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sam2_core.errors import BadPrompt
from sam2_core.media import color_of, crop, mask_png, overlay
from sam2_core.types import BoolArray, Mask

RNG_SEEDS = range(40)


def some_mask(seed: int) -> BoolArray:
    rng = np.random.default_rng(seed)
    return np.asarray(rng.random(rng.integers(1, 12, 2)) < rng.choice([0, 0.05, 0.5, 1]))


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_crop_is_the_tight_part(seed: int) -> None:
    pixels = some_mask(seed)
    part, (x, y, width, height) = crop(Mask.from_array(pixels))
    assert part.shape == (height, width)
    put_back = np.zeros_like(pixels)
    put_back[y : y + height, x : x + width] = part
    np.testing.assert_array_equal(put_back, pixels)
    for edge in (part[:1], part[-1:], part[:, :1], part[:, -1:]):
        assert edge.any() == pixels.any()


def test_crop_reads_runs_without_pixels() -> None:
    """Foreign run lengths may hold runs of length zero."""
    mask = Mask.from_coco({"size": [4, 5], "counts": [3, 0, 2, 2, 0, 1, 12, 0]})
    part, place = crop(mask)
    assert place == (1, 1, 1, 3)
    assert part.all()
    assert crop(Mask.from_coco({"size": [2, 2], "counts": [2, 0, 2]}))[1] == (0, 0, 0, 0)


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_mask_png_is_white_on_transparent(seed: int) -> None:
    pixels = some_mask(seed)
    content, (x, y, width, height) = mask_png(Mask.from_array(pixels))
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (width, height)
        rgba = np.asarray(image.convert("RGBA"))
    inside = pixels[y : y + height, x : x + width]
    np.testing.assert_array_equal(rgba[..., 3], inside * 255)
    assert (rgba[inside] == 255).all()


def test_mask_png_is_small() -> None:
    rows, columns = np.ogrid[:720, :1280]
    content, place = mask_png(Mask.from_array((rows - 300) ** 2 + (columns - 640) ** 2 <= 100**2))
    assert place == (540, 200, 201, 201)
    assert len(content) < 1500


def test_colours_differ_and_stay() -> None:
    colors = [color_of(object_id) for object_id in range(1, 41)]
    assert len(set(colors)) == 40
    assert all(0 <= value <= 255 for color in colors for value in color)
    assert color_of(1) == (230, 159, 0)
    close = [np.abs(np.subtract(one, two)).sum() for one, two in pairwise(colors)]
    assert min(close) > 60


def as_seen(colors: list[tuple[int, int, int]], sight: list[list[float]]) -> npt.NDArray[np.float64]:
    """CIELAB of colours as somebody sees them whose cones answer with `sight`, a matrix on linear RGB."""
    shares = np.array(colors) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(sight).T, 0, 1)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )
    xyz = linear @ to_xyz.T / (0.95047, 1.0, 1.08883)
    x, y, z = np.moveaxis(np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


SIGHTS = {  # Machado, Oliveira and Fernandes 2009, severity 1
    "normal": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_are_told_apart_with_any_colour_vision(sight: str) -> None:
    """Okabe and Ito's own seven come as near to each other as 16; a difference that can just be seen is about 2.3."""
    seen = as_seen([color_of(object_id) for object_id in range(1, 25)], SIGHTS[sight])
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)[np.triu_indices(24, 1)]
    assert apart.min() > 14


def test_overlay_tints_inside_and_leaves_the_rest() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    before = frame.copy()
    inside = np.zeros((30, 40), bool)
    inside[5:20, 10:30] = True
    drawn = overlay(frame, [(Mask.from_array(inside), (200, 100, 0))], opacity=0.25, outline=0)
    np.testing.assert_array_equal(frame, before)
    np.testing.assert_array_equal(drawn[~inside], frame[~inside])
    expected = frame[inside] * 0.75 + np.array((200, 100, 0)) * 0.25
    np.testing.assert_allclose(drawn[inside], expected, atol=1)


def test_outline_is_full_colour_and_inside() -> None:
    frame = np.zeros((30, 40, 3), np.uint8)
    inside = np.zeros((30, 40), bool)
    inside[0:20, 10:30] = True
    drawn = overlay(frame, [(Mask.from_array(inside), (200, 100, 0))], opacity=0.5, outline=2)
    full = (drawn == (200, 100, 0)).all(axis=2)
    expected = inside.copy()
    expected[2:18, 12:28] = False
    np.testing.assert_array_equal(full, expected)
    assert (drawn[5, 15] == (100, 50, 0)).all()


def test_later_masks_lie_above() -> None:
    both = Mask.from_array(np.ones((8, 8)))
    drawn = overlay(np.zeros((8, 8, 3), np.uint8), [(both, (255, 0, 0)), (both, (0, 0, 255))], opacity=1, outline=0)
    assert (drawn == (0, 0, 255)).all()


def test_empty_masks_draw_nothing_and_wrong_sizes_are_refused() -> None:
    frame = np.full((8, 9, 3), 7, np.uint8)
    np.testing.assert_array_equal(overlay(frame, [(Mask.from_array(np.zeros((8, 9))), (1, 2, 3))]), frame)
    with pytest.raises(BadPrompt, match="9 x 9 pixels and the frame 9 x 8"):
        overlay(frame, [(Mask.from_array(np.zeros((9, 9))), (1, 2, 3))])
