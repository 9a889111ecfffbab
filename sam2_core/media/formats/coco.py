"""COCO's JSON: one annotation for each object on each frame.

The objects' labels are the categories; objects without a label are of the category "object". `track_id` identifies an
object across frames, and `tracks` has its name. Images have `frame_index` and `time` in seconds; those of an album the
name and size of each photo. Empty masks are left out, as COCO cannot represent them.

With polygons, each mask is a list of outlines, one for each of its parts. COCO's polygons have no holes: the outline of
a part is joined to those of its holes by slits of zero width, and COCO's tools (as well as those that compute the area
from the corners) reproduce the mask exactly. Tools that draw the outline itself add up to half a pixel all around and
show the slits. `area` and `bbox` are those of the mask either way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from sam2_core.media.draw import crop
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.polygons import edge_polygons, join_rings
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import Mask

NO_LABEL = "object"


def write_coco(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above."""
    categories = categories_of(media)
    category_ids = {each.id: categories[each.label or NO_LABEL] for each in media.objects}
    with path.open("w", encoding="utf-8") as file:
        file.write('{"info": ' + json.dumps({"description": media.info.name}) + ',\n"images": [\n')
        write_list(file, (_image(media, frame) for frame in media.frames))
        file.write('],\n"annotations": [\n')
        write_list(file, _annotations(media, category_ids, options.polygons, report))
        file.write('],\n"tracks": [\n')
        write_list(file, ({**each.to_json(), "category_id": category_ids[each.id]} for each in media.objects))
        file.write('],\n"categories": ' + json.dumps(list_categories(categories)) + "}\n")


def categories_of(media: MaskedMedia) -> dict[str, int]:
    """The labels and their ids from 1 on, in the order of the objects; "object" for objects without a label."""
    labels = dict.fromkeys(each.label or NO_LABEL for each in media.objects) or {NO_LABEL: None}
    return {label: number for number, label in enumerate(labels, start=1)}


def list_categories(categories: dict[str, int]) -> list[dict[str, Any]]:
    """The list of categories in COCO's form."""
    return [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()]


def segmentation_of(mask: Mask, polygons: bool) -> dict[str, Any] | list[list[float]]:
    """A mask in COCO's form: run lengths, or a list of polygons x, y, x, y, …"""
    if not polygons:
        return mask.to_coco()
    return [join_rings(part.rings).reshape(-1).tolist() for part in edge_polygons(mask)]


def write_list(file: IO[str], items: Iterable[Any]) -> None:
    """Write the items of a JSON list, one per line."""
    comma = ""
    for item in items:
        file.write(comma + json.dumps(item))
        comma = ",\n"


def _image(media: MaskedMedia, frame: int) -> dict[str, Any]:
    info = media.info
    height, width = info.size_of(frame)
    size, time = {"width": width, "height": height}, float(media.store.times[frame])
    return {"id": frame + 1, "file_name": info.name_of(frame), **size, "frame_index": frame, "time": time}


def _annotations(
    media: MaskedMedia, category_ids: dict[int, int], polygons: bool, report: ProgressReporter
) -> Iterator[dict[str, Any]]:
    number = 0
    for masks in media.iterate("Writing annotations", report):
        for each in masks.objects:
            if area := each.mask.area:
                number += 1
                yield {
                    "id": number,
                    "image_id": masks.frame + 1,
                    "area": area,
                    "category_id": category_ids[each.object_id],
                    "track_id": each.object_id,
                    "iscrowd": 0,
                    "bbox": list(crop(each.mask)[1]),
                    "score": round(float(each.predicted_iou), 4),
                    "segmentation": segmentation_of(each.mask, polygons),
                }
