"""Cityscapes' JSON: the polygons of an image in the order in which they are painted, the later ones above."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import EMPTY, AnnotationBuilder
from sam2_core.media.readers.described_images import DescribedImage, fit_for, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.json_values import objects_of, text_of, whole_of
from sam2_core.media.readers.polygon_filling import draw_polygon, parse_ring
from sam2_core.types import Mask

_NO_OBJECTS = {"ego vehicle", "rectification border", "out of roi"}  # regions that are not annotated


def is_cityscapes(document: Document) -> bool:
    """Whether a document is of this format."""
    plain = document.value
    return (
        isinstance(plain, dict) and {"imgHeight", "imgWidth"} <= plain.keys() and isinstance(plain.get("objects"), list)
    )


def read_cityscapes(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format."""
    images = [DescribedImage(each, [each.name], each.value) for each in documents]
    read_images(images, partial(_read_image, builder=builder), builder, binding=len(files.names) > 1)


CITYSCAPES = DocumentFormat("Cityscapes", is_cityscapes, read_cityscapes)


def _read_image(plain: dict[str, Any], frame: int, builder: AnnotationBuilder) -> None:
    fit = fit_for(frame, whole_of(plain, "imgHeight"), whole_of(plain, "imgWidth"), builder)
    height, width = fit.source
    painted = np.zeros((height, width), np.int32)
    labels: dict[int, str] = {}
    for each in objects_of(plain, "objects"):
        label = text_of(each, "label")
        if label in _NO_OBJECTS or whole_of(each, "deleted"):
            continue
        with builder.item(label):
            outline = draw_polygon(parse_ring(each.get("polygon")), height, width, builder.spend)
            builder.spend(height * width)
            labels[len(labels) + 1] = label
            painted[outline.to_array()] = len(labels)
    visible = {*np.unique(painted).tolist()}
    for value, label in labels.items():
        with builder.item(label):
            if value not in visible:
                raise MediaError(EMPTY)
            builder.spend(height * width)
            builder.add(frame, None, fit.mask(Mask.from_array(painted == value)), label=label)
