"""Files ⇄ frames ⇄ pixels. Frame k of a store, of the source and of every download is the same picture.

ingest.py     a file becomes a store: pictures.py, clips.py (with probe.py and timing.py)
album.py      several photos become one store
store.py      a store gives frames
draw.py       masks become pixels
originals.py  the source's pictures at the size of the masks
material.py   a source and its masks, of which downloads are made; order.py: what is wished of them
formats/      masks become files that other programs read
readers/      files of other programs become masks
effects/      pictures change with the help of masks; rendering/: the sources drawn anew
review/       a page for somebody else's eyes, whose notes come back
export.py     the one door to every download
limits.py     what a file may cost; ffmpeg.py, atomic.py, progress.py: how long work is done safely
"""

from sam2_core.media.album import SkippedFile, ingest_album
from sam2_core.media.draw import (
    Rgb,
    Xywh,
    color_of,
    crop,
    encode_jpeg,
    grayscale_png,
    hex_of,
    is_hex,
    mask_png,
    overlay,
    rgb_of,
)
from sam2_core.media.effects.effect_stack import (
    EDGE_SETTINGS,
    EFFECTS,
    MAX_LAYERS,
    MAX_TEXT_LENGTH,
    OVERLAY,
    PRESETS,
    EffectStack,
)
from sam2_core.media.effects.painter import Painter
from sam2_core.media.export import EXPORT_FORMATS, export, file_name, write
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.info import MediaInfo
from sam2_core.media.ingest import ingest
from sam2_core.media.limits import Limits
from sam2_core.media.masked_media import MAX_LABEL_LENGTH, MAX_NAME_LENGTH, MaskedMedia, ObjectTraits
from sam2_core.media.progress import MediaProgress
from sam2_core.media.readers import ImportedAnnotations, ImportedMask, SkippedItem, read_annotations
from sam2_core.media.store import Store, open_store

__all__ = [
    "EDGE_SETTINGS",
    "EFFECTS",
    "EXPORT_FORMATS",
    "MAX_LABEL_LENGTH",
    "MAX_LAYERS",
    "MAX_NAME_LENGTH",
    "MAX_TEXT_LENGTH",
    "OVERLAY",
    "PRESETS",
    "EffectStack",
    "ExportOptions",
    "ImportedAnnotations",
    "ImportedMask",
    "Limits",
    "MaskedMedia",
    "MediaInfo",
    "MediaProgress",
    "ObjectTraits",
    "Painter",
    "Rgb",
    "SkippedFile",
    "SkippedItem",
    "Store",
    "Xywh",
    "color_of",
    "crop",
    "encode_jpeg",
    "export",
    "file_name",
    "grayscale_png",
    "hex_of",
    "ingest",
    "ingest_album",
    "is_hex",
    "mask_png",
    "open_store",
    "overlay",
    "read_annotations",
    "rgb_of",
    "write",
]
