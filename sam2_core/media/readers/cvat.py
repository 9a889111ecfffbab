"""CVAT's XML, version 1.1: "CVAT for images" lists shapes by image, "CVAT for video" by track and frame.

Between the listed frames of a track boxes move linearly; other shapes are on the listed frames alone. Frames are those
of the source, also where a task has every n-th of them. Shapes of an image with the same `group_id` are one object.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from xml.etree.ElementTree import Element

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.described_images import DescribedImage, fit_for, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.frame_matching import choose_clip, no_frame
from sam2_core.media.readers.keyframes import KeyFrame, interpolate
from sam2_core.media.readers.outlines import NO_AREA, center_of, closed_line, convex_hull, ellipse, rectangle
from sam2_core.media.readers.polygon_filling import (
    PixelBudget,
    Ring,
    fill_polygons,
    mask_from_columns,
    parse_corners,
    parse_ring,
)
from sam2_core.media.readers.size_fitting import Fit, Size
from sam2_core.media.readers.xml_values import number_of, text_in, whole_in
from sam2_core.types import Box, Mask

GAPS = "Some tracks have outlines on some frames only. Boxes move between listed frames, outlines do not."
_FOR_VIDEO = "They name no pictures: this is an export “for video”. Export it as “CVAT for images”."
_CUBOID = [f"{axis}{corner}{side}" for side in (1, 2) for corner in ("tl", "bl", "tr", "br") for axis in "xy"]
_NO_SHAPES = {"attribute", "tag"}


def is_cvat(document: Document) -> bool:
    """Whether a document is of this format."""
    return document.syntax == "xml" and document.value.tag == "annotations"


def read_cvat(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format; raises `MediaError` for one of several clips, none of which is open."""
    images = [
        DescribedImage(document, [text_in(image, "name")], image)
        for document in documents
        for image in document.value.findall("image")
    ]
    read_images(images, partial(_read_image, builder=builder), builder)
    for document in documents:
        tracks = _tracks_of_clip(document.value, builder)
        for done, track in enumerate(tracks):
            builder.progress(done, len(tracks))
            with builder.document(document.name), builder.item(text_in(track, "label")):
                _read_track(track, done, document.value, builder)


CVAT = DocumentFormat("CVAT", is_cvat, read_cvat)


def _read_image(image: Element, frame: int, builder: AnnotationBuilder) -> None:
    fit = _fit_for(image, frame, builder)
    for shape in image:
        if shape.tag in _NO_SHAPES:
            continue
        label, group = text_in(shape, "label"), text_in(shape, "group_id")
        key: Hashable = (frame, group) if group not in ("", "0") else None
        with builder.item(label):
            builder.add(frame, key, fit.place(_shape_of(shape, fit.source, builder)), label=label)


def _read_track(track: Element, key: Hashable, root: Element, builder: AnnotationBuilder) -> None:
    if builder.info.kind != "clip":
        raise MediaError(_FOR_VIDEO)
    label, frames = text_in(track, "label"), builder.info.frames
    size = next(root.iter("original_size"), root)
    fit = _fit_for(size, 0, builder)
    key_frames, listed = list[KeyFrame](), list[int]()
    for shape in track:
        with builder.item(label):
            frame, is_outside = whole_in(shape, "frame"), text_in(shape, "outside") == "1"
            if frame is None or frame >= frames:
                if is_outside:
                    continue  # where a track ends
                raise MediaError(no_frame(builder.info))
            if shape.tag == "box":
                degrees = number_of(shape, "rotation", default=0)
                key_frames.append(KeyFrame(frame, _box_of(shape), degrees, not is_outside, not is_outside))
            elif not is_outside:
                listed.append(frame)
                builder.add(frame, key, fit.place(_shape_of(shape, fit.source, builder)), label=label)
    for each in interpolate(key_frames, frames):
        with builder.item(label):
            shape_there = rectangle(each.box, each.degrees, center_of(each.box))
            builder.add(each.frame, key, fit.place(_filled(shape_there, fit.source, builder)), label=label)
    if len(listed) > 1 and max(listed) - min(listed) >= len(listed) and GAPS not in builder.notes:
        builder.notes.append(GAPS)


