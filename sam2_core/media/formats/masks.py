"""Each object's masks as PNGs of one channel (0 or 255) at source size.

A clip gives `object_01/00000.png`, one for each chosen frame, so that the sequence has no gap; the manifest lists the
frames on which the object has a mask, and the objects' names. An image gives `object_01.png`, an album
`name_of_the_photo/object_01.png` for each photo on which the object has a mask.

An image gives one picture where the path ends in `.png`, `.tif`, `.bmp` or `.webp`: what any object covers is white.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from sam2_core.media.draw import grayscale_png
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import AnnotationArchive
from sam2_core.media.formats.index_masks import PICTURE_SUFFIXES, paint_index, save_picture
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import Mask

_MASKS_SHARE = 0.9  # of the time; the rest is for frames without a mask


def write_masks(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above."""
    if media.info.kind == "image" and path.suffix.lower() in PICTURE_SUFFIXES:
        index, _ = paint_index(media, media.masks_on(0), {each.id: 1 for each in media.objects})
        save_picture(path, index.astype(np.uint8) * np.uint8(255))
        return
    with AnnotationArchive(path, media, replace(options, include_images=False)) as archive:
        for masks, _ in archive.frames("Writing masks", report, _MASKS_SHARE):
            for each in masks.objects:
                archive.write(_name(media, each.object_id, masks.frame), grayscale_png(each.mask))
        if media.info.kind == "clip":
            _fill_gaps(archive, media, report)
        archive.write_manifest()


def _fill_gaps(archive: AnnotationArchive, media: MaskedMedia, report: ProgressReporter) -> None:
    """Write an empty mask on the frames on which an object has none."""
    # As small as a PNG can be; the archive then compresses these few kilobytes to a tenth within microseconds.
    black = grayscale_png(Mask.from_array(np.zeros((media.info.height, media.info.width), bool)), compression=9)
    gaps = archive.missing()
    for done, (object_id, frame) in enumerate(gaps):
        report(_MASKS_SHARE + (1 - _MASKS_SHARE) * done / len(gaps), "Filling the gaps")
        archive.write(_name(media, object_id, frame), black, compressed=True)


def _name(media: MaskedMedia, object_id: int, frame: int) -> str:
    name = f"object_{object_id:02d}"
    if media.info.kind == "image":
        return f"{name}.png"
    title = media.title_of(frame)
    return f"{title}/{name}.png" if media.info.kind == "album" else f"{name}/{title}.png"
