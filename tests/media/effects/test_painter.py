"""What lies within objects and what lies outside of them: each effect changes its own part and nothing else."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from sam2_core.errors import BadPrompt
from sam2_core.media import EFFECTS, PRESETS, EffectStack, Painter
from sam2_core.media.info import RgbArray
from tests.media.effects.scenes import COLORS, look, material_of, painted, rectangle, textured

SIZE = HEIGHT, WIDTH = 121, 203
PICTURE = textured(HEIGHT, WIDTH)
INSIDE = rectangle(SIZE, 30, 60, 50, 70)
BACKGROUND: list[dict[str, Any]] = [
    {"effect": "spotlight"},
    {"effect": "blur"},
    {"effect": "pixelate", "where": "background"},
    {"effect": "desaturate"},
    {"effect": "color"},
    {"effect": "gradient"},
    {"effect": "picture", "name": "beach"},
    {"effect": "text", "size": 500},
    {"effect": "glow"},
    {"effect": "outline"},
]
OBJECTS: list[dict[str, Any]] = [
    {"effect": "blur", "where": "objects", "strength": 60},
    {"effect": "pixelate", "size": 60},
    {"effect": "desaturate", "where": "objects"},
    {"effect": "overlay"},
]
EVERY = [*BACKGROUND, *OBJECTS, {"effect": "cutout"}, {"effect": "erase"}]


def name_of(layer: dict[str, Any]) -> str:
    return "-".join(str(value) for value in layer.values())


def seen(result: RgbArray) -> RgbArray:
    """As it is seen before black."""
    return result if result.shape[2] == 3 else (result[..., :3] * (result[..., 3:] / 255)).astype(np.uint8)


def test_every_effect_is_tried() -> None:
    assert {layer["effect"] for layer in EVERY} == set(EFFECTS)


@pytest.mark.parametrize("layer", BACKGROUND, ids=name_of)
def test_the_background_changes_and_objects_do_not(layer: dict[str, Any]) -> None:
    result = painted(PICTURE, [INSIDE], layer)
    np.testing.assert_array_equal(result[INSIDE], PICTURE[INSIDE])
    assert np.abs(result[~INSIDE].astype(int) - PICTURE[~INSIDE]).mean() > 0.5


@pytest.mark.parametrize("layer", OBJECTS, ids=name_of)
def test_objects_change_and_the_background_does_not(layer: dict[str, Any]) -> None:
    result = painted(PICTURE, [INSIDE], layer)
    np.testing.assert_array_equal(result[~INSIDE], PICTURE[~INSIDE])
    assert np.abs(result[INSIDE].astype(int) - PICTURE[INSIDE]).mean() > 5


@pytest.mark.parametrize("edges", [{}, {"feather": 12.0}, {"matte": 1.0}, {"feather": 3.0, "matte": 0.4}], ids=str)
@pytest.mark.parametrize("layer", EVERY, ids=name_of)
def test_the_source_stays_as_it_was(layer: dict[str, Any], edges: dict[str, float]) -> None:
    before = PICTURE.copy()
    PICTURE.setflags(write=False)
    result = painted(PICTURE, [INSIDE], layer, **edges)
    PICTURE.setflags(write=True)
    np.testing.assert_array_equal(PICTURE, before)
    assert result.shape == (HEIGHT, WIDTH, 4 if layer["effect"] == "cutout" else 3)
    assert result.dtype == np.uint8 and not np.shares_memory(result, PICTURE)


@pytest.mark.parametrize("edges", [{}, {"feather": 20.0}, {"matte": 1.0}], ids=str)
@pytest.mark.parametrize("masks", [[], [np.zeros(SIZE, bool)]], ids=["unknown", "empty"])
@pytest.mark.parametrize(
    "layer", [*OBJECTS, {"effect": "glow"}, {"effect": "outline"}, {"effect": "erase"}], ids=name_of
)
def test_without_objects_nothing_of_them_changes(layer: dict[str, Any], masks: Any, edges: dict[str, float]) -> None:
    np.testing.assert_array_equal(painted(PICTURE, masks, layer, **edges), PICTURE)


@pytest.mark.parametrize("edges", [{}, {"feather": 20.0, "matte": 1.0}], ids=str)
def test_a_look_without_layers_gives_the_picture_back(edges: dict[str, float]) -> None:
    np.testing.assert_array_equal(painted(PICTURE, [INSIDE], **edges), PICTURE)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 50), (33, 17)])
@pytest.mark.parametrize("layer", EVERY, ids=name_of)
def test_any_size_and_the_smallest_objects(layer: dict[str, Any], size: tuple[int, int]) -> None:
    image = textured(*size)
    for inside in (rectangle(size, 0, 0, 1, 1), rectangle(size, size[0] - 1, size[1] - 1, 1, 1), np.ones(size, bool)):
        for edges in ({}, {"feather": 50.0, "matte": 1.0}):
            assert painted(image, [inside], layer, **edges).shape[:2] == size


@pytest.mark.parametrize("layer", EVERY, ids=name_of)
def test_a_look_is_the_same_at_half_the_size(layer: dict[str, Any]) -> None:
    image, inside = textured(240, 360), rectangle((240, 360), 60, 100, 120, 130)
    painter = Painter(look(layer), material_of([image], [[inside]], "image"), {"beach": textured(100, 100)})
    small = np.asarray(cv2.resize(image, (180, 120), interpolation=cv2.INTER_AREA), np.uint8)
    large, half = seen(painter.paint(0, image)), seen(painter.paint(0, small))
    expected = cv2.resize(large, (180, 120), interpolation=cv2.INTER_AREA).astype(int)
    if layer["effect"] == "erase":  # what is made up may differ, but not where
        kept = ~rectangle((120, 180), 28, 48, 64, 69)
        np.testing.assert_allclose(half[kept], expected[kept], atol=2)
        return
    assert np.abs(half - expected).mean() < 4


def test_masks_are_fitted_to_the_picture() -> None:
    inside = rectangle((240, 360), 60, 100, 120, 130)
    painter = Painter(look({"effect": "cutout"}), material_of([textured(240, 360)], [[inside]], "image"))
    for height, width in ((120, 180), (80, 120), (480, 720), (50, 75)):
        alpha = painter.paint(0, textured(height, width))[..., 3]
        scaled = cv2.resize(inside.view(np.uint8) * 255, (width, height), interpolation=cv2.INTER_AREA)
        assert set(np.unique(alpha)) == {0, 255}
        assert (alpha[np.isin(scaled, (0, 255))] == scaled[np.isin(scaled, (0, 255))]).all()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_paint(name: str) -> None:
    result = Painter(PRESETS[name], material_of([PICTURE], [[INSIDE]], "image")).paint(0, PICTURE)
    assert result.shape == (HEIGHT, WIDTH, 4 if PRESETS[name].is_transparent else 3)
    assert not np.array_equal(result[..., :3], PICTURE)


def test_layers_follow_each_other() -> None:
    red = {"effect": "color", "color": "#ff0000"}
    gray = painted(PICTURE, [INSIDE], red, {"effect": "desaturate"})
    assert (gray[~INSIDE] == 76).all(), "the red background became gray"
    assert (painted(PICTURE, [INSIDE], {"effect": "desaturate"}, red)[~INSIDE] == (255, 0, 0)).all()
    both = painted(PICTURE, [INSIDE], red, {"effect": "pixelate"}, {"effect": "overlay", "opacity": 1, "outline": 0})
    assert (both[~INSIDE] == (255, 0, 0)).all() and (both[INSIDE] == COLORS[0]).all()


def test_overlapping_objects_lie_above_each_other() -> None:
    second = rectangle(SIZE, 50, 100, 50, 60)
    drawn = painted(PICTURE, [INSIDE, second], {"effect": "overlay", "opacity": 1, "outline": 0})
    assert (drawn[second] == COLORS[1]).all() and (drawn[INSIDE & ~second] == COLORS[0]).all()
    cut = painted(PICTURE, [INSIDE, second], {"effect": "cutout"})
    np.testing.assert_array_equal(cut[..., 3] == 255, INSIDE | second)


def test_what_is_missing_is_said_before_anything_is_painted() -> None:
    with pytest.raises(BadPrompt, match="picture for the background"):
        Painter(EffectStack.of("picture", name="gone"), material_of([PICTURE], [[INSIDE]], "image"))
