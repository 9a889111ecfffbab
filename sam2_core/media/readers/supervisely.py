"""Supervisely's JSON: the objects of an image, or the figures of a clip by frame.

Coordinates are pixel indices, corners included; polygons may have holes. Bitmaps are PNGs, compressed with zlib and
in base64, that begin at their origin. An image's document is called as the image is, with .json appended.
"""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.described_images import DescribedImage, fit_for, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat, without_masks
from sam2_core.media.readers.frame_matching import choose_clip, no_frame
from sam2_core.media.readers.json_values import floats_of, key_of, objects_of, text_of, value_of, whole_of
from sam2_core.media.readers.outlines import NO_AREA, closed_line, convex_hull
from sam2_core.media.readers.polygon_filling import draw_polygon, mask_from_columns, parse_corners, parse_ring
from sam2_core.media.readers.size_fitting import Fit, Size
from sam2_core.types import BoolArray, Box, Mask

_DAMAGED = "Their bitmaps are damaged. Export them again."
_OPAQUE = 128
_MAX_OVERHEAD = 100_000  # bytes of a PNG besides its pixels


def is_supervisely(document: Document) -> bool:
    """Whether a document is of this format."""
    plain = document.value
    has_size = isinstance(plain, dict) and isinstance(plain.get("size"), dict)
    return has_size and (_is_clip(plain) or isinstance(plain.get("objects"), list))


def is_meta(document: Document) -> bool:
    """Whether a document has the classes of a project."""
    classes = objects_of(document.value, "classes")
    return bool(classes) and all("title" in each and "shape" in each for each in classes[:3])


