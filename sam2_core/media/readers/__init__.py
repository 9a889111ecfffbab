"""Annotations from other programs, or from Masklet, for the image, clip or album that is open.

format_detection.py     reads a file: detects its format from the content and calls the reader
coco.py                 COCO's JSON, with or without tracks; youtube_vis.py: its variant for clips
coco_panoptic.py        COCO's panoptic JSON with the pictures beside it
labelme.py              LabelMe's JSON, also X-AnyLabeling's
cvat.py                 CVAT's XML, for images and for video
label_studio.py         Label Studio's JSON; label_studio_brush.py: its packed brush masks
via.py                  VGG Image Annotator's JSON and CSV
supervisely.py          Supervisely's JSON, of images and clips
voc.py                  Pascal VOC's XML with the masks beside it
sav.py, sam_records.py  SA-V; SA-1B and what the automatic mask generator gives
coco_results.py         COCO's lists of results
mots.py                 the text files of MOTS and MOTChallenge
cityscapes.py, isat.py  polygons of Cityscapes and ISAT; create_ml.py: Create ML's boxes
box_table.py            tables (CSV) of boxes; npz.py: Masklet's NumPy archive
unread_formats.py       formats that are recognized, but not read
yolo.py                 YOLO's text files; yolo_pose.py: which lines are key points
image_masks.py          masks as pictures: index masks, colors, or one mask for each object
mask_pixels.py          their pixels, in all picture formats; mask_values.py: which values are objects
soft_masks.py           feathered and compressed masks, mattes; photos are told apart
size_fitting.py         masks and coordinates of another size than the picture
frame_matching.py       the frame that a name refers to; file_names.py: names in all forms; frame_numbers.py: of clips
association.py          the same object on several frames, for files without tracks
segmentations.py        COCO's masks in all forms in which programs write them
polygon_filling.py      polygons to masks; outlines.py: ellipses, turned rectangles and the like as polygons
keyframes.py            boxes between the listed frames of a track
xml_values.py           untrusted XML
described_images.py     images of a document, by name
documents.py            documents, and the description of a format; document_merging.py: objects of several documents
folder_reader.py        files of a folder, bounded
zip_reader.py           members of a ZIP file, bounded and in memory; zip_names.py: their names in any encoding
text_encoding.py        the encoding of text; json_values.py: typed values of untrusted JSON
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
