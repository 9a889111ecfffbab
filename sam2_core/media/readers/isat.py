"""ISAT's JSON: the polygons of an image. Polygons of the same class and `group` are one object."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.described_images import DescribedImage, fit_for, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.json_values import key_of, objects_of, text_of, value_of, whole_of
from sam2_core.media.readers.polygon_filling import draw_polygon, parse_ring


def is_isat(document: Document) -> bool:
    """Whether a document is of this format."""
    return text_of(value_of(document.value, "info"), "description") == "ISAT"


def read_isat(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format."""
    images = [DescribedImage(each, [text_of(each.value["info"], "name"), each.name], each.value) for each in documents]
    read_images(images, partial(_read_image, builder=builder), builder)


ISAT = DocumentFormat("ISAT", is_isat, read_isat)


def _read_image(plain: dict[str, Any], frame: int, builder: AnnotationBuilder) -> None:
    height, width = (whole_of(plain["info"], name) for name in ("height", "width"))
    fit = fit_for(frame, height, width, builder)
    for each in objects_of(plain, "objects"):
        label, group = text_of(each, "category"), key_of(each, "group")
        key: Hashable = None if group is None else (frame, label, group)
        with builder.item(label):
            outline = draw_polygon(parse_ring(each.get("segmentation")), *fit.source, builder.spend)
            builder.add(frame, key, fit.mask(outline), label=label)
