"""Masks that are hard to write down: with holes, islands, parts, overlaps, single pixels and clumsy names."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sam2_core.media import ExportOptions, MaskedMedia, MediaProgress, ObjectTraits, Store, write
from sam2_core.types import BoolArray, FrameMasks, Mask, ObjectMask

RING, BALL, DUST = (
    ObjectTraits(7, '=SUM(A1) "x"', "Bird", (1, 2, 3)),
    ObjectTraits(3, "../../Ball\u2028\ud800", "", (0, 255, 16)),
    ObjectTraits(5, "<b>&\x00", "a: <b>\n#ü\U0001f600", (9, 9, 9)),
)
ALL = (RING, BALL, DUST)


def pixels_of(object_id: int, frame: int, height: int, width: int) -> BoolArray:
    """Object 7 is a disc with a hole, an island in it, and a part of its own; 3 a box that overlaps it; 5 single
    pixels, thin lines and what touches the frame's border."""
    y, x = np.ogrid[:height, :width]
    if object_id == 7:
        away = np.hypot(y - 30, x - 32 - frame)
        return (away < 22) & ~((away < 15) & (away > 6)) | ((y > 54) & (x > 60) & (y + x < 140) & (x < 80))
    pixels = np.zeros((height, width), bool)
    if object_id == 3:
        pixels[10:40, 40 + frame : 70 + frame] = True
        pixels[20, 50 + frame] = False
    else:
        pixels[2, 3] = pixels[5, 5] = pixels[6, 6] = True
        pixels[height - 1, width // 2 :] = pixels[: height // 2, width - 1] = True
    return pixels


def masks_in(store: Store, frame: int) -> FrameMasks:
    """Object 7 is everywhere, 3 was looked for from frame 1 on and found from frame 2 on, 5 is on even frames."""
    height, width = store.info.size_of(frame)
    shown = [
        number for number in (7, 3, 5) if number == 7 or (number == 3 and frame) or (number == 5 and frame % 2 == 0)
    ]
    found = []
    for place, number in enumerate(shown):
        pixels = pixels_of(number, frame, height, width) & (number != 3 or frame >= 2)
        found.append(ObjectMask(number, Mask.from_array(pixels), 0.91234, 5.0 - 10 * place, stale=place > 0))
    return FrameMasks(frame, 3, tuple(found))


def scene(store: Store, objects: Sequence[ObjectTraits] | None = ALL, frames: range | None = None) -> MaskedMedia:
    """What a download of this source is made of."""
    return MaskedMedia(store, lambda requested: [masks_in(store, frame) for frame in requested], objects, frames)


def expected(media: MaskedMedia, frame: int) -> dict[int, BoolArray]:
    """The chosen objects' pixels on a frame, of those that are in sight."""
    return {each.object_id: each.mask.to_array() for each in media.masks_on(frame).objects if each.mask.area}


def unpacked(folder: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> Path:
    """Write an archive and take it apart; none of its names may lead out of the folder or hold users' words."""
    write(folder / "written.zip", media, options, progress)
    with zipfile.ZipFile(folder / "written.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len({name.casefold() for name in names}) == len(names)
        assert not [name for name in names if ".." in name or name.startswith("/") or "SUM" in name or "Ball" in name]
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


COCOS_WARNING = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
"""pycocotools gives it under newer versions of NumPy."""


def iou(first: BoolArray, second: BoolArray) -> float:
    """Intersection over union; 1 for two empty masks."""
    union = (first | second).sum()
    return float((first & second).sum() / union) if union else 1.0
