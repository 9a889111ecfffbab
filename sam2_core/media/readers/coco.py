"""COCO's JSON: images, annotations and categories.

Masks are run lengths, compressed or not, or outlines that are joined; an annotation without either is its box. Frames
are told by `frame_index` (or `frame_id`), else by the images' names. Objects are told by `track_id` (or `instance_id`,
or a `track_id` among CVAT's `attributes`); `tracks`, where there are any, say what they are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, check_size
from sam2_core.media.readers.frame_matching import chosen_of, frames_of, no_frame
from sam2_core.media.readers.json_values import Key, floats_of, items_of, key_of, text_of, whole_of
from sam2_core.media.readers.polygon_filling import fill_polygons, parse_ring
from sam2_core.types import Box, Mask

_IMAGE_FRAME = ("frame_index", "frame_id")


@dataclass(frozen=True, slots=True)
class _File:
    images: Mapping[Key, tuple[dict[str, Any], int | None]]
    """Each image and the frame that it is."""
    labels: Mapping[Key, str]
    tracks: Mapping[Key, dict[str, Any]]


def is_coco(plain: Any) -> bool:
    """Whether plain data from a JSON file look like this format."""
    return isinstance(plain, dict) and {"images", "annotations"} <= plain.keys()


def read_coco(plain: dict[str, Any], into: AnnotationBuilder) -> None:
    """Read what `is_coco` found; raises `MediaError` where it is about several clips, none of which is open."""
    file = _File(_images(plain, into), labels_of(plain), _by_id(plain, "tracks"))
    annotations = items_of(plain, "annotations")
    for done, annotation in enumerate(annotations):
        into.progress(done, len(annotations))
        image, frame = file.images.get(key_of(annotation, "image_id"), ({}, None))
        with into.item(text_of(image, "file_name")):
            _read_one(annotation, image, frame, file, into)


def labels_of(plain: Any) -> dict[Key, str]:
    """The names of the categories by their numbers."""
    return {number: text_of(each, "name") for number, each in _by_id(plain, "categories").items()}


def shape_of(annotation: dict[str, Any], height: int, width: int, into: AnnotationBuilder) -> Mask | Box:
    """An annotation's mask or, where it has none, its box; raises `MediaError` or `BadPrompt` where it has neither."""
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict) and segmentation:
        size = floats_of(segmentation.get("size"), 2)
        if size is not None:
            check_size((int(size[0]), int(size[1])), (height, width))
        return Mask.from_coco(segmentation)
    if isinstance(segmentation, list) and segmentation:
        outlines = segmentation if isinstance(segmentation[0], list) else [segmentation]
        return fill_polygons([parse_ring(outline) for outline in outlines], height, width, into.spend)
    box = floats_of(annotation.get("bbox"), 4)
    if box is None:
        raise MediaError("They have neither a mask nor a box.")
    return Box(box[0], box[1], box[0] + box[2], box[1] + box[3])


def _read_one(
    annotation: dict[str, Any], image: dict[str, Any], frame: int | None, file: _File, into: AnnotationBuilder
) -> None:
    if frame is None:
        raise MediaError(no_frame(into.info))
    height, width = into.info.size_of(frame)
    said = whole_of(image, "height"), whole_of(image, "width")
    if said[0] and said[1]:
        check_size((said[0], said[1]), (height, width))
    label = file.labels.get(key_of(annotation, "category_id"), "")
    track = key_of(annotation, "track_id", "instance_id")
    if track is None:
        track = key_of(annotation.get("attributes"), "track_id")
    about = file.tracks.get(track, {})
    shape = shape_of(annotation, height, width, into)
    into.put(frame, track, shape, text_of(about, "name"), label)


def _images(plain: dict[str, Any], into: AnnotationBuilder) -> dict[Key, tuple[dict[str, Any], int | None]]:
    images = _of_one_clip(plain, items_of(plain, "images"), into)
    names = [text_of(image, "file_name") for image in images]
    frames = frames_of(names, into.info)
    if into.info.kind == "clip" or (into.info.kind == "album" and not any(frame is not None for frame in frames)):
        frames = [_said_frame(image, into.info.frames, frame) for image, frame in zip(images, frames, strict=True)]
    pairs = zip(images, frames, strict=True)
    return {key: (image, frame) for image, frame in pairs if (key := key_of(image, "id")) is not None}


def _of_one_clip(plain: dict[str, Any], images: list[dict[str, Any]], into: AnnotationBuilder) -> list[dict[str, Any]]:
    """The images of the clip that is open, where the file has `videos`."""
    videos = _by_id(plain, "videos")
    if into.info.kind != "clip" or len(videos) < 2:
        return images
    keys = list(videos)
    key = keys[chosen_of([text_of(videos[each], "name") or str(each) for each in keys], into.info)]
    return [image for image in images if key_of(image, "video_id") == key]


def _said_frame(image: dict[str, Any], count: int, named: int | None) -> int | None:
    if not any(name in image for name in _IMAGE_FRAME):
        return named
    number = next((number for name in _IMAGE_FRAME if (number := whole_of(image, name)) is not None), None)
    return number if number is not None and number < count else None


def _by_id(plain: Any, key: str) -> dict[Key, dict[str, Any]]:
    return {number: each for each in items_of(plain, key) if (number := key_of(each, "id")) is not None}
