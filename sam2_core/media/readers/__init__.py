"""Annotations that other programs, or Masklet itself, wrote about the picture, clip or album that is open.

reading.py       the one door: looks at a file's content and calls the reader of its format
coco.py          COCO's JSON, with or without tracks; youtube_vis.py: its cousin for clips
labelme.py       LabelMe's JSON
yolo.py          YOLO's text files
png_masks.py     masks as pictures: indices, colours, or one picture for each object
frames.py        which frame a file's name means; linking.py: which objects are the same on several frames
polygons.py      outlines become masks
archive.py       members of a ZIP file, within bounds and never on disk; plain.py: plain data from anywhere
collector.py     what was found, and what could not be used
"""

from sam2_core.media.readers.annotation_builder import ImportedAnnotations, ImportedMask, SkippedItem
from sam2_core.media.readers.format_detection import read_annotations

__all__ = ["ImportedAnnotations", "ImportedMask", "SkippedItem", "read_annotations"]
