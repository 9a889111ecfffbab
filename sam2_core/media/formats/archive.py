"""What the archives of all formats have in common: names of frames, pictures as bytes, and a manifest."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.atomic import new_file
from sam2_core.media.info import RgbArray
from sam2_core.media.material import Material
from sam2_core.media.order import Order
from sam2_core.media.originals import jpeg_of, original_frames
from sam2_core.media.progress import Reporter
from sam2_core.types import FrameMasks

Known: TypeAlias = dict[int, list[int]]
"""The frames on which each object has a mask, if only an empty one."""

MOST_OF_IT = 0.99  # of the work is in the frames
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+")


@contextmanager
def new_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A ZIP archive to fill, which appears under its name only when complete. Pictures are packed already."""
    with new_file(path) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        yield archive


def frame_title(material: Material, frame: int) -> str:
    """What files about this frame are called: the frame's number in a clip, else the picture's own name."""
    if material.info.kind == "clip":
        return f"{frame:05d}"
    return material.title_of(frame) if material.info.kind == "album" else Path(material.info.name).stem


def plain_titles(material: Material) -> dict[int, str]:
    """The same for data sets, whose lists are read word by word: letters, digits, - and _ alone, no two alike."""
    if material.info.kind == "clip":
        return {frame: frame_title(material, frame) for frame in material.frames}
    titles, taken = dict[int, str](), set[str]()
    for frame in range(material.info.frames):
        title = unlike = plain_name(frame_title(material, frame))
        number = 2
        while unlike.casefold() in taken:
            unlike, number = f"{title}_{number}", number + 1
        titles[frame] = unlike
        taken.add(unlike.casefold())
    return titles


def plain_name(text: str) -> str:
    """A text as a name of letters, digits, - and _."""
    return re.sub(r"[^\w\-]+", "_", text).strip("_") or "masklet"


def one_line(text: str) -> str:
    """A user's words without what breaks lines or files: control characters, odd blanks, halves of characters."""
    return " ".join(_UNSPEAKABLE.sub(" ", text).split())


@contextmanager
def pictured(
    material: Material, order: Order, known: Known, message: str, report: Reporter
) -> Iterator[Iterator[tuple[FrameMasks, bytes | None]]]:
    """The masks of each chosen frame and, where the order wants pictures, the frame itself as a JPEG of mask size.

    Notes in `known` which masks there were.
    """
    originals = original_frames(material.store, material.frames) if order.pictures else None
    with closing(originals) if originals else nullcontext():
        yield _pairs(material.walk(message, report, MOST_OF_IT), originals, known)


def _pairs(
    walk: Iterator[FrameMasks], originals: Iterator[RgbArray] | None, known: Known
) -> Iterator[tuple[FrameMasks, bytes | None]]:
    for found in walk:
        for each in found.objects:
            known.setdefault(each.object_id, []).append(found.frame)
        yield found, jpeg_of(next(originals)) if originals else None


def png(pixels: npt.NDArray[np.unsignedinteger[Any]], compression: int = 3) -> bytes:
    """Grey pixels of 8 or 16 bits (H, W) as a PNG."""
    return cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, compression])[1].tobytes()


def manifest(material: Material, known: Mapping[int, list[int]]) -> dict[str, Any]:
    """What an archive is about; `known` are the frames on which each object has a mask, if only an empty one."""
    info, frames = material.info, material.frames
    called = {each.id: each.to_json() for each in material.objects}
    objects = [{**called[number], "frames_with_mask": sorted(known[number])} for number in sorted(known)]
    about = {"name": info.name, "width": info.width, "height": info.height, "frames": info.frames, "fps": info.fps}
    chosen = {"first": frames[0], "last": frames[-1], "step": frames.step}
    return about | ({"photos": info.names} if info.names else {}) | {"chosen": chosen, "objects": objects}


def write_json(archive: zipfile.ZipFile, name: str, plain: Any) -> None:
    """Put plain data into an archive."""
    archive.writestr(name, json.dumps(plain, indent=1), zipfile.ZIP_DEFLATED)


def write_text(archive: zipfile.ZipFile, name: str, lines: list[str]) -> None:
    """Put lines of text into an archive."""
    archive.writestr(name, "".join(f"{line}\n" for line in lines), zipfile.ZIP_DEFLATED)
