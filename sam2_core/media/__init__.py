"""Files ⇄ frames ⇄ pixels. Frame k of a store, of the source and of every export is the same image.

ingest.py           turns a file into a store: image_files.py; picture_clips.py; clip_files.py, probe.py and timing.py
album.py            turns several images into one store; sequence.py: numbered images into a clip; zip_file.py
picture_file.py     decodes images with picture_formats.py, tiff_pages.py, bit_depth.py; color_table.py: HDR clips
store.py            reads the frames of a store
source_frames.py    decodes frames from the original file, at the size of the masks
live.py             decodes the frames of a camera
draw.py             masks as pixels, PNG and JPEG encoding
masked_media.py     a store with the masks of its objects, ready for export; export_options.py: options and formats
export.py           writes any export format
formats/            masks to annotation files
readers/            annotation files to masks; box_files.py: their boxes replaced in place; picture_folder.py
effects/            images changed with the help of masks; rendering/: images and videos written with effects
review/             an HTML page for reviewers, whose comments can be opened again
decoders.py         does any of this in processes with limits, which run decoder_process.py
limits.py           limits for one upload; ffmpeg.py, atomic.py, progress.py: subprocesses, atomic files, callbacks
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
from sam2_core.media.live import decode_frame
from sam2_core.media.masked_media import MAX_LABEL_LENGTH, MAX_NAME_LENGTH, MaskedMedia, ObjectTraits, Provenance
from sam2_core.media.progress import MediaProgress
from sam2_core.media.readers import ImportedAnnotations, ImportedMask, NamesDiffer, SkippedItem, read_annotations
from sam2_core.media.sequence import ingest_sequence
from sam2_core.media.store import Store, open_store

__all__ = [
    "EDGE_SETTINGS", "EFFECTS", "EXPORT_FORMATS", "MAX_LABEL_LENGTH", "MAX_LAYERS", "MAX_NAME_LENGTH",
    "MAX_TEXT_LENGTH", "OVERLAY", "PRESETS", "EffectStack", "ExportOptions", "ImportedAnnotations", "ImportedMask",
    "Limits", "MaskedMedia", "MediaInfo", "MediaProgress", "NamesDiffer", "ObjectTraits", "Painter", "Provenance",
    "Rgb", "SkippedFile", "SkippedItem", "Store", "Xywh", "color_of", "crop", "decode_frame", "encode_jpeg", "export",
    "file_name", "grayscale_png", "hex_of", "ingest", "ingest_album", "ingest_sequence", "is_hex", "mask_png",
    "open_store", "overlay", "read_annotations", "rgb_of", "write",
]  # fmt: skip
