"""Label Studio's JSON, also its short form (JSON-MIN): tasks with the results of annotators.

Coordinates are percentages of the image's sides; a rectangle turns about its first corner. Brush masks are packed run
lengths, see `label_studio_brush`. Frames of a clip are numbered from 1; its boxes move linearly between the listed
frames. Of several annotations of a task the first one that was not canceled is used, or else a prediction.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.described_images import DescribedImage, fit_for, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.file_names import path_in_address
from sam2_core.media.readers.frame_matching import choose_clip, no_frame
from sam2_core.media.readers.image_masks import read_foreground
from sam2_core.media.readers.json_values import floats_of, key_of, objects_of, text_of, value_of, whole_of
from sam2_core.media.readers.keyframes import KeyFrame, interpolate
from sam2_core.media.readers.label_studio_brush import unpack_alpha
from sam2_core.media.readers.outlines import NO_AREA, ellipse, rectangle
from sam2_core.media.readers.polygon_filling import Ring, fill_polygons, parse_ring
from sam2_core.media.readers.size_fitting import Size
from sam2_core.types import Box, Mask

SEVERAL = "Some pictures were annotated several times. The first annotation of each is used."
_ANNOTATIONS = ("annotations", "completions", "predictions")
_PICTURE_FIELDS = {"image", "img", "video", "picture", "photo"}
_SHAPE_FIELDS = {"x", "y", "width", "height", "rotation", "radiusX", "radiusY", "points", "rle", "imageDataURL"}
_MAX_NAMES = 10  # of one task
_MAX_LISTED = 1000  # images of one task
_OPAQUE = 128

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Image:
    """One image or clip of a task, and the results about it."""

    document: Document
    names: tuple[str, ...]
    results: tuple[Result, ...]


def is_label_studio(document: Document) -> bool:
    """Whether a document is of this format."""
    return document.syntax == "json" and any(_is_task(task) for task in _tasks_in(document.value)[:100])


def read_label_studio(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format; raises `MediaError` for one of several clips, none of which is open."""
    images = [
        image
        for document in documents
        for task in _tasks_in(document.value)
        for image in _images_of(task, document, builder)
    ]
    clips = [image for image in images if any("sequence" in _value(result) for result in image.results)]
    if clips and builder.info.kind == "clip":
        _read_clip(clips[choose_clip([" ".join(image.names) for image in clips], builder.info)], builder)
        images = [image for image in images if image not in clips]
    described = [DescribedImage(image.document, image.names, image) for image in images if image.results]
    read_images(described, partial(_read_image, builder=builder), builder)


LABEL_STUDIO = DocumentFormat("Label Studio", is_label_studio, read_label_studio)


def _tasks_in(value: Any) -> list[dict[str, Any]]:
    return (
        [task for task in value if isinstance(task, dict)]
        if isinstance(value, list)
        else [value] * isinstance(value, dict)
    )


def _is_task(task: dict[str, Any]) -> bool:
    if isinstance(task.get("data"), dict):
        return any(isinstance(task.get(name), list) for name in _ANNOTATIONS)
    return _is_results(task.get("result")) or any(_is_short(listed) for listed in task.values())


def _is_results(listed: Any) -> bool:
    return isinstance(listed, list) and any("from_name" in each for each in listed if isinstance(each, dict))


def _is_short(listed: Any) -> bool:
    """Whether these are the results of the short form."""
    items = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return any(
        ("original_width" in each and any(name.endswith("labels") for name in each))
        or ("sequence" in each and "framesCount" in each)
        for each in items[:5]
    )  # fmt: skip


