"""YouTube-VIS: COCO's form for clips. Each object is one annotation with lists of one entry a chosen frame: run lengths
(`segmentations`), `bboxes` and `areas`, null where it is not in sight. Objects that are never in sight are left out.

`file_names` are those that the DAVIS archive gives the frames (CLIP/00000.jpg in JPEGImages). Beyond the usual fields
videos carry the frames' numbers and times in seconds, annotations the object's number and name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from sam2_core.media.atomic import new_file
from sam2_core.media.draw import crop
from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats.archive import MOST_OF_IT, plain_name, plain_titles
from sam2_core.media.formats.coco import NO_LABEL, categories_of
from sam2_core.media.masked_media import MaskedMedia, ObjectTraits
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.types import ObjectMask

_LISTS = ("segmentations", "bboxes", "areas")


def write_youtube_vis(
    path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None
) -> None:
    """See the top of this file."""
    categories, report = categories_of(media), ProgressReporter(progress)
    with new_file(path) as unfinished:
        seen = _collect(unfinished, media, report)
        with unfinished.open("w", encoding="utf-8") as file:
            info = {"description": media.info.name}
            file.write(f'{{"info": {json.dumps(info)},\n"videos": [{json.dumps(_video(media))}],\n"annotations": [')
            for number, each in enumerate((each for each in media.objects if each.id in seen), start=1):
                file.write("\n" if number == 1 else ",\n")
                about = _about(number, each, media, categories)
                _write_annotation(file, about, _part(unfinished, each.id))
            listed = [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()]
            file.write(f'],\n"categories": {json.dumps(listed)}}}\n')
        report(1.0, "Ready")


def _collect(unfinished: Path, media: MaskedMedia, report: ProgressReporter) -> set[int]:
    """Frames come one by one with all objects, and the file wants one object after the other: what belongs to one is
    kept in a file of its own, a line a frame. Gives those that were ever in sight."""
    seen = set[int]()
    for found in media.iterate("Writing annotations", report, MOST_OF_IT):
        masks = {each.object_id: each for each in found.objects if each.mask.area}
        for each in media.objects:
            with _part(unfinished, each.id).open("a", encoding="ascii") as file:
                file.write("\t".join(json.dumps(value) for value in _entry(masks.get(each.id))) + "\n")
        seen |= masks.keys()
    return seen


def _entry(each: ObjectMask | None) -> tuple[Any, ...]:
    """One entry for each of the lists."""
    return (None,) * len(_LISTS) if each is None else (each.mask.to_coco(), list(crop(each.mask)[1]), each.mask.area)


def _write_annotation(file: IO[str], about: dict[str, Any], part: Path) -> None:
    file.write(json.dumps(about)[:-1])
    for place, name in enumerate(_LISTS):
        file.write(f', "{name}": [')
        with part.open(encoding="ascii") as lines:
            for number, line in enumerate(lines):
                file.write((", " if number else "") + line.rstrip("\n").split("\t")[place])
        file.write("]")
    file.write("}")


def _part(unfinished: Path, object_id: int) -> Path:
    return unfinished.with_name(f"{unfinished.name}.{object_id}")


def _about(number: int, each: ObjectTraits, media: MaskedMedia, categories: dict[str, int]) -> dict[str, Any]:
    info = media.info
    size = {"width": info.width, "height": info.height, "length": len(media.frames), "iscrowd": 0}
    known = {"id": number, "video_id": 1, "category_id": categories[each.label or NO_LABEL], **size}
    return known | {"track_id": each.id, "name": each.name}


def _video(media: MaskedMedia) -> dict[str, Any]:
    info, titles = media.info, plain_titles(media)
    folder = plain_name(Path(info.name).stem)
    names = [f"{folder}/{titles[frame]}.jpg" for frame in media.frames]
    times = [float(media.store.times[frame]) for frame in media.frames]
    size = {"id": 1, "width": info.width, "height": info.height, "length": len(media.frames)}
    return {**size, "file_names": names, "frame_indices": list(media.frames), "times": times}


YOUTUBE_VIS = ExportFormat(
    "data",
    "YouTube-VIS",
    "JSON with an annotation for each object over the whole clip",
    {"clip": "json"},
    write_youtube_vis,
)
