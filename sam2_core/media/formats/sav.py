"""SA-V, the data set of SAM 2: `masklet` holds run lengths by annotated frame and object.

Entry k of `masklet` belongs to frame 4 k of the clip, for SA-V's readers count so: of the chosen frames those count
whose number is divisible by four. The others of these have an empty entry. Where an object is not in sight, or was not
looked for, its mask is empty. Readers expect the file as NAME_manual.json beside NAME.mp4.

Of the data set's own fields those about its making are left out (environment, split, edited frames, stability).
`object_id`, `object_name` and `object_label` say in the same order what the objects are called.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_file
from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats.archive import MOST_OF_IT, plain_name
from sam2_core.media.formats.coco import write_list
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.types import Mask

STEP = 4
"""SA-V is annotated at 6 frames a second, its clips have 24."""
_BUCKETS = {"small": 32**2, "medium": 96**2}  # pixels below which a masklet is of this size


@dataclass(slots=True)
class _Masklet:
    """What the annotated frames show of an object: its areas, and where it came into sight or went out."""

    areas: list[int] = field(default_factory=list)
    first: int = -1
    changes: int = 0
    is_visible: bool = False

    def see(self, area: int, frame: int) -> None:
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


def write_sav(path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> None:
    """See the top of this file. Raises `MediaError` where none of the chosen frames is one that SA-V annotates."""
    if all(frame % STEP for frame in media.frames):
        raise MediaError(f"{SAV.title} has masks on frames 0, {STEP}, {2 * STEP} … alone. Choose some of these, too.")
    report, seen = ProgressReporter(progress), {each.id: _Masklet() for each in media.objects}
    with new_file(path) as unfinished, unfinished.open("w", encoding="utf-8") as file:
        file.write('{"masklet": [\n')
        write_list(file, _entries(media, seen, report))
        about = _about_clip(media) | _about_masklets(media, [*seen.values()])
        file.write("],\n" + json.dumps(about)[1:] + "\n")
        report(1.0, "Ready")


def _entries(media: MaskedMedia, seen: dict[int, _Masklet], report: ProgressReporter) -> Iterator[list[dict[str, Any]]]:
    """One entry for each annotated frame of the clip, those that were not chosen included."""
    info, coming = media.info, 0
    nothing = Mask.from_array(np.zeros((info.height, info.width), bool))
    for found in media.iterate("Writing annotations", report, MOST_OF_IT):
        if found.frame % STEP == 0:
            yield from ([] for _ in range(coming, found.frame, STEP))
            coming = found.frame + STEP
            masks = {each.object_id: each.mask for each in found.objects}
            for number, masklet in seen.items():
                masklet.see(masks.get(number, nothing).area, found.frame)
            yield [masks.get(number, nothing).to_coco() for number in seen]
    yield from ([] for _ in range(coming, info.frames, STEP))


def _about_clip(media: MaskedMedia) -> dict[str, Any]:
    info = media.info
    size = {"video_height": info.height, "video_width": info.width, "video_resolution": info.height * info.width}
    length = {"video_duration": info.duration, "video_frame_count": info.frames}
    return {"video_id": plain_name(Path(info.name).stem), **length, **size}


def _about_masklets(media: MaskedMedia, seen: list[_Masklet]) -> dict[str, Any]:
    pixels = media.info.height * media.info.width
    return {
        "masklet_num": len(seen),
        "masklet_id": [*range(len(seen))],
        "masklet_size_rel": [each.mean_area / pixels for each in seen],
        "masklet_size_abs": [each.mean_area for each in seen],
        "masklet_size_bucket": [each.bucket for each in seen],
        "masklet_visibility_changes": [each.changes for each in seen],
        "masklet_first_appeared_frame": [each.first for each in seen],
        "masklet_frame_count": [len(each.areas) for each in seen],
        "object_id": [each.id for each in media.objects],
        "object_name": [each.name for each in media.objects],
        "object_label": [each.label for each in media.objects],
    }


SAV = ExportFormat(
    "data",
    "SA-V",
    "JSON with run-length masks on every fourth frame, as SAM 2's data set has them",
    {"clip": "json"},
    write_sav,
)