def read_supervisely(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format; raises `MediaError` for one of several clips, none of which is open."""
    clips = [document for document in documents if _is_clip(document.value)]
    if clips and builder.info.kind == "clip":
        clip = clips[choose_clip([_name_in(document) for document in clips], builder.info)]
        with builder.document(clip.name):
            _read_clip(clip.value, builder)
    elif clips:
        raise MediaError("They are about a clip. Open the clip first.")
    images = [DescribedImage(each, [_name_in(each), each.name], each.value) for each in documents if each not in clips]
    read_images(images, partial(_read_image, builder=builder), builder, binding=len(files.names) > 1)


SUPERVISELY = DocumentFormat("Supervisely", is_supervisely, read_supervisely)
SUPERVISELY_META = without_masks(
    "Supervisely's project file",
    is_meta,
    "They list the classes of a Supervisely project. Pack the folder “ann” with them into the ZIP file.",
)


def _is_clip(plain: dict[str, Any]) -> bool:
    return "framesCount" in plain and isinstance(plain.get("frames"), list)


def _name_in(document: Document) -> str:
    """The image's name, without the folder for annotations."""
    path = PurePosixPath(document.name)
    folders = [part for part in path.parts[:-1] if part != "ann"]
    return str(PurePosixPath(*folders, path.stem))


def _read_image(plain: dict[str, Any], frame: int, builder: AnnotationBuilder) -> None:
    fit = _fit_for(plain, frame, builder)
    for each in objects_of(plain, "objects"):
        label = text_of(each, "classTitle")
        with builder.item(label):
            shape = _shape_of(each, _kind_of(each), fit.source, builder)
            builder.add(frame, None, fit.place(shape), label=label)


def _read_clip(plain: dict[str, Any], builder: AnnotationBuilder) -> None:
    fit = _fit_for(plain, 0, builder)
    labels = {
        key: text_of(each, "classTitle") for each in objects_of(plain, "objects") for key in _keys_of(each, "key", "id")
    }
    frames = objects_of(plain, "frames")
    for done, each in enumerate(frames):
        builder.progress(done, len(frames))
        frame = whole_of(each, "index")
        for figure in objects_of(each, "figures"):
            key = next(iter(_keys_of(figure, "objectKey", "objectId")), None)
            label = labels.get(key, "")
            with builder.item(label):
                if frame is None or frame >= builder.info.frames:
                    raise MediaError(no_frame(builder.info))
                geometry = value_of(figure, "geometry")
                shape = _shape_of(geometry, text_of(figure, "geometryType"), fit.source, builder)
                builder.add(frame, key, fit.place(shape), label=label)


def _keys_of(plain: dict[str, Any], *names: str) -> list[Any]:
    return [key for name in names if (key := key_of(plain, name)) is not None]


def _fit_for(plain: dict[str, Any], frame: int, builder: AnnotationBuilder) -> Fit:
    return fit_for(frame, whole_of(plain["size"], "height"), whole_of(plain["size"], "width"), builder)


def _kind_of(each: dict[str, Any]) -> str:
    """Earlier versions do not say it."""
    return text_of(each, "geometryType") or ("bitmap" if each.get("bitmap") else "polygon")


def _shape_of(geometry: Any, kind: str, size: Size, builder: AnnotationBuilder) -> Mask | Box:
    draw = _DRAWINGS.get(kind)
    if draw is None:
        raise MediaError(NO_AREA)
    return draw(geometry, *size, builder)


def _polygon(geometry: Any, height: int, width: int, builder: AnnotationBuilder) -> Mask:
    points = value_of(geometry, "points")
    outline = draw_polygon(parse_ring(value_of(points, "exterior")), height, width, builder.spend)
    holes = value_of(points, "interior")
    if not holes or not isinstance(holes, list):
        return outline
    builder.spend(height * width * (len(holes) + 1))
    pixels = outline.to_array()
    for hole in holes:
        pixels &= ~draw_polygon(parse_ring(hole), height, width, builder.spend).to_array()
    return Mask.from_array(pixels)


def _rectangle(geometry: Any, height: int, width: int, builder: AnnotationBuilder) -> Box:
    corners = parse_corners(value_of(value_of(geometry, "points"), "exterior"))
    if len(corners) < 2:
        raise MediaError("They have too few points.")
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return Box(left, top, right + 1, bottom + 1)


def _line(geometry: Any, height: int, width: int, builder: AnnotationBuilder) -> Mask:
    corners = parse_corners(value_of(value_of(geometry, "points"), "exterior"))
    return draw_polygon(closed_line(corners), height, width, builder.spend)


def _cuboid(geometry: Any, height: int, width: int, builder: AnnotationBuilder) -> Mask:
    corners = parse_ring(value_of(geometry, "points"))
    return draw_polygon(convex_hull(corners), height, width, builder.spend)


def _bitmap(geometry: Any, height: int, width: int, builder: AnnotationBuilder) -> Mask:
    bitmap = value_of(geometry, "bitmap")
    origin = floats_of(value_of(bitmap, "origin"), 2)
    if origin is None or min(origin) < 0:
        raise MediaError(_DAMAGED)
    left, top = int(origin[0]), int(origin[1])
    builder.spend(height * width)
    pixels = _pixels_in(text_of(bitmap, "data"), height - top, width - left)
    columns = np.zeros((height, pixels.shape[1]), bool)
    columns[top : top + pixels.shape[0]] = pixels
    return mask_from_columns(columns, left, width)


def _pixels_in(data: str, max_height: int, max_width: int) -> BoolArray:
    """The pixels (H, W) of a packed PNG, which are not decoded if they are more than that."""
    try:
        unpacker = zlib.decompressobj()
        png = unpacker.decompress(base64.b64decode(data, validate=True), 4 * max_height * max_width + _MAX_OVERHEAD)
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if image.height > max_height or image.width > max_width:
                raise MediaError("They lie outside of the picture.")
            if "A" in image.getbands() or "transparency" in image.info:
                return np.asarray(image.convert("RGBA").getchannel("A")) >= _OPAQUE
            return np.asarray(image if image.mode == "P" else image.convert("L")) > 0
    except MediaError:
        raise
    except Exception as error:  # zlib, base64 and Pillow raise various exceptions for damaged data
        raise MediaError(_DAMAGED) from error


_DRAWINGS: Mapping[str, Callable[[Any, int, int, AnnotationBuilder], Mask | Box]] = {
    "polygon": _polygon,
    "rectangle": _rectangle,
    "line": _line,
    "polyline": _line,
    "cuboid": _cuboid,
    "bitmap": _bitmap,
    "alpha_mask": _bitmap,
}
