"""Files ⇄ frames ⇄ pixels. Frame k of a store, of the source and of every download is the same picture.

ingest.py     a file becomes a store: pictures.py, clips.py (with probe.py and timing.py)
album.py      several photos become one store
store.py      a store gives frames
draw.py       masks become pixels
export.py     masks become files; render.py: the sources with masks drawn on them
limits.py     what a file may cost; ffmpeg.py, atomic.py, progress.py: how long work is done safely
"""

from sam2_core.media.album import Skipped, ingest_album
from sam2_core.media.draw import Place, Rgb, color_of, crop, hex_of, mask_png, overlay
from sam2_core.media.export import ObjectTraits, write_coco_json, write_mask_zip
from sam2_core.media.info import MediaInfo
from sam2_core.media.ingest import ingest
from sam2_core.media.limits import Limits
from sam2_core.media.progress import Progress
from sam2_core.media.render import OverlayOptions, write_overlay
from sam2_core.media.store import Store, open_store

__all__ = [
    "Limits",
    "MediaInfo",
    "ObjectTraits",
    "OverlayOptions",
    "Place",
    "Progress",
    "Rgb",
    "Skipped",
    "Store",
    "color_of",
    "crop",
    "hex_of",
    "ingest",
    "ingest_album",
    "mask_png",
    "open_store",
    "overlay",
    "write_coco_json",
    "write_mask_zip",
    "write_overlay",
]
