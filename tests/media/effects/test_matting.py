"""Edges: how much of each pixel is object, and no color from the other side."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sam2_core.media.effects.matting import compute_matte, estimate_foreground
from sam2_core.media.effects.scaled_masks import dilate, full_area, scale_mask
from sam2_core.types import Mask
from tests.media.effects.scenes import look, painted, rectangle, textured

SIZE = HEIGHT, WIDTH = 200, 301
INSIDE = rectangle(SIZE, 60, 90, 80, 110)
RED, BLUE = (220, 30, 40), (20, 60, 230)


def disc() -> tuple[np.ndarray, np.ndarray]:
    """A red disc before blue as a camera sees it (its edge is mixed), and how much of each pixel it covers."""
    large = np.zeros((HEIGHT * 8, WIDTH * 8), np.float32)
    cv2.circle(large, (WIDTH * 4, HEIGHT * 4), 480, 1.0, -1)
    share = cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)[..., None]
    return np.rint(share * RED + (1 - share) * BLUE).astype(np.uint8), share[..., 0]


def test_feather_is_soft_as_wide_as_it_is_said() -> None:
    alpha = painted(textured(*SIZE), [INSIDE], {"effect": "cutout"}, feather=30)[..., 3].astype(int)
    row = alpha[100]
    assert row[145] == 255 and row[40] == 0
    assert abs(int(row[90]) + int(row[89]) - 255) <= 2, "the middle stays where the edge was"
    soft = np.flatnonzero((row[:145] > 6) & (row[:145] < 249))
    assert 8 <= len(soft) <= 16  # 30 thousandths of 200 pixels to each side
    assert (np.diff(row[60:120]) >= 0).all()


def test_without_softness_the_masks_are_kept_to_the_pixel() -> None:
    alpha = painted(textured(*SIZE), [INSIDE], {"effect": "cutout"})[..., 3]
    np.testing.assert_array_equal(alpha, INSIDE * 255)


def test_the_matte_finds_what_the_mask_missed() -> None:
    image, share = disc()
    off = np.zeros(SIZE, np.uint8)
    cv2.circle(off, (WIDTH // 2 + 2, HEIGHT // 2), 60, 1, -1)
    plain, fitted = (painted(image, [off > 0], {"effect": "cutout"}, matte=matte)[..., 3] / 255 for matte in (0, 1.0))
    assert np.abs(fitted - share).sum() < 0.65 * np.abs(plain - share).sum()


@pytest.mark.parametrize("edges", [{"matte": 0.5}, {"feather": 8.0}], ids=str)
def test_no_color_from_behind_shines_through(edges: dict[str, float]) -> None:
    """The blue that is mixed into the disc's edge is not seen before green."""
    image, share = disc()
    result = painted(image, [share > 0.5], {"effect": "color", "color": "#28a028"}, **edges).astype(int)
    assert result[..., 2].max() < 90, "red has 40 and green has 40 of blue"
    assert painted(image, [share > 0.5], {"effect": "color", "color": "#28a028"})[..., 2].max() > 100


def test_cutouts_keep_their_color_beyond_the_edge() -> None:
    image, share = disc()
    for edges, apart in (({}, 6), ({"feather": 8.0}, 45)):
        cut = painted(image, [share > 0.999], {"effect": "cutout"}, **edges)
        near = cv2.dilate((cut[..., 3] > 0).view(np.uint8), np.ones((9, 9), np.uint8)) > 0
        assert np.abs(cut[near][:, :3].astype(int) - RED).max() <= apart
        far = cut[..., 3] == 0
        assert far[0].all() and (cut[0] == 0).all()


def test_sure_pixels_are_their_own_color() -> None:
    image = textured(*SIZE)
    shape = scale_mask(Mask.from_array(INSIDE), SIZE, RED)
    assert shape is not None
    matte = compute_matte([shape], look(feather=5), image)
    colors = estimate_foreground(image, matte, full_area(SIZE))
    np.testing.assert_array_equal(colors[matte.alpha == 255], image[matte.alpha == 255])


def test_objects_at_the_border_have_no_edge_there() -> None:
    corner = rectangle(SIZE, 0, 0, 80, 90)
    for edges in ({"feather": 20.0}, {"matte": 1.0}):
        alpha = painted(
            np.where(corner[..., None], RED, BLUE).astype(np.uint8), [corner], {"effect": "cutout"}, **edges
        )
        assert (alpha[:40, :40, 3] == 255).all()


def test_spreading_covers_the_last_pixel_in_part() -> None:
    one = np.zeros((9, 9), np.uint8)
    one[4, 4] = 255
    assert dilate(one, 2)[4].tolist() == [0, 0, 255, 255, 255, 255, 255, 0, 0]
    assert dilate(one, 2.5)[4, 1] == pytest.approx(127, abs=2)
