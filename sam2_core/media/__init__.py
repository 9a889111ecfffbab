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

from sam2_core.media.album import Skipped, ingest_album
from sam2_core.media.draw import Place, Rgb, color_of, crop, hex_of, is_hex, mask_png, overlay, rgb_of
from sam2_core.media.effects.look import EDGES, EFFECTS, OVERLAY, PRESETS, Look, look_of
from sam2_core.media.effects.painter import Painter
from sam2_core.media.export import KINDS, export, file_name, write
from sam2_core.media.info import MediaInfo
from sam2_core.media.ingest import ingest
from sam2_core.media.limits import Limits
from sam2_core.media.material import Material, ObjectTraits
from sam2_core.media.order import Order
from sam2_core.media.progress import Progress
from sam2_core.media.readers import Annotations, Found, LeftOut, read_annotations
from sam2_core.media.store import Store, open_store

__all__ = [
    "EDGES",
    "EFFECTS",
    "KINDS",
    "OVERLAY",
    "PRESETS",
    "Annotations",
    "Found",
    "LeftOut",
    "Limits",
    "Look",
    "Material",
    "MediaInfo",
    "ObjectTraits",
    "Order",
    "Painter",
    "Place",
    "Progress",
    "Rgb",
    "Skipped",
    "Store",
    "color_of",
    "crop",
    "export",
    "file_name",
    "hex_of",
    "ingest",
    "ingest_album",
    "is_hex",
    "look_of",
    "mask_png",
    "open_store",
    "overlay",
    "read_annotations",
    "rgb_of",
    "write",
]