def _images_of(task: dict[str, Any], document: Document, builder: AnnotationBuilder) -> Iterator[_Image]:
    data = task.get("data") if isinstance(task.get("data"), dict) else value_of(task.get("task"), "data")
    results = tuple(_results_of(task, builder))
    if not isinstance(data, dict):
        data = {name: value for name, value in task.items() if not _is_short(value)}
    uploads = tuple(filter(None, (text_of(task, name) for name in ("file_upload", "storage_filename"))))
    listed = next((each for each in data.values() if _are_names(each)), None)
    if listed is None:
        shown = {text_of(result, "to_name") for result in results}  # is mostly called as the field of the picture
        fields = sorted(data, key=lambda field: (field not in shown, field not in _PICTURE_FIELDS))
        names = tuple(path_in_address(data[field]) for field in fields if _is_name(data[field]))[:_MAX_NAMES]
        yield _Image(document, (*names, *uploads), results)
        return
    for index, name in enumerate(listed[:_MAX_LISTED]):
        here = tuple(result for result in results if (whole_of(result, "item_index") or 0) == index)
        yield _Image(document, (path_in_address(name),), here)


def _results_of(task: dict[str, Any], builder: AnnotationBuilder) -> list[Result]:
    if "result" in task:
        return objects_of(task, "result")
    for name in _ANNOTATIONS:
        made = [each for each in objects_of(task, name) if not each.get("was_cancelled") and each.get("result")]
        if made:
            if len(made) > 1 and SEVERAL not in builder.notes:
                builder.notes.append(SEVERAL)
            return objects_of(next((each for each in made if each.get("ground_truth")), made[0]), "result")
    short = (listed for listed in task.values() if _is_short(listed))
    return [{**each, "value": each} for listed in short for each in listed if isinstance(each, dict)]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) < 2000 and ("." in value or "/" in value)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_name(each) for each in value)


def _value(result: Result) -> dict[str, Any]:
    value = result.get("value")
    return value if isinstance(value, dict) else {}


def _labels_in(results: Sequence[Result]) -> dict[Any, str]:
    """The labels by the id of a region, which may have them in a separate result."""
    labels: dict[Any, str] = {}
    for result in results:
        value = _value(result)
        kinds = [name for name in value if name.endswith("labels") or name == "choices"]
        names = [name for kind in sorted(kinds, key=lambda kind: kind == "choices") for name in _texts(value[kind])]
        if names and (kinds != ["choices"] or key_of(result, "id") not in labels):
            labels[key_of(result, "id") or id(result)] = names[0]
    return labels


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _read_image(image: _Image, frame: int, builder: AnnotationBuilder) -> None:
    labels, drawn = _labels_in(image.results), dict[Any, tuple[str, dict[str, Any]]]()
    for result in image.results:
        value, region = _value(result), key_of(result, "id")
        draw = _drawing_of(value)
        shape = {name: number for name, number in value.items() if name in _SHAPE_FIELDS}
        kind, known = text_of(result, "type"), drawn.get(region)
        if draw is None or (region is not None and known is not None and known[0] != kind and known[1] == shape):
            continue  # a choice, a text or a relation; or the label or text of a region, with its shape repeated
        drawn[region] = (kind, shape)
        label = labels.get(key_of(result, "id") or id(result), "")
        with builder.item(label):
            height, width = whole_of(result, "original_height"), whole_of(result, "original_width")
            fit = fit_for(frame, height, width, builder)
            if whole_of(result, "image_rotation") not in (None, 0):
                raise MediaError("Their picture was turned in Label Studio. Turn it back there, and export it again.")
            builder.add(frame, None, fit.place(draw(value, fit.source, builder)), label=label)


def _read_clip(clip: _Image, builder: AnnotationBuilder) -> None:
    labels = _labels_in(clip.results)
    for done, result in enumerate(clip.results):
        builder.progress(done, len(clip.results))
        label = labels.get(key_of(result, "id") or id(result), "")
        with builder.document(clip.document.name), builder.item(label):
            for each in interpolate(_key_frames(_value(result), builder), builder.info.frames):
                pivot = (each.box.left, each.box.top)
                shape = _filled(rectangle(each.box, each.degrees, pivot), builder.info.size_of(each.frame), builder)
                builder.add(each.frame, done, shape, label=label)


