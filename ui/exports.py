"""Downloads: a visitor's masks written to a file in the visitor's own folder."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sam2_core.media import OverlayOptions, write_coco_json, write_mask_zip, write_overlay
from sam2_core.types import FrameMasks
from ui.medium import Medium
from ui.wire import Export

Report = Callable[[float, str], None]
FRAMES_A_CALL = 8
_OVERLAY_ENDINGS = {"image": "png", "clip": "mp4", "album": "zip"}


def write_export(medium: Medium, wish: Export, folder: Path, report: Report) -> Path:
    """Write one download to a random folder below `folder`; returns the file. Blocks; `report` may raise to end it."""
    target = folder / secrets.token_hex(16)
    target.mkdir(parents=True)
    stem = re.sub(r"[^\w\-]+", "_", Path(medium.info.name).stem).strip("_") or "masklet"
    if wish.kind == "masks":
        path = target / f"{stem}_masks.zip"
        write_mask_zip(path, medium.store, _all_masks(medium, wish), report, wish.objects)
    elif wish.kind == "coco":
        path = target / f"{stem}_coco.json"
        write_coco_json(path, medium.store, _all_masks(medium, wish), report, wish.objects)
    else:
        path = target / f"{stem}_overlay.{_OVERLAY_ENDINGS[medium.info.kind]}"
        colors = {each.id: each.color for each in wish.objects}
        options = OverlayOptions(opacity=wish.opacity, colors=colors.__getitem__)
        write_overlay(path, medium.store, lambda frame: _masks_of(medium, wish, frame), options, report)
    return path


def _all_masks(medium: Medium, wish: Export) -> Iterator[FrameMasks]:
    for start in range(0, medium.info.frames, FRAMES_A_CALL):
        frames = range(start, min(start + FRAMES_A_CALL, medium.info.frames))
        yield from (_only_wished(masks, wish) for masks in medium.masks(frames))


def _masks_of(medium: Medium, wish: Export, frame: int) -> FrameMasks:
    return _only_wished(medium.masks(range(frame, frame + 1))[0], wish)


def _only_wished(masks: FrameMasks, wish: Export) -> FrameMasks:
    """In the order of the page's list, in which they lie upon each other."""
    found = {each.object_id: each for each in masks.objects}
    return replace(masks, objects=tuple(found[each.id] for each in wish.objects if each.id in found))
