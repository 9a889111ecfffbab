"""Associates the objects of several frames, for files without tracks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sam2_core.media.draw import crop
from sam2_core.types import Box, Mask

UntrackedShape: TypeAlias = tuple[int, str, Mask | Box]
"""Frame, label and shape of an object without an id."""
_Boxes: TypeAlias = npt.NDArray[np.float64]
"""(N, 4): left, top, right, bottom."""

MIN_OVERLAP = 0.1  # intersection over union of two boxes of the same object
MAX_GAP = 5  # annotated frames on which an object may be missing


def associate(shapes: Sequence[UntrackedShape], kind: str) -> list[Hashable]:
    """A key for each shape; shapes of the same object get the same one.

    In an image all are different. In an album the first "cat" of each image is one object, the second another one. In a
    clip an object continues where one of the same label was before.
    """
    if kind == "clip":
        return _associate_by_overlap(shapes)
    counts: dict[tuple[int, str], int] = defaultdict(int)
    keys: list[Hashable] = []
    for frame, label, _ in shapes:
        counts[frame, label] += 1
        keys.append((label, counts[frame, label]))
    return keys


def _associate_by_overlap(shapes: Sequence[UntrackedShape]) -> list[Hashable]:
    keys: list[Hashable] = [None] * len(shapes)
    by_label: dict[str, list[int]] = defaultdict(list)
    for index, (_, label, _) in enumerate(shapes):
        by_label[label].append(index)
    for label, indices in by_label.items():
        boxes = np.array([_box_of(shapes[index][2]) for index in indices])
        for index, number in zip(indices, _chain([shapes[index][0] for index in indices], boxes), strict=True):
            keys[index] = (label, number)
    return keys


def _chain(frames: Sequence[int], boxes: _Boxes) -> list[int]:
    """A number for each box; boxes that follow each other through the frames get the same one."""
    numbers = [0] * len(frames)
    newest: dict[int, tuple[int, int]] = {}  # number -> the index of its last box, and that box's turn
    count = 0
    on_frame: dict[int, list[int]] = defaultdict(list)
    for index, frame in enumerate(frames):
        on_frame[frame].append(index)
    for turn, (_, here) in enumerate(sorted(on_frame.items())):
        newest = {number: (last, at) for number, (last, at) in newest.items() if turn - at <= MAX_GAP}
        known = [*newest]
        matched = _match(boxes[here], boxes[[last for last, _ in newest.values()]])
        for row, index in enumerate(here):
            if row in matched:
                numbers[index] = known[matched[row]]
            else:
                count += 1
                numbers[index] = count
            newest[numbers[index]] = (index, turn)
    return numbers


def _match(boxes: _Boxes, earlier: _Boxes) -> dict[int, int]:
    """Pairs of rows of `boxes` and `earlier`, greedily by overlap."""
    overlaps = _iou(boxes, earlier)
    matched: dict[int, int] = {}
    rows, columns = np.nonzero(overlaps >= MIN_OVERLAP)
    taken: set[int] = set()
    for best in np.argsort(-overlaps[rows, columns], kind="stable"):
        row, column = int(rows[best]), int(columns[best])
        if row not in matched and column not in taken:
            matched[row] = column
            taken.add(column)
    return matched


def _iou(one: _Boxes, other: _Boxes) -> _Boxes:
    """Intersection over union (N, M) of all pairs of boxes."""
    if not len(other):
        return np.zeros((len(one), 0))
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    intersection = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(each[:, 2:] - each[:, :2]).prod(axis=1) for each in (one, other)]
    union: _Boxes = areas[0][:, None] + areas[1][None] - intersection
    return np.asarray(intersection / np.maximum(union, 1e-9))


def _box_of(shape: Mask | Box) -> tuple[float, float, float, float]:
    if isinstance(shape, Box):
        return shape.left, shape.top, shape.right, shape.bottom
    _, (left, top, width, height) = crop(shape)
    return left, top, left + width, top + height
