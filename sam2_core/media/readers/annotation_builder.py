"""Collects the masks and boxes of an annotation file, and the reasons for items that cannot be used."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.media.info import MediaInfo
from sam2_core.media.masked_media import MAX_NAME_LENGTH
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.media.readers.association import associate
from sam2_core.media.readers.document_merging import Item, Source, merge_documents
from sam2_core.media.readers.frame_matching import GUESSES, NameMatch, Names, match_frames
from sam2_core.media.readers.json_values import parse_json
from sam2_core.media.readers.size_fitting import Fit, Size, find_fit
from sam2_core.media.readers.text_encoding import decode_text, detect_encoding, title_of
from sam2_core.media.readers.xml_values import declared_encoding, parse_xml
from sam2_core.types import Box, Mask

MAX_MASKS = 50_000
MAX_UNTRACKED = 500  # objects without an id on one frame
MAX_PIXELS = 8_000_000_000  # processed for one file: about a minute
MAX_RUN_BYTES = 400_000_000
MAX_SKIPPED = 300_000
MAX_REASONS = 20  # that are listed separately
MAX_EXAMPLES = 3  # names that are listed for each reason
MAX_SIZE_NOTES = 3  # sizes that are listed separately
MAX_LINES = 200_000  # of tables and lists of objects as text
MAX_JSON_MEMORY = 1_500_000_000  # bytes, estimated
_MEMORY_PER_MARK = {"{": 230, "[": 90, ",": 40}  # bytes: parsed JSON takes many times its length
_MEMORY_PER_XML_MARK = {"<": 200, "=": 150}
_OTHER_REASONS = "Something else is wrong with them."
NO_LABEL = "object"  # the class of unlabeled objects in our own files
NO_TRACKS = "The file does not say which objects are the same on several frames. They were matched by where they lie."
EMPTY = "They cover no pixel of the picture."


@dataclass(frozen=True, slots=True)
class ImportedMask:
    """One object on one frame: a mask of the frame's size or, if the file has no outline, a box within the frame.

    `track` numbers the objects of a file from 1 on; `name` and `label` are "" if the file has none.
    """

    frame: int
    track: int
    name: str
    label: str
    mask: Mask | None
    box: Box | None


@dataclass(frozen=True, slots=True)
class SkippedItem:
    """A number of items that were skipped for one reason, and the names of the first ones."""

    count: int
    reason: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportedAnnotations:
    """All annotations of a file for a medium.

    `notes` are sentences about their interpretation; `matches` are the names in the file that stand for frames.
    """

    masks: tuple[ImportedMask, ...]
    skipped: tuple[SkippedItem, ...]
    notes: tuple[str, ...] = ()
    matches: tuple[NameMatch, ...] = ()


class NamesDiffer(MediaError):
    """No name fits, but there are as many names as frames: users may know that their order does."""


class ImportTooLarge(MediaError):
    """The whole file is rejected, not only an item."""


@dataclass
class _Reason:
    count: int = 0
    names: list[str] = field(default_factory=list)


class AnnotationBuilder:
    """Collects the items of a reader within the limits of this module."""

    def __init__(self, info: MediaInfo, progress: MediaProgress | None = None, by_order: bool = False) -> None:
        self.info = info
        self._by_order = by_order
        self._order_may_fit = False
        self._matches: dict[tuple[str, int], NameMatch] = {}
        self.notes: list[str] = []
        self._report = ProgressReporter(progress)
        self._source = Source()
        self._tracked: dict[tuple[Source, int, Hashable], Item] = {}
        self._untracked: list[Item] = []
        self._untracked_on: Counter[int] = Counter()  # by frame
        self._counts: Counter[str] = Counter()  # by note
        self._fits: dict[Fit, None] = {}
        self._reasons: dict[str, _Reason] = {}
        self._pixels = self._run_bytes = self._json_memory = self._skipped = 0

    def match_frames(
        self, names: Sequence[Names], indices: Sequence[int | None] | None = None, binding: bool = True
    ) -> list[int | None]:
        """The frame of each name in the file, None if there is none; see `frame_matching.match_frames`."""
        matches, note = match_frames(names, self.info, indices, binding, self._by_order)
        self._order_may_fit = not any(matches) and len({*map(str, names)}) == self.info.frames
        self._matches |= {(each.name, each.frame): each for each in matches if each is not None}
        if note and note not in self.notes:
            self.notes.append(note)
        return [None if each is None else each.frame for each in matches]

    def progress(self, done: int, total: int) -> None:
        """Report progress; raises what the callback raises."""
        self._report(done / max(1, total), "Reading the annotations")

    def spend(self, pixels: int) -> None:
        """Account for pixels about to be processed; raises `ImportTooLarge` beyond the limit."""
        self._pixels += pixels
        if self._pixels > MAX_PIXELS:
            raise ImportTooLarge(
                "There are more masks in this file than can be read at once. Import fewer frames or objects."
            )

    def decode(self, data: bytes) -> str:
        """The text of a file; see `text_encoding`. A guess is noted."""
        encoding = detect_encoding(data)
        if title := title_of(encoding):
            self.note(f"Files whose text is not in UTF-8 and was read as {title}")
        return decode_text(data, encoding)

    def parse(self, data: bytes | str) -> Any:
        """Parse JSON; raises `MediaError` as `parse_json` does, and `ImportTooLarge` if it is too large for memory."""
        text = data if isinstance(data, str) else self.decode(data)
        self._spend_memory(len(text) + sum(text.count(mark) * size for mark, size in _MEMORY_PER_MARK.items()))
        return parse_json(text)

    def parse_xml(self, data: bytes) -> Element:
        """Parse XML; raises `MediaError` as `xml_values.parse_xml` does, and `ImportTooLarge`."""
        declared = declared_encoding(data)
        text = decode_text(data, declared) if declared else self.decode(data)
        self._spend_memory(len(text) + sum(text.count(mark) * size for mark, size in _MEMORY_PER_XML_MARK.items()))
        return parse_xml(text)

    def check_lines(self, text: str) -> None:
        """Raise `ImportTooLarge` for a table or list with too many lines, each of which is an object."""
        if text.count("\n") > MAX_LINES:
            raise ImportTooLarge(f"There are more than {MAX_LINES} lines in this file. Import fewer frames.")

    def _spend_memory(self, size: int) -> None:
        """Account for the memory of parsed data, estimated from the marks of its syntax."""
        self._json_memory += size
        if self._json_memory > MAX_JSON_MEMORY:
            raise ImportTooLarge("There is more in this file than can be read at once. Import fewer frames or objects.")

    @contextmanager
    def format(self, title: str) -> Iterator[None]:
        """What is added in this block is of one format; skip the documents of this format if it raises `MediaError`."""
        self._source = Source(title)
        with self.item(""):
            yield
        self._source = Source()

    @contextmanager
    def document(self, name: str) -> Iterator[None]:
        """What is added in this block is of one document; skip it if the block raises `MediaError`."""
        self._source = replace(self._source, document=name)
        with self.item(name):
            yield

    def note(self, text: str, count: int = 1) -> None:
        """Count what was interpreted in some way; `text` says how, without a period."""
        self._counts[text] += count

    @contextmanager
    def item(self, name: str) -> Iterator[None]:
        """Skip this item if the block raises `MediaError` or `BadPrompt`."""
        try:
            yield
        except ImportTooLarge:
            raise
        except (BadPrompt, MediaError) as error:
            self.skip(str(error), name)

    def skip(self, reason: str, name: str = "") -> None:
        """Record an item that cannot be used; `reason` is a sentence about it and others like it."""
        self._skipped += 1
        if self._skipped > MAX_SKIPPED:
            raise ImportTooLarge(f"Most of this file cannot be used here. {reason}")
        if reason not in self._reasons and len(self._reasons) >= MAX_REASONS:
            reason = _OTHER_REASONS
        entry = self._reasons.setdefault(reason, _Reason())
        entry.count += 1
        name = clean_text(name)
        if name and len(entry.names) < MAX_EXAMPLES and name not in entry.names:
            entry.names.append(name)

    def fit(self, frame: int, size: Size) -> Fit:
        """How masks and coordinates of a size are brought to that of a frame; the notes say so.

        Raises `MediaError` for a size of another aspect.
        """
        fit = find_fit(size, self.info.size_of(frame), self.info.orientation_of(frame))
        if not fit.is_identity:
            self.spend(size[0] * size[1])
            self._fits[fit] = None
        return fit

    def add(self, frame: int, key: Hashable, shape: Mask | Box, name: str = "", label: str = "") -> None:
        """Add a mask or box of an object on a frame of the medium.

        `key` identifies the object, None if the file does not. Masks of one object on one frame are merged. A mask of
        another size is fitted, a box must be in pixels of the frame.
        Raises `MediaError` for a mask of another aspect than the frame and for a shape without any pixel in it.
        """
        label = "" if label == NO_LABEL else clean_text(label)
        item = Item(self._source, frame, key, clean_text(name), label, self._check(frame, shape))
        if len(self._tracked) + len(self._untracked) >= MAX_MASKS:
            raise ImportTooLarge(f"There are more than {MAX_MASKS} masks or boxes in this file. Import fewer frames.")
        place = (self._source, frame, key)
        if key is None:
            self._untracked_on[frame] += 1
            if self._untracked_on[frame] > MAX_UNTRACKED:
                raise MediaError(f"More than {MAX_UNTRACKED} objects are on one frame. Only the first ones are used.")
            self._untracked.append(item)
        elif place in self._tracked:
            self._tracked[place] = self._merge(self._tracked[place], item)
        else:
            self._tracked[place] = item

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was added and nothing skipped so far."""
        return not self._tracked and not self._untracked and not self._reasons

    def build(self) -> ImportedAnnotations:
        """All annotations, by frame; raises `MediaError` if there are none, `NamesDiffer` if that is due to names."""
        skipped = tuple(SkippedItem(entry.count, reason, tuple(entry.names)) for reason, entry in self._reasons.items())
        if not self._tracked and not self._untracked:
            why = _describe(skipped[0]) if skipped else "It holds no masks and no boxes."
            kind_of_error = NamesDiffer if self._order_may_fit else MediaError
            raise kind_of_error(" ".join(["Nothing in this file can be used.", why, *self.notes[:1]]))
        items = self._associate(merge_documents([*self._tracked.values(), *self._untracked], self.note))
        tracks = {key: number for number, key in enumerate(dict.fromkeys(item.key for item in items), start=1)}
        masks = [_imported(tracks[item.key], item) for item in items]
        masks.sort(key=lambda each: (each.frame, each.track))
        frames = {each.frame for each in masks}
        matches = tuple(each for each in self._matches.values() if each.frame in frames)
        guesses = {GUESSES[each.rule]: None for each in matches if each.rule in GUESSES}
        counted = [f"{text}: {count}." for text, count in self._counts.items()]
        notes = (*self.notes, *counted, *_notes_on([*self._fits]), *guesses)
        return ImportedAnnotations(tuple(masks), skipped, notes, matches)

    def _associate(self, items: Sequence[Item]) -> list[Item]:
        """The items, those without a key with generated ones."""
        tracked, untracked = ([each for each in items if (each.key is None) == lacks] for lacks in (False, True))
        keys = associate([(each.frame, each.label, each.shape) for each in untracked], self.info.kind)
        if self.info.kind == "clip" and len({each.frame for each in untracked}) > 1:
            self.notes.append(NO_TRACKS)
        return tracked + [replace(each, key=("untracked", key)) for key, each in zip(keys, untracked, strict=True)]

    def _check(self, frame: int, shape: Mask | Box) -> Mask | Box:
        height, width = self.info.size_of(frame)
        if isinstance(shape, Box):
            return _clip_box(shape, height, width)
        shape = self.fit(frame, (shape.height, shape.width)).mask(shape)
        self._run_bytes += len(shape.runs)
        if self._run_bytes > MAX_RUN_BYTES:
            raise ImportTooLarge("The masks in this file are too intricate to be read at once. Import fewer frames.")
        if not shape.area:
            raise MediaError(EMPTY)
        return shape

    def _merge(self, one: Item, other: Item) -> Item:
        if isinstance(one.shape, Box) or isinstance(other.shape, Box):
            if isinstance(one.shape, Mask) == isinstance(other.shape, Mask):
                raise MediaError("An object has several boxes on one frame. Only the first one is used.")
            return one if isinstance(one.shape, Mask) else other
        self.spend(2 * one.shape.height * one.shape.width)
        union = Mask.from_array(one.shape.to_array() | other.shape.to_array())
        return replace(one, shape=union)


