"""How fast a network is, measured while it works for its users."""

from __future__ import annotations

import statistics
from collections import deque

from sam2_core.serving.commands import Command, SetPrompt, Track
from sam2_core.serving.model_choice import UNKNOWN_SPEED, Speed

WINDOW = 15
"""The speed is the median of so many of the newest commands: a machine has slow moments."""


class SpeedMeter:
    """Collects how long commands took; only those count that tell the speed of the network. Belongs to one thread,
    apart from `speed`, which any may read."""

    def __init__(self) -> None:
        self.speed = UNKNOWN_SPEED
        self._photos: deque[float] = deque(maxlen=WINDOW)
        self._frames: deque[float] = deque(maxlen=WINDOW)

    def add(self, command: Command[object], result: object, seconds: float, encoded: int) -> None:
        """A command took so many seconds, in which so many images were encoded."""
        if isinstance(command, SetPrompt) and encoded == 1:
            self._photos.append(seconds)
        elif isinstance(command, Track) and isinstance(result, tuple) and result:
            fresh = [sum(each.fresh for each in masks.objects) for masks in result]
            if encoded == len(fresh) and set(fresh) == {1}:
                self._frames.append(seconds / len(fresh))
        else:
            return
        self.speed = Speed(
            statistics.median(self._photos) if self._photos else None,
            1 / max(statistics.median(self._frames), 1e-6) if self._frames else None,
        )
