"""Reading what pages say (ui/wire.py): every number is checked before anything else sees it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from sam2_core.errors import BadPrompt
from sam2_core.media import KINDS, OVERLAY, Look, ObjectTraits, Order
from sam2_core.serving.project import HIGHEST_OBJECT
from sam2_core.types import EditLog, Entry, Prompt, PromptEntry, RemoveEntry, TrackEntry
from ui.wire import (
    DIRECTIONS,
    JOBS,
    Arrival,
    Bounds,
    Cancel,
    Choose,
    Export,
    Forget,
    Hover,
    ListModels,
    Message,
    Retell,
    Say,
    Show,
    Stop,
    Track,
    Untrack,
)

MAX_MESSAGE = 8_000_000  # characters; a journal of thousands of clicks and hundreds of painted masks fits
MAX_MASK = 500_000  # characters of a mask's run lengths; those of a 4K frame take some ten thousand
MAX_BOXES = 16
MAX_ENTRIES = 20_000
MAX_SIDE = 16384  # pixels, of a download
MAX_NAME = 80  # characters of an object's name, and of its class label
MAX_FRAMES_ASKED = 64
MAX_OBJECTS_NAMED = 1000
_HOVER = re.compile(r'\{\s*"t"\s*:\s*"hover"')


def parse(text: str, bounds: Bounds | None) -> Message:
    """Read a message of a page. `bounds` is None while nothing is open.

    Raises `BadPrompt` for anything that is not in the language or outside the bounds.
    """
    if len(text) > MAX_MESSAGE:
        raise BadPrompt("This message is too long.")
    try:
        said = json.loads(text)
        kind = str(said["t"])
        always, read = _ALWAYS.get(kind), _READERS.get(kind)
        if read is None and always is None:
            raise KeyError(kind)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadPrompt("The page said something that the server does not know. Reload the page.") from error
    if always is not None:
        return always(said)
    if bounds is None or read is None:
        raise BadPrompt("Open a picture or a clip first.")
    return read(said, bounds)


def is_hover(text: str) -> bool:
    """Whether a message calls itself a hover: those are counted apart, before anybody reads them."""
    return _HOVER.match(text) is not None


def read_arrival(query: Mapping[str, str], most: int) -> Arrival:
    """Read what an upload's address says about its file; raises `BadPrompt` as `parse` does.

    `most` is how many pictures fit together.
    """
    left, batch = query.get("left", "0"), query.get("batch", "")
    if not (left.isascii() and left.isdigit() and len(left) < 6 and len(batch) <= MAX_NAME):
        raise BadPrompt("The page announced this file in words that the server does not know. Reload the page.")
    if int(left) >= most:
        raise BadPrompt(f"Up to {most} photos fit together. Choose fewer.")
    return Arrival(batch, int(left), query.get("add") == "1")


def subject(text: str) -> dict[str, Any]:
    """What a refusal of this message must name, or the page would wait for its answer: seq, or job and run."""
    try:
        said = json.loads(text[:MAX_MESSAGE])
        kind = said["t"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    if kind == "journal" and isinstance(said.get("seq"), int):
        return {"job": "replay", "seq": said["seq"]}
    if kind in ("prompt", "forget", "untrack", "masks") and isinstance(said.get("seq"), int):
        return {"seq": said["seq"]}
    if kind == "track" and isinstance(said.get("run"), int):
        return {"job": "track", "run": said["run"]}
    return {"job": kind} if kind in ("export", "model") else {}


def _say(said: dict[str, Any], bounds: Bounds) -> Message:
    frame = _frame(said, "frame", bounds)
    prompt = _prompt(said.get("prompt"), bounds.on(frame))
    return Say(_whole(said, "seq", 0, 2**53), frame, _object(said, bounds), prompt)


def _hover(said: dict[str, Any], bounds: Bounds) -> Message:
    frame = _frame(said, "frame", bounds)
    prompt = _prompt(said.get("prompt"), bounds.on(frame))
    return Hover(_whole(said, "seq", 0, 2**53), frame, _object(said, bounds), prompt)


def _forget(said: dict[str, Any], bounds: Bounds) -> Message:
    return Forget(_whole(said, "seq", 0, 2**53), _object(said, bounds))


def _track(said: dict[str, Any], bounds: Bounds) -> Message:
    run, direction = _whole(said, "run", 0, 2**53), _one_of(said, "direction", DIRECTIONS)
    said = {"first": 0, "last": bounds.frames - 1, "pause": False, **said}
    first, last = _frame(said, "first", bounds), _frame(said, "last", bounds)
    if first > last:
        raise BadPrompt("The range ends before it starts. Set it again.")
    return Track(run, direction, _frame(said, "frame", bounds), first, last, _yes_or_no(said, "pause"))


def _untrack(said: dict[str, Any], bounds: Bounds) -> Message:
    frames, objects = said.get("frames"), said.get("objects")
    if not isinstance(frames, list) or len(frames) != 2:
        raise BadPrompt("`frames` must be the first and the last frame.")
    if not isinstance(objects, list) or len(objects) > MAX_OBJECTS_NAMED:
        raise BadPrompt("`objects` must be a list of objects.")
    first, last = (_frame({"frames": frame}, "frames", bounds) for frame in frames)
    named = tuple(_object({"object": object_id}, bounds) for object_id in objects)
    return Untrack(_whole(said, "seq", 0, 2**53), range(first, last + 1), named)


def _show(said: dict[str, Any], bounds: Bounds) -> Message:
    first, last = _frame(said, "first", bounds), _frame(said, "last", bounds)
    seq = None if said.get("seq") is None else _whole(said, "seq", 0, 2**53)
    return Show(range(first, min(last + 1, first + MAX_FRAMES_ASKED)), seq)


def _export(said: dict[str, Any], bounds: Bounds) -> Message:
    objects = said.get("objects")
    if not isinstance(objects, list) or not 1 <= len(objects) <= bounds.max_objects:
        raise BadPrompt("Select something first: there is no mask to download.")
    wished = tuple(_export_object(each, bounds) for each in objects)
    if len({each.id for each in wished}) < len(wished):
        raise BadPrompt("An object to download is listed twice. Reload the page.")
    first, last = (
        _frame({"first": 0, **said}, "first", bounds),
        _frame({"last": bounds.frames - 1, **said}, "last", bounds),
    )
    if first > last:
        raise BadPrompt("The first frame to download comes after the last one.")
    return Export(_order(said), wished, range(first, last + 1, _whole({"every": 1, **said}, "every", 1, bounds.frames)))


def _order(said: dict[str, Any]) -> Order:
    said = {"polygons": False, "pictures": False, "side_by_side": False, "cropped": False, "largest_side": 0, **said}
    return Order(
        kind=_one_of(said, "kind", tuple(KINDS)),
        look=Look.from_json(said["look"]) if "look" in said else OVERLAY,
        polygons=_yes_or_no(said, "polygons"),
        pictures=_yes_or_no(said, "pictures"),
        side_by_side=_yes_or_no(said, "side_by_side"),
        cropped=_yes_or_no(said, "cropped"),
        largest_side=_whole(said, "largest_side", 0, MAX_SIDE),
    )


def _retell(said: dict[str, Any], bounds: Bounds) -> Message:
    entries = said.get("entries")
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise BadPrompt("This journal is too long or no journal at all.")
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("prompt"), dict):
            _check_mask(entry["prompt"].get("mask"), bounds.on(_frame(entry, "frame", bounds)))
    journal = EditLog.from_json(json.dumps({"media": "", "entries": entries}))
    for entry in journal.entries:
        _check_entry(entry, bounds)
    seq = None if said.get("seq") is None else _whole(said, "seq", 0, 2**53)
    return Retell(journal.entries, seq, _yes_or_no({"more": False, **said}, "more"))


def _choose(said: dict[str, Any]) -> Message:
    name = said.get("name")
    if not isinstance(name, str) or len(name) > MAX_NAME:
        raise BadPrompt("`name` must be the name of a model.")
    return Choose(name)


_ALWAYS: dict[str, Callable[[dict[str, Any]], Message]] = {  # also while nothing is open
    "cancel": lambda said: Cancel(_one_of(said, "job", JOBS)),
    "models": lambda said: ListModels(),
    "model": _choose,
}
_READERS: dict[str, Callable[[dict[str, Any], Bounds], Message]] = {
    "prompt": _say,
    "hover": _hover,
    "forget": _forget,
    "track": _track,
    "untrack": _untrack,
    "stop": lambda said, bounds: Stop(),
    "masks": _show,
    "export": _export,
    "journal": _retell,
}


def _whole(said: dict[str, Any], name: str, least: int, most: int) -> int:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadPrompt(f"`{name}` must be a whole number from {least} to {most}.")
    return value


def _frame(said: dict[str, Any], name: str, bounds: Bounds) -> int:
    return _whole(said, name, 0, bounds.frames - 1)


def _object(said: dict[str, Any], bounds: Bounds) -> int:
    return _whole(said, "object", 1, HIGHEST_OBJECT)


def _yes_or_no(said: dict[str, Any], name: str) -> bool:
    value = said.get(name)
    if not isinstance(value, bool):
        raise BadPrompt(f"`{name}` must be true or false.")
    return value


def _one_of(said: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = said.get(name)
    if not isinstance(value, str) or value not in choices:
        raise BadPrompt(f"`{name}` must be one of {', '.join(choices)}.")
    return value


def _prompt(plain: Any, bounds: Bounds) -> Prompt:
    """A prompt of points and boxes within the frame, a mask of its size, and a part of it to look at again."""
    if not isinstance(plain, dict) or plain.keys() - {"points", "boxes", "mask", "choice", "crop"}:
        raise BadPrompt("A prompt has points, boxes, a mask and a crop.")
    _check_mask(plain.get("mask"), bounds)
    prompt = Prompt.from_json(plain)
    _check_prompt(prompt, bounds)
    return prompt


def _check_prompt(prompt: Prompt, bounds: Bounds) -> None:
    if len(prompt.points) > bounds.max_points:
        raise BadPrompt(f"At most {bounds.max_points} clicks fit on one object in one frame. Undo some of them.")
    if len(prompt.boxes) > MAX_BOXES:
        raise BadPrompt(f"At most {MAX_BOXES} boxes fit on one object in one frame. Undo some of them.")
    xs, ys = [point.x for point in prompt.points], [point.y for point in prompt.points]
    for box in prompt.boxes:
        xs += [box.left, box.right]
        ys += [box.top, box.bottom]
        if not (box.left < box.right and box.top < box.bottom):
            raise BadPrompt("This box has no size. Draw it again.")
    if prompt.crop is not None:
        xs += [prompt.crop.left, prompt.crop.right]
        ys += [prompt.crop.top, prompt.crop.bottom]
        if not (prompt.crop.left < prompt.crop.right and prompt.crop.top < prompt.crop.bottom):
            raise BadPrompt("This part of the picture has no size. Zoom out a little and try again.")
    inside = all(math.isfinite(x) and 0 <= x <= bounds.width for x in xs)
    if not (inside and all(math.isfinite(y) and 0 <= y <= bounds.height for y in ys)):
        raise BadPrompt("This lies outside of the picture. Click inside of it.")
    if prompt.choice is not None and not 0 <= prompt.choice <= 2:
        raise BadPrompt("`choice` must be 0, 1 or 2.")


def _check_mask(plain: Any, bounds: Bounds) -> None:
    """Before a mask is decoded: a text of a sane length that says it is as large as the frame."""
    if plain is None:
        return
    counts = plain.get("counts") if isinstance(plain, dict) else None
    if not isinstance(counts, str) or len(counts) > MAX_MASK:
        raise BadPrompt("This mask is too intricate or no mask at all. Paint or import a simpler one.")
    if plain.get("size") != [bounds.height, bounds.width]:
        raise BadPrompt(f"This mask must have the size of the picture, {bounds.width} × {bounds.height}.")


def _check_entry(entry: Entry, bounds: Bounds) -> None:
    if isinstance(entry, PromptEntry):
        fits = 0 <= entry.frame < bounds.frames and 1 <= entry.object_id <= HIGHEST_OBJECT
        if fits:
            _check_prompt(entry.prompt, bounds.on(entry.frame))
    elif isinstance(entry, TrackEntry):
        fits = abs(entry.step) == 1 and 0 <= entry.start < bounds.frames and -1 <= entry.stop <= bounds.frames
        fits = fits and len(entry.objects) <= MAX_OBJECTS_NAMED
    else:
        fits = isinstance(entry, RemoveEntry)
    if not fits:
        raise BadPrompt("This journal belongs to another picture or clip.")


def _export_object(plain: Any, bounds: Bounds) -> ObjectTraits:
    said = {"label": "", **plain} if isinstance(plain, dict) else {}
    texts, color = (said.get("name"), said.get("label")), said.get("color")
    if not all(isinstance(text, str) for text in texts) or not isinstance(color, list) or len(color) != 3:
        raise BadPrompt("An object to download has an id, a name and a color.")
    name, label = (" ".join(str(text).split())[:MAX_NAME] for text in texts)
    red, green, blue = (_whole({"color": part}, "color", 0, 255) for part in color)
    return ObjectTraits(_object({"object": said.get("id")}, bounds), name, label, (red, green, blue))
