"""Objects taken out: what was behind them comes back where any frame shows it, and is made up where none does."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from sam2_core.media import Painter
from sam2_core.media.effects.patch_match import patch_match
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray
from tests.media.effects.scenes import media_of, painted, rectangle, stack, textured

SIZE = HEIGHT, WIDTH = 120, 180
COUNT, SIDE = 12, 30
ERASE = {"effect": "erase", "margin": 20}


def square_at(frame: int) -> BoolArray:
    return rectangle(SIZE, 45, 10 + 11 * frame, SIDE, SIDE)


def clip_of(backgrounds: Sequence[RgbArray]) -> list[RgbArray]:
    """A noisy square that moves before each background."""
    noise = np.random.default_rng(1).integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    return [np.where(square_at(k)[..., None], noise, each) for k, each in enumerate(backgrounds)]


def panned(light: float = 0.0) -> list[RgbArray]:
    """What a camera sees that moves, turns and comes nearer; each frame is a little brighter."""
    large = textured(220, 330)
    frames = []
    for k in range(COUNT):
        move = cv2.getRotationMatrix2D((165, 110), 0.4 * k, 1 + 0.006 * k)
        move[:, 2] -= (40 + 4 * k, 50 - 1.5 * k)
        seen = cv2.warpAffine(large, move, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC).astype(np.float32)
        frames.append(np.clip(seen * (1 + light * k), 0, 255).astype(np.uint8))
    return frames


def erased(frames: Sequence[RgbArray], masks: Sequence[Sequence[BoolArray | None]], frame: int) -> RgbArray:
    return Painter(stack(ERASE), media_of(frames, masks)).paint(frame, frames[frame])


@pytest.mark.parametrize("frame", [0, 5, COUNT - 1])
def test_a_still_background_comes_back(frame: int) -> None:
    background = textured(*SIZE)
    result = erased(clip_of([background] * COUNT), [[square_at(k)] for k in range(COUNT)], frame)
    assert np.abs(result.astype(int) - background)[square_at(frame)].mean() < 1.5
    far = ~rectangle(SIZE, 41, 6 + 11 * frame, SIDE + 8, SIDE + 8)
    np.testing.assert_array_equal(result[far], background[far])


@pytest.mark.parametrize("light", [0.0, 0.015])
@pytest.mark.parametrize("frame", [0, 5, COUNT - 1])
def test_a_moving_camera_is_followed(frame: int, light: float) -> None:
    backgrounds = panned(light)
    result = erased(clip_of(backgrounds), [[square_at(k)] for k in range(COUNT)], frame)
    inside = square_at(frame)
    apart = np.abs(result.astype(int) - backgrounds[frame])[inside].mean()
    alone = painted(clip_of(backgrounds)[frame], [inside], ERASE)
    assert apart < 8
    assert apart < 0.4 * np.abs(alone.astype(int) - backgrounds[frame])[inside].mean(), "better than made up"


def test_frames_on_which_nobody_looked_are_not_taken_from() -> None:
    """The square is on all frames, but only known on some: nothing of it may come back."""
    background = np.full((*SIZE, 3), 90, np.uint8)
    frames = [np.where(square_at(k)[..., None], np.uint8(255), background) for k in range(COUNT)]
    known = [[square_at(k)] if k in (4, 5) else [None] for k in range(COUNT)]
    result = erased(frames, known, 4)
    assert np.abs(result.astype(int) - 90).max() <= 6


def test_frames_from_which_an_object_is_known_to_be_gone_are_taken() -> None:
    background = textured(*SIZE)
    frames = clip_of([background] * COUNT)
    frames[1:] = [background] * (COUNT - 1)
    masks = [[square_at(0)], *[[np.zeros(SIZE, bool)]] * (COUNT - 1)]
    assert np.abs(erased(frames, masks, 0).astype(int) - background)[square_at(0)].mean() < 1.5


def test_frames_that_were_not_chosen_help() -> None:
    background = textured(*SIZE)
    frames, masks = clip_of([background] * COUNT), [[square_at(k)] for k in range(COUNT)]
    painter = Painter(stack(ERASE), media_of(frames, masks, chosen=range(5, 6)))
    assert np.abs(painter.paint(5, frames[5]).astype(int) - background)[square_at(5)].mean() < 1.5


def test_another_scene_is_not_taken_from() -> None:
    first, second = np.full((*SIZE, 3), 200, np.uint8), np.full((*SIZE, 3), 20, np.uint8)
    frames = clip_of([first, *[second] * (COUNT - 1)])
    result = erased(frames, [[square_at(k)] for k in range(COUNT)], 0)
    assert np.abs(result.astype(int) - 200).max() <= 3


def test_the_same_whatever_was_painted_before() -> None:
    frames, masks = clip_of(panned()), [[square_at(k)] for k in range(COUNT)]
    painter = Painter(stack(ERASE), media_of(frames, masks))
    for frame in (9, 0, 4):
        painter.paint(frame, frames[frame])
    np.testing.assert_array_equal(painter.paint(5, frames[5]), erased(frames, masks, 5))


def test_images_may_be_larger_or_smaller_than_stored_frames() -> None:
    background = textured(*SIZE)
    frames, masks = clip_of([background] * COUNT), [[square_at(k)] for k in range(COUNT)]
    painter = Painter(stack(ERASE), media_of(frames, masks))
    for scale in (0.5, 2.0):
        size = int(WIDTH * scale), int(HEIGHT * scale)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        sized, expected = (
            np.asarray(cv2.resize(each, size, interpolation=how), np.uint8) for each in (frames[5], background)
        )
        result = painter.paint(5, sized).astype(int)
        inside = cv2.resize(square_at(5).view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        assert np.abs(result - expected)[inside].mean() < 5


@pytest.mark.parametrize("corner", [(0, 0), (HEIGHT - 40, WIDTH - 50), (40, 60)])
def test_large_holes_of_a_image_look_like_what_is_around_them(corner: tuple[int, int]) -> None:
    """Stripes go on through the hole; smoothing would make them gray."""
    stripes = np.repeat(np.where(np.arange(WIDTH) // 6 % 2, 210, 60)[None, :, None], HEIGHT, axis=0)
    stripes = np.repeat(stripes, 3, axis=2).astype(np.uint8)
    inside = rectangle(SIZE, *corner, 40, 50)
    result = painted(np.where(inside[..., None], (255, 0, 0), stripes).astype(np.uint8), [inside], ERASE)
    assert np.abs(result.astype(int) - stripes)[inside].mean() < 12


def test_what_fills_the_frame_is_painted_over_all_the_same() -> None:
    everywhere = np.ones(SIZE, bool)
    assert painted(textured(*SIZE), [everywhere], ERASE).shape == (*SIZE, 3)
    assert erased([textured(*SIZE)] * 2, [[everywhere]] * 2, 1).shape == (*SIZE, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 90)])
def test_clips_of_hardly_any_pixels(size: tuple[int, int]) -> None:
    frames = [textured(*size, seed=seed) for seed in range(3)]
    assert erased(frames, [[np.ones(size, bool)]] * 3, 1).shape == (*size, 3)


def test_sources_that_do_not_touch_each_other_will_do() -> None:
    """Each 7 x 7 pixels of a grid are a patch on their own: no neighbor of one is another."""
    hidden = np.zeros((80, 80), bool)
    hidden[::8], hidden[:, ::8] = True, True
    image = np.full((80, 80, 3), 90, np.uint8)
    assert patch_match(image, hidden) is not None


def test_erased_objects_are_gone_for_all_layers() -> None:
    result = painted(textured(*SIZE), [square_at(3)], ERASE, {"effect": "overlay"}, {"effect": "glow"})
    np.testing.assert_array_equal(result, painted(textured(*SIZE), [square_at(3)], ERASE))
