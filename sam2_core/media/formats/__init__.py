"""Masks as annotation files that other programs read, one module for each format.

Files are written frame by frame, so clips may have any length. Frames, sizes and times are those of the source.
Objects' names never become file names.

masks.py         a black and white PNG for each object and frame
davis.py         DAVIS: a palette PNG for each frame of a clip
index.py         a 16-bit PNG for each frame, whose pixels are object ids
coco.py          COCO's JSON, with run lengths or polygons
youtube_vis.py   YouTube-VIS: COCO's JSON for clips
yolo.py          YOLO for segmentation
voc.py           Pascal VOC
sav.py           SA-V's JSON
labelme.py       labelme's JSON
npz.py           NumPy arrays
table.py         CSV

archive.py, index_masks.py and polygons.py are shared by several of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sam2_core.media.export_options import ALL_MEDIA, ExportFormat, ExportWriter
from sam2_core.media.formats.coco import write_coco
from sam2_core.media.formats.davis import write_davis
from sam2_core.media.formats.index import write_index
from sam2_core.media.formats.labelme import write_labelme
from sam2_core.media.formats.masks import write_masks
from sam2_core.media.formats.npz import write_npz
from sam2_core.media.formats.sav import write_sav
from sam2_core.media.formats.table import write_table
from sam2_core.media.formats.voc import write_voc
from sam2_core.media.formats.yolo import write_yolo
from sam2_core.media.formats.youtube_vis import write_youtube_vis


def _format(
    title: str,
    description: str,
    write: ExportWriter,
    extension: str,
    *option_keys: str,
    clips_only: bool = False,
    pictures: tuple[str, ...] = (),
) -> ExportFormat:
    extensions = dict.fromkeys(("clip",) if clips_only else ALL_MEDIA, extension)
    return ExportFormat("data", title, description, extensions, write, option_keys, pictures)


ANNOTATION_FORMATS: Mapping[str, ExportFormat] = MappingProxyType({
    "masks": _format(
        "Masks", "Black and white PNG pictures, one for each object and frame", write_masks, "zip",
        pictures=("png", "tif", "bmp", "webp")),
    "index": _format(
        "Index pictures", "A 16-bit PNG for each frame, each pixel the number of its object", write_index, "zip",
        "pictures", pictures=("png", "tif")),
    "davis": _format(
        "DAVIS", "A palette PNG for each frame, as tools for video object segmentation read them", write_davis, "zip",
        "pictures", clips_only=True),
    "coco": _format(
        "COCO", "JSON with run-length masks or polygons, boxes and classes", write_coco, "json", "polygons"),
    "youtube_vis": _format(
        "YouTube-VIS", "JSON with an annotation for each object over the whole clip", write_youtube_vis, "json",
        clips_only=True),
    "yolo": _format(
        "YOLO", "Text files with a class and an outline for each object, to train YOLO on", write_yolo, "zip",
        "pictures"),
    "voc": _format(
        "Pascal VOC", "Palette PNGs of objects and classes, and XML with boxes", write_voc, "zip", "pictures"),
    "sav": _format(
        "SA-V", "JSON with run-length masks on every fourth frame, as SAM 2's data set has them", write_sav, "json",
        clips_only=True),
    "labelme": _format(
        "labelme", "A JSON file for each picture, with outlines to correct by hand", write_labelme, "zip", "pictures"),
    "npz": _format(
        "NumPy", "An NPZ file with an array of masks for each frame", write_npz, "npz"),
    "csv": _format(
        "Table", "CSV with place, size and scores of each object on each frame", write_table, "csv"),
})  # fmt: skip
