"""SA-V, the data set of SAM 2: `masklet` has run lengths by annotated frame and object.

Entry k of `masklet` belongs to frame 4 k of the clip, as SA-V's readers count: of the chosen frames only those with a
number divisible by four are written. Frames that were not chosen have an empty entry. The mask of an object that is not
visible, or was not segmented, is empty. Readers expect the file as NAME_manual.json beside NAME.mp4.

The data set's own fields about its annotation process are left out (environment, split, edited frames, stability).
`object_id`, `object_name` and `object_label` describe the objects in the same order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import FRAMES_SHARE
from sam2_core.media.formats.coco import write_list
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.names import clip_title
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import Mask

STEP = 4
"""SA-V is annotated at 6 frames per second, its clips have 24."""
_BUCKETS = {"small": 32**2, "medium": 96**2}  # mean areas below which a masklet is of this size


@dataclass(slots=True)
class _Masklet:
    """Statistics of one object over the annotated frames: its areas above 0, its first frame, and how often it
    appeared or disappeared after that."""

    areas: list[int] = field(default_factory=list)
    first: int = -1
    changes: int = 0
    is_visible: bool = False

    def add(self, area: int, frame: int) -> None:
        if area and not self.areas:
            self.first = frame
        elif self.areas and bool(area) != self.is_visible:
            self.changes += 1
        self.is_visible = bool(area)
        if area:
            self.areas.append(area)

    @property
    def mean_area(self) -> float:
        return sum(self.areas) / max(1, len(self.areas))

    @property
    def bucket(self) -> str:
        return next((name for name, below in _BUCKETS.items() if self.mean_area < below), "large")


def write_sav(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above. Raises `MediaError` if no chosen frame is one that SA-V annotates."""
    if all(frame % STEP for frame in media.frames):
        raise MediaError(f"SA-V has masks on frames 0, {STEP}, {2 * STEP} … alone. Choose some of these, too.")
    masklets = {each.id: _Masklet() for each in media.objects}
    with path.open("w", encoding="utf-8") as file:
        file.write('{"masklet": [\n')
        write_list(file, _entries(media, masklets, report))
        metadata = _clip_metadata(media) | _masklet_metadata(media, [*masklets.values()])
        file.write("],\n" + json.dumps(metadata)[1:] + "\n")


def _entries(
    media: MaskedMedia, masklets: dict[int, _Masklet], report: ProgressReporter
) -> Iterator[list[dict[str, Any]]]:
    """One entry for each annotated frame of the clip, including those that were not chosen."""
    info, upcoming = media.info, 0
    empty = Mask.from_array(np.zeros((info.height, info.width), bool))
    for masks in media.iterate("Writing annotations", report, FRAMES_SHARE):
        if masks.frame % STEP == 0:
            yield from ([] for _ in range(upcoming, masks.frame, STEP))
            upcoming = masks.frame + STEP
            by_id = {each.object_id: each.mask for each in masks.objects}
            for object_id, masklet in masklets.items():
                masklet.add(by_id.get(object_id, empty).area, masks.frame)
            yield [by_id.get(object_id, empty).to_coco() for object_id in masklets]
    yield from ([] for _ in range(upcoming, info.frames, STEP))


def _clip_metadata(media: MaskedMedia) -> dict[str, Any]:
    info = media.info
    size = {"video_height": info.height, "video_width": info.width, "video_resolution": info.height * info.width}
    length = {"video_duration": info.duration, "video_frame_count": info.frames}
    return {"video_id": clip_title(info.name), **length, **size}


def _masklet_metadata(media: MaskedMedia, masklets: list[_Masklet]) -> dict[str, Any]:
    pixels = media.info.height * media.info.width
    return {
        "masklet_num": len(masklets),
        "masklet_id": [*range(len(masklets))],
        "masklet_size_rel": [each.mean_area / pixels for each in masklets],
        "masklet_size_abs": [each.mean_area for each in masklets],
        "masklet_size_bucket": [each.bucket for each in masklets],
        "masklet_visibility_changes": [each.changes for each in masklets],
        "masklet_first_appeared_frame": [each.first for each in masklets],
        "masklet_frame_count": [len(each.areas) for each in masklets],
        "object_id": [each.id for each in media.objects],
        "object_name": [each.name for each in media.objects],
        "object_label": [each.label for each in media.objects],
    }
