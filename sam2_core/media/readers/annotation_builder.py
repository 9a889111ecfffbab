"""What was found in a file of annotations, and what of it could not be used."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.media.info import MediaInfo
from sam2_core.media.masked_media import MAX_NAME_LENGTH
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.media.readers.association import associate
from sam2_core.media.readers.json_values import parse_json
from sam2_core.types import Box, Mask

MOST_FOUND = 50_000
MOST_UNTOLD = 500  # objects on one frame that have no number
MOST_PIXELS = 8_000_000_000  # looked at or drawn, for all of a file: about a minute
MOST_RUN_BYTES = 400_000_000
MOST_NAMES = 3  # of what was left out
MOST_LEFT_OUT = 300_000
MOST_REASONS = 20  # told apart
MOST_ROOM = 1_500_000_000  # bytes that plain data from JSON take in memory, about
_ROOM_OF = {b"{": 230, b"[": 90, b",": 40}  # bytes for each of these: what is small in a file takes many times as much
_ANYTHING_ELSE = "Something else is wrong with them."
NO_LABEL = "object"  # what our own files call the class of an object that has none
NOTHING_TOLD = (
    "The file does not say which objects are the same on several frames. They were matched by where they lie."
)
EMPTY = "They cover no pixel of the picture."


@dataclass(frozen=True, slots=True)
class ImportedMask:
    """One object on one frame: a mask of the frame's size, or (where the file has no outline) a box within the frame.

    `track` tells the objects of a file apart, from 1 on; `name` and `label` are "" where the file has none.
    """

    frame: int
    track: int
    name: str
    label: str
    mask: Mask | None
    box: Box | None


@dataclass(frozen=True, slots=True)
class SkippedItem:
    """So many things that could not be used, why, and what the first of them are called."""

    count: int
    reason: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportedAnnotations:
    """All that a file says about a medium. `notes` are sentences about how it was understood."""

    masks: tuple[ImportedMask, ...]
    skipped: tuple[SkippedItem, ...]
    notes: tuple[str, ...] = ()


class ImportTooLarge(MediaError):
    """The whole file is refused, not only a part of it."""


@dataclass
class _Reason:
    count: int = 0
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Shape:
    frame: int
    name: str
    label: str
    shape: Mask | Box


class AnnotationBuilder:
    """Takes what a reader finds, one thing after the other, and keeps it within bounds."""

    def __init__(self, info: MediaInfo, progress: MediaProgress | None = None) -> None:
        self.info = info
        self.notes: list[str] = []
        self._report = ProgressReporter(progress)
        self._told: dict[tuple[int, Hashable], _Shape] = {}
        self._untold: list[_Shape] = []  # the file does not say what object it is
        self._crowds: Counter[int] = Counter()  # frame -> how many of them
        self._reasons: dict[str, _Reason] = {}
        self._pixels = self._run_bytes = self._room = self._count_left_out = 0

    def progress(self, done: int, total: int) -> None:
        """How far the reader is; raises what the caller's `progress` raises."""
        self._report(done / max(1, total), "Reading the annotations")

    def spend(self, pixels: int) -> None:
        """Count pixels that are about to be looked at; raises `TooMuch` where there are too many in all."""
        self._pixels += pixels
        if self._pixels > MOST_PIXELS:
            raise ImportTooLarge(
                "There are more masks in this file than can be read at once. Import fewer frames or objects."
            )

    def parse(self, data: bytes) -> Any:
        """JSON from a file's bytes; raises `MediaError` as `parse_json` does, and `TooMuch` before memory runs out."""
        self._room += len(data) + sum(data.count(mark) * room for mark, room in _ROOM_OF.items())
        if self._room > MOST_ROOM:
            raise ImportTooLarge("There is more in this file than can be read at once. Import fewer frames or objects.")
        return parse_json(data)

    @contextmanager
    def item(self, name: str) -> Iterator[None]:
        """Whatever is wrong with this one thing is noted, and the others go on."""
        try:
            yield
        except ImportTooLarge:
            raise
        except (BadPrompt, MediaError) as error:
            self.leave_out(str(error), name)

    def leave_out(self, reason: str, name: str = "") -> None:
        """Note something that cannot be used; `reason` is a sentence about it and others like it."""
        self._count_left_out += 1
        if self._count_left_out > MOST_LEFT_OUT:
            raise ImportTooLarge(f"Most of this file cannot be used here. {reason}")
        if reason not in self._reasons and len(self._reasons) >= MOST_REASONS:
            reason = _ANYTHING_ELSE
        kept = self._reasons.setdefault(reason, _Reason())
        kept.count += 1
        name = one_line(name)
        if name and len(kept.names) < MOST_NAMES and name not in kept.names:
            kept.names.append(name)

    def put(self, frame: int, key: Hashable, shape: Mask | Box, name: str = "", label: str = "") -> None:
        """Take a mask, or a box, of an object on a frame of the medium.

        `key` tells the objects apart and is None where the file does not. Masks of one object on one frame are joined.
        Raises `MediaError` for what has another size than the frame or nothing in it.
        """
        label = "" if label == NO_LABEL else one_line(label)
        made = _Shape(frame, one_line(name), label, self._checked(frame, shape))
        if len(self._told) + len(self._untold) >= MOST_FOUND:
            raise ImportTooLarge(f"There are more than {MOST_FOUND} masks or boxes in this file. Import fewer frames.")
        if key is None:
            self._crowds[frame] += 1
            if self._crowds[frame] > MOST_UNTOLD:
                raise MediaError(f"More than {MOST_UNTOLD} objects are on one frame. Only the first ones are used.")
            self._untold.append(made)
        elif (frame, key) in self._told:
            self._told[frame, key] = self._joined(self._told[frame, key], made)
        else:
            self._told[frame, key] = made

    def finish(self) -> ImportedAnnotations:
        """All of it, by frame; raises `MediaError` where nothing was found."""
        left_out = tuple(
            SkippedItem(about.count, reason, tuple(about.names)) for reason, about in self._reasons.items()
        )
        if not self._told and not self._untold:
            why = left_out[0].reason if left_out else "It holds no masks and no boxes."
            raise MediaError(f"Nothing in this file can be used. {why}")
        by_key = {**self._told, **self._linked()}
        tracks = {key: number for number, key in enumerate(dict.fromkeys(key for _, key in by_key), start=1)}
        found = [_found(tracks[key], made) for (_, key), made in by_key.items()]
        return ImportedAnnotations(
            tuple(sorted(found, key=lambda each: (each.frame, each.track))), left_out, tuple(self.notes)
        )

    def _linked(self) -> dict[tuple[int, Hashable], _Shape]:
        """The shapes of untold objects, with keys of our own."""
        keys = associate([(each.frame, each.label, each.shape) for each in self._untold], self.info.kind)
        if self.info.kind == "clip" and len({each.frame for each in self._untold}) > 1:
            self.notes.append(NOTHING_TOLD)
        return {(each.frame, ("untold", key)): each for key, each in zip(keys, self._untold, strict=True)}

    def _checked(self, frame: int, shape: Mask | Box) -> Mask | Box:
        height, width = self.info.size_of(frame)
        if isinstance(shape, Box):
            return _within(shape, height, width)
        check_size((shape.height, shape.width), (height, width))
        self._run_bytes += len(shape.runs)
        if self._run_bytes > MOST_RUN_BYTES:
            raise ImportTooLarge("The masks in this file are too intricate to be read at once. Import fewer frames.")
        if not shape.area:
            raise MediaError(EMPTY)
        return shape

    def _joined(self, one: _Shape, other: _Shape) -> _Shape:
        if isinstance(one.shape, Box) or isinstance(other.shape, Box):
            if isinstance(one.shape, Mask) == isinstance(other.shape, Mask):
                raise MediaError("An object has several boxes on one frame. Only the first one is used.")
            return one if isinstance(one.shape, Mask) else other
        self.spend(2 * one.shape.height * one.shape.width)
        both = Mask.from_array(one.shape.to_array() | other.shape.to_array())
        return _Shape(one.frame, one.name, one.label, both)


