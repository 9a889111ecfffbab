"""The description of an image, a clip or an album, and array types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

RgbArray: TypeAlias = npt.NDArray[np.uint8]
"""(H, W, 3), red first."""
GrayImage: TypeAlias = npt.NDArray[np.uint8]
"""(H, W), 0 to 255."""
FloatArray: TypeAlias = npt.NDArray[np.float64]


def fit_size(height: int, width: int, max_side: int) -> tuple[int, int]:
    """The size, scaled down if its longer side exceeds `max_side`."""
    scale = min(1.0, max_side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """The contents of a store.

    `height` and `width` are those of the upright source; prompts and masks use its coordinates. `stored_height` and
    `stored_width` are those of the stored frames. `fps` is 0 for an image, and the mean rate for a clip without
    `constant_rate`. `duration` is in seconds and includes the last frame.

    `name` is the user's own (see names.py). In an album each frame is a separate image: `sizes` are their heights and
    widths, `names` their unique names. `height`, `width` and the stored ones are then the maximum over all of them. A
    clip made of numbered pictures has their `names`, too.

    `orientations` are the EXIF orientations of the sources, by which they were turned upright: one for each image of an
    album, else a single one. Without them, nothing was turned. `warnings` are sentences for the user about what is
    missing or was changed when it was opened.
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
    warnings: tuple[str, ...] = ()

    orientations: tuple[int, ...] = ()

    def name_of(self, frame: int) -> str:
        """The name of the image of this frame; frames of a clip without names are named by their numbers."""
        if self.names:
            return self.names[frame]
        return f"{frame:05d}.jpg" if self.kind == "clip" else self.name

    def orientation_of(self, frame: int) -> int:
        """The EXIF orientation by which the source of this frame was turned."""
        index = frame if self.kind == "album" else 0
        return self.orientations[index] if self.orientations else 1

    def size_of(self, frame: int) -> tuple[int, int]:
        """Height and width of the masks of this frame."""
        return self.sizes[frame] if self.sizes else (self.height, self.width)


@dataclass(frozen=True, slots=True)
class SourceReading:
    """How the frames of a store are read from its source again, so that they are the same images as the stored ones.

    `parts` of a clip: "video", "pages" of one picture file, or "pictures" that are a file each. `levels` are the values
    that are shown as black and white where a pixel has more than 8 bits. `is_scaled`: the source is larger than the
    `MediaInfo` says.
    """

    parts: Literal["video", "pages", "pictures"] = "video"
    levels: tuple[float, float] | None = None
    is_scaled: bool = False
