"""COCO's JSON: images, annotations and categories.

Masks are run lengths, compressed or not, or a union of polygons; an annotation with neither is its box. Frames are
identified by `frame_index` (or `frame_id`), else by the images' names. Objects are identified by `track_id` (or
`instance_id`, or `track_id` among CVAT's `attributes`); `tracks`, if there are any, have their names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import EMPTY, AnnotationBuilder
from sam2_core.media.readers.described_images import fit_for
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat, located_names, without_masks
from sam2_core.media.readers.frame_matching import choose_clip, no_frame
from sam2_core.media.readers.json_values import IdMap, floats_of, key_of, objects_of, text_of, whole_of
from sam2_core.media.readers.segmentations import parse_segmentation
from sam2_core.media.readers.size_fitting import Fit
from sam2_core.types import Box, Mask

_FRAME_KEYS = ("frame_index", "frame_id")
_REPEATED = "Several pictures in the file have the same id, so that it is not clear which one they are about."
_RINGS_REJECTED = "Outlines of which a part cannot be used and is left out"
_BOX_INSTEAD = "Objects of which only the box is used, since their outline cannot be"


@dataclass(frozen=True, slots=True)
class CocoImage:
    """An image of a file and its frame; 0 for an unknown height or width."""

    name: str
    height: int
    width: int
    frame: int | None


@dataclass(frozen=True, slots=True)
class _File:
    images: IdMap[CocoImage]
    labels: IdMap[str]
    tracks: IdMap[str]


def kind_of(document: Document) -> Literal["", "instances", "panoptic", "captions", "key points"]:
    """What COCO's JSON is about, by its annotations; "" for other documents."""
    if not isinstance(document.value, dict) or not {"images", "annotations"} <= document.value.keys():
        return ""
    annotations = objects_of(document.value, "annotations")
    if any("segments_info" in each for each in annotations):
        return "panoptic"
    if any(each.get("segmentation") or each.get("bbox") for each in annotations):
        return "instances"
    if any("caption" in each for each in annotations):
        return "captions"
    return "key points" if any("keypoints" in each for each in annotations) else "instances"


def is_coco(document: Document) -> bool:
    """Whether a document is of this format."""
    return kind_of(document) == "instances"


