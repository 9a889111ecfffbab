"""Which objects are the same on several frames, where a file does not say it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sam2_core.media.draw import crop
from sam2_core.types import Box, Mask

Untold: TypeAlias = tuple[int, str, Mask | Box]
"""Frame, label and shape of an object that has no number of its own."""

LEAST_OVERLAP = 0.1  # intersection over union of two boxes of the same thing
LONGEST_GAP = 5  # annotated frames on which a thing may be missing


def associate(shapes: Sequence[Untold], kind: str) -> list[Hashable]:
    """A key for each shape; those of the same thing get the same one.

    In a picture all are different. In an album the first "cat" of each photo is one object, the second another one. In
    a clip a thing is what lies where a thing of the same label lay before.
    """
    if kind == "clip":
        return _by_place(shapes)
    seen: dict[tuple[int, str], int] = defaultdict(int)
    keys: list[Hashable] = []
    for frame, label, _ in shapes:
        seen[frame, label] += 1
        keys.append((label, seen[frame, label]))
    return keys


def _by_place(shapes: Sequence[Untold]) -> list[Hashable]:
    keys: list[Hashable] = [None] * len(shapes)
    places: dict[str, list[int]] = defaultdict(list)
    for place, (_, label, _) in enumerate(shapes):
        places[label].append(place)
    for label, listed in places.items():
        boxes = np.array([_corners(shapes[place][2]) for place in listed])
        for place, number in zip(listed, _chains([shapes[place][0] for place in listed], boxes), strict=True):
            keys[place] = (label, number)
    return keys


def _chains(frames: Sequence[int], boxes: npt.NDArray[np.float64]) -> list[int]:
    """A number for each box (N, 4); the same one for boxes that follow each other through the frames."""
    numbers = [0] * len(frames)
    newest: dict[int, tuple[int, int]] = {}  # number -> its last box, and the turn of that box
    count = 0
    on_frame: dict[int, list[int]] = defaultdict(list)
    for place, frame in enumerate(frames):
        on_frame[frame].append(place)
    for turn, (_, here) in enumerate(sorted(on_frame.items())):
        newest = {number: (last, at) for number, (last, at) in newest.items() if turn - at <= LONGEST_GAP}
        known = [*newest]
        matched = _matched(boxes[here], boxes[[last for last, _ in newest.values()]])
        for row, place in enumerate(here):
            if row in matched:
                numbers[place] = known[matched[row]]
            else:
                count += 1
                numbers[place] = count
            newest[numbers[place]] = (place, turn)
    return numbers


def _matched(boxes: npt.NDArray[np.float64], earlier: npt.NDArray[np.float64]) -> dict[int, int]:
    """Rows of `boxes` and of `earlier` that belong together, those with the greatest overlap first."""
    overlaps = _overlaps(boxes, earlier)
    matched: dict[int, int] = {}
    rows, columns = np.nonzero(overlaps >= LEAST_OVERLAP)
    taken: set[int] = set()
    for best in np.argsort(-overlaps[rows, columns], kind="stable"):
        row, column = int(rows[best]), int(columns[best])
        if row not in matched and column not in taken:
            matched[row] = column
            taken.add(column)
    return matched


def _overlaps(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Intersection over union of each box (N, 4) with each other one (M, 4)."""
    if not len(other):
        return np.zeros((len(one), 0))
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(each[:, 2:] - each[:, :2]).prod(axis=1) for each in (one, other)]
    union: npt.NDArray[np.float64] = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(shared / np.maximum(union, 1e-9))


def _corners(shape: Mask | Box) -> tuple[float, float, float, float]:
    if isinstance(shape, Box):
        return shape.left, shape.top, shape.right, shape.bottom
    _, (left, top, width, height) = crop(shape)
    return left, top, left + width, top + height
