"""The vocabulary that crosses borders: plain, frozen, picklable values (stdlib and numpy only).

Coordinates are always pixels of the original frame, x to the right and y down, whatever size the network works at.
A frame is a 0-based index in presentation order: frame k here is frame k on the page, in the network and in every
download.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sam2_core.errors import BadPrompt

BoolArray: TypeAlias = npt.NDArray[np.bool_]

Progress: TypeAlias = Callable[[float | None, str], None]
"""Called with the fraction that is done (None: cannot be told) and a line of text."""


@dataclass(frozen=True, slots=True)
class Point:
    """A click: on the thing (`positive`) or on what does not belong to it."""

    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; `right` and `bottom` are exclusive edges."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Mask:
    """A binary mask as run lengths: little-endian uint32, column by column, the first run counts zeros.

    That is COCO's order, so an export needs no second pass over the pixels; a mask of a 4K frame takes a few
    kilobytes.
    """

    height: int
    width: int
    runs: bytes

    @classmethod
    def from_array(cls, array: npt.ArrayLike) -> Mask:
        """Encode a (H, W) array; everything non-zero is foreground."""
        pixels = np.asarray(array)
        if pixels.ndim != 2:
            raise BadPrompt(f"A mask has two axes (height, width), got shape {pixels.shape}.")
        height, width = pixels.shape
        flat = np.ascontiguousarray(pixels.T != 0).reshape(-1)
        edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        starts_filled = flat.size > 0 and bool(flat[0])
        bounds = np.concatenate([[0, 0] if starts_filled else [0], edges, [flat.size]])
        return cls(height, width, np.diff(bounds).astype("<u4").tobytes())

    @classmethod
    def from_coco(cls, rle: dict[str, Any]) -> Mask:
        """Decode a COCO run-length object, compressed (`counts` a string) or not (`counts` a list)."""
        try:
            height, width = (int(side) for side in rle["size"])
            counts = rle["counts"]
            runs = np.array(counts, dtype=np.int64) if isinstance(counts, list) else _decompress(counts)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadPrompt('A COCO mask needs "size": [height, width] and "counts".') from error
        pixels = height * width
        # Each run is bounded first, so that the sum cannot overflow.
        if runs.ndim != 1 or min(height, width) < 1 or ((runs < 0) | (runs > pixels)).any() or runs.sum() != pixels:
            raise BadPrompt(f"The mask's runs do not fill {height} x {width} pixels.")
        return cls(height, width, runs.astype("<u4").tobytes())

    def to_array(self) -> BoolArray:
        """The mask as a (H, W) array of booleans."""
        runs = np.frombuffer(self.runs, dtype="<u4")
        values = np.arange(runs.size) % 2 == 1
        return np.ascontiguousarray(np.repeat(values, runs).reshape(self.width, self.height).T)

    def to_coco(self) -> dict[str, Any]:
        """COCO's compressed form: {"size": [height, width], "counts": str}."""
        return {"size": [self.height, self.width], "counts": _compress(np.frombuffer(self.runs, dtype="<u4"))}

    @property
    def area(self) -> int:
        """Number of foreground pixels."""
        return int(np.frombuffer(self.runs, dtype="<u4")[1::2].sum(dtype=np.int64))


_MOST_DIGITS = 7  # of five bits each: more than any run of a real mask needs


def _compress(runs: npt.NDArray[np.uint32]) -> str:
    """COCO's text form: from the fourth run on, each is stored as its difference to the one two places before, in
    digits of five bits, the lowest first; a sixth bit says that more digits follow."""
    values = runs.astype(np.int64)
    values[3:] -= runs[1:-2]
    places = np.arange(_MOST_DIGITS)
    reach = 1 << (5 * places + 4)  # what the digits up to each place can hold, with a sign
    lengths = ((values[:, None] >= reach) | (values[:, None] < -reach)).sum(axis=1) + 1
    more = places < lengths[:, None] - 1
    digits = ((values[:, None] >> (5 * places)) & 31) | (more << 5)
    return (digits[places < lengths[:, None]] + 48).astype(np.uint8).tobytes().decode("ascii")


