"""YouTube-VIS's JSON: each annotation is one object through a clip, with a mask or nothing for each frame listed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.coco import labels_of, shape_of
from sam2_core.media.readers.frame_matching import chosen_of, frames_of, no_frame
from sam2_core.media.readers.json_values import items_of, key_of, text_of, whole_of


def is_youtube_vis(plain: Any) -> bool:
    """Whether plain data from a JSON file look like this format."""
    return (
        isinstance(plain, dict)
        and "videos" in plain
        and any("segmentations" in each or "bboxes" in each for each in items_of(plain, "annotations")[:1])
    )


def read_youtube_vis(plain: dict[str, Any], into: AnnotationBuilder) -> None:
    """Read what `is_youtube_vis` found; raises `MediaError` where it is about several clips, none of which is open."""
    videos = items_of(plain, "videos")
    if not videos:
        raise MediaError("This file names no clip. Export it again.")
    video = videos[chosen_of([_title(each) for each in videos], into.info)]
    names = [name if isinstance(name, str) else "" for name in _list(video, "file_names")]
    frames, labels = _frames(video, names, into), labels_of(plain)
    annotations = items_of(plain, "annotations")
    mine = [each for each in annotations if key_of(each, "video_id") == key_of(video, "id")]
    for done, annotation in enumerate(mine):
        into.progress(done, len(mine))
        label = labels.get(key_of(annotation, "category_id"), "")
        about = text_of(annotation, "name"), label
        for place, shape in enumerate(_shapes(annotation)):
            with into.item(names[place] if place < len(names) else label):
                _read_one(shape, frames[place] if place < len(frames) else None, (done, *about), into)


def _read_one(shape: dict[str, Any], frame: int | None, about: tuple[int, str, str], into: AnnotationBuilder) -> None:
    if not any(shape.values()):
        return  # the object is not on this frame
    if frame is None:
        raise MediaError(no_frame(into.info))
    track, name, label = about
    into.put(frame, track, shape_of(shape, *into.info.size_of(frame), into), name, label)


def _shapes(annotation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is said about each frame, as COCO says it about an image."""
    for mask, box in zip_longest(_list(annotation, "segmentations"), _list(annotation, "bboxes")):
        yield {"segmentation": mask, "bbox": box}


def _frames(video: dict[str, Any], names: list[str], into: AnnotationBuilder) -> list[int | None]:
    """Frames of as many places as the clip has frames are those in order, whatever their names count."""
    count = into.info.frames
    if (len(names) or whole_of(video, "length")) == count:
        return list(range(count))
    return frames_of(names, into.info)


def _title(video: dict[str, Any]) -> str:
    names = _list(video, "file_names")
    folder = names[0].replace("\\", "/").rpartition("/")[0] if names and isinstance(names[0], str) else ""
    return text_of(video, "name") or folder or str(key_of(video, "id"))


def _list(plain: dict[str, Any], key: str) -> list[Any]:
    value = plain.get(key)
    return value if isinstance(value, list) else []
