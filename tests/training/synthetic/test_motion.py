"""Paths and waves."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sam2_core.training.synthetic.motion import MotionPath, Sway, Waves

SIDE = 64


def at_rest(frames: int) -> MotionPath:
    return MotionPath(*np.zeros((4, frames)))


def test_a_path_starts_at_zero_and_is_fixed_by_the_seed() -> None:
    for seed in range(20):
        path, again = (MotionPath.choose(np.random.default_rng(seed), 6, SIDE, 1.0) for _ in range(2))
        values, repeated = (np.stack([p.angle, p.log_scale, p.x, p.y]) for p in (path, again))
        assert values.shape == (4, 6)
        assert not values[:, 0].any()
        assert values[:, 1:].any()
        assert np.array_equal(values, repeated)


def test_paths_scale_with_the_frame() -> None:
    small, large = (MotionPath.choose(np.random.default_rng(4), 5, side, 1.0) for side in (SIDE, 2 * SIDE))
    assert np.allclose(large.x, 2 * small.x)
    assert np.allclose(large.angle, small.angle)


@pytest.mark.parametrize("frames", [3, 4, 5, 8])
def test_what_goes_away_leaves_the_frame_and_comes_back(frames: int) -> None:
    for seed in range(200):
        random = np.random.default_rng(seed)
        path = at_rest(frames).away_and_back(random, SIDE)
        start = random.uniform(0.15, 0.85, 2) * SIDE
        places = start + np.stack([path.x, path.y], axis=1)
        outside = ((places < 0) | (places > SIDE)).any(axis=1)
        assert outside[(frames - 1) // 2]
        assert np.allclose(places[[0, -1]], start)


def test_the_matrix_brings_the_middle_to_its_target() -> None:
    for seed in range(10):
        path = MotionPath.choose(np.random.default_rng(seed), 4, SIDE, 1.5)
        for frame in range(4):
            matrix = path.matrix(frame, (10, 7), (30, 40), squash=1.1)
            moved = matrix @ [10, 7, 1]
            assert np.allclose(moved, (30 + path.x[frame], 40 + path.y[frame]))
            grown = np.exp(2 * path.log_scale[frame]) * 1.1
            assert np.linalg.det(matrix[:, :2]) == pytest.approx(grown)


def test_a_positive_angle_turns_x_towards_y() -> None:
    path = MotionPath(np.array([np.pi / 2]), np.zeros(1), np.zeros(1), np.zeros(1))
    assert np.allclose(path.matrix(0, (0, 0), (0, 0)) @ [1, 0, 1], (0, 1))


def test_waves_leave_the_first_frame_and_bend_the_others() -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    waves = Waves(np.random.default_rng(1), SIDE)
    assert np.array_equal(waves(image, 0), image)
    assert not np.array_equal(waves(image, 2), image)


def test_waves_bend_masks_as_they_bend_the_image() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(mask, (30, 34), 17, 1, -1)
    for seed in range(10):
        waves = Waves(np.random.default_rng(seed), SIDE)
        for frame in range(6):
            bent = waves(mask, frame)
            assert set(np.unique(bent)) == {0, 1}
            seen = waves(mask[..., None].repeat(3, axis=2) * np.uint8(200), frame)[..., 0] > 100
            assert np.mean(seen != bent) < 0.02


def test_a_way_is_added_to_a_path() -> None:
    path = MotionPath.choose(np.random.default_rng(0), 5, SIDE, 1.0)
    moved = path.towards(8, -4)
    assert np.allclose(moved.x - path.x, [0, 2, 4, 6, 8])
    assert np.allclose(moved.y - path.y, [0, -1, -2, -3, -4])
    assert np.array_equal(moved.angle, path.angle)


def test_in_long_clips_things_move_more_slowly() -> None:
    def reach(frames: int) -> float:
        return float(
            np.mean([abs(MotionPath.choose(np.random.default_rng(s), frames, SIDE, 1.0).x[-1]) for s in range(300)])
        )

    assert reach(6) > 1.5 * reach(3)
    assert reach(24) < 2.5 * reach(6)  # at the same speed it would be at least four times as far


def test_an_object_sways_without_losing_anything() -> None:
    outline, picture = np.zeros((60, 60), np.uint8), np.zeros((60, 60, 3), np.uint8)
    outline[:, 20:40] = picture[:, 20:40] = 255
    for seed in range(20):
        sway = Sway.choose(np.random.default_rng(seed))
        seen = [sway(outline, frame) for frame in range(4)]
        assert any(not np.array_equal(seen[0], each) for each in seen[1:])
        for frame, each in enumerate(seen):
            assert np.array_equal(sway(picture, frame)[..., 0], each)
            assert np.allclose(each.sum(axis=1, dtype=np.int64), 20 * 255, atol=20)
