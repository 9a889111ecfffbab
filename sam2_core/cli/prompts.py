"""What is said about objects: on the command line, or in a JSON file (`FORMAT`)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sam2_core.errors import BadPrompt, ConfigError
from sam2_core.media import MediaInfo, ObjectTraits, color_of, hex_of, is_hex, rgb_of
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.serving.project import HIGHEST_OBJECT
from sam2_core.serving.prompt_data import FIELDS, is_whole, read_prompt
from sam2_core.types import Box, Mask, Point, Prompt

FORMAT = """\
{"objects": [
    {"id": 1, "name": "Ball", "label": "sports ball", "color": "#e69f00",
     "prompts": [{"frame": 0, "points": [[210, 350, 1], [250, 300, 0]], "boxes": [[180, 320, 260, 390]]}]}
]}

Only "prompts" must be there. A point is [x, y, 1] on the object and [x, y, 0] beside it, a box [left, top, right,
bottom], all in pixels; "frame" is 0 where it is left out. A prompt may also have "mask" (COCO run lengths), "choice"
(0, 1 or 2: which reading of an ambiguous click) and "crop" (a box to look into more closely).
"""
LARGEST_FILE = 200_000_000  # bytes
MOST_OBJECTS = 1000
_NO_PROMPT = "Say what to select: with --point X,Y, --box L,T,R,B or --mask FILE, or in a file with --prompts."


@dataclass(frozen=True, slots=True)
class SaidObject:
    """An object, and what is said about it on which frames."""

    traits: ObjectTraits
    prompts: Mapping[int, Prompt]


PromptsOf = Callable[[Path, MediaInfo], Sequence[SaidObject]]
"""What is said about a source that has been read. Raises `BadPrompt`."""


def chosen_prompts(options: argparse.Namespace, frame: int = 0) -> PromptsOf:
    """What the options say; what comes from the command line is said on `frame`. Raises `ConfigError`, `BadPrompt`."""
    if options.said and options.prompts is not None:
        raise ConfigError("Say what to select either on the command line or with --prompts.")
    if options.prompts is None:
        said = spoken(options.said or [], frame)
        return lambda source, info: said
    if options.prompts.is_dir():
        return lambda source, info: _read(options.prompts / f"{source.stem}.json", info)
    plain = _plain(options.prompts)
    return lambda source, info: read_objects(plain, info)


# --- on the command line ------------------------------------------------------------------------------------------


def spoken(said: Sequence[tuple[str, Any]], frame: int) -> list[SaidObject]:
    """Objects from (option, value) in their order; raises `ConfigError` where nothing is said about one."""
    groups: list[tuple[str, list[tuple[str, Any]]]] = []
    for option, value in said:
        if option == "--object":
            groups.append((value, []))
        else:
            groups = groups or [("", [])]
            groups[-1][1].append((option, value))
    if not groups:
        raise ConfigError(_NO_PROMPT)
    return [_spoken_object(number, name, about, frame) for number, (name, about) in enumerate(groups, start=1)]


def _spoken_object(number: int, name: str, about: Sequence[tuple[str, Any]], frame: int) -> SaidObject:
    told: dict[str, list[Any]] = {}
    for option, value in about:
        told.setdefault(option, []).append(value)
    points = [Point(xy[0], xy[1], option == "--point") for option, xy in about if option in ("--point", "--not-point")]
    masks = [read_mask(file) for file in told.get("--mask", [])]
    if len(masks) > 1:
        raise ConfigError("One object takes one --mask. Begin the next object with --object NAME.")
    boxes = tuple(Box(*corners) for corners in told.get("--box", []))
    prompt = Prompt(tuple(points), boxes, masks[0] if masks else None)
    if prompt.is_empty:
        raise ConfigError(f"Nothing is said about {name!r}. {_NO_PROMPT}" if name else _NO_PROMPT)
    label = told.get("--label", [""])[-1]
    return SaidObject(ObjectTraits(number, name or f"Object {number}", label, color_of(number)), {frame: prompt})


def read_mask(file: Path) -> Mask:
    """A mask from a picture: what is opaque where parts of it are transparent, else all that is not black.

    Raises `BadPrompt`.
    """
    try:
        with Image.open(file) as image:
            DEFAULT_LIMITS.check_pixels(image.height, image.width)
            pixels = np.asarray(image.convert("RGBA"))
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them raise
        raise BadPrompt(f"{file} cannot be read as a mask. Give a PNG picture of the size of the source.") from error
    solid = pixels[..., 3] > 127
    filled = solid if not solid.all() else pixels[..., :3].any(axis=2)
    if not filled.any():
        raise BadPrompt(f"The mask {file} is empty: every pixel is black or transparent.")
    return Mask.from_array(filled)


# --- in a file ----------------------------------------------------------------------------------------------------


def _read(file: Path, info: MediaInfo) -> list[SaidObject]:
    return read_objects(_plain(file), info)


def _plain(file: Path) -> Any:
    if not file.is_file():
        raise BadPrompt(f"There is no file {file} with prompts.")
    if file.stat().st_size > LARGEST_FILE:
        raise BadPrompt(f"{file} is too large for a file with prompts.")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadPrompt(f"{file} is not JSON ({error}).") from error


def read_objects(plain: Any, info: MediaInfo) -> list[SaidObject]:
    """Objects from plain data, see the top of this file; raises `BadPrompt` for anything that is not understood."""
    listed = plain.get("objects") if isinstance(plain, dict) else None
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_OBJECTS:
        raise BadPrompt('A file with prompts reads {"objects": [...]}; `masklet segment --help` shows one.')
    objects = [_object(each, place, info) for place, each in enumerate(listed, start=1)]
    if len({each.traits.id for each in objects}) < len(objects):
        raise BadPrompt("Two objects in the file with prompts have the same id.")
    return objects


def _object(plain: Any, place: int, info: MediaInfo) -> SaidObject:
    where = f"object {place}"
    _only(plain, ("id", "name", "label", "color", "prompts"), where)
    number, name, label = plain.get("id", place), plain.get("name", ""), plain.get("label", "")
    color = plain.get("color", hex_of(color_of(place)))
    if not is_whole(number, 1, HIGHEST_OBJECT):
        raise BadPrompt(f"The id of {where} is a whole number from 1 on.")
    if not isinstance(name, str) or not isinstance(label, str) or not is_hex(color):
        raise BadPrompt(f"Name and label of {where} are texts, and its color reads #rrggbb.")
    name, label = (" ".join(text.split())[:80] for text in (name, label))
    listed = plain.get("prompts")
    if not isinstance(listed, list) or not listed:
        raise BadPrompt(f"Nothing is said about {where}: its prompts are a list.")
    prompts = dict(_prompt(each, where, info) for each in listed)
    if len(prompts) < len(listed):
        raise BadPrompt(f"Say everything about {where} on one frame in one prompt.")
    return SaidObject(ObjectTraits(int(number), name or f"Object {int(number)}", label, rgb_of(color)), prompts)


def _prompt(plain: Any, where: str, info: MediaInfo) -> tuple[int, Prompt]:
    _only(plain, ("frame", *FIELDS), f"a prompt of {where}")
    frame = plain.get("frame", 0)
    if not is_whole(frame, 0, info.frames - 1):
        raise BadPrompt(f"{info.name} has the frames 0 to {info.frames - 1}; a prompt of {where} is on {frame}.")
    prompt = read_prompt(plain, *info.size_of(int(frame)))
    if prompt.is_empty:
        raise BadPrompt(f"A prompt of {where} says nothing: it needs points, boxes or a mask.")
    return int(frame), prompt


def _only(plain: Any, known: Sequence[str], where: str) -> None:
    """Raise `BadPrompt` unless it is an object with these fields alone: a slip of the pen must not be passed over."""
    if not isinstance(plain, dict):
        raise BadPrompt(f"In the file with prompts, {where} is no object ({{...}}).")
    if unknown := plain.keys() - set(known):
        raise BadPrompt(
            f"{where[0].upper()}{where[1:]} has no {', '.join(sorted(unknown))}; it has {', '.join(known)}."
        )