def _tracks_of_clip(root: Element, builder: AnnotationBuilder) -> list[Element]:
    """The tracks of the open clip, in an export of a project with several tasks."""
    by_task: dict[str, list[Element]] = defaultdict(list)
    for track in root.findall("track"):
        by_task[text_in(track, "task_id")].append(track)
    if len(by_task) < 2 or builder.info.kind != "clip":
        return [track for tracks in by_task.values() for track in tracks]
    titles = {text_in(task, "id"): "/".join(text_in(task, name) for name in ("name", "source"))
              for task in root.iter("task")}  # fmt: skip
    tasks = [*by_task]
    return by_task[tasks[choose_clip([titles.get(task) or task for task in tasks], builder.info)]]


def _fit_for(element: Element, frame: int, builder: AnnotationBuilder) -> Fit:
    return fit_for(frame, whole_in(element, "height"), whole_in(element, "width"), builder)


def _shape_of(shape: Element, size: Size, builder: AnnotationBuilder) -> Mask | Box:
    if shape.tag == "mask":
        return _mask_of(shape, *size, builder.spend)
    outline = _OUTLINES.get(shape.tag)
    if outline is None:
        raise MediaError(NO_AREA)
    return _filled(outline(shape), size, builder)


def _filled(outline: Box | Ring, size: Size, builder: AnnotationBuilder) -> Mask | Box:
    return outline if isinstance(outline, Box) else fill_polygons([outline], *size, builder.spend)


def _box_of(shape: Element) -> Box:
    return Box(*(number_of(shape, name) for name in ("xtl", "ytl", "xbr", "ybr")))


def _turned_box(shape: Element) -> Box | Ring:
    box = _box_of(shape)
    return rectangle(box, number_of(shape, "rotation", default=0), center_of(box))


def _polygon(shape: Element) -> Ring:
    return parse_ring(_numbers_in(shape))


def _polyline(shape: Element) -> Ring:
    return closed_line(parse_corners(_numbers_in(shape)))


def _ellipse(shape: Element) -> Ring:
    x, y, radius_x, radius_y = (number_of(shape, name) for name in ("cx", "cy", "rx", "ry"))
    return ellipse(x, y, radius_x, radius_y, number_of(shape, "rotation", default=0))


def _cuboid(shape: Element) -> Ring:
    return convex_hull(parse_ring([number_of(shape, name) for name in _CUBOID]))


def _numbers_in(shape: Element) -> list[str]:
    return text_in(shape, "points").replace(";", ",").split(",")


def _mask_of(shape: Element, height: int, width: int, spend: PixelBudget) -> Mask:
    """Run lengths of a rectangle, row by row, the first run counts zeros."""
    left, top, columns, rows = (whole_in(shape, name) for name in ("left", "top", "width", "height"))
    if left is None or top is None or not columns or not rows or left + columns > width or top + rows > height:
        raise MediaError("They lie outside of the picture.")
    spend(height * columns)
    try:
        runs = np.array(text_in(shape, "rle").split(","), np.int64)
    except (ValueError, OverflowError):
        runs = np.zeros(0, np.int64)
    if not runs.size or ((runs < 0) | (runs > rows * columns)).any() or runs.sum() != rows * columns:
        raise MediaError("Their run lengths do not fill their rectangles. Export them again.")
    pixels = np.zeros((height, columns), bool)
    pixels[top : top + rows] = np.repeat(np.arange(runs.size) % 2 == 1, runs).reshape(rows, columns)
    return mask_from_columns(pixels, left, width)


_OUTLINES: Mapping[str, Callable[[Element], Box | Ring]] = {
    "box": _turned_box,
    "polygon": _polygon,
    "polyline": _polyline,
    "ellipse": _ellipse,
    "cuboid": _cuboid,
}
