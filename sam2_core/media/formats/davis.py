"""DAVIS: a picture of palette colors for each frame, as most tools for video object segmentation read and write them.

Annotations/CLIP/00000.png    0 is the background, n the n-th of the chosen objects
JPEGImages/CLIP/00000.jpg     the frames, if wished
ImageSets/CLIP.txt            a list with the clip's name
manifest.json                 which object has which value, and the frames on which some overlap

A pixel belongs to one object alone: the one above. Each chosen frame has a picture, so that the sequence has no gap.
"""

from __future__ import annotations

from pathlib import Path

from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats.archive import (
    Known,
    manifest,
    new_archive,
    pictured,
    plain_name,
    plain_titles,
    write_json,
    write_text,
)
from sam2_core.media.formats.index_masks import OVERLAPS, check_count, paint_index, palette_png
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress, ProgressReporter


def write_davis(path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> None:
    """See the top of this file. Raises `MediaError` for more than 254 objects."""
    check_count(len(media.objects), DAVIS.title)
    report, known, overlaps = ProgressReporter(progress), Known(), list[int]()
    clip, titles = plain_name(Path(media.info.name).stem), plain_titles(media)
    values = {each.id: place for place, each in enumerate(media.objects, start=1)}
    with (
        new_archive(path) as archive,
        pictured(media, options, known, "Writing annotations", report) as frames,
    ):
        for found, jpeg in frames:
            index, is_covered = paint_index(media, found, values)
            archive.writestr(f"Annotations/{clip}/{titles[found.frame]}.png", palette_png(index))
            overlaps += [found.frame] if is_covered else []
            if jpeg:
                archive.writestr(f"JPEGImages/{clip}/{titles[found.frame]}.jpg", jpeg)
        write_text(archive, f"ImageSets/{clip}.txt", [clip])
        told = {"values": values, "overlaps": OVERLAPS, "frames_with_overlaps": overlaps}
        write_json(archive, "manifest.json", manifest(media, known) | told)
        report(1.0, "Ready")


DAVIS = ExportFormat(
    "data",
    "DAVIS",
    "A palette PNG for each frame, as tools for video object segmentation read them",
    {"clip": "zip"},
    write_davis,
    ("pictures",),
)
