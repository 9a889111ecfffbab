"""Real clips: which frames are taken, and how they are cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sam2_core.training.clip_sampler import ClipSampler, _choose_frames
from sam2_core.training.datasets.dataset import SkipReport
from tests.training.evaluate.scenes import HEIGHT, WIDTH, MemoryClip, painted, rectangle

RED = (220, 60, 40)


def clip(
    name: str = "reel", length: int = 9, annotated: range | None = None, broken: frozenset[int] = frozenset()
) -> MemoryClip:
    """A red box that moves to the right by four pixels a frame, and is out of sight on the last one."""
    masks = [rectangle(8, 4 + 4 * at, 40, 24 + 4 * at) for at in range(length)]
    labels = {at: {1: masks[at]} if at < length - 1 else {} for at in annotated or range(length)}
    return MemoryClip(name, [painted(mask) for mask in masks], labels, broken=broken)


def test_frames_have_masks_of_their_own() -> None:
    sampler = ClipSampler([clip()], SkipReport())
    random = np.random.default_rng(0)
    for _ in range(20):
        drawn = sampler.draw(random, 64, 3, 2)
        assert drawn is not None
        assert drawn.frames.shape == (3, 64, 64, 3)
        assert drawn.masks.shape == (2, 3, 64, 64)
        assert set(np.unique(drawn.masks)) <= {0, 1}
        assert drawn.masks[:, 0].any(axis=(1, 2)).all()


def test_masks_lie_on_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2_core.training.clip_sampler.Photometric.choose", lambda random: lambda image, frame: image)
    sampler = ClipSampler([clip(length=4)], SkipReport())
    random = np.random.default_rng(1)
    for _ in range(10):
        drawn = sampler.draw(random, 64, 2, 1)
        assert drawn is not None
        for frame, mask in zip(drawn.frames, drawn.masks[0], strict=True):
            if mask.any():
                red = np.abs(frame.astype(int) - RED).max(axis=2) < 90
                assert (red & (mask > 0)).sum() / (red | (mask > 0)).sum() > 0.9


@pytest.mark.parametrize("length", [2, 3, 10, 60])
def test_chosen_frames_are_annotated_and_evenly_spaced(length: int) -> None:
    random = np.random.default_rng(2)
    annotated = [4 * at for at in range(length)]
    steps = set()
    for _ in range(50):
        chosen = _choose_frames(random, annotated, 4)
        assert len(chosen) == 4
        assert set(chosen) <= set(annotated)
        moves = {b - a for a, b in itertools.pairwise(chosen) if a != b}
        assert len(moves) <= 1
        steps |= moves
    assert {abs(step) for step in steps} <= {4, 8, 12}
    assert {step > 0 for step in steps} == {True, False}  # backwards too


def test_a_broken_clip_is_reported_once_and_left_out() -> None:
    report = SkipReport()
    sampler = ClipSampler([clip("broken", broken=frozenset(range(9))), clip()], report)
    random = np.random.default_rng(0)
    assert all(sampler.draw(random, 64, 2, 1) is not None for _ in range(10))
    assert report.names == {next(iter(report.names)): ["broken"]}
    assert sum(report.counts.values()) == 1


def test_clips_without_a_second_annotated_frame_are_of_no_use() -> None:
    sampler = ClipSampler([clip(annotated=range(1))], SkipReport())
    assert not sampler
    assert sampler.draw(np.random.default_rng(0), 64, 2, 1) is None


def test_where_nothing_can_be_seen_nothing_is_drawn() -> None:
    empty = np.zeros((HEIGHT, WIDTH), np.bool_)
    clip = MemoryClip("empty", [painted(empty)] * 3, {at: {1: empty} for at in range(3)})
    assert ClipSampler([clip], SkipReport()).draw(np.random.default_rng(0), 64, 2, 1) is None
