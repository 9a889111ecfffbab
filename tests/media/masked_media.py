"""A clip and a picture with known masks, of which tests make downloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sam2_core.media import MaskedMedia, ObjectTraits, Store
from sam2_core.types import BoolArray, FrameMasks, Mask, ObjectMask

FRAMES, HEIGHT, WIDTH = 6, 64, 96
BALL, BIRD = ObjectTraits(1, "Ball", "", (1, 2, 3)), ObjectTraits(2, "../../x", "bird", (0, 255, 16))


def shape(object_id: int, frame: int) -> BoolArray:
    """A square that moves, in a row of its own."""
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[4 + 30 * (object_id - 1) :, 10 + 5 * frame :][:20, :20] = True
    return pixels


def masks_of(frame: int) -> FrameMasks:
    """Object 1 is everywhere; object 2 was looked for from frame 1 on and found from frame 2 on."""
    objects = [ObjectMask(1, Mask.from_array(shape(1, frame)), 0.91234, 5.0)]
    if frame >= 1:
        second = shape(2, frame) if frame >= 2 else np.zeros((HEIGHT, WIDTH), bool)
        objects.append(ObjectMask(2, Mask.from_array(second), 0.8, 1.0))
    return FrameMasks(frame, 3, tuple(objects))


def no_masks(frame: int) -> FrameMasks:
    """Nothing was said yet."""
    return FrameMasks(frame, 0, ())


def material_of(
    store: Store,
    masks: Callable[[int], FrameMasks] = masks_of,
    objects: Sequence[ObjectTraits] | None = None,
    frames: range | None = None,
) -> MaskedMedia:
    """What a download of this source is made of."""
    return MaskedMedia(store, lambda requested: [masks(frame) for frame in requested], objects, frames)
