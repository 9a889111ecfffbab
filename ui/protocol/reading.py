"""Reading requests from text, with a sentence for whatever does not fit."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, get_args

from pydantic import (
    FailFast,
    Field,
    TypeAdapter,
    ValidationError,
)

from sam2_core.detection.phrases import MAX_TEXT_LENGTH
from sam2_core.errors import BadPrompt
from sam2_core.media import (
    MAX_NAME_LENGTH,
)
from sam2_core.serving.automatic_run import MAX_CROP_LAYERS, MAX_POINTS_PER_SIDE
from sam2_core.serving.edit_log import MAX_LOG_CHARACTERS, Entry
from sam2_core.serving.export_formats import SESSION_FORMATS
from sam2_core.serving.tracking_run import DIRECTIONS
from sam2_core.types import (
    MAX_LOG_ENTRIES,
    MAX_MASK_LENGTH,
    MAX_OBJECT_ID,
)
from ui.protocol.fields import (
    FOREIGN_LOG,
    MAX_NUMBER,
    NOTHING_TO_EXPORT,
    NOTHING_TO_TRAIN_ON,
    Bounds,
    EntryData,
    ReadAs,
    to_entry,
)
from ui.protocol.requests import (
    MAX_MINUTES,
    MAX_REGION_AREA,
    MAX_SIDE,
    AnytimeRequest,
    CancelRequest,
    EditLogRequest,
    LiveRequest,
    R,
    Request,
)
from ui.protocol.structure import StructureLimits


def _json_object(depth: int) -> str:
    """A pattern of objects that hold others to this depth; each character can be matched in one way only."""
    inner = f"{_STRING}|{_json_object(depth - 1)}" if depth > 1 else _STRING
    return rf'\{{[^{{}}"]*(?:(?:{inner})[^{{}}"]*)*\}}'


_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
MAX_REQUEST_CHARACTERS = MAX_LOG_CHARACTERS
LARGE_REQUEST_CHARACTERS = 20_000  # from here on parsing takes milliseconds
_UNKNOWN = "The page said something that the server does not know. Reload the page."
_NO_LOG = "This journal is too long or no journal at all."
_KIND = re.compile(r'\{\s*"t"\s*:\s*"(\w{1,30})"')
_SMALL = StructureLimits(max_length=4_000, max_elements=200, max_depth=4)
_OF_A_TEXT = StructureLimits(max_length=100_000, max_elements=3_000, max_depth=4)
# A mask's run lengths have characters that take two in JSON.
_OF_A_PROMPT = StructureLimits(max_length=2 * MAX_MASK_LENGTH + 50_000, max_elements=5_000, max_depth=6)
_LIMITS = {
    "set_prompt": _OF_A_PROMPT,
    "preview": _OF_A_PROMPT,
    "live_prompt": _OF_A_PROMPT,
    "untrack": _OF_A_TEXT,
    "detect": _OF_A_TEXT,
    "detect_clip": _OF_A_TEXT,
    "train": StructureLimits(max_length=1_000_000, max_elements=50_000, max_depth=6),
    "export": StructureLimits(max_length=MAX_REQUEST_CHARACTERS, max_elements=300_000, max_depth=6),
    "edit_log": StructureLimits(max_length=LARGE_REQUEST_CHARACTERS, max_elements=20_000, max_depth=7),
}
"""Limits of messages by their kind, of a long edit log those of its parts; all others are `_SMALL`."""
_SUBJECT_CHARACTERS = 500  # at either end of a message, where its numbers stand
_SUBJECT = re.compile(r'"(seq|run)"\s*:\s*(\d{1,16})\s*[,}]')
_LOG_HEAD = re.compile(r'\s*\{[^{}\[\]]{0,300}?"entries"\s*:\s*\[\s*')
_LOG_ENTRY = re.compile(rf"{_json_object(3)}\s*(,?)\s*", re.DOTALL)  # {prompt: {mask: {}}}
_LOG_TAIL = re.compile(r"\](?=[^\[\]{}]{0,300}\}\s*\Z)")
_LOG_PAUSE = 0.002  # seconds between the parts of a long log, in which other threads get Python's lock
REQUEST_ADAPTER: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="t")])
LIVE_REQUEST_ADAPTER: TypeAdapter[LiveRequest] = TypeAdapter(Annotated[LiveRequest, Field(discriminator="t")])
_TAGS = {kind.model_fields["t"].default for kind in get_args(Request)}
_ENTRIES_ADAPTER: TypeAdapter[tuple[Entry, ...]] = TypeAdapter(
    Annotated[tuple[Annotated[Entry, ReadAs(EntryData, to_entry)], ...], FailFast()]
)
_ANYTIME_REQUEST: TypeAdapter[AnytimeRequest] = TypeAdapter(Annotated[AnytimeRequest, Field(discriminator="t")])
_NUMBER = f"`{{name}}` must be a whole number from 0 to {MAX_NUMBER}."
_FRAME = "`{name}` must be a whole number from 0 to {last}."
_FLAG = "`{name}` must be true or false."
_MASK = "This mask is too intricate or no mask at all. Paint or import a simpler one."
_THRESHOLD = "`{name}` must be a number from 0 to 1."
_OBJECT_TRAITS = "An object to download or to train on has an id, a name and a color."
_REFUSALS = {
    "seq": _NUMBER,
    "run": _NUMBER,
    "frame": _FRAME,
    "first": _FRAME,
    "last": _FRAME,
    "frames": "`frames` must be the first and the last frame, each a whole number from 0 to {last}.",
    "every": "`every` must be a whole number from 1 to {frames}.",
    "object": f"`object` must be a whole number from 1 to {MAX_OBJECT_ID}.",
    "objects": f"`objects` must be a list of objects, each a whole number from 1 to {MAX_OBJECT_ID}.",
    "direction": f"`direction` must be one of {', '.join(DIRECTIONS)}.",
    "job": f"`job` must be one of {', '.join(get_args(CancelRequest.model_fields['job'].annotation))}.",
    "points_per_side": f"`points_per_side` must be a whole number from 1 to {MAX_POINTS_PER_SIDE}.",
    "crop_layers": f"`crop_layers` must be a whole number from 0 to {MAX_CROP_LAYERS}.",
    "min_region_area": f"`min_region_area` must be a whole number from 0 to {MAX_REGION_AREA}.",
    "format": f"`format` must be one of {', '.join(SESSION_FORMATS)}.",
    "largest_side": f"`largest_side` must be a whole number from 0 to {MAX_SIDE}.",
    "effects": "A look has layers, feather and matte.",
    "pause": _FLAG,
    "more": _FLAG,
    "polygons": _FLAG,
    "pictures": _FLAG,
    "side_by_side": _FLAG,
    "cropped": _FLAG,
    "prompt": "A prompt has points, boxes, a mask and a crop.",
    "points": "Each point of a prompt is [x, y, 1 or 0].",
    "boxes": "Each box of a prompt is [left, top, right, bottom].",
    "crop": "The crop of a prompt is [left, top, right, bottom].",
    "choice": "`choice` must be 0, 1, 2 or 3.",
    "mask": _MASK,
    "size": _MASK,
    "counts": _MASK,
    "export.objects": NOTHING_TO_EXPORT,
    "train.objects": NOTHING_TO_TRAIN_ON,
    "minutes": f"`minutes` must be a number from 0.1 to {MAX_MINUTES}.",
    "id": f"`object` must be a whole number from 1 to {MAX_OBJECT_ID}.",
    "export.name": _OBJECT_TRAITS,
    "train.name": _OBJECT_TRAITS,
    "label": _OBJECT_TRAITS,
    "color": _OBJECT_TRAITS,
    "text": f"This text is too long: at most {MAX_TEXT_LENGTH} characters. Shorten it.",
    "detector": "`detector` must be the name of a detector.",
    "detect_clip.every": "`every` must be a whole number from 1 on.",
    "first_object": f"`first_object` must be a whole number from 1 to {MAX_OBJECT_ID}.",
    "box_threshold": _THRESHOLD,
    "text_threshold": _THRESHOLD,
    "rejected": "A data set lists rejected masks with their frames, and numbers that fit.",
    "provenance": "A data set says of its masks the stage, the source, and numbers that fit.",
    "choose_model.name": "`name` must be the name of a model.",
    "entries": _NO_LOG,
    "width": "A camera's frames have between 16 and {side} pixels on each side.",
    "height": "A camera's frames have between 16 and {side} pixels on each side.",
    "edit_log.frame": FOREIGN_LOG,
    "edit_log.object": FOREIGN_LOG,
    "edit_log.objects": FOREIGN_LOG,
    "forget": FOREIGN_LOG,
    "track": FOREIGN_LOG,
}
"""Sentences for values that do not fit, by field, or request and field."""
_SUBJECTS = {
    "set_prompt": ("seq", ""),
    "remove_object": ("seq", ""),
    "untrack": ("seq", ""),
    "get_masks": ("seq", ""),
    "edit_log": ("seq", "replay"),
    "track": ("run", "track"),
    "detect_clip": ("run", "track"),
    "detect": ("run", "detect"),
    "segment_everything": ("run", "everything"),
    "export": ("", "export"),
    "choose_model": ("", "model"),
    "train": ("", "train"),
}
"""The number and the job that the refusal of a request names."""


def parse_request(text: str, bounds: Bounds | None) -> Request:
    """Read a message of a page; `bounds` is None while nothing is open. Raises `BadPrompt`.

    Blocks for long over an edit log that `is_large`, without holding up other threads.
    """
    if len(text) > MAX_REQUEST_CHARACTERS:
        raise BadPrompt("This message is too long.")
    kind = _kind(text)
    try:
        if kind == "edit_log" and is_large(text) and bounds is not None:
            return _parse_long_log(text, bounds)
        _LIMITS.get(kind, _SMALL).check(text)
        return (REQUEST_ADAPTER if bounds is not None else _ANYTIME_REQUEST).validate_json(text, context=bounds)
    except ValidationError as error:
        raise BadPrompt(_sentence(error, bounds, kind if kind == "edit_log" else "")) from error


def parse_live_request(text: str, bounds: Bounds | None) -> LiveRequest:
    """Read a message about the camera; `bounds` are those of its frames, None while it is off. Raises `BadPrompt`."""
    _LIMITS.get(_kind(text), _SMALL).check(text)
    try:
        return LIVE_REQUEST_ADAPTER.validate_json(text, context=bounds)
    except ValidationError as error:
        raise BadPrompt(_sentence(error, bounds)) from error


def _parse_long_log(text: str, bounds: Bounds) -> EditLogRequest:
    """Read an edit log part by part: the parser holds Python's lock, and the event loop waits for that."""
    head = _LOG_HEAD.match(text)
    if head is None:
        raise BadPrompt(_UNKNOWN)
    entries: list[Entry] = []
    start = place = head.end()
    while (entry := _LOG_ENTRY.match(text, place, place + _OF_A_PROMPT.max_length)) is not None:
        place, is_last = entry.end(), not entry[1]
        if is_last or place - start >= LARGE_REQUEST_CHARACTERS:
            part = f"[{text[start : place if is_last else entry.start(1)]}]"
            replace(_LIMITS["edit_log"], max_length=len(part)).check(part)
            entries += _ENTRIES_ADAPTER.validate_json(part, context=bounds)
            if len(entries) > MAX_LOG_ENTRIES:
                raise BadPrompt(_NO_LOG)
            time.sleep(_LOG_PAUSE)
            start = place
        if is_last:
            break
    if _LOG_TAIL.match(text, place) is None or start < place:
        raise BadPrompt(_NO_LOG)
    request = EditLogRequest.model_validate_json(text[: head.end()] + text[place:], context=bounds)
    return request.model_copy(update={"entries": tuple(entries)})


