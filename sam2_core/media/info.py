"""What the parts of this package tell each other about a picture or clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

RgbArray: TypeAlias = npt.NDArray[np.uint8]
"""(H, W, 3), red first."""
FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a store holds.

    `height` and `width` are those of the upright source and the coordinates of all prompts and masks;
    `stored_height` and `stored_width` are those of the stored frames. `fps` is 0 for a picture and the mean rate for
    a clip without `constant_rate`. `duration` is in seconds and includes the last frame's.
    """

    kind: Literal["image", "clip"]
    name: str
    frames: int
    height: int
    width: int
    stored_height: int
    stored_width: int
    fps: float = 0.0
    constant_rate: bool = True
    has_audio: bool = False
    duration: float = 0.0
