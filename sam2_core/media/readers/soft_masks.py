"""Soft masks: feathered, resized with smoothing, or compressed.

Most of their values are mixtures at edges. Each pixel belongs to the nearest of few strong values, which is to cut a
feathered mask at half. Photos are told apart: few of their pixels have such values, and the others are no mixtures.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError
from sam2_core.media.readers.mask_pixels import MAX_SOFT_VALUES, MaskPixels, PhotoInsteadOfMask, Table
from sam2_core.types import BoolArray

COMPRESSED = "They are compressed as photos are, which changes the numbers of objects. Export the masks as PNG."

_WHITE, _WHITE_16 = 255, 65535
_CENTER_SHARE = 0.1  # of the pixels of a value that has areas
_MIN_MIXTURES = 3  # values without areas
_SAMPLES = 20_000  # pixels or pairs that are looked at
_BORDERING, _BORDERING_WHITE = 0.5, 0.2  # of the pixels of mixtures that lie between two others
_MIN_RAMP, _RAMP_STEP, _RAMP_SHARE = 32, 2, 0.8  # levels of a wide gradient, their steps, the share of these steps
_PEAK_RADIUS, SAME = 1 / 64, 1 / 16  # of the range: values around a strong one; values that count as the same
_PEAK_SHARE = 0.3  # pixels of a strong value by those of the values around it: a gradient has 1/4 at most
_MAX_STRONG, _MAX_CANDIDATES, _MAX_RIVALS = 32, 256, 4096  # values that are looked at
_MAX_LOOKED_AT = 4_000_000  # pixels among which samples are taken
_MAX_REFINED = 9_000_000  # pixels whose surroundings are looked at
_MIN_EMPTY_SHARE = 0.1  # of background, where no object has a strong value
_MAX_WEAK_SHARE, _MAX_WEAK_RAMP = 0.65, 0.9  # of pixels without strong values
_MIN_TEXTURE_SHARE, _TEXTURE, _TEXTURE_SHARE = 0.1, 1 / 128, 0.12
_EMPTY_TO_WEAK = 0.05  # background of masks that are so soft, by their mixtures
_MIXTURE_SHARE, _MIXTURE_ERROR, _LOSSY_MIXTURE_ERROR = 0.7, 0.1, 0.25  # share of such pixels; distances of the range
_MIN_LOSSY_RANGE, _MAX_LOSSY_OBJECTS = 64, 8  # levels; objects by gray levels
_REACH = 7  # pixels across which a mixture is between the colors that it is mixed from


@dataclass(frozen=True, slots=True)
class StrongValues:
    """The strong values (K, C) of a picture and how many pixels have each (K,)."""

    values: Table
    counts: npt.NDArray[np.int64]


def find_strong_values(picture: MaskPixels) -> StrongValues | None:
    """The strong values of a soft mask, None for an exact one.

    Raises `PhotoInsteadOfMask`, and `MediaError` if compression has changed the numbers of the objects.
    """
    table, counts = picture.appearance, picture.counts
    span = int(table.max())
    if picture.kind == "alpha":
        return StrongValues(np.array([[span], [0]]), np.array([1, 1]))
    if len(table) <= 2 or (picture.kind == "indices" and picture.shades is None):
        return None
    if picture.is_lossy and span < _MIN_LOSSY_RANGE:
        raise MediaError(COMPRESSED)
    if len(table) > MAX_SOFT_VALUES:
        raise PhotoInsteadOfMask
    is_flat, is_ramp = has_areas(picture), _is_ramp(picture)
    if not (picture.is_lossy or is_ramp or _has_mixtures(picture, is_flat)):
        return None
    strong = [] if is_ramp else _peaks(table, counts, is_flat)
    level = table.max(axis=1)
    if not (level[strong] > SAME * span).any():  # no area of an object has one value
        if not is_ramp and counts[level <= SAME * span].sum() < _MIN_EMPTY_SHARE * counts.sum():
            raise PhotoInsteadOfMask
        strong = [int(level.argmax()), *strong]
    with_background = np.concatenate([table[strong], np.zeros_like(table[:1])])
    _check_mixtures(picture, np.unique(with_background, axis=0), _MAX_WEAK_RAMP if is_ramp else _MAX_WEAK_SHARE)
    if picture.is_lossy and picture.kind != "colors" and len(strong) > _MAX_LOSSY_OBJECTS + 1:
        raise MediaError(COMPRESSED)
    return StrongValues(table[strong], counts[strong])


def label_pixels(picture: MaskPixels, strong: Table) -> npt.NDArray[np.int16]:
    """The index (H, W) of the strong value (K, C) of each pixel: the nearest one, if it is close by."""
    table, codes, labels = picture.appearance, picture.codes, range(len(strong))
    distances = [np.square(table - row).sum(axis=1) for row in strong]
    nearest = np.argmin(distances, axis=0).astype(np.int16)
    labeled = np.asarray(nearest[codes])
    if len(strong) <= 2 or codes.size > _MAX_REFINED:
        return labeled
    # Between two colors lies a third one: mixtures belong to colors that have areas around them.
    is_same = (np.min(distances, axis=0) <= (SAME * strong.max()) ** 2)[codes]
    areas = [_areas((labeled == label) & is_same) for label in labels]
    y, x = (~np.any(areas, axis=0)).nonzero()
    around, far = np.ones((_REACH, _REACH), np.uint8), (strong.max() / 2) ** 2
    best = np.full(len(y), np.inf)
    for label in labels:
        is_near = cv2.dilate(areas[label], around)[y, x] > 0
        cost = distances[label][codes[y, x]] + np.where(is_near, 0, far)
        labeled[y, x] = np.where(cost < best, label, labeled[y, x])
        best = np.minimum(best, cost)
    return labeled


def _areas(mask: BoolArray) -> npt.NDArray[np.uint8]:
    """The parts of the mask (H, W) that are three pixels wide."""
    return np.asarray(cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)


def has_areas(picture: MaskPixels) -> BoolArray:
    """(V,): whether a value has areas: enough of its pixels are centers of 3 x 3 pixels of that value."""
    codes = picture.codes
    across = codes[:, 1:] == codes[:, :-1]
    down = codes[1:, 1:-1] == codes[:-1, 1:-1]
    rows = across[:, 1:] & across[:, :-1]
    is_center = rows[2:] & rows[1:-1] & rows[:-2] & down[1:] & down[:-1]
    centers = np.bincount(codes[1:-1, 1:-1][is_center], minlength=len(picture.table))
    return np.asarray((centers > 0) & (centers >= _CENTER_SHARE * picture.counts))


def _peaks(table: Table, counts: npt.NDArray[np.int64], is_flat: BoolArray) -> list[int]:
    """Values of which there are areas, and many pixels compared to the values around them."""
    span = int(table.max())
    rivals = np.argsort(-counts, kind="stable")[:_MAX_RIVALS]
    chosen = list[int]()
    for index in rivals[is_flat[rivals]][:_MAX_CANDIDATES]:
        distance = np.abs(table[rivals] - table[index]).max(axis=1)
        around = counts[rivals][distance <= max(2.0, _PEAK_RADIUS * span)].sum() - counts[index]
        if counts[index] >= _PEAK_SHARE * around and all(
            np.abs(table[index] - table[each]).max() > SAME * span for each in chosen
        ):
            chosen.append(int(index))
    return chosen[:_MAX_STRONG]


def _check_mixtures(picture: MaskPixels, strong: Table, max_weak: float) -> None:
    """Raise `PhotoInsteadOfMask`: too few pixels have strong values, or the others are no mixtures of these."""
    table, counts = picture.appearance, picture.counts
    span = int(table.max())
    is_weak = np.min([np.abs(table - row).max(axis=1) for row in strong], axis=0) > SAME * span
    weak_share = counts[is_weak].sum() / counts.sum()
    if weak_share > max_weak:
        raise PhotoInsteadOfMask
    if weak_share > _MIN_TEXTURE_SHARE:
        empty_share = counts[table.max(axis=1) <= SAME * span].sum() / counts.sum()
        if empty_share < _EMPTY_TO_WEAK * weak_share or _has_texture(picture, is_weak):
            raise PhotoInsteadOfMask
    if table.shape[1] == 1 or not is_weak.any():
        return
    weak = is_weak.nonzero()[0]
    weak = weak[:: max(1, len(weak) // _MAX_RIVALS)]
    error = np.full(len(weak), np.inf)
    for one in range(len(strong)):
        for other in range(one):
            error = np.minimum(error, _distance_to_segment(table[weak], strong[one], strong[other]))
    limit = _LOSSY_MIXTURE_ERROR if picture.is_lossy else _MIXTURE_ERROR
    if counts[weak][error <= limit * span].sum() < _MIXTURE_SHARE * counts[weak].sum():
        raise PhotoInsteadOfMask


def _distance_to_segment(
    points: Table, begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    along = (end - begin).astype(np.float64)
    share = np.clip((points - begin) @ along / max(float(along @ along), 1.0), 0, 1)
    return np.asarray(np.linalg.norm(points - begin - share[:, None] * along, axis=1))


def _has_mixtures(picture: MaskPixels, is_flat: BoolArray) -> bool:
    """Whether many values have no areas, and most of their pixels lie between two others."""
    is_weak = ~is_flat & picture.table.any(axis=1)
    weak, strong = int(np.count_nonzero(is_weak)), int(np.count_nonzero(~is_weak))
    is_white = picture.kind == "levels" and strong == 2 and int(picture.table[-1, 0]) in (_WHITE, _WHITE_16)
    if weak < (1 if is_white else max(_MIN_MIXTURES, strong)):
        return False
    height, width = picture.size
    rows = _some_rows(picture.size)
    y, x = _some_of(is_weak[picture.codes[rows]])
    y = rows[y]
    around = np.stack(
        [
            picture.codes[np.clip(y + down, 0, height - 1), np.clip(x + right, 0, width - 1)]
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
        ],
        axis=1,
    )
    around.sort(axis=1)
    kinds = 1 + np.count_nonzero(around[:, 1:] != around[:, :-1], axis=1)
    return bool(np.mean(kinds > 2) >= (_BORDERING_WHITE if is_white else _BORDERING)) if len(y) else False


def _is_ramp(picture: MaskPixels) -> bool:
    """Whether neighboring pixels have neighboring levels of gray, or of one color, as in a wide gradient."""
    table, codes = picture.appearance, picture.codes
    level = table.max(axis=1)
    brightest = table[level.argmax()]
    off_line = _distance_to_segment(table, np.zeros_like(brightest), brightest)
    levels, rank = np.unique(level, return_inverse=True)
    if len(levels) < _MIN_RAMP or off_line.max() > _MIXTURE_ERROR * level.max():
        return False
    shares = list[float]()
    for down, right in ((0, 1), (1, 0)):
        rows = _some_rows((codes.shape[0] - down, codes.shape[1]))
        here, there = codes[rows, : codes.shape[1] - right], codes[rows + down, right:]
        y, x = _some_of(here != there)
        if len(y):
            shares.append(float(np.mean(np.abs(rank[here[y, x]] - rank[there[y, x]]) <= _RAMP_STEP)))
    return min(shares, default=0.0) >= _RAMP_SHARE


def _has_texture(picture: MaskPixels, is_weak: BoolArray) -> bool:
    """Whether the brightness of the pixels with weak values goes up and down, as in a photo."""
    codes, level = picture.codes, picture.appearance.max(axis=1)
    rows = _some_rows(picture.size)
    y, x = _some_of(is_weak[codes[rows, 1:-1]])
    if not len(y):
        return False
    left, here, right = (level[codes[rows[y], x + step]] for step in range(3))
    least = _TEXTURE * int(level.max())
    is_extreme = (np.minimum(np.abs(here - left), np.abs(here - right)) > least) & ((here > left) == (here > right))
    return bool(np.mean(is_extreme) > _TEXTURE_SHARE)


def _some_rows(size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """The indices of some rows of a large picture, in no regular distance, else of all."""
    height, width = size
    count = max(1, min(height, _MAX_LOOKED_AT // max(1, width)))
    return np.sort(np.random.default_rng(0).permutation(height)[:count])


def _some_of(chosen: BoolArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of some chosen pixels, evenly."""
    y, x = chosen.nonzero()
    step = max(1, len(y) // _SAMPLES)
    return y[::step], x[::step]
