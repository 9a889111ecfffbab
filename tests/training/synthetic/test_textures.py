"""Surfaces, with and without natural pictures to crop from."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.training.synthetic.textures import Textures, shade

GREEN = np.full((40, 30, 3), (10, 200, 30), np.uint8)


@pytest.mark.parametrize("naturals", [[], [GREEN], [GREEN[:5, :3]]], ids=["none", "one", "tiny"])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (64, 48), (5, 90)])
def test_a_surface_has_the_asked_size(naturals: list[np.ndarray], height: int, width: int) -> None:
    textures = Textures(naturals)
    for seed in range(30):
        for draw in (textures.draw, textures.natural):
            surface = draw(np.random.default_rng(seed), height, width)
            assert surface.shape == (height, width, 3)
            assert surface.dtype == np.uint8


def test_the_seed_fixes_the_surface() -> None:
    def draw(seed: int, of_clouds: int) -> list[bytes]:
        textures, random = Textures([GREEN], of_clouds), np.random.default_rng(seed)
        return [textures.draw(random, 20, 30).tobytes() for _ in range(12)]

    assert draw(1, 0) == draw(1, 0)
    assert draw(1, 0) != draw(2, 0)
    assert draw(1, 0) != draw(1, 1)


def test_natural_surfaces_come_from_the_natural_pictures() -> None:
    surface = Textures([GREEN]).natural(np.random.default_rng(0), 16, 16)
    assert (surface == GREEN[0, 0]).all()


def test_a_crop_is_no_view_of_its_picture() -> None:
    picture = GREEN.copy()
    textures = Textures([picture])
    for seed in range(20):
        textures.natural(np.random.default_rng(seed), *picture.shape[:2])[:] = 0
    assert np.array_equal(picture, GREEN)


def test_light_from_one_side_keeps_the_mean() -> None:
    gray = np.full((32, 48, 3), 100, np.uint8)
    for seed in range(10):
        lit = shade(np.random.default_rng(seed), gray)
        assert abs(lit.mean() - 100) < 1
        assert np.ptp(lit) > 8
