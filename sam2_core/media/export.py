"""Masks as files that other programs read: pictures in a ZIP archive, and COCO's JSON.

Both are written frame by frame, whatever the length of the clip, and appear under their name only when complete.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_file
from sam2_core.media.draw import Rgb, crop, hex_of
from sam2_core.media.info import MediaInfo
from sam2_core.media.progress import Progress, Reporter
from sam2_core.media.store import Store
from sam2_core.types import FrameMasks, Mask, ObjectMask

_MASKS_SHARE = 0.9  # of the time it takes to write a ZIP archive; the rest goes into its gaps
_NO_LABEL = "object"


@dataclass(frozen=True, slots=True)
class ObjectTraits:
    """What a user calls an object: a name of its own, the class that it belongs to (if any), and its colour."""

    id: int
    name: str
    label: str
    color: Rgb

    def to_json(self) -> dict[str, Any]:
        """The object as it stands in the files."""
        return {"id": self.id, "name": self.name, "label": self.label, "color": hex_of(self.color)}


def write_mask_zip(
    path: str | Path,
    store: Store,
    frames: Iterable[FrameMasks],
    progress: Progress | None = None,
    objects: Sequence[ObjectTraits] = (),
) -> None:
    """Write each object's masks as PNGs of one channel (0 or 255) and source size, with a manifest.json.

    A clip gives `object_01/00000.png`, one for each frame of the clip so that the sequence has no gap; the manifest
    says on which frames the object has a mask at all, and what it is called. A picture gives `object_01.png`, an album
    `name_of_the_photo/object_01.png` for each photo on which the object has a mask. What users call their objects gets
    into no file's name.
    """
    info, report = store.info, Reporter(progress)
    known: dict[int, list[int]] = {}
    with new_file(Path(path)) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for found in _reported(info, frames, "Writing masks", progress, _MASKS_SHARE):
            for each in found.objects:
                archive.writestr(_picture_name(info, each.object_id, found.frame), _grey_png(each.mask))
                known.setdefault(each.object_id, []).append(found.frame)
        if info.kind == "clip":
            _fill_gaps(archive, info, known, report)
        archive.writestr("manifest.json", json.dumps(_manifest(info, known, objects), indent=1), zipfile.ZIP_DEFLATED)
        report(1.0, "Ready")


def _fill_gaps(archive: zipfile.ZipFile, info: MediaInfo, known: dict[int, list[int]], report: Reporter) -> None:
    """Give each object a black picture on the frames where it has no mask."""
    # As small as a PNG can be: the archive packs these few kilobytes in microseconds, to a tenth of their size.
    black = _grey_png(Mask.from_array(np.zeros((info.height, info.width), bool)), compression=9)
    gaps = [
        (object_id, frame) for object_id in known for frame in sorted(set(range(info.frames)) - {*known[object_id]})
    ]
    for done, (object_id, frame) in enumerate(gaps):
        report(_MASKS_SHARE + (1 - _MASKS_SHARE) * done / len(gaps), "Filling the gaps")
        archive.writestr(_picture_name(info, object_id, frame), black, zipfile.ZIP_DEFLATED)


def write_coco_json(
    path: str | Path,
    store: Store,
    frames: Iterable[FrameMasks],
    progress: Progress | None = None,
    objects: Sequence[ObjectTraits] = (),
) -> None:
    """Write one COCO annotation for each object on each frame, with compressed run lengths.

    The labels of `objects` are the categories; what has none is of the category "object". `track_id` tells the objects
    apart across frames, and `tracks` says what they are called. Images carry `frame_index` and `time` in seconds; those
    of an album the name and size of each photo. Empty masks have no place in COCO and are left out.
    """
    info, categories = store.info, _categories(objects)
    kinds = {each.id: categories[each.label or _NO_LABEL] for each in objects}
    with new_file(Path(path)) as unfinished, unfinished.open("w", encoding="utf-8") as file:
        file.write('{"info": ' + json.dumps({"description": info.name}) + ',\n"images": [\n')
        _write_list(file, (_image(store, frame) for frame in range(info.frames)))
        file.write('],\n"annotations": [\n')
        _write_list(file, _annotations(_reported(info, frames, "Writing annotations", progress), kinds))
        file.write('],\n"tracks": [\n')
        _write_list(file, ({**each.to_json(), "category_id": kinds[each.id]} for each in objects))
        listed = [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()]
        file.write('],\n"categories": ' + json.dumps(listed) + "}\n")


def _categories(objects: Sequence[ObjectTraits]) -> dict[str, int]:
    """Each label and its number, in the order of the objects; "object" where nobody has a label."""
    labels = dict.fromkeys(each.label or _NO_LABEL for each in objects) or {_NO_LABEL: None}
    return {label: number for number, label in enumerate(labels, start=1)}


def _reported(
    info: MediaInfo, frames: Iterable[FrameMasks], message: str, progress: Progress | None, share: float = 1.0
) -> Iterator[FrameMasks]:
    """Pass the frames on, checked, and tell how far they have come; they are this `share` of the work."""
    report, seen = Reporter(progress), set[int]()
    report(0.0, message)
    for found in frames:
        if not 0 <= found.frame < info.frames or found.frame in seen:
            raise MediaError(f"Frame {found.frame} of {info.frames} cannot be exported: it is unknown or came twice.")
        seen.add(found.frame)
        height, width = info.size_of(found.frame)
        if any((each.mask.height, each.mask.width) != (height, width) for each in found.objects):
            raise MediaError(f"A mask on frame {found.frame} is not {width} x {height} pixels.")
        yield found
        report(share * len(seen) / info.frames, message)


def _picture_name(info: MediaInfo, object_id: int, frame: int) -> str:
    name = f"object_{object_id:02d}"
    if info.kind == "album":
        return f"{photo_title(info, frame)}/{name}.png"
    return f"{name}.png" if info.kind == "image" else f"{name}/{frame:05d}.png"


def photo_title(info: MediaInfo, frame: int) -> str:
    """What the files made of one photo of an album are called: its name without the ending, if that tells it apart."""
    stems = {PurePath(name).stem.casefold() for name in info.names}
    name = info.names[frame]
    return PurePath(name).stem if len(stems) == len(info.names) else name


def _grey_png(mask: Mask, compression: int = 3) -> bytes:
    pixels = mask.to_array().view(np.uint8) * np.uint8(255)
    return cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, compression])[1].tobytes()


def _manifest(info: MediaInfo, known: dict[int, list[int]], traits: Sequence[ObjectTraits]) -> dict[str, Any]:
    called = {each.id: each.to_json() for each in traits}
    objects = [
        {"id": object_id, **called.get(object_id, {}), "frames_with_mask": sorted(known[object_id])}
        for object_id in sorted(known)
    ]
    about = {"name": info.name, "width": info.width, "height": info.height, "frames": info.frames, "fps": info.fps}
    return about | ({"photos": info.names} if info.names else {}) | {"objects": objects}


def _image(store: Store, frame: int) -> dict[str, Any]:
    info = store.info
    names = info.names or ((info.name,) if info.kind == "image" else ())
    name = names[frame] if names else f"{frame:05d}.jpg"
    height, width = info.size_of(frame)
    size = {"width": width, "height": height}
    return {"id": frame + 1, "file_name": name, **size, "frame_index": frame, "time": float(store.times[frame])}


def _annotations(frames: Iterable[FrameMasks], kinds: dict[int, int]) -> Iterator[dict[str, Any]]:
    """`kinds`: the category of each object; 1 where nothing is known of it."""
    number = 0
    for found in frames:
        for each in found.objects:
            if area := each.mask.area:
                number += 1
                yield {"id": number, "image_id": found.frame + 1, "area": area, **_annotation(each, kinds)}


def _annotation(each: ObjectMask, kinds: dict[int, int]) -> dict[str, Any]:
    _, place = crop(each.mask)
    return {
        "category_id": kinds.get(each.object_id, 1),
        "track_id": each.object_id,
        "iscrowd": 0,
        "bbox": list(place),
        "segmentation": each.mask.to_coco(),
        "score": round(float(each.quality), 4),
    }


def _write_list(file: IO[str], items: Iterable[dict[str, Any]]) -> None:
    """The items of a JSON list, one a line."""
    comma = ""
    for item in items:
        file.write(comma + json.dumps(item))
        comma = ",\n"
