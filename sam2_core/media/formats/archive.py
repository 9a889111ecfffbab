"""What the archives of all formats have in common: names of frames, pictures as bytes, and a manifest."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.atomic import new_file
from sam2_core.media.material import Material


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
