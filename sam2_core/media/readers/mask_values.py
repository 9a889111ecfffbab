"""Which values of the pixels of masks are objects.

In exact masks each value is one. In soft ones (feathered, resized with smoothing, or compressed) most values are mixtures
at edges: each pixel belongs to the nearest of few strong values, which is to cut it at half.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError
from sam2_core.media.readers.mask_pixels import Codes, MaskPixels, Table
from sam2_core.types import BoolArray

MAX_COLORS = 1000  # objects in one picture
PHOTO = "They have too many colours to be masks, and look like photos. Import masks: white on black, or indexed PNGs."
COMPRESSED = "They are compressed as photos are, which changes the numbers of objects. Export the masks as PNG."
SOFT = "The masks have soft edges; they were cut at half."
MIXED = "Mixed colors at edges were counted to the nearest object's color."
VOID_NOTE = "Gray level 255 beside others was taken for undecided pixels, as DAVIS has them."
TRIMAP_NOTE = "Gray level 128 between black and white was taken for undecided pixels."

_VOID, _WHITE, _WHITE_16 = 255, 255, 65535
_UNDECIDED = (127, 128)
_MIN_MIXTURES = 3  # values without any area of their own
_SAMPLES = 20_000  # pixels or pairs that are looked at
_BORDERING = 0.5  # of the pixels of mixtures that lie between two others
_MIN_RAMP, _RAMP_STEP, _RAMP_SHARE = 32, 2, 0.8  # levels of a wide gradient, their steps, the share of these steps
_PEAK_RADIUS, _SAME = 1 / 64, 1 / 16  # of the range: values around a strong one; values that count as the same
_MAX_STRONG, _MAX_RIVALS = 256, 4096
_SOLID_SHARE, _RAMP_SOLID_SHARE = 0.5, 0.1  # of pixels with strong values
_EMPTY_SHARE = 0.9  # of background, where no object has a strong value
_MIXTURE_SHARE, _MIXTURE_ERROR = 0.7, 0.1
_MIN_LOSSY_RANGE = 64  # levels
_MAX_PAIRED = 32  # strong values, two of which may be mixed
_REACH = 7  # pixels across which a mixture is between the colors that it is mixed from


@dataclass(frozen=True, slots=True)
class ObjectValues:
    """How the pixels of masks that belong together become objects.

    strong: (K, C), the strong values of soft masks; None for exact ones.
    exact: the gray levels that occur in exact masks.
    has_colors: whether any of them has colors, so that gray levels are colors, too.
    """

    strong: Table | None
    exact: frozenset[int]
    has_colors: bool

    @property
    def undecided(self) -> tuple[frozenset[int], str]:
        """Gray levels of undecided pixels, and a note about them."""
        objects = self.exact - {0} if self.strong is None else {int(row[0]) for row in self.strong if row[0]}
        if self.has_colors or _WHITE not in objects or len(objects) == 1:
            return frozenset(), ""
        if len(objects) == 2 and min(objects) in _UNDECIDED:
            return frozenset(objects - {_WHITE}), TRIMAP_NOTE
        steps = {round(_WHITE * step / len(objects)) for step in range(1, len(objects) + 1)}
        is_scale = len(objects) > 2 and all(min(abs(level - step) for step in steps) <= 1 for level in objects)
        return (frozenset(), "") if self.strong is not None or is_scale else (frozenset([_VOID]), VOID_NOTE)

    @property
    def notes(self) -> list[str]:
        """Sentences about what is not plain."""
        soft = [] if self.strong is None else [SOFT if len(self.strong) == 2 else MIXED]
        return [*soft, *filter(None, [self.undecided[1]])]


def survey(pictures: Sequence[MaskPixels]) -> ObjectValues:
    """How the pixels of pictures that belong together become objects; most of them decide.

    Raises `MediaError` for photos, and if compression has changed the numbers of the objects.
    """
    soft, refusals, exact_votes = list[_Strong](), list[MediaError](), 0
    for picture in pictures:
        try:
            found = _strong_values(picture)
        except MediaError as error:
            refusals.append(error)
            continue
        soft += [found] if found is not None else []
        exact_votes += found is None and np.count_nonzero(_flat_values(picture) & picture.table.any(axis=1)) > 1
    if len(refusals) == len(pictures):
        raise refusals[0]
    has_colors = any(picture.kind == "colors" for picture in pictures)
    levels = frozenset(
        int(value) for picture in pictures if picture.table.shape[1] == 1 for value in picture.table[:, 0]
    )
    strong = _merge(soft, has_colors) if len(soft) > exact_votes else None
    return ObjectValues(strong, levels, has_colors)


def objects_in(picture: MaskPixels, values: ObjectValues) -> Iterator[tuple[int, BoolArray]]:
    """The number and the mask (H, W) of each object, in ascending order of the numbers. Raises `MediaError` as `survey` does."""
    if values.strong is not None and (picture.kind != "indices" or picture.shades is not None):
        if len(picture.table) > 2:
            _strong_values(picture)  # a photo among masks
        yield from _soft_objects(picture, values)
    else:
        yield from _exact_objects(picture, values)


def peak_of(pictures: Sequence[MaskPixels]) -> int:
    """The largest level, or value of a channel, in several pictures."""
    return max(int(picture.table.max()) for picture in pictures)


def foreground(picture: MaskPixels, peak: int) -> BoolArray:
    """The mask (H, W) of one object: what is at least half as bright as `peak`, or all of two values that is not 0."""
    level = picture.table.max(axis=1)
    return np.asarray((level > 0 if len(level) <= 2 else 2 * level >= peak)[picture.codes])


def _exact_objects(picture: MaskPixels, values: ObjectValues) -> Iterator[tuple[int, BoolArray]]:
    table = picture.table
    if len(table) - 1 > MAX_COLORS:
        raise MediaError(PHOTO)
    undecided = frozenset([_VOID]) if picture.kind == "indices" else values.undecided[0]
    only_white = not values.has_colors and values.exact - {0} in ({_WHITE}, {_WHITE_16})
    for code, row in enumerate(table):
        if (row.any() and int(row[0]) not in undecided) or (picture.kind == "colors" and row.any()):
            number = 1 if only_white and picture.kind != "indices" else _number(row, values.has_colors)
            yield number, picture.codes == code


def _number(value: npt.NDArray[np.int64], as_color: bool) -> int:
    """The number of an object: its level or its packed color."""
    if not as_color:
        return int(value[0])
    red, green, blue = (int(channel) for channel in (value if len(value) == 3 else value.repeat(3)))
    return red << 16 | green << 8 | blue


# --- soft masks ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Strong:
    """The strong values (K, C) of a picture and how many pixels have each (K,)."""

    values: Table
    counts: npt.NDArray[np.int64]


def _soft_objects(picture: MaskPixels, values: ObjectValues) -> Iterator[tuple[int, BoolArray]]:
    table, strong = _appearance(picture), np.asarray(values.strong)
    channels = max(table.shape[1], strong.shape[1])
    table, strong = (np.broadcast_to(each, (len(each), channels)) for each in (table, strong))
    labels = _label(picture.codes, table, strong)
    span = int(strong.max())
    is_object = strong.max(axis=1) > _SAME * span
    undecided = values.undecided[0]
    numbered = [
        (1 if len(strong) == 2 and not values.has_colors else _number(row, values.has_colors), label)
        for label, row in enumerate(strong)
        if is_object[label] and (values.has_colors or int(row[0]) not in undecided)
    ]
    for number, label in sorted(numbered):
        mask = labels == label
        if mask.any():
            yield number, mask


def _label(codes: Codes, table: Table, strong: Table) -> npt.NDArray[np.int16]:
    """The index of the strong value of each pixel: the nearest one, of several those that are close by first."""
    distances = np.stack([np.square(table - row).sum(axis=1) for row in strong])  # (K, V)
    nearest = distances.argmin(axis=0).astype(np.int16)
    labels = nearest[codes]
    if len(strong) <= 2:
        return np.asarray(labels)
    is_same = distances.min(axis=0) <= (_SAME * strong.max()) ** 2
    solid, square = is_same[codes], np.ones((2, 2), np.uint8)
    areas = [
        cv2.morphologyEx(((labels == label) & solid).view(np.uint8), cv2.MORPH_OPEN, square)
        for label in range(len(strong))
    ]
    y, x = (~np.any(areas, axis=0)).nonzero()
    reach = np.ones((_REACH, _REACH), np.uint8)
    far = (strong.max() / 2) ** 2
    costs = [
        np.where(cv2.dilate(area, reach)[y, x] > 0, 0, far) + distances[label][codes[y, x]]
        for label, area in enumerate(areas)
    ]
    labels[y, x] = np.argmin(costs, axis=0)
    return np.asarray(labels)


def _merge(found: Sequence[_Strong], has_colors: bool) -> Table:
    """The strong values of several pictures, the objects' before that of the background."""
    channels = 3 if has_colors else 1
    values = np.concatenate([np.broadcast_to(each.values, (len(each.values), channels)) for each in found])
    counts = np.concatenate([each.counts for each in found])
    peak = int(values.max())
    is_object = values.max(axis=1) > _SAME * peak
    if not has_colors and 2 * sum(np.count_nonzero(each.values > _SAME * peak) == 1 for each in found) > len(found):
        return np.array([[peak], [0]])
    chosen = list[npt.NDArray[np.int64]]()
    for index in np.argsort(-counts, kind="stable"):
        if is_object[index] and all(np.abs(values[index] - row).max() > _SAME * peak for row in chosen):
            chosen.append(values[index])
    return np.array([*chosen, [0] * channels])


