"""LabelMe's JSON: the shapes of one image. Shapes of the same label and `group_id` are one object."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, check_size
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.frame_matching import no_frame
from sam2_core.media.readers.json_values import key_of, objects_of, text_of, whole_of
from sam2_core.media.readers.image_masks import read_index
from sam2_core.media.readers.polygon_filling import PixelBudget, Ring, draw_polygon, mask_from_columns, parse_corners
from sam2_core.types import Box, Mask

_CIRCLE_CORNERS = 90


def is_labelme(document: Document) -> bool:
    """Whether a document is of this format."""
    return isinstance(document.value, dict) and isinstance(document.value.get("shapes"), list)


def read_labelme(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format."""
    # The image may have been renamed since, together with its document.
    names = [[text_of(each.value, "imagePath") or each.name, each.name] for each in documents]
    binding = len(files.names) > 1 or any(text_of(each.value, "imagePath") for each in documents)
    frames = builder.match_frames(names, binding=binding)
    for done, (document, frame) in enumerate(zip(documents, frames, strict=True)):
        builder.progress(done, len(documents))
        with builder.item(PurePosixPath(document.name).name):
            _read_file(document.value, frame, builder)


LABELME = DocumentFormat("LabelMe", is_labelme, read_labelme)


def _read_file(plain: dict[str, Any], frame: int | None, builder: AnnotationBuilder) -> None:
    if frame is None:
        raise MediaError(no_frame(builder.info))
    height, width = builder.info.size_of(frame)
    image_height, image_width = whole_of(plain, "imageHeight"), whole_of(plain, "imageWidth")
    if image_height and image_width:
        check_size((image_height, image_width), (height, width))
    for shape in objects_of(plain, "shapes"):
        label, group = text_of(shape, "label"), key_of(shape, "group_id")
        with builder.item(label):
            draw = _SHAPES.get(text_of(shape, "shape_type") or "polygon")
            if draw is None:
                raise MediaError("Points and lines have no area. Use polygons, boxes, circles or masks.")
            key: Hashable = None if group is None else (label, group)
            builder.add(frame, key, draw(shape, height, width, builder.spend), label=label)


def _polygon(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    return draw_polygon(_corners(shape, min_count=3), height, width, spend)


def _rectangle(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Box:
    (left, top), (right, bottom) = (edge.tolist() for edge in _extent(_corners(shape)))
    return Box(left, top, right, bottom)


def _circle(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    """Its center and a point on it."""
    center, edge = _corners(shape)[:2]
    angles = np.linspace(0, 2 * math.pi, _CIRCLE_CORNERS, endpoint=False)
    corners = center + math.dist(center, edge) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return draw_polygon(corners, height, width, spend)


def _mask(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    """A PNG that fills the box between two corners, inclusive."""
    (left, top), (right, bottom) = np.rint(_extent(_corners(shape))).astype(int)
    size = int(bottom - top + 1), int(right - left + 1)
    if left < 0 or top < 0 or left + size[1] > width or top + size[0] > height:
        raise MediaError("They lie outside of the picture.")
    spend(height * size[1])
    try:
        png = base64.b64decode(text_of(shape, "mask"), validate=True)
    except (ValueError, binascii.Error) as error:
        raise MediaError("Their masks are damaged. Save the file again.") from error
    columns = np.zeros((height, size[1]), bool)
    columns[top : top + size[0]] = read_index(png, size) > 0
    return mask_from_columns(columns, int(left), width)


def _corners(shape: dict[str, Any], min_count: int = 2) -> Ring:
    listed = shape.get("points")
    points = [point for point in listed if isinstance(point, list)] if isinstance(listed, list) else []
    if len(points) < min_count:
        raise MediaError("They have too few points.")
    return parse_corners([number for point in points for number in point])


def _extent(corners: Ring) -> Ring:
    """(2, 2): the minimum and the maximum corner."""
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


_SHAPES: Mapping[str, Callable[[dict[str, Any], int, int, PixelBudget], Mask | Box]] = {
    "polygon": _polygon,
    "rectangle": _rectangle,
    "circle": _circle,
    "mask": _mask,
}
