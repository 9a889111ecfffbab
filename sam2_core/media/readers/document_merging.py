"""Merges the objects of several documents: nothing is taken twice, and ids of one document are not those of another.

A frame that is described in several formats is taken from one of them. Of several documents of the same format all
objects are taken, equal ones once. An id means the same object in two documents if its label is the same and the
documents are about different frames, as the parts of one task are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

from sam2_core.media.draw import crop
from sam2_core.types import Box, Mask

Note: TypeAlias = Callable[[str, int], None]
"""Called with a sentence without a period, and the number of things that it is about."""

OTHER_FORMAT = "Frames that are described in several formats and taken from {}, not from {}"
DUPLICATES = "Objects that are in several of the files and were taken once"
SAME_IDS = "Objects that have the same id and label in several of the files and were taken as the same"
_SAME_EDGES = 2.0  # pixels by which the edges of a box may differ from those of the mask of the same object
_CELL = 2 * _SAME_EDGES  # pixels
_MAX_GROUPS = 100  # of documents that have the same id for different objects


@dataclass(frozen=True, slots=True)
class Source:
    """Where an object was read. `document` is "" for a format that is read as a whole."""

    format: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """An object on a frame; `key` identifies it on other frames of the source, None if the file does not say."""

    source: Source
    frame: int
    key: Hashable
    name: str
    label: str
    shape: Mask | Box


def merge_documents(items: Sequence[Item], note: Note) -> list[Item]:
    """The items of all documents; the keys of the result are valid across documents."""
    if len({item.source for item in items}) < 2:
        return [*items]
    return _join_keys(_without_duplicates(_of_one_format(items, note), note), note)


def _of_one_format(items: Sequence[Item], note: Note) -> list[Item]:
    """The items of one format for each frame: of the first that has masks there, else of the first."""
    formats: dict[int, dict[str, bool]] = defaultdict(dict)  # by frame and format: whether there are masks
    for item in items:
        found = formats[item.frame]
        found[item.source.format] = found.get(item.source.format, False) or isinstance(item.shape, Mask)
    chosen: dict[int, str] = {}
    for frame, found in formats.items():
        chosen[frame] = next((title for title, has_masks in found.items() if has_masks), next(iter(found)))
        others = sorted(found.keys() - {chosen[frame]})
        if others:
            note(OTHER_FORMAT.format(chosen[frame], ", ".join(others)), 1)
    return [item for item in items if item.source.format == chosen[item.frame]]


def _without_duplicates(items: Sequence[Item], note: Note) -> list[Item]:
    """Each object once that two documents have on a frame; with a mask or an id, if one of them has it."""
    shapes: dict[tuple[int, Mask | Box], _Labels] = defaultdict(_Labels)
    mask_boxes: dict[tuple[int, tuple[int, ...]], _Labels] = defaultdict(_Labels)
    has_boxes = any(isinstance(item.shape, Box) for item in items)
    kept = set[int]()
    order = sorted(range(len(items)), key=lambda place: (isinstance(items[place].shape, Box), items[place].key is None))
    for place in order:
        item = items[place]
        if shapes[item.frame, item.shape].has_of_another_source(item):
            continue
        if isinstance(item.shape, Box) and any(
            mask_boxes[item.frame, cell].has_of_another_source(item)
            for cell in product(*(_cells(edge) for edge in _edges(item.shape)))
            if (item.frame, cell) in mask_boxes
        ):
            continue
        kept.add(place)
        shapes[item.frame, item.shape].add(item)
        if has_boxes and isinstance(item.shape, Mask):
            mask_boxes[item.frame, tuple(int(edge // _CELL) for edge in _edges(item.shape))].add(item)
    if len(kept) < len(items):
        note(DUPLICATES, len(items) - len(kept))
    return [item for place, item in enumerate(items) if place in kept]


class _Labels:
    """The first item of each label, among items of the same shape."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def add(self, item: Item) -> None:
        self.items.setdefault(item.label, item)

    def has_of_another_source(self, item: Item) -> bool:
        """Whether there is an item that may be the same object, in another document."""
        first = next(iter(self.items.values()), None)
        others = (self.items.get(item.label), self.items.get(""), None if item.label else first)
        return any(other is not None and other.source != item.source for other in others)


def _join_keys(items: Sequence[Item], note: Note) -> list[Item]:
    """The items with keys that are the same in two documents only for the same object."""
    documents: dict[tuple[str, Hashable], dict[Source, list[Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        if item.key is not None:
            documents[item.source.format, item.key][item.source].append(item)
    keys: dict[tuple[Source, Hashable], Hashable] = {}
    joined = 0
    for (title, key), by_source in documents.items():
        groups: list[_Group] = []
        for source, found in by_source.items():
            group = next((each for each in groups[:_MAX_GROUPS] if each.takes(found)), None)
            if group is None:
                group = _Group(len(groups))
                groups.append(group)
            group.add(found)
            keys[source, key] = (title, key, group.number)
        joined += sum(group.documents > 1 and len(group.frames) > group.documents for group in groups)
    if joined:
        note(SAME_IDS, joined)
    return [item if item.key is None else replace(item, key=keys[item.source, item.key]) for item in items]


class _Group:
    """Items of several documents that are one object."""

    def __init__(self, number: int) -> None:
        self.number, self.documents = number, 0
        self.frames: set[int] = set()
        self.label = self.name = ""

    def takes(self, items: Iterable[Item]) -> bool:
        return all(
            item.frame not in self.frames and _fit(item.label, self.label) and _fit(item.name, self.name)
            for item in items
        )

    def add(self, items: Iterable[Item]) -> None:
        self.documents += 1
        for item in items:
            self.frames.add(item.frame)
            self.label, self.name = self.label or item.label, self.name or item.name


def _fit(one: str, other: str) -> bool:
    return one == other or not one or not other


def _cells(edge: float) -> set[int]:
    """The cells in which an edge of the same object may lie."""
    return {int((edge - _SAME_EDGES) // _CELL), int((edge + _SAME_EDGES) // _CELL)}


def _edges(shape: Mask | Box) -> tuple[float, float, float, float]:
    if isinstance(shape, Box):
        return shape.left, shape.top, shape.right, shape.bottom
    _, (left, top, width, height) = crop(shape)
    return left, top, left + width, top + height
