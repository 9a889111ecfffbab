"""LabelMe's JSON: the shapes of one image, also those of X-AnyLabeling and of LabelMe's variants.

Shapes of the same label and `group_id` are one object.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.described_images import fit_for
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat, located_names
from sam2_core.media.readers.frame_matching import no_frame
from sam2_core.media.readers.image_masks import read_foreground
from sam2_core.media.readers.json_values import key_of, objects_of, text_of, whole_of
from sam2_core.media.readers.outlines import NO_AREA, closed_line, convex_hull, ellipse
from sam2_core.media.readers.polygon_filling import PixelBudget, Ring, draw_polygon, mask_from_columns, parse_corners
from sam2_core.types import Box, Mask

ELLIPSES = "Ellipses of two points were taken to fill the box between these points."


def is_labelme(document: Document) -> bool:
    """Whether a document is of this format."""
    return isinstance(document.value, dict) and isinstance(document.value.get("shapes"), list)


def read_labelme(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format."""
    # The image may have been renamed since, together with its document.
    paths = located_names([(each, text_of(each.value, "imagePath")) for each in documents])
    names = [[path or each.name, each.name] for path, each in zip(paths, documents, strict=True)]
    binding = len(files.names) > 1 or any(text_of(each.value, "imagePath") for each in documents)
    frames = builder.match_frames(names, binding=binding)
    for done, (document, frame) in enumerate(zip(documents, frames, strict=True)):
        builder.progress(done, len(documents))
        with builder.document(document.name), builder.item(PurePosixPath(document.name).name):
            _read_file(document.value, frame, builder)


LABELME = DocumentFormat("LabelMe", is_labelme, read_labelme)


def _read_file(plain: dict[str, Any], frame: int | None, builder: AnnotationBuilder) -> None:
    if frame is None:
        raise MediaError(no_frame(builder.info))
    fit = fit_for(frame, whole_of(plain, "imageHeight"), whole_of(plain, "imageWidth"), builder)
    for shape in objects_of(plain, "shapes"):
        label, group = text_of(shape, "label"), key_of(shape, "group_id")
        with builder.item(label):
            draw = _SHAPES.get(text_of(shape, "shape_type") or "polygon")
            if draw is None:
                raise MediaError(NO_AREA)
            key: Hashable = None if group is None else (label, group)
            if draw is _mask or fit.is_identity:
                builder.add(frame, key, draw(shape, *fit.source, builder.spend), label=label)
            else:
                scaled = {**shape, "points": fit.ring(parse_corners(_points(shape))).tolist()}
                builder.add(frame, key, draw(scaled, *fit.target, builder.spend), label=label)
        if shape.get("shape_type") == "ellipse" and len(_points(shape)) == 2 and ELLIPSES not in builder.notes:
            builder.notes.append(ELLIPSES)


def _polygon(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    return draw_polygon(_corners(shape, min_count=3), height, width, spend)


def _rectangle(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask | Box:
    """Two opposite corners, or all four, which may be turned."""
    corners = _corners(shape)
    low, high = _extent(corners)
    if len(corners) == 4 and not (np.isclose(corners, low) | np.isclose(corners, high)).all():
        return draw_polygon(corners, height, width, spend)
    return Box(*low.tolist(), *high.tolist())


def _circle(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    """Its center and a point on it."""
    center, edge = _corners(shape)[:2]
    radius = math.dist(center, edge)
    return draw_polygon(ellipse(center[0], center[1], radius, radius), height, width, spend)


def _ellipse(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    """Two opposite corners of the box around it, or its center and the ends of its two half axes."""
    corners = _corners(shape)
    if len(corners) > 2:
        center, one, other = corners[:3]
        turned = math.degrees(math.atan2(*(one - center)[::-1]))
        outline = ellipse(center[0], center[1], math.dist(center, one), math.dist(center, other), turned)
    else:
        low, high = _extent(corners)
        (x, y), (radius_x, radius_y) = (low + high) / 2, (high - low) / 2
        outline = ellipse(x, y, radius_x, radius_y)
    return draw_polygon(outline, height, width, spend)


def _line(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    return draw_polygon(closed_line(_corners(shape)), height, width, spend)


def _cuboid(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    """The outline around the corners of its front and its back."""
    return draw_polygon(convex_hull(_corners(shape, min_count=3)), height, width, spend)


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
    columns[top : top + size[0]] = read_foreground(png, size)
    return mask_from_columns(columns, int(left), width)


def _corners(shape: dict[str, Any], min_count: int = 2) -> Ring:
    corners = parse_corners(_points(shape))
    if len(corners) < min_count:
        raise MediaError("They have too few points.")
    return corners


def _points(shape: dict[str, Any]) -> list[Any]:
    listed = shape.get("points")
    return listed if isinstance(listed, list) else []


def _extent(corners: Ring) -> Ring:
    """(2, 2): the minimum and the maximum corner."""
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


_SHAPES: Mapping[str, Callable[[dict[str, Any], int, int, PixelBudget], Mask | Box]] = {
    "polygon": _polygon,
    "rectangle": _rectangle,
    "rotation": _polygon,
    "oriented_rectangle": _polygon,
    "quadrilateral": _polygon,
    "cuboid": _cuboid,
    "circle": _circle,
    "ellipse": _ellipse,
    "linestrip": _line,
    "mask": _mask,
}
