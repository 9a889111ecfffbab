"""What cameras and codecs do to pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sam2_core.training.synthetic.photometric import Photometric
from tests.training.synthetic.conftest import NO_CHANGE

PICTURE = np.random.default_rng(5).integers(0, 256, (24, 36, 3), dtype=np.uint8)


def test_without_any_step_nothing_changes() -> None:
    assert np.array_equal(NO_CHANGE(PICTURE), PICTURE)


def test_each_step_keeps_size_and_type() -> None:
    for change in ({"blur": 1.0}, {"shrink": 0.4}, {"gray": True}, {"noise": 8.0}, {"jpeg": 30}):
        changed = replace(NO_CHANGE, **change)(PICTURE)
        assert changed.shape == PICTURE.shape
        assert changed.dtype == np.uint8
        assert not np.array_equal(changed, PICTURE)


def test_the_seed_fixes_all_choices() -> None:
    for seed in range(60):
        first, second = (Photometric.choose(np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(first(PICTURE), second(PICTURE))


def test_all_frames_of_a_clip_get_the_same_but_for_the_grain() -> None:
    for seed in range(60):
        look = Photometric.choose(np.random.default_rng(seed))
        frames = [look(PICTURE, frame) for frame in (0, 3)]
        assert np.array_equal(*frames) == (look.noise == 0)
        assert np.array_equal(*(replace(look, noise=0)(PICTURE, frame) for frame in (0, 3)))


def test_channels_stay_in_their_places() -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    coded = replace(NO_CHANGE, jpeg=70, blur=1.0, shrink=0.5)(red).astype(int)
    assert (coded[..., 0] > 150).all()
    assert (coded[..., 1:] < 60).all()


def test_a_tone_curve_is_monotonous() -> None:
    for seed in range(100):
        tone = Photometric.choose(np.random.default_rng(seed)).tone
        if tone is not None:
            assert tone.shape == (1, 256, 3)
            steps = np.diff(tone[0].astype(int), axis=0)
            assert (steps >= 0).all() or (steps <= 0).all()