def _strong_values(picture: MaskPixels) -> _Strong | None:
    """The strong values of a soft mask, None for an exact one. Raises `MediaError` as `survey` does."""
    table, counts = _appearance(picture), picture.counts
    span = int(table.max())
    if picture.kind == "alpha":
        return _Strong(np.array([[span], [0]]), np.array([1, 1]))
    if len(table) <= 2 or (picture.kind == "indices" and picture.shades is None):
        return None
    if picture.is_lossy and span < _MIN_LOSSY_RANGE:
        raise MediaError(COMPRESSED)
    is_flat, is_ramp = _flat_values(picture), _is_ramp(picture, table)
    if not (picture.is_lossy or is_ramp or _has_mixtures(picture, is_flat)):
        return None
    strong = _peaks(table, counts, is_flat)
    near_zero = table.max(axis=1) <= _SAME * span
    background = counts[near_zero].sum() / counts.sum()
    if not (table[strong].max(axis=1) > _SAME * span).any():  # an object without an area of one value
        if background < _EMPTY_SHARE and not (is_ramp and background > 1 - _EMPTY_SHARE):
            raise MediaError(PHOTO)
        strong = [int(table.max(axis=1).argmax()), *strong]
    values = np.unique(np.concatenate([table[strong], np.zeros((1, table.shape[1]), np.int64)]), axis=0)
    _check_mixtures(table, counts, values, is_ramp)
    if picture.is_lossy and picture.kind != "colors" and len(values) > 9:
        raise MediaError(COMPRESSED)
    return _Strong(table[strong], counts[strong])


