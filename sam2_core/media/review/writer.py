"""Writes a review page: one HTML file with all its data, which works from disk and without a network.

The file has a block of data for each frame and one for the whole, then the page's script. The page saves reviews as
JSON, {"format": "masklet-review", "version": 1, "review": the page's id, "medium": as in a project file, "reviewer":
name, "verdicts": {object: {"verdict": "approved", "needs_work" or "", "comment"}}, "notes": [{"frame", "x", "y",
"text", "object" or nothing, "at": time}]}, with frames and pixels of the source.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sam2_core.media.export_options import ExportOptions
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.review.document import data_block, page_template
from sam2_core.media.review.encoding import (
    SCORE_BYTES,
    Plan,
    encode_mask,
    encode_within,
    make_plan,
    mask_size,
    scale_down,
)
from sam2_core.types import FrameMasks, ObjectMask

BUDGET = 40_000_000
"""Bytes of a file, approximately."""
DEFAULT_SIDES = {"image": 1920, "clip": 960, "album": 960}
"""Pixels of the longer side of embedded frames, if no size is requested."""
_MEDIUM_FIELDS = ("kind", "name", "frames", "height", "width", "fps")


def write_review(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the page described above."""
    report(0.0, "Looking at the frames")
    scores: dict[int, list[list[float | str | None] | None]] = {each.id: [] for each in media.objects}
    before, after = page_template(f"Review of {media.info.name}")
    budget = BUDGET - len((before + after).encode())
    plan = make_plan(media, options.max_side or DEFAULT_SIDES[media.info.kind], budget)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(before)
        for done, frame in enumerate(plan.frames):
            masks = media.masks_on(frame)
            share = budget / (len(plan.frames) - done)
            budget -= file.write(_frame_block(media, masks, plan, share)) + SCORE_BYTES * len(media.objects)
            by_id = {each.object_id: each for each in masks.objects}
            for object_id, listed in scores.items():
                listed.append(_scores(by_id[object_id]) if object_id in by_id else None)
            report((done + 1) / len(plan.frames), f"Frame {done + 1} of {len(plan.frames)}")
        file.write(data_block('id="about"', {**_metadata(media, plan), "found": scores}))
        file.write(after)


def _scores(each: ObjectMask) -> list[float | str | None]:
    """Predicted IoU, area in pixels of the source, rating, and the kind and score of the worst warning, if any."""
    known: list[float | str | None] = [
        round(max(0.0, min(1.0, float(each.predicted_iou))), 3),
        each.mask.area,
        each.rating,
    ]
    worst = max(each.warnings or (), key=lambda warning: warning.score, default=None)
    return known if worst is None else [*known, worst.kind, round(worst.score, 2)]


def _frame_block(media: MaskedMedia, frame_masks: FrameMasks, plan: Plan, share: float) -> str:
    masks: list[dict[str, Any]] = []
    for each in frame_masks.objects:
        if each.mask.area:
            png, box = encode_mask(each.mask)
            masks.append({"object": each.object_id, "place": box, "png": png})
    image = scale_down(media.store.frame(frame_masks.frame), plan.side)
    rest = share - sum(len(mask["png"]) for mask in masks)
    height, width = mask_size(*media.info.size_of(frame_masks.frame))
    plain = {"picture": encode_within(image, plan.quality, rest), "grid": [width, height], "masks": masks}
    return data_block(f'data-frame="{frame_masks.frame}"', plain)


def _metadata(media: MaskedMedia, plan: Plan) -> dict[str, Any]:
    info, times = asdict(media.info), media.store.times
    photos = {"sizes": info["sizes"], "names": info["names"]} if info["names"] else {}
    return {
        "review": secrets.token_hex(8),
        "medium": {name: info[name] for name in _MEDIUM_FIELDS} | photos,
        "frames": list(plan.frames),
        "times": [round(float(times[frame]), 4) for frame in plan.frames],
        "left_out": len(media.frames) - len(plan.frames),
        "objects": [each.to_json() for each in media.objects],
    }
