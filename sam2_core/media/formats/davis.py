"""DAVIS: a palette PNG for each frame, as most tools for video object segmentation read and write them.

Annotations/CLIP/00000.png    0 is the background, n the n-th of the chosen objects
JPEGImages/CLIP/00000.jpg     the frames, if included
ImageSets/CLIP.txt            a list with the clip's name
manifest.json                 the value of each object, and the frames on which objects overlap

Where objects overlap, a pixel belongs to the topmost. Each chosen frame has a PNG, so that the sequence has no gap.
"""

from __future__ import annotations

from pathlib import Path

from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats.archive import AnnotationArchive, plain_name, plain_titles
from sam2_core.media.formats.index_masks import OVERLAPS, check_count, paint_index, palette_png
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter


def write_davis(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above. Raises `MediaError` for more than 254 objects."""
    check_count(len(media.objects), DAVIS.title)
    overlaps, titles = list[int](), plain_titles(media)
    clip = plain_name(Path(media.info.name).stem)
    values = {each.id: value for value, each in enumerate(media.objects, start=1)}
    with AnnotationArchive(path, media, options) as archive:
        for masks, jpeg in archive.frames("Writing annotations", report):
            index, has_overlap = paint_index(media, masks, values)
            archive.write(f"Annotations/{clip}/{titles[masks.frame]}.png", palette_png(index))
            overlaps += [masks.frame] if has_overlap else []
            if jpeg:
                archive.write(f"JPEGImages/{clip}/{titles[masks.frame]}.jpg", jpeg)
        archive.write_lines(f"ImageSets/{clip}.txt", [clip])
        archive.write_manifest(values=values, overlaps=OVERLAPS, frames_with_overlaps=overlaps)


DAVIS = ExportFormat(
    "data",
    "DAVIS",
    "A palette PNG for each frame, as tools for video object segmentation read them",
    {"clip": "zip"},
    write_davis,
    ("pictures",),
)
