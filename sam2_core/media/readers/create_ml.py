"""Create ML's JSON: a list of images with boxes, by their centers in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.described_images import DescribedImage, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.json_values import floats_of, objects_of, text_of, value_of
from sam2_core.types import Box


def is_create_ml(document: Document) -> bool:
    """Whether a document is of this format."""
    listed = document.value if isinstance(document.value, list) else []
    return any(
        "coordinates" in annotation for each in listed[:20] for annotation in objects_of(each, "annotations")[:1]
    )


def read_create_ml(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format."""
    images = [
        DescribedImage(document, [text_of(each, "image") or text_of(each, "imagefilename")], each)
        for document in documents
        for each in document.value
        if objects_of(each, "annotations")
    ]
    read_images(images, partial(_read_image, builder=builder), builder)


CREATE_ML = DocumentFormat("Create ML", is_create_ml, read_create_ml)


def _read_image(image: dict[str, Any], frame: int, builder: AnnotationBuilder) -> None:
    for annotation in objects_of(image, "annotations"):
        label, coordinates = text_of(annotation, "label"), annotation.get("coordinates")
        with builder.item(label):
            numbers = floats_of([value_of(coordinates, name) for name in ("x", "y", "width", "height")], 4)
            if numbers is None:
                raise MediaError("Their boxes are no numbers.")
            x, y, width, height = numbers
            builder.add(frame, None, Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2), label=label)