def check_request(kind: type[R], bounds: Bounds, /, **values: Any) -> R:
    """A request from plain data that did not come as a message (from an endpoint); raises `BadPrompt`."""
    text, name = json.dumps(values), kind.model_fields["t"].default
    if len(text) > MAX_REQUEST_CHARACTERS:
        raise BadPrompt("This is too much to say at once. Leave something out.")
    try:
        return kind.model_validate_json(text, context=bounds)
    except ValidationError as error:
        raise BadPrompt(_sentence(error, bounds, name)) from error


def _sentence(error: ValidationError, bounds: Bounds | None, request: str = "") -> str:
    """What to tell a user about the first thing that is wrong."""
    details = error.errors(include_url=False, include_input=False)[0]
    location, context = details["loc"], details.get("ctx", {})
    if isinstance(context.get("error"), BadPrompt):
        return str(context["error"])
    if details["type"] == "union_tag_invalid" and context["tag"] in _TAGS:
        return "Open a picture or a clip first."
    if not request and location:
        request, location = str(location[0]), location[1:]
    names = [name for name in reversed(location) if isinstance(name, str)]
    # A location also names the branch of a union in which it is, which is no name of a field.
    keys = ((name, key) for name in names for key in (f"{request}.{name}", name))
    name, text = next(((name, _REFUSALS[key]) for name, key in keys if key in _REFUSALS), ("", _UNKNOWN))
    frames = 0 if bounds is None else bounds.frames
    return text.format(name=name, frames=frames, last=frames - 1, side=MAX_SIDE)


