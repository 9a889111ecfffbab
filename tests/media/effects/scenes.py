"""Pictures and clips with known masks, without files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from sam2_core.media import EffectStack, MaskedMedia, MediaInfo, ObjectTraits, Painter, Store
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray, FrameMasks, Mask, ObjectMask

COLORS = ((200, 40, 20), (20, 180, 60), (10, 90, 220))


class Frames(Store):
    """A store whose frames lie in memory."""

    def __init__(self, frames: Sequence[RgbArray], kind: Any) -> None:
        height, width = frames[0].shape[:2]
        self.info = MediaInfo(kind, "scene.mp4", len(frames), height, width, height, width, fps=25)
        self.frames = frames

    def frame(self, frame: int) -> RgbArray:
        return self.frames[frame]


def textured(height: int, width: int, seed: int = 0) -> RgbArray:
    """Blobs of several sizes and colors, with much to be recognised."""
    chance = np.random.default_rng(seed)
    layers = []
    for cell in (4, 12, 40):
        small = chance.normal(0, 40, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        layers.append(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
    return np.clip(128 + sum(layers), 20, 235).astype(np.uint8)


def rectangle(size: tuple[int, int], top: int, left: int, height: int, width: int) -> BoolArray:
    inside = np.zeros(size, bool)
    inside[top : top + height, left : left + width] = True
    return inside


def material_of(
    frames: Sequence[RgbArray], masks: Sequence[Sequence[BoolArray | None]], kind: str = "clip", chosen: Any = None
) -> MaskedMedia:
    """None: nobody looked for the object on that frame."""

    def given(requested: range) -> list[FrameMasks]:
        return [FrameMasks(frame, 0, tuple(_objects(masks[frame]))) for frame in requested]

    objects = [ObjectTraits(number + 1, f"Object {number + 1}", "", color) for number, color in enumerate(COLORS)]
    return MaskedMedia(Frames(frames, kind), given, objects, chosen)


def _objects(masks: Sequence[BoolArray | None]) -> list[ObjectMask]:
    return [
        ObjectMask(number, Mask.from_array(mask), 1.0, 5.0)
        for number, mask in enumerate(masks, start=1)
        if mask is not None
    ]


def look(*layers: dict[str, Any], feather: float = 0, matte: float = 0) -> EffectStack:
    return EffectStack.from_json({"layers": list(layers), "feather": feather, "matte": matte})


def painted(image: RgbArray, masks: Sequence[BoolArray], *layers: dict[str, Any], **edges: float) -> RgbArray:
    """One picture with a look of these layers."""
    backdrops = {"beach": textured(37, 91, seed=9)}
    return Painter(look(*layers, **edges), material_of([image], [masks], "image"), backdrops).paint(0, image)
