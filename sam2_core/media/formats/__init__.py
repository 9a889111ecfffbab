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

from sam2_core.media.export_options import ExportFormat
from sam2_core.media.formats.coco import COCO
from sam2_core.media.formats.davis import DAVIS
from sam2_core.media.formats.index import INDEX
from sam2_core.media.formats.labelme import LABELME
from sam2_core.media.formats.masks import MASKS
from sam2_core.media.formats.npz import NPZ
from sam2_core.media.formats.sav import SAV
from sam2_core.media.formats.table import CSV
from sam2_core.media.formats.voc import VOC
from sam2_core.media.formats.yolo import YOLO
from sam2_core.media.formats.youtube_vis import YOUTUBE_VIS

ANNOTATION_FORMATS: Mapping[str, ExportFormat] = MappingProxyType({
    "masks": MASKS, "index": INDEX, "davis": DAVIS, "coco": COCO, "youtube_vis": YOUTUBE_VIS, "yolo": YOLO,
    "voc": VOC, "sav": SAV, "labelme": LABELME, "npz": NPZ, "csv": CSV,
})  # fmt: skip
