"""Frames that are read ahead: the same masks, and one thread that is never far ahead."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import pytest
import torch

from sam2_core.errors import MediaError
from sam2_core.model.preprocess import Pixels
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, TrackingSession
from sam2_core.types import FrameMasks, Point, Prompt
from tests.networks import tiny_network

SIZE = ClipSize(12, 48, 64)


class Clip:
    """Noise, and who read which frame."""

    def __init__(self, damaged: int | None = None) -> None:
        self.reads: list[int] = []
        self.damaged = damaged

    def frame(self, frame: int) -> Pixels:
        self.reads.append(frame)
        if frame == self.damaged:
            raise MediaError(f"Frame {frame} is damaged.")
        return np.random.default_rng(frame).integers(0, 255, (SIZE.height, SIZE.width, 3), np.uint8)


def prompted(clip: Clip, reading: Executor | None) -> TrackingSession:
    cache = FeatureCache(2**30)
    session = TrackingSession("s", Segmenter(tiny_network()), clip, SIZE, cache, reading=reading)
    session.set_prompt(4, 1, Prompt(points=(Point(30, 20),)))
    return session


@torch.inference_mode()
def tracked(session: TrackingSession, frames: range) -> tuple[FrameMasks, ...]:
    return session.track(frames, session.revision)


@pytest.mark.parametrize("frames", [range(5, 10), range(3, -1, -1), range(4, 5), range(11, 12), range(5, 5)])
@torch.inference_mode()
def test_frames_that_are_read_ahead_give_the_same_masks(frames: range) -> None:
    plain, ahead = Clip(), Clip()
    expected = tracked(prompted(plain, None), frames)
    with ThreadPoolExecutor(1) as reading:
        session = prompted(ahead, reading)
        assert tracked(session, frames) == expected
    assert sorted(ahead.reads) == sorted(plain.reads)  # each once, none beyond the range


@torch.inference_mode()
def test_a_damaged_frame_is_told_when_its_turn_comes() -> None:
    with ThreadPoolExecutor(1) as reading:
        session = prompted(Clip(damaged=7), reading)
        assert [masks.frame for masks in tracked(session, range(5, 10))] == [5, 6]
        with pytest.raises(MediaError, match="Frame 7"):
            tracked(session, range(7, 10))


@torch.inference_mode()
def test_frames_that_are_up_to_date_are_not_read() -> None:
    clip = Clip()
    with ThreadPoolExecutor(1) as reading:
        session = prompted(clip, reading)
        tracked(session, range(5, 8))
        count = len(clip.reads)
        tracked(session, range(5, 8))
    assert len(clip.reads) == count