def _key_frames(value: dict[str, Any], builder: AnnotationBuilder) -> list[KeyFrame]:
    frames, listed = builder.info.frames, list[KeyFrame]()
    for each in objects_of(value, "sequence"):
        with builder.item(""):
            number = whole_of(each, "frame")
            if not number or number > frames:
                raise MediaError(no_frame(builder.info))
            box, degrees = _box_of(each, builder.info.size_of(0)), _number(each, "rotation", 0)
            listed.append(KeyFrame(number - 1, box, degrees, continues=each.get("enabled") is not False))
    listed.sort(key=lambda each: each.frame)
    last = min(whole_of(value, "framesCount") or 0, frames) - 1
    if listed and listed[-1].continues and listed[-1].frame < last:
        listed.append(KeyFrame(last, listed[-1].box, listed[-1].degrees))
    return listed


def _drawing_of(value: dict[str, Any]) -> _Drawing | None:
    """How a region is drawn, None if it is none."""
    return next((draw for name, draw in _DRAWINGS.items() if name in value), None)


def _number(value: dict[str, Any], name: str, default: float | None = None) -> float:
    numbers = floats_of([value.get(name, default)], 1)
    if numbers is None:
        raise MediaError("Some of their coordinates are no numbers.")
    return numbers[0]


def _scaled(value: dict[str, Any], names: Sequence[str], size: Size) -> list[float]:
    """Percentages of the width and the height in turn, in pixels."""
    height, width = size
    return [_number(value, name) / 100 * side for name, side in zip(names, [width, height] * 2, strict=False)]


def _box_of(value: dict[str, Any], size: Size) -> Box:
    left, top, width, height = _scaled(value, ("x", "y", "width", "height"), size)
    return Box(left, top, left + width, top + height)


def _filled(outline: Box | Ring, size: Size, builder: AnnotationBuilder) -> Mask | Box:
    return outline if isinstance(outline, Box) else fill_polygons([outline], *size, builder.spend)


def _rectangle(value: dict[str, Any], size: Size, builder: AnnotationBuilder) -> Mask | Box:
    box = _box_of(value, size)
    return _filled(rectangle(box, _number(value, "rotation", 0), (box.left, box.top)), size, builder)


def _ellipse(value: dict[str, Any], size: Size, builder: AnnotationBuilder) -> Mask | Box:
    x, y, radius_x, radius_y = _scaled(value, ("x", "y", "radiusX", "radiusY"), size)
    return _filled(ellipse(x, y, radius_x, radius_y, _number(value, "rotation", 0)), size, builder)


def _polygon(value: dict[str, Any], size: Size, builder: AnnotationBuilder) -> Mask | Box:
    height, width = size
    return _filled(parse_ring(value["points"]) * np.array([width / 100, height / 100]), size, builder)


def _brush(value: dict[str, Any], size: Size, builder: AnnotationBuilder) -> Mask | Box:
    height, width = size
    return Mask.from_array(unpack_alpha(value["rle"], height, width, builder.spend) >= _OPAQUE)


def _bitmask(value: dict[str, Any], size: Size, builder: AnnotationBuilder) -> Mask | Box:
    builder.spend(size[0] * size[1])
    try:
        png = base64.b64decode(text_of(value, "imageDataURL").partition(",")[2], validate=True)
    except (ValueError, binascii.Error) as error:
        raise MediaError("Their masks are damaged. Export them again.") from error
    return Mask.from_array(read_foreground(png, size))


def _no_area(value: dict[str, Any], size: Size, builder: AnnotationBuilder) -> Mask | Box:
    raise MediaError(NO_AREA)


_Drawing = Callable[[dict[str, Any], Size, AnnotationBuilder], "Mask | Box"]
_DRAWINGS: Mapping[str, _Drawing] = {
    "points": _polygon,
    "radiusX": _ellipse,
    "rle": _brush,
    "imageDataURL": _bitmask,
    "height": _rectangle,
    "keypointlabels": _no_area,
    "vertices": _no_area,
}
"""By a field that regions of this kind have; the first one counts."""
