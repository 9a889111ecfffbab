"""What endpoints answer, as plain data with types, made of the messages that a page would get (ui/wire.py)."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any, TypeAlias, TypedDict

import cv2
import numpy as np

from sam2_core.media import grayscale_png
from sam2_core.types import BoolArray, Mask

Answer: TypeAlias = tuple[dict[str, Any], list[bytes]]
"""A message of the server: its header, and the PNGs that it announces."""


class Opened(TypedDict):
    """A session on what was opened. `sizes` ([height, width]) and `names` are those of an album's photos."""

    session: str
    kind: str
    name: str
    frames: int
    height: int
    width: int
    fps: float
    sizes: list[list[int]]
    names: list[str]
    skipped: list[dict[str, str]]


class Candidate(TypedDict):
    """One reading of an ambiguous click."""

    mask: dict[str, Any]
    score: float


class Found(TypedDict):
    """An object's mask on a frame: COCO run lengths, pixels, predicted IoU (0..1), and the object-score logit."""

    object: int
    mask: dict[str, Any]
    area: int
    score: float
    presence: float
    stale: bool
    candidates: list[Candidate]


class FrameFound(TypedDict):
    """What is known about a frame."""

    frame: int
    objects: list[Found]


class Tracking(TypedDict):
    """How far tracking is: the newest frame, and how many of how many are done. At the end it is `finished`, `changed`
    counts the frames that were computed, and `lost` is the object at whose loss it paused."""

    frame: int
    done: int
    total: int
    finished: bool
    changed: int
    lost: int | None


class Named(TypedDict):
    """What an object is called; the color is #rrggbb."""

    object: int
    name: str
    label: str
    color: str


class Done(TypedDict):
    """The session in which it was done."""

    session: str


def unpack(message: bytes) -> Answer:
    """A message of the server as its parts."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    pictures, place = [], 4 + length
    for shape in _shapes(header):
        pictures.append(message[place : place + shape["bytes"]])
        place += shape["bytes"]
    return header, pictures


def opened(session: str, header: dict[str, Any]) -> Opened:
    """An `opened` message."""
    medium = header["medium"]
    return {
        "session": session,
        "kind": medium["kind"],
        "name": medium["name"],
        "frames": medium["frames"],
        "height": medium["height"],
        "width": medium["width"],
        "fps": medium["fps"],
        "sizes": [list(size) for size in medium.get("sizes", ())],
        "names": list(medium.get("names", ())),
        "skipped": header["skipped"],
    }


def frame_found(answer: Answer, size: tuple[int, int]) -> FrameFound:
    """A `masks` message, of a frame of this (height, width)."""
    header, pictures = answer
    height, width = size
    masks = iter([_mask(s, png, height, width) for s, png in zip(_shapes(header), pictures, strict=True)])
    return {"frame": header["frame"], "objects": [_found(each, masks) for each in header["objects"]]}


def nothing_of(object_id: int, size: tuple[int, int]) -> Found:
    """An object that has no mask on a frame of this (height, width)."""
    mask = Mask.from_array(np.zeros(size, bool)).to_coco()
    return Found(object=object_id, mask=mask, area=0, score=0.0, presence=0.0, stale=False, candidates=[])


def png_of(found: Found) -> bytes:
    """A mask as a grey PNG, 0 or 255."""
    return grayscale_png(Mask.from_coco(found["mask"]))


def _shapes(header: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the PNGs of a message show, in their order."""
    for each in header.get("objects", ()) if header["t"] in ("masks", "preview") else ():
        yield each
        yield from each.get("candidates", ())


def _found(each: dict[str, Any], masks: Iterator[Mask]) -> Found:
    mask, readings = next(masks), each.get("candidates", ())
    return {
        "object": each["id"],
        "mask": mask.to_coco(),
        "area": each["area"],
        "score": each["quality"],
        "presence": each["presence"],
        "stale": each["stale"],
        "candidates": [{"mask": next(masks).to_coco(), "score": reading["quality"]} for reading in readings],
    }


def _mask(shape: dict[str, Any], png: bytes, height: int, width: int) -> Mask:
    pixels: BoolArray = np.zeros((height, width), bool)
    if png:
        x, y, wide, high = shape["place"]
        drawn = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert drawn is not None  # noqa: S101 - our own
        pixels[y : y + high, x : x + wide] = drawn > 0
    return Mask.from_array(pixels)
