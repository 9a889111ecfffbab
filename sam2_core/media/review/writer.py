"""Writes a review page: one HTML file that works from disk, without a network, with all that it shows in it.

The file holds a block of data for each frame and one about the whole, then the page's script. What the page sends
back is JSON, {"format": "masklet-review", "version": 1, "review": the page's id, "medium": as in a project file,
"reviewer": name, "verdicts": {object: {"verdict": "approved", "needs_work" or "", "comment"}}, "notes": [{"frame",
"x", "y", "text", "object" or nothing, "at": time}]}, with frames and pixels of the source.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sam2_core.media.atomic import new_file
from sam2_core.media.material import Material
from sam2_core.media.order import Kind, Order
from sam2_core.media.progress import Progress, Reporter
from sam2_core.media.review.document import data_block, frame_of_page
from sam2_core.media.review.pictures import NUMBERS, Plan, fitting, grid_of, packed, plan_of, small
from sam2_core.types import FrameMasks, ObjectMask

BUDGET = 40_000_000
"""Bytes of a file, roughly."""
SIDES = {"image": 1920, "clip": 960, "album": 960}
"""Pixels of the longer side of the pictures in the page, if nothing else is ordered."""
_FACTS = ("kind", "name", "frames", "height", "width", "fps")
_SURE = 32.0  # a presence beyond it says nothing more


def write_review(path: Path, material: Material, order: Order, progress: Progress | None = None) -> None:
    """See the top of this file."""
    report, found = Reporter(progress), Found(material)
    report(0.0, "Looking at the frames")
    before, after = frame_of_page(f"Review of {material.info.name}")
    room = BUDGET - len((before + after).encode())
    plan = plan_of(material, order.largest_side or SIDES[material.info.kind], room)
    with new_file(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="\n") as file:
        file.write(before)
        for place, frame in enumerate(plan.frames):
            masks = material.on(frame)
            share = room / (len(plan.frames) - place)
            room -= file.write(_frame_block(material, masks, plan, share)) + NUMBERS * len(material.objects)
            found.add(masks)
            report((place + 1) / len(plan.frames), f"Frame {place + 1} of {len(plan.frames)}")
        file.write(data_block('id="about"', {**_about(material, plan), "found": found.plain}))
        file.write(after)


class Found:
    """How sure the network was, frame by frame, of each object: lists for all objects, gathered on the way."""

    def __init__(self, material: Material) -> None:
        self.plain: dict[int, list[list[float] | None]] = {each.id: [] for each in material.objects}
        """Object -> for each shown frame quality, presence and area in pixels of the source; None where unknown."""

    def add(self, masks: FrameMasks) -> None:
        """One more frame."""
        here = {each.object_id: each for each in masks.objects}
        for number, known in self.plain.items():
            known.append(_numbers(here[number]) if number in here else None)


def _numbers(each: ObjectMask) -> list[float]:
    presence = max(-_SURE, min(_SURE, float(each.object_score)))
    return [round(max(0.0, min(1.0, float(each.predicted_iou))), 3), round(presence, 2), each.mask.area]


def _frame_block(material: Material, found: FrameMasks, plan: Plan, share: float) -> str:
    masks = [_mask(each) for each in found.objects if each.mask.area]
    picture = small(material.store.frame(found.frame), plan.side)
    rest = share - sum(len(mask["png"]) for mask in masks)
    height, width = grid_of(*material.info.size_of(found.frame))
    plain = {"picture": fitting(picture, plan.quality, rest), "grid": [width, height], "masks": masks}
    return data_block(f'data-frame="{found.frame}"', plain)


def _mask(each: ObjectMask) -> dict[str, Any]:
    png, place = packed(each.mask)
    return {"object": each.object_id, "place": place, "png": png}


def _about(material: Material, plan: Plan) -> dict[str, Any]:
    info, times = asdict(material.info), material.store.times
    photos = {"sizes": info["sizes"], "names": info["names"]} if info["names"] else {}
    return {
        "review": secrets.token_hex(8),
        "medium": {name: info[name] for name in _FACTS} | photos,
        "frames": list(plan.frames),
        "times": [round(float(times[frame]), 4) for frame in plan.frames],
        "left_out": len(material.frames) - len(plan.frames),
        "objects": [each.to_json() for each in material.objects],
    }


REVIEW = Kind(
    "review",
    "Review page",
    "One HTML file to look at anywhere, with notes that come back",
    {"image": "html", "clip": "html", "album": "html"},
    write_review,
    ("largest_side",),
)
