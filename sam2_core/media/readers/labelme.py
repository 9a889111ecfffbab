"""LabelMe's JSON: the shapes of one picture. Shapes of one label and `group_id` are one object."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Hashable, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, check_size
from sam2_core.media.readers.frame_matching import frames_of, no_frame
from sam2_core.media.readers.json_values import items_of, key_of, text_of, whole_of
from sam2_core.media.readers.png_masks import indices_of
from sam2_core.media.readers.polygon_filling import PixelBudget, Ring, draw_polygon, mask_from_columns, parse_corners
from sam2_core.types import Box, Mask

_CORNERS_OF_A_CIRCLE = 90


def is_labelme(plain: Any) -> bool:
    """Whether plain data from a JSON file look like this format."""
    return isinstance(plain, dict) and isinstance(plain.get("shapes"), list)


def read_labelme(files: Mapping[str, dict[str, Any]], into: AnnotationBuilder) -> None:
    """Read what `is_labelme` found, by the names of the files."""
    pictures = [_picture(name, plain) for name, plain in files.items()]
    frames = frames_of(pictures, into.info)
    if not any(frame is not None for frame in frames):  # a picture may have been renamed since
        frames = frames_of(list(files), into.info)
    for done, (name, frame, plain) in enumerate(zip(files, frames, files.values(), strict=True)):
        into.progress(done, len(files))
        with into.item(PurePosixPath(name).name):
            _read_picture(plain, frame, into)


def _picture(name: str, plain: dict[str, Any]) -> str:
    return text_of(plain, "imagePath") or name


def _read_picture(plain: dict[str, Any], frame: int | None, into: AnnotationBuilder) -> None:
    if frame is None:
        raise MediaError(no_frame(into.info))
    height, width = into.info.size_of(frame)
    said = whole_of(plain, "imageHeight"), whole_of(plain, "imageWidth")
    if said[0] and said[1]:
        check_size((said[0], said[1]), (height, width))
    for shape in items_of(plain, "shapes"):
        label, group = text_of(shape, "label"), key_of(shape, "group_id")
        with into.item(label):
            draw = _SHAPES.get(text_of(shape, "shape_type") or "polygon")
            if draw is None:
                raise MediaError("Points and lines have no area. Use polygons, boxes, circles or masks.")
            key: Hashable = None if group is None else (label, group)
            into.put(frame, key, draw(shape, height, width, into.spend), label=label)


def _polygon(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    return draw_polygon(_corners(shape, least=3), height, width, spend)


def _rectangle(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Box:
    (left, top), (right, bottom) = (edge.tolist() for edge in _extent(_corners(shape)))
    return Box(left, top, right, bottom)


def _circle(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    """Its centre, and a point on it."""
    center, edge = _corners(shape)[:2]
    turns = np.linspace(0, 2 * math.pi, _CORNERS_OF_A_CIRCLE, endpoint=False)
    around = center + math.dist(center, edge) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return draw_polygon(around, height, width, spend)


def _mask(shape: dict[str, Any], height: int, width: int, spend: PixelBudget) -> Mask:
    """A PNG that fills the box between two corners, both of which belong to it."""
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
    columns[top : top + size[0]] = indices_of(png, size) > 0
    return mask_from_columns(columns, int(left), width)


def _corners(shape: dict[str, Any], least: int = 2) -> Ring:
    listed = shape.get("points")
    points = [point for point in listed if isinstance(point, list)] if isinstance(listed, list) else []
    if len(points) < least:
        raise MediaError("They have too few points.")
    return parse_corners([number for point in points for number in point])


def _extent(corners: Ring) -> Ring:
    """The least and the greatest coordinates."""
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


_SHAPES: Mapping[str, Callable[[dict[str, Any], int, int, PixelBudget], Mask | Box]] = {
    "polygon": _polygon,
    "rectangle": _rectangle,
    "circle": _circle,
    "mask": _mask,
}
