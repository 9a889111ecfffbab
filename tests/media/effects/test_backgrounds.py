"""Backgrounds of one color, of two and of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.media.effects.backgrounds import cover
from tests.media.effects.scenes import painted, rectangle, textured

SIZE = 120, 200
PICTURE, INSIDE = textured(*SIZE), rectangle(SIZE, 40, 70, 40, 50)


def test_spotlight_darkens_and_its_light_ends() -> None:
    hard = painted(PICTURE, [INSIDE], {"effect": "spotlight", "darkness": 0.8, "softness": 0})
    np.testing.assert_allclose(hard[~INSIDE], PICTURE[~INSIDE] * 0.2, atol=1)
    soft = painted(PICTURE, [INSIDE], {"effect": "spotlight", "darkness": 0.8, "softness": 100}).astype(int)
    np.testing.assert_allclose(soft[:10], PICTURE[:10] * 0.2, atol=1)
    assert soft[38, 95].mean() > 2 * hard[38, 95].mean(), "beside the object it is lighter"
    assert (soft >= hard).all() and (soft <= PICTURE).all()


def test_a_frame_without_objects_is_all_background() -> None:
    dark = painted(PICTURE, [], {"effect": "spotlight", "darkness": 0.5})
    np.testing.assert_allclose(dark, PICTURE * 0.5, atol=1)
    assert not painted(PICTURE, [], {"effect": "cutout"}).any()
    assert (painted(PICTURE, [], {"effect": "color", "color": "#010203"}) == (1, 2, 3)).all()


def test_desaturated_as_far_as_wished() -> None:
    gray = painted(PICTURE, [INSIDE], {"effect": "desaturate"})[~INSIDE].astype(int)
    assert (gray == gray[:, :1]).all()
    half = painted(PICTURE, [INSIDE], {"effect": "desaturate", "amount": 0.5})[~INSIDE]
    np.testing.assert_allclose(half, (gray + PICTURE[~INSIDE]) / 2, atol=1)


def test_gradients_run_from_edge_to_edge() -> None:
    drawn = painted(PICTURE, [], {"effect": "gradient", "top": "#ff0000", "bottom": "#0000ff"}).astype(int)
    assert np.abs(drawn[0, 0] - (255, 0, 0)).max() <= 2 and np.abs(drawn[-1, -1] - (0, 0, 255)).max() <= 2
    assert (drawn == drawn[:, :1]).all() and (np.diff(drawn[:, 0, 2]) >= 0).all()


@pytest.mark.parametrize("size", [(300, 100), (40, 500), (17, 31), (1, 1)])
def test_pictures_cover_everything_and_keep_their_shape(size: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: size[0], : size[1]]
    backdrop = np.dstack([columns * 255 / size[1], rows * 255 / size[0], rows * 0]).astype(np.uint8)
    shown = cover(backdrop, SIZE).astype(float)
    assert shown.shape == (*SIZE, 3)
    scale = max(SIZE[0] / size[0], SIZE[1] / size[1])
    if min(size) > 15:
        assert shown[60, 190, 0] - shown[60, 10, 0] == pytest.approx(180 / scale * 255 / size[1], abs=5)
        assert shown[110, 100, 1] - shown[10, 100, 1] == pytest.approx(100 / scale * 255 / size[0], abs=5)
        assert shown[60, 100, :2] == pytest.approx([127, 127], abs=8), "the middle is in the middle"


def test_nothing_can_be_put_under_what_was_cut_out() -> None:
    cut = painted(PICTURE, [INSIDE], {"effect": "cutout"}, {"effect": "color", "color": "#010203"})
    assert (cut[..., 3] == 255).all() and (cut[~INSIDE][:, :3] == (1, 2, 3)).all()
    cut = painted(PICTURE, [INSIDE], {"effect": "color"}, {"effect": "cutout"})
    np.testing.assert_array_equal(cut[..., 3], INSIDE * 255)