def _decompress(text: str | bytes) -> npt.NDArray[np.int64]:
    """The inverse of `_compress`; raises `ValueError` for a text that is none of its results."""
    digits = np.frombuffer(text.encode("ascii") if isinstance(text, str) else text, np.uint8).astype(np.int64) - 48
    is_last = (digits & 32) == 0
    if not digits.size or not is_last[-1] or ((digits < 0) | (digits > 63)).any():
        raise ValueError("not a run-length text")
    starts = np.flatnonzero(np.concatenate([[True], is_last[:-1]]))
    lengths = np.diff(np.append(starts, digits.size))
    if lengths.max() > _MOST_DIGITS:
        raise ValueError("a run is too long")
    places = np.arange(digits.size) - np.repeat(starts, lengths)
    values = np.add.reduceat((digits & 31) << (5 * places), starts)
    is_negative = (digits[is_last] & 16) != 0
    values[is_negative] -= 1 << (5 * lengths[is_negative])
    values[1::2], values[2::2] = values[1::2].cumsum(), values[2::2].cumsum()
    return values


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that was said for one object on one frame. An empty prompt takes back what was said there.

    The object is what the boxes and the mask hold together, and the points refine that. A mask alone (painted,
    imported, or an earlier result) is taken as it is. `choice` is the picked candidate (0, 1 or 2) of an ambiguous
    first click; None lets the network choose. Inside `crop` the frame is looked at a second time, enlarged to the
    network's full input ("refine here"); with nothing but a crop that is done to the mask that tracking found.
    """

    points: tuple[Point, ...] = ()
    boxes: tuple[Box, ...] = ()
    mask: Mask | None = None
    choice: int | None = None
    crop: Box | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing is said."""
        return not self.points and not self.boxes and self.mask is None and self.crop is None

    def to_json(self) -> dict[str, Any]:
        """Plain data: points as [x, y, 1 or 0], boxes and crop as four numbers each, the mask as COCO run lengths."""
        said: dict[str, Any] = {}
        if self.points:
            said["points"] = [[point.x, point.y, int(point.positive)] for point in self.points]
        if self.boxes:
            said["boxes"] = [[box.left, box.top, box.right, box.bottom] for box in self.boxes]
        if self.mask is not None:
            said["mask"] = self.mask.to_coco()
        if self.choice is not None:
            said["choice"] = self.choice
        if self.crop is not None:
            said["crop"] = [self.crop.left, self.crop.top, self.crop.right, self.crop.bottom]
        return said

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Prompt:
        """Read what `to_json` wrote (earlier versions wrote one "box"); raises `BadPrompt` on anything else."""
        try:
            points = tuple(Point(float(x), float(y), bool(positive)) for x, y, positive in said.get("points", ()))
            corners = said.get("boxes", ()) if said.get("box") is None else (said["box"],)
            boxes = tuple(Box(*(float(value) for value in four)) for four in corners)
            choice = said.get("choice")
            mask = None if said.get("mask") is None else Mask.from_coco(said["mask"])
            crop = None if said.get("crop") is None else Box(*(float(value) for value in said["crop"]))
            return cls(points, boxes, mask, None if choice is None else int(choice), crop)
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise BadPrompt(f"This prompt cannot be read: {error}.") from error


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reading of an ambiguous prompt: a mask and its predicted IoU."""

    mask: Mask
    predicted_iou: float


@dataclass(frozen=True, slots=True)
class ObjectMask:
    """One object's mask on one frame.

    `predicted_iou` is in 0..1, `object_score` a logit (above 0: the object is in the frame).
    A mask is `stale` where tracking found it before something was said nearby, and `fresh` in the result of the very
    call of tracking that found it.
    """

    object_id: int
    mask: Mask
    predicted_iou: float
    object_score: float
    candidates: tuple[Candidate, ...] = ()
    stale: bool = False
    fresh: bool = False

    @property
    def is_present(self) -> bool:
        """Whether there is anything of the object in the frame."""
        return self.object_score > 0 and self.mask.area > 0


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """Frames that are to be tracked for these objects, in the order of the range."""

    frames: range
    objects: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FrameMasks:
    """The masks of one frame, as of one revision of what was said."""

    frame: int
    revision: int
    objects: tuple[ObjectMask, ...]


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a session works on. `fps` is 0 for a still image."""

    id: str
    frames: int
    height: int
    width: int
    fps: float


@dataclass(frozen=True, slots=True)
class Load:
    """How busy an engine is, for one of its sessions.

    `waiting` is the number of other sessions that come before this one's next call, `seconds` about how long it takes
    until that is done (0: nothing waits, or nothing is known yet). `memory` is the share of the device's memory that is
    in use, None where that cannot be told.
    """

    device: str
    memory: float | None
    waiting: int
    seconds: float


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """EditLog entry: `prompt` is all that holds for this object on this frame from now on."""

    frame: int
    object_id: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class RemoveEntry:
    """EditLog entry: the object was removed."""

    object_id: int


@dataclass(frozen=True, slots=True)
class TrackEntry:
    """EditLog entry: the frames of range(start, stop, step) were tracked, for these objects (none named: for all)."""

    start: int
    stop: int
    step: int
    objects: tuple[int, ...] = ()


Entry: TypeAlias = PromptEntry | RemoveEntry | TrackEntry


@dataclass(frozen=True, slots=True)
class EditLog:
    """What a user wants: the medium and everything that was said about it, in order. All else can be replayed.

    A journal only grows; undo drops the tail, redo puts it back.
    """

    media: str
    entries: tuple[Entry, ...] = field(default=())

    def to_json(self) -> str:
        """The journal as JSON text."""
        return json.dumps({"media": self.media, "entries": [_entry_to_json(entry) for entry in self.entries]})

    @classmethod
    def from_json(cls, text: str) -> EditLog:
        """Read what `to_json` wrote; raises `BadPrompt` on anything else."""
        try:
            plain = json.loads(text)
            return cls(str(plain["media"]), tuple(_entry_from_json(entry) for entry in plain["entries"]))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise BadPrompt(f"This journal cannot be read: {error}.") from error


def _entry_to_json(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, PromptEntry):
        return {"frame": entry.frame, "object": entry.object_id, "prompt": entry.prompt.to_json()}
    if isinstance(entry, RemoveEntry):
        return {"forget": entry.object_id}
    plain = {"track": [entry.start, entry.stop, entry.step]}
    return plain | {"objects": list(entry.objects)} if entry.objects else plain


def _entry_from_json(plain: dict[str, Any]) -> Entry:
    if "prompt" in plain:
        return PromptEntry(int(plain["frame"]), int(plain["object"]), Prompt.from_json(plain["prompt"]))
    if "forget" in plain:
        return RemoveEntry(int(plain["forget"]))
    start, stop, step = (int(value) for value in plain["track"])
    if step not in (1, -1):
        raise ValueError("tracking steps by one frame, forwards or backwards")
    return TrackEntry(start, stop, step, tuple(int(object_id) for object_id in plain.get("objects", ())))
