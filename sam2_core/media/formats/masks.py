"""Each object's masks as PNGs of one channel (0 or 255) and source size.

A clip gives `object_01/00000.png`, one for each chosen frame so that the sequence has no gap; the manifest says on
which frames the object has a mask at all, and what it is called. A picture gives `object_01.png`, an album
`name_of_the_photo/object_01.png` for each photo on which the object has a mask.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from sam2_core.media.draw import grayscale_png
from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats.archive import frame_title, manifest, new_archive, write_json
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.types import Mask

_MASKS_SHARE = 0.9  # of the time it takes; the rest goes into the gaps


def write_masks(path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> None:
    """See the top of this file."""
    report, known = ProgressReporter(progress), dict[int, list[int]]()
    with new_archive(path) as archive:
        for found in media.iterate("Writing masks", report, _MASKS_SHARE):
            for each in found.objects:
                archive.writestr(_name(media, each.object_id, found.frame), grayscale_png(each.mask))
                known.setdefault(each.object_id, []).append(found.frame)
        if media.info.kind == "clip":
            _fill_gaps(archive, media, known, report)
        write_json(archive, "manifest.json", manifest(media, known))
        report(1.0, "Ready")


def _fill_gaps(
    archive: zipfile.ZipFile, media: MaskedMedia, known: dict[int, list[int]], report: ProgressReporter
) -> None:
    """Give each object a black picture on the frames where it has no mask."""
    # As small as a PNG can be: the archive packs these few kilobytes in microseconds, to a tenth of their size.
    height, width = media.info.height, media.info.width
    black = grayscale_png(Mask.from_array(np.zeros((height, width), bool)), compression=9)
    gaps = [(number, frame) for number in known for frame in sorted({*media.frames} - {*known[number]})]
    for done, (number, frame) in enumerate(gaps):
        report(_MASKS_SHARE + (1 - _MASKS_SHARE) * done / len(gaps), "Filling the gaps")
        archive.writestr(_name(media, number, frame), black, zipfile.ZIP_DEFLATED)


def _name(media: MaskedMedia, object_id: int, frame: int) -> str:
    name = f"object_{object_id:02d}"
    if media.info.kind == "image":
        return f"{name}.png"
    title = frame_title(media, frame)
    return f"{title}/{name}.png" if media.info.kind == "album" else f"{name}/{title}.png"


MASKS = ExportFormat(
    "data",
    "Masks",
    "Black and white PNG pictures, one for each object and frame",
    {"image": "zip", "clip": "zip", "album": "zip"},
    write_masks,
)
