"""COCO's JSON: one annotation for each object on each frame.

The labels of the objects are the categories; what has none is of the category "object". `track_id` tells the objects
apart across frames, and `tracks` says what they are called. Images carry `frame_index` and `time` in seconds; those of
an album the name and size of each photo. Empty masks have no place in COCO and are left out.

As polygons each mask is a list of outlines, one for each of its parts. COCO's polygons know no holes: the outline of a
part that has some runs into each by a slit of no width and out again, which COCO's tools draw as the hole that it is
(those that take a polygon's area from its corners do, too). They get the very mask back; tools that draw the outline
itself add up to half a pixel all around, and show the slits. `area` and `bbox` are those of the mask either way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from sam2_core.media.atomic import new_file
from sam2_core.media.draw import crop
from sam2_core.media.formats.outlines import edges, joined
from sam2_core.media.material import Material
from sam2_core.media.order import Kind, Order
from sam2_core.media.progress import Progress, Reporter
from sam2_core.types import Mask, ObjectMask

NO_LABEL = "object"


def write_coco(path: Path, material: Material, order: Order, progress: Progress | None = None) -> None:
    """See the top of this file."""
    categories, report = categories_of(material), Reporter(progress)
    kinds = {each.id: categories[each.label or NO_LABEL] for each in material.objects}
    with new_file(path) as unfinished, unfinished.open("w", encoding="utf-8") as file:
        file.write('{"info": ' + json.dumps({"description": material.info.name}) + ',\n"images": [\n')
        write_list(file, (_image(material, frame) for frame in material.frames))
        file.write('],\n"annotations": [\n')
        write_list(file, _annotations(material, kinds, order.polygons, report))
        file.write('],\n"tracks": [\n')
        write_list(file, ({**each.to_json(), "category_id": kinds[each.id]} for each in material.objects))
        listed = [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()]
        file.write('],\n"categories": ' + json.dumps(listed) + "}\n")


def categories_of(material: Material) -> dict[str, int]:
    """Each label and its number from 1 on, in the order of the objects; "object" where nobody has a label."""
    labels = dict.fromkeys(each.label or NO_LABEL for each in material.objects) or {NO_LABEL: None}
    return {label: number for number, label in enumerate(labels, start=1)}


def _image(material: Material, frame: int) -> dict[str, Any]:
    info = material.info
    names = info.names or ((info.name,) if info.kind == "image" else ())
    name = names[frame] if names else f"{frame:05d}.jpg"
    height, width = info.size_of(frame)
    size, time = {"width": width, "height": height}, float(material.store.times[frame])
    return {"id": frame + 1, "file_name": name, **size, "frame_index": frame, "time": time}


def segmentation_of(mask: Mask, polygons: bool) -> dict[str, Any] | list[list[float]]:
    """COCO's form of a mask: run lengths, or a list of polygons x, y, x, y, …"""
    if not polygons:
        return mask.to_coco()
    return [joined(part.rings).reshape(-1).tolist() for part in edges(mask)]


def _annotations(
    material: Material, kinds: dict[int, int], polygons: bool, report: Reporter
) -> Iterator[dict[str, Any]]:
    number = 0
    for found in material.walk("Writing annotations", report):
        for each in found.objects:
            if area := each.mask.area:
                number += 1
                about = {"id": number, "image_id": found.frame + 1, "area": area, **_annotation(each, kinds)}
                yield {**about, "segmentation": segmentation_of(each.mask, polygons)}


def _annotation(each: ObjectMask, kinds: dict[int, int]) -> dict[str, Any]:
    _, place = crop(each.mask)
    return {
        "category_id": kinds[each.object_id],
        "track_id": each.object_id,
        "iscrowd": 0,
        "bbox": list(place),
        "score": round(float(each.predicted_iou), 4),
    }


def write_list(file: IO[str], items: Iterable[Any]) -> None:
    """The items of a JSON list, one a line."""
    comma = ""
    for item in items:
        file.write(comma + json.dumps(item))
        comma = ",\n"


COCO = Kind(
    "data",
    "COCO",
    "JSON with run-length masks or polygons, boxes and classes",
    {"image": "json", "clip": "json", "album": "json"},
    write_coco,
    ("polygons",),
)