def check_size(size: tuple[int, int], due: tuple[int, int]) -> None:
    """Raises `MediaError` where a height and a width are not those of the frame."""
    if size != due:
        raise MediaError(
            f"They are {size[1]} × {size[0]} pixels, the picture is {due[1]} × {due[0]}. "
            "Export them at the size of the picture."
        )


def one_line(text: str) -> str:
    """A user's words as they are kept: one line, not too long, nothing that cannot be printed."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text[: 10 * MAX_NAME_LENGTH])
    return " ".join(plain.split())[:MAX_NAME_LENGTH]


def _found(track: int, made: _Shape) -> ImportedMask:
    mask, box = (made.shape, None) if isinstance(made.shape, Mask) else (None, made.shape)
    return ImportedMask(made.frame, track, made.name, made.label, mask, box)


def _within(box: Box, height: int, width: int) -> Box:
    """The part of the box that lies within the picture."""
    if not all(map(math.isfinite, (box.left, box.top, box.right, box.bottom))):
        raise MediaError("Their boxes are no numbers.")
    cut = Box(max(0.0, box.left), max(0.0, box.top), min(float(width), box.right), min(float(height), box.bottom))
    if cut.left >= cut.right or cut.top >= cut.bottom:
        raise MediaError(EMPTY)
    return cut
