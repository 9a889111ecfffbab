"""YouTube-VIS: COCO's JSON for clips. Each object is one annotation with lists of one entry per chosen frame: run
lengths (`segmentations`), `bboxes` and `areas`, null where it is not visible. Objects that are never visible are left
out.

`file_names` are those of the frames in a DAVIS archive (CLIP/00000.jpg in JPEGImages). Beyond the usual fields, videos
have the frames' numbers and times in seconds, and annotations the object's id and name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from sam2_core.media.draw import crop
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import FRAMES_SHARE
from sam2_core.media.formats.coco import NO_LABEL, categories_of, list_categories
from sam2_core.media.masked_media import MaskedMedia, ObjectTraits
from sam2_core.media.names import clip_title
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import ObjectMask

_LISTS = ("segmentations", "bboxes", "areas")


def write_youtube_vis(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above."""
    categories = categories_of(media)
    visible = _collect(path, media, report)
    with path.open("w", encoding="utf-8") as file:
        info = {"description": media.info.name}
        file.write(f'{{"info": {json.dumps(info)},\n"videos": [{json.dumps(_video(media))}],\n"annotations": [')
        for number, each in enumerate((each for each in media.objects if each.id in visible), start=1):
            file.write("\n" if number == 1 else ",\n")
            _write_annotation(file, _fields(number, each, media, categories), _part(path, each.id))
        file.write(f'],\n"categories": {json.dumps(list_categories(categories))}}}\n')


def _collect(path: Path, media: MaskedMedia, report: ProgressReporter) -> set[int]:
    """Transpose the masks, which come frame by frame while the file lists them by object: write each object's entries
    to a file of its own, one line per frame. Returns the objects that are ever visible."""
    visible = set[int]()
    for masks in media.iterate("Writing annotations", report, FRAMES_SHARE):
        by_id = {each.object_id: each for each in masks.objects if each.mask.area}
        for each in media.objects:
            with _part(path, each.id).open("a", encoding="ascii") as file:
                file.write("\t".join(json.dumps(value) for value in _entry(by_id.get(each.id))) + "\n")
        visible |= by_id.keys()
    return visible


def _entry(each: ObjectMask | None) -> tuple[Any, ...]:
    """One entry for each of the lists."""
    return (None,) * len(_LISTS) if each is None else (each.mask.to_coco(), list(crop(each.mask)[1]), each.mask.area)


def _write_annotation(file: IO[str], fields: dict[str, Any], part: Path) -> None:
    file.write(json.dumps(fields)[:-1])
    for column, name in enumerate(_LISTS):
        file.write(f', "{name}": [')
        with part.open(encoding="ascii") as lines:
            for number, line in enumerate(lines):
                file.write((", " if number else "") + line.rstrip("\n").split("\t")[column])
        file.write("]")
    file.write("}")


def _part(path: Path, object_id: int) -> Path:
    return path.with_name(f"{path.name}.{object_id}")


def _fields(number: int, each: ObjectTraits, media: MaskedMedia, categories: dict[str, int]) -> dict[str, Any]:
    info = media.info
    size = {"width": info.width, "height": info.height, "length": len(media.frames), "iscrowd": 0}
    fields = {"id": number, "video_id": 1, "category_id": categories[each.label or NO_LABEL], **size}
    return fields | {"track_id": each.id, "name": each.name}


def _video(media: MaskedMedia) -> dict[str, Any]:
    info, folder = media.info, clip_title(media.info.name)
    names = [f"{folder}/{info.name_of(frame)}" for frame in media.frames]
    times = [float(media.store.times[frame]) for frame in media.frames]
    size = {"id": 1, "width": info.width, "height": info.height, "length": len(media.frames)}
    return {**size, "file_names": names, "frame_indices": list(media.frames), "times": times}
