"""COCO's JSON: images, annotations and categories.

Masks are run lengths, compressed or not, or a union of polygons; an annotation with neither is its box. Frames are
identified by `frame_index` (or `frame_id`), else by the images' names. Objects are identified by `track_id` (or
`instance_id`, or `track_id` among CVAT's `attributes`); `tracks`, if there are any, have their names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, check_size
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.frame_matching import choose_clip, no_frame
from sam2_core.media.readers.json_values import Key, floats_of, key_of, objects_of, text_of, whole_of
from sam2_core.media.readers.polygon_filling import fill_polygons, parse_ring
from sam2_core.types import Box, Mask

_FRAME_KEYS = ("frame_index", "frame_id")


@dataclass(frozen=True, slots=True)
class _File:
    images: Mapping[Key, tuple[dict[str, Any], int | None]]
    """Each image and its frame, by id."""
    labels: Mapping[Key, str]
    tracks: Mapping[Key, dict[str, Any]]


def is_coco(document: Document) -> bool:
    """Whether a document is of this format."""
    return isinstance(document.value, dict) and {"images", "annotations"} <= document.value.keys()


def read_coco(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format; raises `MediaError` for one of several clips, none of which is open."""
    for document in documents:
        plain = document.value
        file = _File(_images(plain, builder), labels_of(plain), _by_id(plain, "tracks"))
        annotations = objects_of(plain, "annotations")
        for done, annotation in enumerate(annotations):
            builder.progress(done, len(annotations))
            image, frame = file.images.get(key_of(annotation, "image_id"), ({}, None))
            with builder.item(text_of(image, "file_name")):
                _read_annotation(annotation, image, frame, file, builder)


COCO = DocumentFormat("COCO", is_coco, read_coco)


def labels_of(plain: Any) -> dict[Key, str]:
    """The names of the categories by id."""
    return {key: text_of(each, "name") for key, each in _by_id(plain, "categories").items()}


def shape_of(annotation: dict[str, Any], height: int, width: int, builder: AnnotationBuilder) -> Mask | Box:
    """An annotation's mask, or its box if it has none; raises `MediaError` or `BadPrompt` if it has neither."""
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict) and segmentation:
        size = floats_of(segmentation.get("size"), 2)
        if size is not None:
            check_size((int(size[0]), int(size[1])), (height, width))
        return Mask.from_coco(segmentation)
    if isinstance(segmentation, list) and segmentation:
        polygons = segmentation if isinstance(segmentation[0], list) else [segmentation]
        return fill_polygons([parse_ring(polygon) for polygon in polygons], height, width, builder.spend)
    box = floats_of(annotation.get("bbox"), 4)
    if box is None:
        raise MediaError("They have neither a mask nor a box.")
    return Box(box[0], box[1], box[0] + box[2], box[1] + box[3])


def _read_annotation(
    annotation: dict[str, Any], image: dict[str, Any], frame: int | None, file: _File, builder: AnnotationBuilder
) -> None:
    if frame is None:
        raise MediaError(no_frame(builder.info))
    height, width = builder.info.size_of(frame)
    image_height, image_width = whole_of(image, "height"), whole_of(image, "width")
    if image_height and image_width:
        check_size((image_height, image_width), (height, width))
    label = file.labels.get(key_of(annotation, "category_id"), "")
    track = key_of(annotation, "track_id", "instance_id")
    if track is None:
        track = key_of(annotation.get("attributes"), "track_id")
    name = text_of(file.tracks.get(track), "name")
    builder.add(frame, track, shape_of(annotation, height, width, builder), name, label)


def _images(plain: dict[str, Any], builder: AnnotationBuilder) -> dict[Key, tuple[dict[str, Any], int | None]]:
    images = _images_of_clip(plain, objects_of(plain, "images"), builder)
    names = [text_of(image, "file_name") for image in images]
    frames = builder.match_frames(names, [_index_of(image) for image in images])
    pairs = zip(images, frames, strict=True)
    return {key: (image, frame) for image, frame in pairs if (key := key_of(image, "id")) is not None}


def _images_of_clip(
    plain: dict[str, Any], images: list[dict[str, Any]], builder: AnnotationBuilder
) -> list[dict[str, Any]]:
    """The images of the open clip, in a file with several `videos`."""
    videos = _by_id(plain, "videos")
    if builder.info.kind != "clip" or len(videos) < 2:
        return images
    keys = list(videos)
    key = keys[choose_clip([text_of(videos[each], "name") or str(each) for each in keys], builder.info)]
    return [image for image in images if key_of(image, "video_id") == key]


def _index_of(image: dict[str, Any]) -> int | None:
    """The frame index of an image, None if it has none, -1 if it is not a number."""
    if not any(name in image for name in _FRAME_KEYS):
        return None
    return next((number for name in _FRAME_KEYS if (number := whole_of(image, name)) is not None), -1)


def _by_id(plain: Any, name: str) -> dict[Key, dict[str, Any]]:
    return {key: each for each in objects_of(plain, name) if (key := key_of(each, "id")) is not None}
