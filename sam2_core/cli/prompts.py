"""Prompts of objects, from options of the command line or from a JSON file (`FORMAT`)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam2_core.cli.companions import Companions
from sam2_core.cli.coordinates import Coordinate, box_within, in_pixels, point_within
from sam2_core.cli.session import MAX_OBJECTS
from sam2_core.cli.tasks import Task
from sam2_core.console import Console
from sam2_core.errors import BadPrompt, ConfigError, MediaError
from sam2_core.media import MAX_NAME_LENGTH, MediaInfo, ObjectTraits, color_of, hex_of, is_hex, rgb_of
from sam2_core.media.readers.image_masks import read_foreground
from sam2_core.media.readers.size_fitting import find_fit
from sam2_core.serving.prompt_data import FIELDS, is_number, is_whole, read_prompt
from sam2_core.serving.workspace import Workspace
from sam2_core.types import MAX_OBJECT_ID, Mask, Prompt

FORMAT = """\
{"objects": [
    {"id": 1, "name": "Ball", "label": "sports ball", "color": "#e69f00",
     "prompts": [{"frame": 0, "points": [[210, 350, 1], [250, 300, 0]], "boxes": [[180, 320, 260, 390]]}]}
]}

Only "prompts" must be there. A point is [x, y, 1] on the object and [x, y, 0] beside it, a box [left, top, right,
bottom], in pixels or as texts like "50%" of the width or height; "frame" is 0 where it is left out. A prompt may also
have "mask" (COCO run lengths), "choice" (from 0: which reading of an ambiguous click) and "crop" (a box to look into
more closely).
"""
MAX_FILE_BYTES = 200_000_000
_NO_PROMPT = (
    "Say what to select: with --point X,Y, --box L,T,R,B, --mask FILE or --text WORDS, or in a file with --prompts."
)


@dataclass(frozen=True, slots=True)
class PromptedObject:
    """An object and its prompts, by frame; `notes` tell what was changed about them."""

    traits: ObjectTraits
    prompts: Mapping[int, Prompt]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptSource:
    """Where the prompts come from.

    `read` gives the objects and prompts for a task whose source has been ingested, and `files` those files with prompts
    that belong to a task alone. Both raise `BadPrompt`.
    """

    read: Callable[[Task, MediaInfo], Sequence[PromptedObject]]
    files: Callable[[Task], Sequence[Path]] = lambda task: ()


NONE = PromptSource(lambda task, info: ())
"""Nothing is prompted beforehand."""


async def set_prompts(workspace: Workspace, objects: Sequence[PromptedObject], console: Console) -> None:
    """Set all prompts of these objects, and print the notes. Raises `BadPrompt`."""
    for each in objects:
        for note in each.notes:
            console.note(f"{workspace.info.name}: {note}")
        for frame, prompt in each.prompts.items():
            await workspace.prompt(frame, each.traits.id, prompt)


def prompts_from_options(options: argparse.Namespace, frame: int = 0) -> PromptSource:
    """The prompts that the options give; `frame` is the frame of those on the command line.

    Raises `ConfigError` and `BadPrompt`.
    """
    if options.prompt_flags and options.prompts is not None:
        raise ConfigError("Say what to select either on the command line or with --prompts.")
    if options.prompts is None:
        flagged = objects_from_flags(options.prompt_flags or [])
        return PromptSource(lambda task, info: [each.on(frame, info) for each in flagged])
    if options.prompts.is_dir():
        companions = Companions(options.prompts, (".json",))
        return PromptSource(
            lambda task, info: read_objects(_load_json(prompt_file_for(task, companions)), info),
            lambda task: [prompt_file_for(task, companions)],
        )
    plain = _load_json(options.prompts)
    return PromptSource(lambda task, info: read_objects(plain, info))


# --- on the command line ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _FlaggedObject:
    """An object of the command line, whose coordinates wait for the size of the picture."""

    traits: ObjectTraits
    points: tuple[tuple[Sequence[Coordinate], bool], ...]
    boxes: tuple[Sequence[Coordinate], ...]
    mask: Path | None

    def on(self, frame: int, info: MediaInfo) -> PromptedObject:
        """The object with its prompt in pixels.

        Raises `BadPrompt` for coordinates outside of the picture and a mask of another aspect.
        """
        size = info.size_of(min(frame, info.frames - 1))
        points = tuple(point_within(values, positive, *size) for values, positive in self.points)
        boxes = [box_within(values, *size) for values in self.boxes]
        notes = tuple(note for _, note in boxes if note)
        mask = None
        if self.mask is not None:
            mask, note = _fitted(self.mask, size, info.orientation_of(min(frame, info.frames - 1)))
            notes += (note,) if note else ()
        prompt = Prompt(points, tuple(box for box, _ in boxes), mask)
        return PromptedObject(self.traits, {frame: prompt}, notes)


def objects_from_flags(flags: Sequence[tuple[str, Any]]) -> list[_FlaggedObject]:
    """Objects from (option, value) pairs in their order; raises `ConfigError` for an object without a prompt."""
    groups: list[tuple[str, list[tuple[str, Any]]]] = []
    for option, value in flags:
        if option == "--object":
            groups.append((value, []))
        else:
            groups = groups or [("", [])]
            groups[-1][1].append((option, value))
    if not groups:
        raise ConfigError(_NO_PROMPT)
    return [_object_from_flags(number, name, group) for number, (name, group) in enumerate(groups, start=1)]


def _object_from_flags(number: int, name: str, flags: Sequence[tuple[str, Any]]) -> _FlaggedObject:
    values: dict[str, list[Any]] = {}
    for option, value in flags:
        values.setdefault(option, []).append(value)
    points = tuple((xy, option == "--point") for option, xy in flags if option in ("--point", "--not-point"))
    masks = values.get("--mask", [])
    for file in masks:
        read_mask(file)  # raises early: an error here concerns all pictures
    if len(masks) > 1:
        raise ConfigError("One object takes one --mask. Begin the next object with --object NAME.")
    boxes = tuple(values.get("--box", []))
    if not (points or boxes or masks):
        raise ConfigError(f"There is no prompt for {name!r}. {_NO_PROMPT}" if name else _NO_PROMPT)
    label = values.get("--label", [""])[-1]
    traits = ObjectTraits(number, name or f"Object {number}", label, color_of(number))
    return _FlaggedObject(traits, points, boxes, masks[0] if masks else None)


def _fitted(file: Path, size: tuple[int, int], orientation: int) -> tuple[Mask, str]:
    """A mask from an image at the size of a picture, and a note if it has another one. Raises `BadPrompt`."""
    mask = read_mask(file)
    try:
        fit = find_fit((mask.height, mask.width), size, orientation)
    except MediaError as error:
        raise BadPrompt(f"{file} cannot be read as a mask ({error}).") from error
    return fit.mask(mask), "" if fit.is_identity else fit.note


def read_mask(file: Path) -> Mask:
    """All objects in a picture as one mask of its own size; soft ones are cut at half. Raises `BadPrompt`."""
    try:
        mask = read_foreground(file.read_bytes())
    except (OSError, MediaError) as error:
        reason = f" ({error})" if isinstance(error, MediaError) else ""
        raise BadPrompt(f"{file} cannot be read as a mask{reason}. Give a picture as large as the source.") from error
    if not mask.any():
        raise BadPrompt(f"The mask {file} is empty: every pixel is black or transparent.")
    return Mask.from_array(mask)


# --- in a file ----------------------------------------------------------------------------------------------------


def prompt_file_for(task: Task, companions: Companions) -> Path:
    """The file of a folder with the prompts of a task. Raises `BadPrompt` if there is none, also where `001.json` may
    be about any of several inputs, and `MediaError` if there are several."""
    if (file := companions.of(task)) is not None:
        return file
    shared = f", as several inputs are called {task.source.stem}" if task.namesakes else ""
    raise BadPrompt(f"There is no file {companions.folder / f'{task.title}.json'} with prompts{shared}.")


def _load_json(file: Path) -> Any:
    if not file.is_file():
        raise BadPrompt(f"There is no file {file} with prompts.")
    if file.stat().st_size > MAX_FILE_BYTES:
        raise BadPrompt(f"{file} is too large for a file with prompts.")
    try:
        return json.loads(file.read_bytes())  # UTF-8, 16 or 32, as PowerShell writes it
    except (ValueError, RecursionError) as error:
        raise BadPrompt(f"{file} is not JSON ({error}).") from error


def read_objects(plain: Any, info: MediaInfo) -> list[PromptedObject]:
    """Objects from the JSON data described by `FORMAT`; raises `BadPrompt` for data of any other form."""
    listed = plain.get("objects") if isinstance(plain, dict) else None
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_OBJECTS:
        raise BadPrompt('A file with prompts reads {"objects": [...]}; `masklet segment --help` shows one.')
    objects = [_read_object(each, position, info) for position, each in enumerate(listed, start=1)]
    if len({each.traits.id for each in objects}) < len(objects):
        raise BadPrompt("Two objects in the file with prompts have the same id.")
    return objects


def _read_object(plain: Any, position: int, info: MediaInfo) -> PromptedObject:
    where = f"object {position}"
    _check_fields(plain, ("id", "name", "label", "color", "prompts"), where)
    number, name, label = plain.get("id", position), plain.get("name", ""), plain.get("label", "")
    color = plain.get("color", hex_of(color_of(position)))
    if not is_whole(number, 1, MAX_OBJECT_ID):
        raise BadPrompt(f"The id of {where} is a whole number from 1 on.")
    if not isinstance(name, str) or not isinstance(label, str) or not is_hex(color):
        raise BadPrompt(f"Name and label of {where} are texts, and its color reads #rrggbb.")
    name, label = (" ".join(text.split())[:MAX_NAME_LENGTH] for text in (name, label))
    listed = plain.get("prompts")
    if not isinstance(listed, list) or not listed:
        raise BadPrompt(f"There are no prompts for {where}: they are a list.")
    found = [_read_prompt(each, where, info) for each in listed]
    prompts, notes = {frame: prompt for frame, prompt, _ in found}, tuple(note for *_, here in found for note in here)
    if len(prompts) < len(listed):
        raise BadPrompt(f"Give {where} one prompt on each frame.")
    traits = ObjectTraits(int(number), name or f"Object {int(number)}", label, rgb_of(color))
    return PromptedObject(traits, prompts, notes)


def _read_prompt(plain: Any, where: str, info: MediaInfo) -> tuple[int, Prompt, list[str]]:
    """The frame of a prompt, the prompt, and notes about its boxes."""
    _check_fields(plain, ("frame", *FIELDS), f"a prompt of {where}")
    frame = plain.get("frame", 0)
    if not is_whole(frame, 0, info.frames - 1):
        raise BadPrompt(f"{info.name} has the frames 0 to {info.frames - 1}; a prompt of {where} is on {frame}.")
    height, width = info.size_of(int(frame))
    listed = {key: plain[key] for key in ("points", "boxes") if isinstance(plain.get(key), list)}
    points = [_in_pixels(each, height, width) for each in listed.get("points", ())]
    for each in points:
        is_point = isinstance(each, list) and len(each) == 3 and all(map(is_number, each))
        if is_point and not (0 <= each[0] <= width and 0 <= each[1] <= height):
            spot = f"{each[0]:g},{each[1]:g}"
            raise BadPrompt(f"A prompt of {where} has the point {spot} outside of the {width} x {height} frame.")
    boxes, notes = _clipped([_in_pixels(each, height, width) for each in listed.get("boxes", ())], height, width)
    converted = {"points": points, "boxes": boxes}
    prompt = read_prompt({**plain, **{key: converted[key] for key in listed}}, height, width)
    if prompt.is_empty:
        raise BadPrompt(f"A prompt of {where} is empty: it needs points, boxes or a mask.")
    return int(frame), prompt, notes


def _in_pixels(plain: Any, height: int, width: int) -> Any:
    """A point or box of JSON data with its percentages in pixels; anything else stays as it is."""
    if not isinstance(plain, list):
        return plain
    lengths = (width, height, width, height) if len(plain) == 4 else (width, height)
    return [in_pixels(value, length) for value, length in zip(plain, lengths, strict=False)] + plain[len(lengths) :]


def _clipped(boxes: list[Any], height: int, width: int) -> tuple[list[Any], list[str]]:
    """Boxes of JSON data cut at the edges of the picture, and notes about these; what is no box stays as it is."""
    kept, notes = [], []
    for plain in boxes:
        if isinstance(plain, list) and len(plain) == 4 and all(map(is_number, plain)):
            box, note = box_within([Coordinate(float(value)) for value in plain], height, width)
            plain = [box.left, box.top, box.right, box.bottom]
            notes += [note] if note else []
        kept.append(plain)
    return kept, notes


def _check_fields(plain: Any, known: Sequence[str], where: str) -> None:
    """Raise `BadPrompt` unless `plain` is a JSON object with known fields only, so that typing errors are noticed."""
    if not isinstance(plain, dict):
        raise BadPrompt(f"In the file with prompts, {where} is no object ({{...}}).")
    if unknown := plain.keys() - set(known):
        raise BadPrompt(
            f"{where[0].upper()}{where[1:]} has no {', '.join(sorted(unknown))}; it has {', '.join(known)}."
        )
