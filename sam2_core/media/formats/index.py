"""A grayscale PNG of 16 bits for each frame, in which each pixel is the id of its object, 0 for none.

masks/00000.png     or the stem of the photo's name
images/00000.jpg    the frames, if included, or the photos under their names
manifest.json       the names of the objects, and the frames on which objects overlap

Where objects overlap, a pixel belongs to the topmost. Each chosen frame of a clip has a PNG; of an album those photos
on which any object has a mask. An image gives the PNG or TIFF alone where the path ends in `.png` or `.tif`.
"""

from __future__ import annotations

from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.draw import encode_png
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import AnnotationArchive
from sam2_core.media.formats.index_masks import OVERLAPS, PICTURE_SUFFIXES, paint_index, save_picture
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter

_MAX_ID = 65535


def write_index(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above. Raises `MediaError` for ids that do not fit into 16 bits."""
    if any(not 0 < each.id <= _MAX_ID for each in media.objects):
        raise MediaError(f"Numbers of objects go from 1 to {_MAX_ID} here. Choose another kind of file.")
    overlaps = list[int]()
    values = {each.id: each.id for each in media.objects}
    if media.info.kind == "image" and path.suffix.lower() in PICTURE_SUFFIXES:
        save_picture(path, paint_index(media, media.masks_on(0), values)[0])
        return
    with AnnotationArchive(path, media, options) as archive:
        for masks, image in archive.frames("Writing index pictures", report):
            if media.info.kind != "clip" and not masks.objects:
                continue
            index, has_overlap = paint_index(media, masks, values)
            archive.write(f"masks/{media.title_of(masks.frame)}.png", encode_png(index))
            overlaps += [masks.frame] if has_overlap else []
            if image:
                archive.write(f"images/{archive.image_name(masks.frame)}", image)
        archive.write_manifest(overlaps=OVERLAPS, frames_with_overlaps=overlaps)
