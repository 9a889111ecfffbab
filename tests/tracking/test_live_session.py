"""Live sessions: what a clip's session finds, in constant memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sam2_core.errors import BadPrompt
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.live_session import FEATURES_KEPT, LiveSession
from sam2_core.tracking.masks import object_mask
from sam2_core.tracking.segmenter import CANNOT_TRACK, Segmenter
from sam2_core.tracking.session import MAX_PROMPTED_IN_MEMORY, ClipSize, TrackingSession
from sam2_core.types import LiveMedium, Mask, Point, Prompt
from tests.networks import tiny_network

CLICK = Prompt((Point(30, 20),))
FRAMES = 24


def frame(number: int) -> np.ndarray:
    y, x = np.mgrid[:40, :60]
    pixels = np.stack([x * 4, y * 6, x + y], axis=-1).astype(np.uint8)
    pixels[(x - 20 - number % 30) ** 2 + (y - 20) ** 2 < 64] = (250, 60, 40)
    return pixels


class Frames:
    """A clip of the same frames."""

    def frame(self, frame_number: int) -> np.ndarray:
        return frame(frame_number)


def live(cache: FeatureCache | None = None) -> LiveSession:
    return LiveSession("live", Segmenter(tiny_network()), LiveMedium(40, 60), cache or FeatureCache(2**30))


@torch.inference_mode()
def test_the_masks_are_those_of_a_clip() -> None:
    """With a correction, and an object that joins later."""
    session = live()
    clip = TrackingSession("clip", Segmenter(tiny_network()), Frames(), ClipSize(FRAMES, 40, 60), FeatureCache(2**30))
    session.add_frame(frame(0))
    for each in (session, clip):
        each.set_prompt(0, 1, CLICK)
    for number in range(1, FRAMES):
        found = session.add_frame(frame(number))
        (expected,) = clip.track(range(number, number + 1), clip.revision)
        assert found == expected, f"frame {number}"
        if number == 9:
            for each in (session, clip):
                each.set_prompt(9, 1, Prompt((Point(12, 30, positive=False),)))
                each.set_prompt(8, 2, Prompt(mask=Mask.from_array(frame(8)[..., 0] > 200)))


@torch.inference_mode()
def test_memory_stays_the_same_however_long_the_camera_runs() -> None:
    """With a prompt now and then, on a frame that is not the newest one."""
    cache = FeatureCache(2**30)
    session = live(cache)
    sizes = []
    for number in range(200):
        session.add_frame(frame(number))
        if number % 7 == 1:
            session.set_prompt(number - 1, 1 + number % 2, CLICK)
        if number % 50 == 49:
            held = [(len(each.bank.prompted), len(each.history.prompted)) for each in session.objects.values()]
            tracked = [(len(each.bank.tracked), len(each.history.tracked)) for each in session.objects.values()]
            sizes.append((len(session._recent._pixels), sum(key[1] >= 0 for key in cache._entries), len(held)))  # type: ignore[index]
            assert max(max(each) for each in held) <= MAX_PROMPTED_IN_MEMORY + 1, "one more until the next frame"
            assert max(max(each) for each in tracked) <= 17
    assert set(sizes) == {(session._recent.length, FEATURES_KEPT, 2)}
    with pytest.raises(BadPrompt, match="newest one, 199"):
        session.set_prompt(100, 1, CLICK)


@torch.inference_mode()
def test_frames_without_objects_cost_nothing() -> None:
    cache = FeatureCache(2**30)
    session = live(cache)
    for number in range(5):
        assert session.add_frame(frame(number)).objects == ()
    assert cache.bytes == 0


@torch.inference_mode()
def test_a_frame_that_could_not_be_tracked_leaves_no_mask_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the second of two objects fails, the mask of the first is not taken for one of the next frame."""
    session = live()
    session.add_frame(frame(0))
    for object_id in (1, 2):
        session.set_prompt(0, object_id, CLICK)
    calls = []

    def failing(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise RuntimeError("out of memory")
        return object_mask(*arguments)

    monkeypatch.setattr("sam2_core.tracking.session.object_mask", failing)
    with pytest.raises(RuntimeError):
        session.add_frame(frame(1))
    again = session.add_frame(frame(2))
    assert again.frame == 2 and all(each.fresh for each in again.objects)


def test_sam_1_cannot_track() -> None:
    class Still:
        can_track = False

    with pytest.raises(BadPrompt, match=CANNOT_TRACK.split(":")[0]):
        LiveSession("live", Still(), LiveMedium(40, 60), FeatureCache(0))  # type: ignore[arg-type]
