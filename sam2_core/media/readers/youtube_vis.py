"""YouTube-VIS's JSON: each annotation is one object of a clip, with a mask or null for each listed frame."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.coco import items_of_video, labels_of, shape_of
from sam2_core.media.readers.described_images import fit_for
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.frame_matching import choose_clip, no_frame
from sam2_core.media.readers.json_values import key_of, objects_of, text_of, whole_of


def is_youtube_vis(document: Document) -> bool:
    """Whether a document is of this format."""
    return (
        isinstance(document.value, dict)
        and "videos" in document.value
        and any("segmentations" in each or "bboxes" in each for each in objects_of(document.value, "annotations")[:1])
    )


def read_youtube_vis(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format; raises `MediaError` for one of several clips, none of which is open."""
    for document in documents:
        with builder.document(document.name):
            _read_document(document, builder)


YOUTUBE_VIS = DocumentFormat("YouTube-VIS", is_youtube_vis, read_youtube_vis)


def _read_document(document: Document, builder: AnnotationBuilder) -> None:
    plain = document.value
    videos = objects_of(plain, "videos")
    if not videos:
        raise MediaError("This file names no clip. Export it again.")
    video = videos[choose_clip([_title(each) for each in videos], builder.info)]
    names = [name if isinstance(name, str) else "" for name in _list(video, "file_names")]
    frames, labels = _frames(video, names, builder), labels_of(plain)
    annotations = items_of_video(objects_of(plain, "annotations"), video, videos)
    for track, annotation in enumerate(annotations):
        builder.progress(track, len(annotations))
        name, label = text_of(annotation, "name"), labels.get(annotation.get("category_id")) or ""
        shapes = zip_longest(_list(annotation, "segmentations"), _list(annotation, "bboxes"))
        for index, (mask, box) in enumerate(shapes):
            if not mask and not (any(box) if isinstance(box, list) else box):
                continue  # the object is not on this frame
            with builder.item(names[index] if index < len(names) else label):
                frame = frames[index] if index < len(frames) else None
                if frame is None:
                    raise MediaError(no_frame(builder.info))
                fit = fit_for(frame, whole_of(video, "height"), whole_of(video, "width"), builder)
                shape = shape_of({"segmentation": mask, "bbox": box}, frame, fit, builder)
                builder.add(frame, (document.name, track), shape, name, label)


def _frames(video: dict[str, Any], names: list[str], builder: AnnotationBuilder) -> list[int | None]:
    """As many entries as the clip has frames are in order, whatever their names are."""
    count = builder.info.frames
    if (len(names) or whole_of(video, "length")) == count:
        return list(range(count))
    return builder.match_frames(names)


def _title(video: dict[str, Any]) -> str:
    names = _list(video, "file_names")
    folder = names[0].replace("\\", "/").rpartition("/")[0] if names and isinstance(names[0], str) else ""
    return text_of(video, "name") or folder or str(key_of(video, "id"))


def _list(plain: dict[str, Any], key: str) -> list[Any]:
    value = plain.get(key)
    return value if isinstance(value, list) else []
