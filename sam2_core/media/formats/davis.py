"""DAVIS: a palette PNG for each frame, as most tools for video object segmentation read and write them.

Annotations/CLIP/00000.png    0 is the background, n the n-th of the chosen objects
JPEGImages/CLIP/00000.jpg     the frames, if included
ImageSets/CLIP.txt            a list with the clip's name
manifest.json                 the value of each object, and the frames on which objects overlap

Where objects overlap, a pixel belongs to the topmost. Each chosen frame has a PNG, so that the sequence has no gap.
"""

from __future__ import annotations

from pathlib import Path

from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import AnnotationArchive
from sam2_core.media.formats.index_masks import OVERLAPS, check_count, paint_index, palette_png
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.names import clip_title
from sam2_core.media.progress import ProgressReporter


def write_davis(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above. Raises `MediaError` for more than 254 objects."""
    check_count(len(media.objects), "DAVIS")
    overlaps, clip = list[int](), clip_title(media.info.name)
    values = {each.id: value for value, each in enumerate(media.objects, start=1)}
    with AnnotationArchive(path, media, options) as archive:
        for masks, image in archive.frames("Writing annotations", report):
            index, has_overlap = paint_index(media, masks, values)
            archive.write(f"Annotations/{clip}/{media.title_of(masks.frame)}.png", palette_png(index))
            overlaps += [masks.frame] if has_overlap else []
            if image:
                archive.write(f"JPEGImages/{clip}/{archive.image_name(masks.frame)}", image)
        archive.write_lines(f"ImageSets/{clip}.txt", [clip])
        archive.write_manifest(values=values, overlaps=OVERLAPS, frames_with_overlaps=overlaps)
