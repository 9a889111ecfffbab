"""What was found, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from sam2_core.media import Material, crop
from sam2_core.types import ObjectMask


def told(material: Material) -> Mapping[str, Any]:
    """{objects: [{id, name, label, color, frames, area, quality, ...}]}: frames on which an object was found, and the
    means over these of its area (pixels) and predicted IoU; of a picture also its box [left, top, right, bottom]."""
    figures: dict[int, list[tuple[int, float]]] = {each.id: [] for each in material.objects}
    boxes: dict[int, Any] = {}
    for frame in material.frames:
        for found in material.on(frame).objects:
            if found.mask.area:
                figures[found.object_id].append((found.mask.area, found.predicted_iou))
                boxes[found.object_id] = _box(found) if material.info.kind == "image" else None
    objects = []
    for each in material.objects:
        box = {"box": boxes.get(each.id)} if material.info.kind == "image" else {}
        objects.append({**each.to_json(), **_means(figures[each.id]), **box})
    return {"objects": objects}


def _means(figures: Sequence[tuple[int, float]]) -> dict[str, Any]:
    if not figures:
        return {"frames": 0, "area": 0, "quality": 0.0}
    areas, qualities = zip(*figures, strict=True)
    return {"frames": len(figures), "area": round(fmean(areas)), "quality": round(fmean(qualities), 4)}


def _box(found: ObjectMask) -> list[int]:
    left, top, width, height = crop(found.mask)[1]
    return [left, top, left + width, top + height]
