"""VGG Image Annotator (VIA): regions by image. Versions 1 and 2: JSON (a project or an export) and CSV; 3: JSON.

A region's class is the attribute that is called label, class or the like, or else its first one. Version 3 has regions
of clips by time.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.described_images import DescribedImage, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.frame_matching import choose_clip, no_frame
from sam2_core.media.readers.json_values import floats_of, objects_of, text_of, value_of, whole_of
from sam2_core.media.readers.outlines import NO_AREA, closed_line, ellipse
from sam2_core.media.readers.polygon_filling import Ring, fill_polygons, parse_corners, parse_ring
from sam2_core.types import Box, Mask

_CSV_COLUMNS = {"filename", "region_shape_attributes", "region_attributes"}
_CLASS_ATTRIBUTES = ("label", "class", "name", "type", "category", "object")
_MAX_JSON = 1_000_000  # characters of the attributes of a region in a table
_DAMAGED = "Their regions are damaged. Export them again."


@dataclass(frozen=True, slots=True)
class _Region:
    shape: dict[str, Any]
    """As version 2 has it: the name of its kind, and numbers."""
    label: str


@dataclass(frozen=True, slots=True)
class _Image:
    document: Document
    name: str
    regions: Sequence[_Region]
    time: float | None = None
    """Seconds, within a clip."""


def is_via(document: Document) -> bool:
    """Whether a document is of this format."""
    if document.syntax == "text":
        columns = document.value[:1000].partition("\n")[0].lstrip("#").strip().split(",")
        return {*columns} >= _CSV_COLUMNS
    if not isinstance(document.value, dict):
        return False
    return "_via_img_metadata" in document.value or _is_version_3(document.value) or _is_export(document.value)


def read_via(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format."""
    images = [image for document in documents for image in _images_of(document, builder) if image.regions]
    if builder.info.kind == "clip" and any(image.time is not None for image in images):
        return _read_clip(images, builder)
    described = [DescribedImage(image.document, [image.name], image) for image in images]
    read_images(described, partial(_read_image, builder=builder), builder)


VIA = DocumentFormat("VGG Image Annotator", is_via, read_via)


def _is_export(plain: dict[Any, Any]) -> bool:
    return any(
        isinstance(each, dict) and "filename" in each and isinstance(each.get("regions"), list | dict)
        for each in [*plain.values()][:3]
    )


def _is_version_3(plain: dict[str, Any]) -> bool:
    return all(isinstance(plain.get(name), dict) for name in ("metadata", "file", "view", "attribute"))


def _images_of(document: Document, builder: AnnotationBuilder) -> Iterator[_Image]:
    if document.syntax == "text":
        yield from _images_of_table(document, builder)
    elif _is_version_3(document.value):
        yield from _images_of_version_3(document)
    else:
        listed = document.value.get("_via_img_metadata", document.value)
        for each in listed.values() if isinstance(listed, dict) else ():
            regions = value_of(each, "regions")
            regions = [*regions.values()] if isinstance(regions, dict) else objects_of(each, "regions")
            found = [_Region(_shape_attributes(region), _label_in(value_of(region, "region_attributes")))
                     for region in regions]  # fmt: skip
            yield _Image(document, text_of(each, "filename"), found)


def _images_of_table(document: Document, builder: AnnotationBuilder) -> Iterator[_Image]:
    builder.check_lines(document.value)
    rows = csv.DictReader(io.StringIO(document.value.lstrip("#")))
    by_name: dict[str, list[_Region]] = {}
    try:
        for row in rows:
            regions = by_name.setdefault(row.get("filename") or "", [])
            with builder.item(row.get("filename") or ""):
                shape = _parse_cell(row.get("region_shape_attributes"))
                if shape:
                    regions.append(_Region(shape, _label_in(_parse_cell(row.get("region_attributes")))))
    except csv.Error as error:
        raise MediaError(_DAMAGED) from error
    yield from (_Image(document, name, regions) for name, regions in by_name.items())


def _parse_cell(text: str | None) -> dict[str, Any]:
    try:
        plain = json.loads(text) if text and len(text) < _MAX_JSON else {}
    except (ValueError, RecursionError) as error:
        raise MediaError(_DAMAGED) from error
    return plain if isinstance(plain, dict) else {}


def _images_of_version_3(document: Document) -> Iterator[_Image]:
    """Regions by view, which shows one file."""
    plain = document.value
    for region in plain["metadata"].values():
        listed = value_of(region, "xy")
        if not isinstance(listed, list) or not listed:
            continue  # a part of the time or of the image that has no region
        shown = value_of(plain["view"].get(text_of(region, "vid")), "fid_list")
        file = plain["file"].get(str(shown[0])) if isinstance(shown, list) and shown else None
        times = value_of(region, "z")
        numbers = floats_of(times[:1], 1) if isinstance(times, list) else None
        time = None if numbers is None else numbers[0]
        name = text_of(file, "fname") or text_of(file, "src")
        shape = _SHAPES_3.get(whole_of({"kind": listed[0]}, "kind") or 0, _no_shape)(listed[1:])
        label = _label_3(value_of(region, "av"), plain["attribute"])
        yield _Image(document, name, [_Region(shape, label)], time)


