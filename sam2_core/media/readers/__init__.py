"""Annotations from other programs, or from Masklet, for the image, clip or album that is open.

format_detection.py     reads a file: detects its format from the content and calls the reader
coco.py                 COCO's JSON, with or without tracks; youtube_vis.py: its variant for clips
labelme.py              LabelMe's JSON
yolo.py                 YOLO's text files
png_masks.py            PNG masks: index masks, colors, or one mask for each object
frame_matching.py       the frame that a file name refers to
association.py          the same object on several frames, for files without tracks
polygon_filling.py      polygons to masks
documents.py             documents, and the description of a format
zip_reader.py           members of a ZIP file, bounded and in memory; json_values.py: typed values of untrusted JSON
annotation_builder.py   collects the masks, and the reasons for skipped items
"""

from sam2_core.media.readers.annotation_builder import (
    ImportedAnnotations,
    ImportedMask,
    NamesDiffer,
    SkippedItem,
)
from sam2_core.media.readers.format_detection import read_annotations

__all__ = ["ImportedAnnotations", "ImportedMask", "NamesDiffer", "SkippedItem", "read_annotations"]
