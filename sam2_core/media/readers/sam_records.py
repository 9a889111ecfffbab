"""What SAM's automatic mask generator gives for an image: a list of records with `segmentation` and `bbox`.

SA-1B has them as the annotations of an image, programs write the bare list. A segmentation is run lengths, or an array
of the image's size as nested lists of booleans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.coco import shape_of
from sam2_core.media.readers.described_images import DescribedImage, fit_for, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.json_values import key_of, objects_of, text_of, value_of, whole_of
from sam2_core.types import Mask

_FIELDS = {"predicted_iou", "stability_score", "crop_box", "point_coords", "area", "bbox"}


def is_sa1b(document: Document) -> bool:
    """Whether a document has the records of an image, and the image's name."""
    is_named = isinstance(value_of(document.value, "image"), dict)
    return is_named and any(_is_record(each) for each in objects_of(document.value, "annotations")[:5])


def is_sam_records(document: Document) -> bool:
    """Whether a document is a bare list of records."""
    listed = document.value if isinstance(document.value, list) else []
    return any(_is_record(each) for each in listed[:5])


def read_sa1b(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents with the image's name."""
    images = (DescribedImage(each, [*_names_of(each), each.name], each.value) for each in documents)
    read_images(images, partial(_read_image, builder=builder), builder)


def read_sam_records(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read bare lists, which are called as the image is."""
    images = (DescribedImage(each, [each.name], {"annotations": each.value}) for each in documents)
    read_images(images, partial(_read_image, builder=builder), builder, binding=len(files.names) > 1)


SA1B = DocumentFormat("SA-1B", is_sa1b, read_sa1b)
SAM_RECORDS = DocumentFormat("SAM's list of masks", is_sam_records, read_sam_records)


def _is_record(each: Any) -> bool:
    return isinstance(each, dict) and "segmentation" in each and "image_id" not in each and bool(_FIELDS & each.keys())


def _names_of(document: Document) -> Iterator[str]:
    image = document.value["image"]
    if name := text_of(image, "file_name"):
        yield name
    if (number := key_of(image, "image_id")) is not None:
        yield f"sa_{number}.jpg"


def _read_image(plain: dict[str, Any], frame: int, builder: AnnotationBuilder) -> None:
    image = value_of(plain, "image")
    fit = fit_for(frame, whole_of(image, "height"), whole_of(image, "width"), builder)
    for number, each in enumerate(objects_of(plain, "annotations"), start=1):
        with builder.item(f"{number}"):
            if _is_array(each.get("segmentation")):
                builder.add(frame, None, _mask_of(each["segmentation"], builder))
            else:
                builder.add(frame, None, shape_of(each, frame, fit, builder))


def _is_array(value: Any) -> bool:
    """Whether these are the rows of an image, not polygons."""
    rows = value[:3] if isinstance(value, list) else []
    lengths = {len(row) if isinstance(row, list) else 0 for row in rows}
    return len(lengths) == 1 and 0 not in lengths and all(each in (0, 1) for row in rows for each in row)


def _mask_of(rows: list[Any], builder: AnnotationBuilder) -> Mask:
    builder.spend(len(rows) * len(rows[0]))
    try:
        return Mask.from_array(np.array(rows, np.float64))
    except (TypeError, ValueError, OverflowError) as error:
        raise MediaError("Their masks are no arrays of true and false. Export them again.") from error
