"""Which values of the pixels of masks are objects: each one of exact masks, the strong ones of soft masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError
from sam2_core.media.readers.mask_pixels import MaskPixels, PhotoInsteadOfMask, Table
from sam2_core.media.readers.soft_masks import SAME, StrongValues, find_strong_values, has_areas, label_pixels
from sam2_core.types import BoolArray

MAX_COLORS = 1000  # objects in one picture
SOFT = "The masks have soft edges; they were cut at half."
MIXED = "Mixed colors at edges were counted to the nearest object's color."
VOID = "Gray level 255 beside others was taken for undecided pixels, as in DAVIS."
TRIMAP = "Gray level 128 between black and white was taken for undecided pixels."

_WHITE, _WHITE_16 = 255, 65535
_GRAY = (127, 128)  # undecided pixels of a trimap


@dataclass(frozen=True, slots=True)
class ObjectValues:
    """How the pixels of masks that belong together become objects.

    strong: (K, C), the strong values of soft masks; None for exact ones.
    exact: the gray levels that occur in exact masks.
    has_colors: whether any of them has colors, so that gray levels are colors, too.
    peak: the largest level, or value of a channel.
    is_trimap: whether gray pixels border white ones somewhere, as undecided ones do.
    """

    strong: Table | None
    exact: frozenset[int]
    has_colors: bool
    peak: int
    is_trimap: bool = True

    @property
    def undecided(self) -> tuple[frozenset[int], str]:
        """Gray levels of undecided pixels, and a note about them."""
        objects = self.exact - {0} if self.strong is None else {int(row[0]) for row in self.strong if row[0]}
        if self.has_colors or len(objects) == 1 or max(objects, default=0) != _WHITE:
            return frozenset(), ""
        if len(objects) == 2 and min(objects) in _GRAY:
            return (frozenset(objects - {_WHITE}), TRIMAP) if self.is_trimap else (frozenset(), "")
        steps = {round(_WHITE * step / len(objects)) for step in range(1, len(objects) + 1)}
        is_scale = len(objects) > 2 and all(min(abs(level - step) for step in steps) <= 1 for level in objects)
        return (frozenset(), "") if self.strong is not None or is_scale else (frozenset([_WHITE]), VOID)

    @property
    def notes(self) -> list[str]:
        """Sentences about what is not plain."""
        soft = [] if self.strong is None else [SOFT if len(self.strong) == 2 else MIXED]
        return [*soft, *filter(None, [self.undecided[1]])]


def survey(pictures: Iterable[MaskPixels]) -> ObjectValues:
    """How the pixels of pictures that belong together become objects; most of them decide.

    Raises `PhotoInsteadOfMask`, and `MediaError` if compression has changed the numbers of the objects.
    """
    soft, refusals, exact_count, is_empty = list[StrongValues](), list[MediaError](), 0, True
    has_colors, exact, peak, borders = False, set[int](), 0, False
    for picture in pictures:
        borders = borders or _has_border_of_gray(picture)
        peak, has_colors = max(peak, int(picture.table.max())), has_colors or picture.kind == "colors"
        exact.update(picture.table[:, 0].tolist() if picture.kind != "colors" else ())
        try:
            found = find_strong_values(picture)
        except MediaError as error:
            refusals.append(error)
            continue
        is_empty = False
        if found is not None:
            soft.append(found)
        elif np.count_nonzero(has_areas(picture) & picture.table.any(axis=1)) > 1:
            exact_count += 1
    if refusals and is_empty:
        raise refusals[0]
    strong = _merge(soft, has_colors) if len(soft) > exact_count else None
    is_trimap = borders or exact.isdisjoint(_GRAY)
    return ObjectValues(strong, frozenset(exact), has_colors, peak, is_trimap)


def objects_in(picture: MaskPixels, values: ObjectValues) -> Iterator[tuple[int, BoolArray]]:
    """The number and the mask (H, W) of each object, by number. Raises `MediaError` as `survey` does."""
    if values.strong is not None and (picture.kind != "indices" or picture.shades is not None):
        if len(picture.table) > 2:
            find_strong_values(picture)  # raises for a photo among masks
        yield from _soft_objects(picture, values.strong, values)
    else:
        yield from _exact_objects(picture, values)


def foreground(picture: MaskPixels, peak: int) -> BoolArray:
    """The mask (H, W) of one object: what is at least half as bright as `peak`, or all of two values that is not 0."""
    level = picture.table.max(axis=1)
    is_inside = level > 0 if len(level) <= 2 else (level > 0) & (2 * level >= peak)
    return np.asarray(is_inside[picture.codes])


def _exact_objects(picture: MaskPixels, values: ObjectValues) -> Iterator[tuple[int, BoolArray]]:
    table = picture.table
    if len(table) - 1 > MAX_COLORS:
        raise PhotoInsteadOfMask
    undecided = frozenset([_WHITE]) if picture.kind == "indices" else values.undecided[0]
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


def _soft_objects(picture: MaskPixels, strong: Table, values: ObjectValues) -> Iterator[tuple[int, BoolArray]]:
    is_object = strong.max(axis=1) > SAME * strong.max()
    is_matte = len(strong) == 2 and not values.has_colors
    undecided = values.undecided[0]
    labeled = label_pixels(picture, strong)
    for number, label in sorted(
        (1 if is_matte else _number(row, values.has_colors), label)
        for label, row in enumerate(strong)
        if is_object[label] and (values.has_colors or int(row[0]) not in undecided)
    ):
        mask = labeled == label
        if mask.any():
            yield number, mask


def _has_border_of_gray(picture: MaskPixels) -> bool:
    """Whether gray pixels lie beside white ones."""
    if picture.table.shape[1] != 1:
        return False
    is_white, is_gray = (np.isin(picture.table[:, 0], levels)[picture.codes] for levels in ((_WHITE,), _GRAY))
    return any(
        bool((one[1:] & other[:-1]).any() or (one[:, 1:] & other[:, :-1]).any())
        for one, other in ((is_white, is_gray), (is_gray, is_white))
    )


def _merge(found: Sequence[StrongValues], has_colors: bool) -> Table:
    """The strong values of several pictures, the objects' before that of the background."""
    channels = 3 if has_colors else 1
    values = np.concatenate([np.broadcast_to(each.values, (len(each.values), channels)) for each in found])
    counts = np.concatenate([each.counts for each in found])
    peak = int(values.max())
    is_object = values.max(axis=1) > SAME * peak
    if not has_colors and 2 * sum(np.count_nonzero(each.values > SAME * peak) == 1 for each in found) > len(found):
        return np.array([[peak], [0]])
    chosen = list[npt.NDArray[np.int64]]()
    for index in np.argsort(-counts, kind="stable"):
        if is_object[index] and all(np.abs(values[index] - row).max() > SAME * peak for row in chosen):
            chosen.append(values[index])
    return np.array([*chosen, [0] * channels])
