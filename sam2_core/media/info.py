"""What the parts of this package tell each other about a picture, a clip or an album."""

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

    In an album each frame is a photo of its own: `sizes` are their heights and widths, `names` their file names, no
    two alike. `height`, `width` and the stored ones are then the greatest of all.
    """

    kind: Literal["image", "clip", "album"]
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
    sizes: tuple[tuple[int, int], ...] = ()
    names: tuple[str, ...] = ()

    def size_of(self, frame: int) -> tuple[int, int]:
        """Height and width in which prompts and masks of this frame count."""
        return self.sizes[frame] if self.sizes else (self.height, self.width)
