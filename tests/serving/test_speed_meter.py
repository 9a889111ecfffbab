"""Which commands tell how fast a network is."""

from __future__ import annotations

from sam2_core.serving.commands import GetMasks, SetPrompt, Track
from sam2_core.serving.model_choice import UNKNOWN_SPEED, Speed
from sam2_core.serving.speed_meter import SpeedMeter
from sam2_core.types import FrameMasks, Mask, ObjectMask, Point, Prompt

PROMPT = SetPrompt(0, 1, Prompt((Point(1, 1),)))
TRACK = Track(range(2), 1)


def tracked(*fresh: int) -> tuple[FrameMasks, ...]:
    """Frames with so many objects that were computed, and one that was not."""
    mask = Mask(1, 1, b"")
    old = ObjectMask(9, mask, 0.9, 5.0, fresh=False)
    return tuple(
        FrameMasks(frame, 1, (*(ObjectMask(each, mask, 0.9, 5.0, fresh=True) for each in range(count)), old))
        for frame, count in enumerate(fresh)
    )


def test_the_median_of_the_newest_counts() -> None:
    meter = SpeedMeter()
    assert meter.speed == UNKNOWN_SPEED
    for seconds in (9.0, 1.0, 2.0):
        meter.add(PROMPT, None, seconds, encoded=1)
    assert meter.speed == Speed(2.0, None)
    meter.add(TRACK, tracked(1, 1), 1.0, encoded=2)
    assert meter.speed == Speed(2.0, 2.0)
    for _ in range(15):
        meter.add(PROMPT, None, 0.5, encoded=1)
    assert meter.speed == Speed(0.5, 2.0)


def test_what_says_nothing_about_the_network_is_left_out() -> None:
    meter = SpeedMeter()
    meter.add(PROMPT, None, 0.01, encoded=0)  # the photo was encoded before
    meter.add(PROMPT, None, 3.0, encoded=2)  # refined in a crop
    meter.add(TRACK, tracked(2, 2), 3.0, encoded=2)
    meter.add(TRACK, tracked(1, 0), 3.0, encoded=1)
    meter.add(TRACK, tracked(1, 1), 0.1, encoded=0)
    meter.add(TRACK, (), 0.1, encoded=0)
    meter.add(GetMasks(range(2)), tracked(1, 1), 0.1, encoded=2)
    assert meter.speed == UNKNOWN_SPEED
