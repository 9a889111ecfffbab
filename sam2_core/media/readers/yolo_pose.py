"""Tells YOLO's lines of boxes with key points from those of outlines.

A line of key points is a class, a box and `k` points of `d` numbers: x, y and, if `d` is 3, a visibility (0, 1 or 2, or
a confidence). Neither the number of values nor the values themselves always tell it from an outline of x, y, …: only a
`kpt_shape` in data.yaml does. Without it all lines of the same length are looked at together: as boxes they contain
their points, as outlines they do not cross themselves.
Source: https://docs.ultralytics.com/datasets/pose/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.float64]
"""(N, L): the numbers of N lines, without their class."""

BOX = 4  # numbers of a box
MAX_LENGTH = 400  # numbers of a line that may hold key points
_TOLERANCE = 0.02  # fraction of a side by which boxes may lie outside, and of a box by which points may
_TIGHT = 0.5  # fraction of a box that key points extend over, if outlines are improbable
_MANY = 3  # lines or points whose agreement is no chance
_VISIBILITIES = (0.0, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class LineKind:
    """What lines of one length are.

    is_pose: boxes with key points, not outlines or boxes alone.
    is_certain: False if it may be otherwise.
    has_track: the last number is the object's id, from a tracker.
    """

    is_pose: bool = False
    is_certain: bool = True
    has_track: bool = False


def classify(rows: Rows, shape: tuple[int, int] | None) -> LineKind:
    """What lines of this length are; `shape` is `kpt_shape` (k, d) if a file has it."""
    length = rows.shape[1]
    if length <= BOX + 1 or length > MAX_LENGTH:
        return LineKind()
    if shape is not None:
        return LineKind(length >= BOX + shape[0] * shape[1], True)
    if not _boxes_fit(rows):
        return LineKind(_has_visibilities(rows, beyond_one=True), True)
    if _has_visibilities(rows, beyond_one=False):
        return LineKind(True, True)
    with_visibility, without = _contain_points(rows, 3), _contain_points(rows, 2)
    if with_visibility and not without and (len(rows) >= _MANY or length >= BOX + 3 * _MANY):
        return LineKind(True, False)
    if not without:
        return LineKind()
    many = len(rows) >= _MANY
    odd = np.mean([_crosses_itself(row) or (many and _has_far_corner(row)) for row in rows])
    tight = np.mean([_extent(row) >= _TIGHT for row in rows])
    return LineKind(bool(odd >= 0.5), bool(odd < 0.5 and tight < 0.5))


def _boxes_fit(rows: Rows) -> bool:
    """Whether the first four numbers can be the center and the size of a box within the image."""
    center, half = rows[:, :2], rows[:, 2:4] / 2
    is_inside = (center - half >= -_TOLERANCE) & (center + half <= 1 + _TOLERANCE)
    return bool(((rows[:, 2:4] > 0) & is_inside).all())


def _points(rows: Rows, numbers: int) -> npt.NDArray[np.float64] | None:
    """(N, k, numbers): the key points, if they fill the line, perhaps but for a confidence."""
    spare = (rows.shape[1] - BOX) % numbers
    if spare > 1 or rows.shape[1] - BOX < numbers:
        return None
    return rows[:, BOX : rows.shape[1] - spare].reshape(len(rows), -1, numbers)


def _has_visibilities(rows: Rows, beyond_one: bool) -> bool:
    """Whether every third number is a visibility, and some are 2, if that is asked for."""
    points = _points(rows, 3)
    if points is None:
        return False
    seen = points[:, :, 2]
    return bool(np.isin(seen, _VISIBILITIES).all() and ((seen == 2).any() or not beyond_one))


def _contain_points(rows: Rows, numbers: int) -> bool:
    """Whether all boxes contain their points; points at 0, 0 are unknown ones."""
    points = _points(rows, numbers)
    if points is None or (numbers == 3 and ((points < 0) | (points > 1)).any()):
        return False
    distance = np.abs(points[:, :, :2] - rows[:, None, :2])
    is_inside = (distance <= rows[:, None, 2:4] * (0.5 + _TOLERANCE)).all(axis=2)
    is_known = points[:, :, :2].any(axis=2)
    return bool((is_inside | ~is_known).all() and is_known.any())


def _extent(row: npt.NDArray[np.float64]) -> float:
    """The larger fraction of the box's sides over which the points extend."""
    points = _corners(row)[BOX // 2 :]
    points = points[points.any(axis=1)]
    return float((np.ptp(points, axis=0) / row[2:4]).max()) if len(points) else 0.0


def _has_far_corner(row: npt.NDArray[np.float64]) -> bool:
    """Whether the second corner of the outline, which may be a size, lies far away from the others."""
    corners = _corners(row)
    others = np.delete(corners, 1, axis=0)
    low, high = others.min(axis=0), others.max(axis=0)
    return bool(np.maximum(low - corners[1], corners[1] - high).max() > (high - low).max())


def _crosses_itself(row: npt.NDArray[np.float64]) -> bool:
    """Whether edges of the outline cross. Edges of four corners must not even touch; those of more may, as where the
    parts of an object are joined."""
    corners = _corners(row)
    corners = corners[(corners != np.roll(corners, 1, axis=0)).any(axis=1)]
    ends = np.roll(corners, -1, axis=0)
    one, other = np.triu_indices(len(corners), 2)
    are_apart = (one != 0) | (other != len(corners) - 1)
    one, other = one[are_apart], other[are_apart]
    first = _side(corners[one], ends[one], corners[other]) * _side(corners[one], ends[one], ends[other])
    second = _side(corners[other], ends[other], corners[one]) * _side(corners[other], ends[other], ends[one])
    limit = 1 if len(corners) == 4 else 0
    return bool(((first < limit) & (second < limit)).any())


def _corners(row: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return row[: len(row) - len(row) % 2].reshape(-1, 2)


def _side(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], point: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """On which side of a line a point lies: 1, -1, or 0 on the line."""
    one, other = end - start, point - start
    cross = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    return np.where(np.abs(cross) < 1e-12, 0.0, np.sign(cross))


def classify_all(rows: Mapping[int, Sequence[Sequence[float]]], shape: tuple[int, int] | None) -> dict[int, LineKind]:
    """What the lines of each length are. Outlines have many lengths, lines of key points a single one."""
    found = {length: _classify_with_track(np.array(lines, np.float64), shape) for length, lines in rows.items()}
    if shape is None and sum(length > BOX + 2 for length in found) > 2:
        return {
            length: each if each.is_certain else LineKind(has_track=each.has_track) for length, each in found.items()
        }
    return found


def _classify_with_track(rows: Rows, shape: tuple[int, int] | None) -> LineKind:
    kind, last = classify(rows, shape), rows[:, -1]
    highest = 2 if kind.is_pose else 1  # of a visibility or coordinate
    if rows.shape[1] <= BOX or (last % 1).any() or not (last > highest).any() or (last < 0).any():
        return kind
    return replace(kind if kind.is_pose else classify(rows[:, :-1], shape), has_track=True)