def _peaks(table: Table, counts: npt.NDArray[np.int64], is_flat: BoolArray) -> list[int]:
    """Values of which there are areas, and more pixels than of the values around them."""
    span = int(table.max())
    rivals = np.argsort(-counts, kind="stable")[:_MAX_RIVALS]
    chosen = list[int]()
    for index in rivals[is_flat[rivals]][:_MAX_STRONG]:
        distance = np.abs(table[rivals] - table[index]).max(axis=1)
        around = counts[rivals][distance <= max(2, _PEAK_RADIUS * span)].sum() - counts[index]
        if counts[index] >= around and all(np.abs(table[index] - table[each]).max() > _SAME * span for each in chosen):
            chosen.append(int(index))
    return chosen


def _check_mixtures(table: Table, counts: npt.NDArray[np.int64], strong: Table, is_ramp: bool) -> None:
    """Raise `MediaError` unless most pixels have strong values, and most others are mixtures of two of them."""
    span = int(table.max())
    distance = np.min([np.abs(table - row).max(axis=1) for row in strong], axis=0)
    is_weak = distance > _SAME * span
    solid = 1 - counts[is_weak].sum() / counts.sum()
    if solid < (_RAMP_SOLID_SHARE if is_ramp else _SOLID_SHARE):
        raise MediaError(PHOTO)
    if table.shape[1] == 1 or not is_weak.any():
        return
    weak = is_weak.nonzero()[0]
    weak = weak[:: max(1, len(weak) // _MAX_RIVALS)]
    error = np.full(len(weak), np.inf)
    for one in range(len(strong[:_MAX_PAIRED])):
        for other in range(one):
            error = np.minimum(error, _distance_to_segment(table[weak], strong[one], strong[other]))
    if counts[weak][error <= _MIXTURE_ERROR * span].sum() < _MIXTURE_SHARE * counts[weak].sum():
        raise MediaError(PHOTO)


def _distance_to_segment(
    points: Table, begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    along = (end - begin).astype(np.float64)
    share = np.clip((points - begin) @ along / max(float(along @ along), 1.0), 0, 1)
    return np.asarray(np.linalg.norm(points - begin - share[:, None] * along, axis=1))


def _appearance(picture: MaskPixels) -> Table:
    return picture.table if picture.shades is None else picture.shades


def _flat_values(picture: MaskPixels) -> BoolArray:
    """(V,): whether there is a block of 3 x 3 pixels of a value."""
    codes = picture.codes
    flat = np.zeros(len(picture.table), np.bool_)
    across = codes[:, 1:] == codes[:, :-1]
    down = codes[1:, 1:-1] == codes[:-1, 1:-1]
    rows = across[:, 1:] & across[:, :-1]
    block = rows[2:] & rows[1:-1] & rows[:-2] & down[1:] & down[:-1]
    flat[codes[1:-1, 1:-1][block]] = True
    return flat


def _has_mixtures(picture: MaskPixels, is_flat: BoolArray) -> bool:
    """Whether many values have no area of their own, and most of their pixels lie between two others."""
    is_weak = ~is_flat & picture.table.any(axis=1)
    if np.count_nonzero(is_weak) < max(_MIN_MIXTURES, len(is_flat) - np.count_nonzero(is_weak)):
        return False
    y, x = is_weak[picture.codes].nonzero()
    step = max(1, len(y) // _SAMPLES)
    padded = np.pad(picture.codes, 1, mode="edge")
    around = np.stack([padded[y[::step] + dy, x[::step] + dx] for dy in range(3) for dx in range(3)], axis=1)
    around.sort(axis=1)
    kinds = 1 + np.count_nonzero(around[:, 1:] != around[:, :-1], axis=1)
    return bool(np.mean(kinds > 2) >= _BORDERING)


def _is_ramp(picture: MaskPixels, table: Table) -> bool:
    """Whether neighboring pixels differ by little, as in a wide gradient."""
    if len(table) < _MIN_RAMP:
        return False
    steps, unit = list[npt.NDArray[np.int64]](), max(1, int(np.gcd.reduce(table.reshape(-1))))
    for one, other in (
        (picture.codes[:, 1:], picture.codes[:, :-1]),
        (picture.codes[1:], picture.codes[:-1]),
    ):
        y, x = (one != other).nonzero()
        every = max(1, len(y) // _SAMPLES)
        y, x = y[::every], x[::every]
        steps.append(np.abs(table[one[y, x]] - table[other[y, x]]).max(axis=1))
    return bool(np.mean(np.concatenate(steps) <= _RAMP_STEP * unit) >= _RAMP_SHARE)