def _kind(text: str) -> str:
    """Which message it is, as far as it says so first, before anything is parsed; else an empty text."""
    found = _KIND.match(text)
    return "" if found is None else found[1]


def is_preview(text: str) -> bool:
    """Whether a message is a `preview`: those are counted apart."""
    return _kind(text) == "preview"


def is_live(text: str) -> bool:
    """Whether a message is about the camera."""
    return _kind(text).startswith("live_")


def is_large(text: str) -> bool:
    """Whether parsing this message would hold up an event loop."""
    return len(text) > LARGE_REQUEST_CHARACTERS


def request_subject(text: str) -> dict[str, Any]:
    """What the refusal of a message must name, or the page would wait for its answer: seq, or job and run.

    Only the ends of the message are looked at: whatever was refused is not parsed once more.
    """
    if is_live(text):
        return {"job": "live"}
    number, job = _SUBJECTS.get(_kind(text), ("", ""))
    ends = f"{text[:_SUBJECT_CHARACTERS]} {text[_SUBJECT_CHARACTERS:][-_SUBJECT_CHARACTERS:]}"
    numbers = {name: int(digits) for name, digits in _SUBJECT.findall(ends) if name == number}
    return {} if number and not numbers else {**({"job": job} if job else {}), **numbers}


@dataclass(frozen=True, slots=True)
class UploadInfo:
    """What an upload's address says of its file.

    `batch` names the files that belong together, `left` of which are still to come; with `add` they come to the photos
    that are open, `as_clip` they are the frames of a clip. With `scale_down` what has too many pixels is scaled down.
    """

    batch: str
    left: int
    add: bool
    as_clip: bool = False
    scale_down: bool = False


def read_upload(query: Mapping[str, str], max_pictures: int, max_frames: int) -> UploadInfo:
    """Read the address of an upload; raises `BadPrompt`."""
    left, batch = query.get("left", "0"), query.get("batch", "")
    if not (left.isascii() and left.isdigit() and len(left) < 6 and len(batch) <= MAX_NAME_LENGTH):
        raise BadPrompt("The page announced this file in words that the server does not know. Reload the page.")
    as_clip = query.get("clip") == "1"
    if int(left) >= (max_frames if as_clip else max_pictures):
        most = f"{max_frames} frames" if as_clip else f"{max_pictures} photos"
        raise BadPrompt(f"Up to {most} fit together. Choose fewer.")
    return UploadInfo(batch, int(left), query.get("add") == "1", as_clip, query.get("scale") == "1")
