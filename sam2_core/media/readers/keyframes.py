"""Boxes that are listed on some frames of a clip and move linearly between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sam2_core.types import Box


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A box on a frame. `degrees`: clockwise. `is_visible`: whether it is there on this frame. `continues`: whether it
    is there on the frames up to the next key frame."""

    frame: int
    box: Box
    degrees: float = 0.0
    is_visible: bool = True
    continues: bool = True


def interpolate(key_frames: Iterable[KeyFrame], frames: int) -> Iterator[KeyFrame]:
    """The box on each frame of a clip of so many frames on which it is visible, by frame."""
    ordered = sorted(key_frames, key=lambda each: each.frame)
    for place, each in enumerate(ordered):
        following = ordered[place + 1] if place + 1 < len(ordered) else None
        if each.is_visible and (following is None or following.frame > each.frame):
            yield each
        if following is not None and each.continues:
            for frame in range(each.frame + 1, min(following.frame, frames)):
                yield _between(each, following, frame)


def _between(one: KeyFrame, other: KeyFrame, frame: int) -> KeyFrame:
    share = (frame - one.frame) / (other.frame - one.frame)
    sides = [
        getattr(one.box, side) * (1 - share) + getattr(other.box, side) * share
        for side in ("left", "top", "right", "bottom")
    ]
    degrees = one.degrees + ((other.degrees - one.degrees + 180) % 360 - 180) * share  # the shorter way
    return KeyFrame(frame, Box(*sides), degrees)