def _read_image(image: _Image, frame: int, builder: AnnotationBuilder) -> None:
    for region in image.regions:
        with builder.item(region.label or image.name):
            builder.add(frame, None, _shape_of(region, frame, builder), label=region.label)


def _read_clip(images: Sequence[_Image], builder: AnnotationBuilder) -> None:
    """Read regions that have a time."""
    info, names = builder.info, [*dict.fromkeys(image.name for image in images)]
    name = names[choose_clip(names, info)]
    for image in images:
        with builder.document(image.document.name), builder.item(image.name):
            if image.name != name:
                continue
            frame = _frame_at(image.time or 0, info.fps)
            if not 0 <= frame < info.frames:
                raise MediaError(no_frame(info))
            _read_image(image, frame, builder)


def _frame_at(time: float, fps: float) -> int:
    return math.floor(time * fps + 0.01) if 0 <= time < 1e6 else -1


def _label_in(attributes: Any) -> str:
    if not isinstance(attributes, dict):
        return ""
    names = sorted(attributes, key=lambda name: _rank(str(name)))
    return next(filter(None, (_chosen(attributes[name]) for name in names)), "")


def _rank(name: str) -> int:
    folded = name.casefold()
    return _CLASS_ATTRIBUTES.index(folded) if folded in _CLASS_ATTRIBUTES else len(_CLASS_ATTRIBUTES)


def _chosen(value: Any) -> str:
    """An attribute's text, or the first option that is checked."""
    if isinstance(value, dict):
        return next((str(name) for name, is_checked in value.items() if is_checked), "")
    return value.strip() if isinstance(value, str) else ""


def _label_3(values: Any, attributes: dict[str, Any]) -> str:
    """The label by the attributes' names and options, to which `values` refers by id."""
    named: dict[str, Any] = {}
    for key, value in values.items() if isinstance(values, dict) else ():
        options = value_of(attributes.get(key), "options")
        text = options.get(value) if isinstance(options, dict) and isinstance(value, str) else None
        named[text_of(attributes.get(key), "aname") or key] = text if isinstance(text, str) else value
    return _label_in(named)


def _shape_attributes(region: Any) -> dict[str, Any]:
    shape = value_of(region, "shape_attributes")
    return shape if isinstance(shape, dict) else {}


def _shape_of(region: _Region, frame: int, builder: AnnotationBuilder) -> Mask | Box:
    draw = _SHAPES.get(text_of(region.shape, "name"))
    if draw is None:
        raise MediaError(NO_AREA)
    outline = draw(region.shape)
    if isinstance(outline, Box):
        return outline
    return fill_polygons([outline], *builder.info.size_of(frame), builder.spend)


def _number(shape: Mapping[str, Any], name: str) -> float:
    numbers = floats_of([shape.get(name)], 1)
    if numbers is None:
        raise MediaError("Some of their coordinates are no numbers.")
    return numbers[0]


def _rectangle(shape: dict[str, Any]) -> Box:
    left, top = _number(shape, "x"), _number(shape, "y")
    return Box(left, top, left + _number(shape, "width"), top + _number(shape, "height"))


def _circle(shape: dict[str, Any]) -> Ring:
    radius = _number(shape, "r")
    return ellipse(_number(shape, "cx"), _number(shape, "cy"), radius, radius)


def _ellipse(shape: dict[str, Any]) -> Ring:
    turned = math.degrees(_number({"theta": 0, **shape}, "theta"))
    return ellipse(_number(shape, "cx"), _number(shape, "cy"), _number(shape, "rx"), _number(shape, "ry"), turned)


def _polygon(shape: dict[str, Any]) -> Ring:
    return parse_ring(_points(shape))


def _polyline(shape: dict[str, Any]) -> Ring:
    return closed_line(parse_corners(_points(shape)))


def _points(shape: dict[str, Any]) -> list[list[Any]]:
    across, down = shape.get("all_points_x"), shape.get("all_points_y")
    if not isinstance(across, list) or not isinstance(down, list) or len(across) != len(down):
        raise MediaError(_DAMAGED)
    return [[x, y] for x, y in zip(across, down, strict=True)]


_SHAPES: Mapping[str, Callable[[dict[str, Any]], Box | Ring]] = {
    "rect": _rectangle,
    "circle": _circle,
    "ellipse": _ellipse,
    "polygon": _polygon,
    "polyline": _polyline,
}


def _named(kind: str, *names: str) -> Callable[[list[Any]], dict[str, Any]]:
    return lambda numbers: {"name": kind, **dict(zip(names, numbers, strict=False))}


def _with_points(kind: str) -> Callable[[list[Any]], dict[str, Any]]:
    return lambda numbers: {"name": kind, "all_points_x": numbers[::2], "all_points_y": numbers[1::2]}


def _no_shape(_numbers: list[Any]) -> dict[str, Any]:
    return {}


_SHAPES_3: Mapping[int, Callable[[list[Any]], dict[str, Any]]] = {
    2: _named("rect", "x", "y", "width", "height"),
    3: _named("circle", "cx", "cy", "r"),
    4: _named("ellipse", "cx", "cy", "rx", "ry"),
    6: _with_points("polyline"),
    7: _with_points("polygon"),
    8: _named("rect", "x", "y", "width", "height"),
    9: _named("circle", "cx", "cy", "r"),
}
"""The kinds of version 3 by number."""