def read_coco(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format; raises `MediaError` for one of several clips, none of which is open."""
    for document, images in images_of(documents, builder):
        with builder.document(document.name):
            _read_document(document.value, images, builder)


COCO = DocumentFormat("COCO", is_coco, read_coco)
CAPTIONS = without_masks(
    "COCO captions",
    lambda document: kind_of(document) == "captions",
    "They are COCO's captions, which have no masks or boxes. Use the file of the instances.",
)
KEY_POINTS = without_masks(
    "COCO key points",
    lambda document: kind_of(document) == "key points",
    "They are COCO's key points without masks or boxes. Use the file of the instances.",
)


def labels_of(plain: Any) -> IdMap[str]:
    """The names of the categories by id."""
    return _names_of(plain, "categories")


def items_of_video(
    items: Sequence[dict[str, Any]], video: dict[str, Any], videos: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The images or annotations of one of the videos; raises `MediaError` if several have its id."""
    ids = IdMap((each.get("id"), position) for position, each in enumerate(videos))
    if len(ids.find(video.get("id"))) > 1:
        raise MediaError("Several clips in the file have the same id. Export it again.")
    wanted = ids.get(video.get("id"))
    return [each for each in items if ids.get(each.get("video_id")) == wanted]


def shape_of(annotation: dict[str, Any], frame: int, fit: Fit, builder: AnnotationBuilder) -> Mask | Box:
    """An annotation's mask, or its box if it has none that can be used, at the size of the frame.

    `fit` is that of polygons and boxes; run lengths have a size of their own. Raises `MediaError` or `BadPrompt` if
    there is neither.
    """
    segmentation = parse_segmentation(annotation.get("segmentation") or None)
    reason = "They have neither a mask nor a box."
    if segmentation is not None:
        mask, rejected = segmentation.decode(fit, partial(builder.fit, frame), builder.spend)
        if mask is not None and mask.area:
            if rejected:
                builder.note(_RINGS_REJECTED)
            return mask
        reason = rejected[0] if rejected else EMPTY
    box = floats_of(annotation.get("bbox"), 4)
    if box is None:
        raise MediaError(reason)
    if segmentation is not None:
        builder.note(_BOX_INSTEAD)
    return fit.box(Box(box[0], box[1], box[0] + box[2], box[1] + box[3]))


def _read_document(plain: dict[str, Any], images: IdMap[CocoImage], builder: AnnotationBuilder) -> None:
    file = _File(images, labels_of(plain), _names_of(plain, "tracks"))
    annotations = objects_of(plain, "annotations")
    for done, annotation in enumerate(annotations):
        builder.progress(done, len(annotations))
        found = file.images.find(annotation.get("image_id"))
        with builder.item(found[0].name if found else ""):
            if len(found) > 1:
                raise MediaError(_REPEATED)
            _read_annotation(annotation, found[0] if found else None, file, builder)


def _read_annotation(
    annotation: dict[str, Any], image: CocoImage | None, file: _File, builder: AnnotationBuilder
) -> None:
    if image is None or image.frame is None:
        raise MediaError(no_frame(builder.info))
    fit = fit_for(image.frame, image.height, image.width, builder)
    label = file.labels.get(annotation.get("category_id")) or ""
    track = key_of(annotation, "track_id", "instance_id")
    if track is None:
        track = key_of(annotation.get("attributes"), "track_id")
    name = file.tracks.get(track) or ""
    builder.add(image.frame, track, shape_of(annotation, image.frame, fit, builder), name, label)


def images_of(documents: Sequence[Document], builder: AnnotationBuilder) -> list[tuple[Document, IdMap[CocoImage]]]:
    """The images of each document, matched with the frames of the medium.

    All names are matched together, since the pictures of one document may be those that another one's are not.
    """
    listed = list[tuple[Document, dict[str, Any]]]()
    read = list[Document]()
    for document in documents:
        with builder.document(document.name):
            images = _images_of_clip(document.value, objects_of(document.value, "images"), builder)
            listed += [(document, image) for image in images]
            read.append(document)
    names = located_names([(document, text_of(image, "file_name")) for document, image in listed])
    frames = builder.match_frames(names, [_index_of(image) for _, image in listed])
    by_document: dict[str, list[tuple[object, CocoImage]]] = defaultdict(list)
    for (document, image), frame in zip(listed, frames, strict=True):
        by_document[document.name].append((image.get("id"), _image(image, frame)))
    return [(document, IdMap(by_document[document.name])) for document in read]


def _image(plain: dict[str, Any], frame: int | None) -> CocoImage:
    return CocoImage(text_of(plain, "file_name"), whole_of(plain, "height") or 0, whole_of(plain, "width") or 0, frame)


def _images_of_clip(
    plain: dict[str, Any], images: list[dict[str, Any]], builder: AnnotationBuilder
) -> list[dict[str, Any]]:
    """The images of the open clip, in a file with several `videos`."""
    videos = objects_of(plain, "videos")
    if builder.info.kind != "clip" or len(videos) < 2:
        return images
    titles = [text_of(video, "name") or str(key_of(video, "id")) for video in videos]
    chosen = videos[choose_clip(titles, builder.info)]
    return items_of_video(images, chosen, videos)


def _index_of(image: dict[str, Any]) -> int | None:
    """The frame index of an image, None if it has none, -1 if it is not a number."""
    if not any(name in image for name in _FRAME_KEYS):
        return None
    return next((number for name in _FRAME_KEYS if (number := whole_of(image, name)) is not None), -1)


def _names_of(plain: Any, name: str) -> IdMap[str]:
    """The names of the categories or tracks in a list, by id."""
    return IdMap((each.get("id"), text_of(each, "name")) for each in objects_of(plain, name))