def _describe(skipped: SkippedItem) -> str:
    return f"{skipped.reason} ({', '.join(skipped.names)})" if skipped.names else skipped.reason


def _notes_on(fits: Sequence[Fit]) -> list[str]:
    """What was done to masks of other sizes."""
    notes = [fit.note for fit in fits[:MAX_SIZE_NOTES]]
    return [*notes, "More masks of other sizes were scaled to their pictures."] if len(fits) > MAX_SIZE_NOTES else notes


def clean_text(text: str) -> str:
    """A name or label on one line, of limited length, and printable."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text[: 10 * MAX_NAME_LENGTH])
    return " ".join(plain.split())[:MAX_NAME_LENGTH]


def _imported(track: int, item: Item) -> ImportedMask:
    mask, box = (item.shape, None) if isinstance(item.shape, Mask) else (None, item.shape)
    return ImportedMask(item.frame, track, item.name, item.label, mask, box)


def _clip_box(box: Box, height: int, width: int) -> Box:
    """The part of the box within the frame."""
    if not all(map(math.isfinite, (box.left, box.top, box.right, box.bottom))):
        raise MediaError("Their boxes are no numbers.")
    clipped = Box(max(0.0, box.left), max(0.0, box.top), min(float(width), box.right), min(float(height), box.bottom))
    if clipped.left >= clipped.right or clipped.top >= clipped.bottom:
        raise MediaError(EMPTY)
    return clipped
