"""The summary of a task's masks that --json prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from sam2_core.media import MaskedMedia, crop
from sam2_core.types import ObjectMask


def summarize(media: MaskedMedia) -> Mapping[str, Any]:
    """{objects: [{id, name, label, color, frames, area, quality, ...}]}.

    `frames` is the number of frames on which an object was found; `area` (pixels) and `quality` (predicted IoU) are
    means over these. Objects of an image also have `box` [left, top, right, bottom].
    """
    figures: dict[int, list[tuple[int, float]]] = {each.id: [] for each in media.objects}
    boxes: dict[int, list[int]] = {}
    is_image = media.info.kind == "image"
    for frame in media.frames:
        for found in media.masks_on(frame).objects:
            if found.mask.area:
                figures[found.object_id].append((found.mask.area, found.predicted_iou))
                if is_image:
                    boxes[found.object_id] = _box(found)
    objects = []
    for each in media.objects:
        box = {"box": boxes.get(each.id)} if is_image else {}
        objects.append({**each.to_json(), **_means(figures[each.id]), **box})
    return {"objects": objects}


def _means(figures: Sequence[tuple[int, float]]) -> dict[str, Any]:
    if not figures:
        return {"frames": 0, "area": 0, "quality": 0.0}
    areas, ious = zip(*figures, strict=True)
    return {"frames": len(figures), "area": round(fmean(areas)), "quality": round(fmean(ious), 4)}


def _box(found: ObjectMask) -> list[int]:
    left, top, width, height = crop(found.mask)[1]
    return [left, top, left + width, top + height]
