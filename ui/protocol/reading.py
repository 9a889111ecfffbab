"""Reading requests from text, with a sentence for whatever does not fit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import (
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
from sam2_core.serving.edit_log import MAX_LOG_CHARACTERS
from sam2_core.serving.export_formats import SESSION_FORMATS
from sam2_core.serving.tracking_run import DIRECTIONS
from sam2_core.types import (
    MAX_MASK_LENGTH,
    MAX_OBJECT_ID,
)
from ui.protocol.fields import FOREIGN_LOG, MAX_NUMBER, NOTHING_TO_EXPORT, NOTHING_TO_TRAIN_ON, Bounds
from ui.protocol.requests import (
    MAX_MINUTES,
    MAX_REGION_AREA,
    MAX_SIDE,
    AnytimeRequest,
    CancelRequest,
    LiveRequest,
    R,
    Request,
)

MAX_REQUEST_CHARACTERS = MAX_LOG_CHARACTERS
LARGE_REQUEST_CHARACTERS = 100_000  # from here on parsing takes milliseconds
MAX_LIVE_CHARACTERS = MAX_MASK_LENGTH + 50_000
_UNKNOWN = "The page said something that the server does not know. Reload the page."
_PREVIEW = re.compile(r'\{\s*"t"\s*:\s*"preview"')
_LIVE = re.compile(r'\{\s*"t"\s*:\s*"live_')
REQUEST_ADAPTER: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="t")])
LIVE_REQUEST_ADAPTER: TypeAdapter[LiveRequest] = TypeAdapter(Annotated[LiveRequest, Field(discriminator="t")])
_TAGS = {kind.model_fields["t"].default for kind in get_args(Request)}
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
    "choice": "`choice` must be 0, 1 or 2.",
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
    "entries": "This journal is too long or no journal at all.",
    "width": "A camera's frames have between 16 and {side} pixels on each side.",
    "height": "A camera's frames have between 16 and {side} pixels on each side.",
    "edit_log.frame": FOREIGN_LOG,
    "edit_log.object": FOREIGN_LOG,
    "edit_log.objects": FOREIGN_LOG,
    "forget": FOREIGN_LOG,
    "track": FOREIGN_LOG,
}
"""Sentences for values that do not fit, by field, or request and field."""


def parse_request(text: str, bounds: Bounds | None) -> Request:
    """Read a message of a page; `bounds` is None while nothing is open. Raises `BadPrompt`."""
    if len(text) > MAX_REQUEST_CHARACTERS:
        raise BadPrompt("This message is too long.")
    try:
        return (REQUEST_ADAPTER if bounds is not None else _ANYTIME_REQUEST).validate_json(text, context=bounds)
    except ValidationError as error:
        raise BadPrompt(_sentence(error, bounds)) from error


def parse_live_request(text: str, bounds: Bounds | None) -> LiveRequest:
    """Read a message about the camera; `bounds` are those of its frames, None while it is off. Raises `BadPrompt`."""
    if len(text) > MAX_LIVE_CHARACTERS:
        raise BadPrompt("This message is too long.")
    try:
        return LIVE_REQUEST_ADAPTER.validate_json(text, context=bounds)
    except ValidationError as error:
        raise BadPrompt(_sentence(error, bounds)) from error


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


def is_preview(text: str) -> bool:
    """Whether a message is a `preview`: those are counted apart, before anything is parsed."""
    return _PREVIEW.match(text) is not None


def is_live(text: str) -> bool:
    """Whether a message is about the camera."""
    return _LIVE.match(text) is not None


def is_large(text: str) -> bool:
    """Whether parsing this message would hold up an event loop."""
    return len(text) > LARGE_REQUEST_CHARACTERS


def request_subject(text: str) -> dict[str, Any]:
    """What the refusal of a message must name, or the page would wait for its answer: seq, or job and run."""
    try:
        plain = json.loads(text[:MAX_REQUEST_CHARACTERS])
        request, seq, run = plain["t"], plain.get("seq"), plain.get("run")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return {}
    if request == "edit_log" and isinstance(seq, int):
        return {"job": "replay", "seq": seq}
    if request in ("set_prompt", "remove_object", "untrack", "get_masks") and isinstance(seq, int):
        return {"seq": seq}
    if request in ("track", "detect_clip", "detect") and isinstance(run, int):
        return {"job": "detect" if request == "detect" else "track", "run": run}
    if is_live(text):
        return {"job": "live"}
    if request == "segment_everything" and isinstance(run, int):
        return {"job": "everything", "run": run}
    jobs = {"export": "export", "choose_model": "model", "train": "train"}
    return {"job": jobs[request]} if isinstance(request, str) and request in jobs else {}


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
