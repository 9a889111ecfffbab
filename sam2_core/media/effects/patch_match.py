"""Holes pieced together from the texture around them.

Every patch of the result shall look like one that is there: patches are compared, the hidden pixels are made anew from
those that fit best, and so on, from a coarse scale to the finest (Wexler, Shechtman and Irani, "Space-time completion
of video", 2007). What fits best is found as in "PatchMatch" (Barnes et al., 2009): neighbors tell each other where
they found something, and chance does the rest.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.effects.masked_pooling import Floats, cell_means
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray

Places: TypeAlias = npt.NDArray[np.int64]
"""(N, 2): rows and columns of pixels."""
Field: TypeAlias = npt.NDArray[np.int64]
"""(h, w, 2): rows and columns from a pixel to the one that it is taken from."""

_REACH = 3  # patches are 7 x 7 pixels
_SIDE = 2 * _REACH + 1
_PATCH = [(row, column) for row in range(-_REACH, _REACH + 1) for column in range(-_REACH, _REACH + 1)]
_SHALLOW = 3.0  # pixels from the rim, at most, at the coarsest scale
_SHORTEST = 20  # pixels; no scale is smaller
_FEWEST_SOURCES = 60  # patches to choose from
_ROUNDS = 4  # per scale
_JUMPS = (1, 3)  # pixels between neighbors that tell each other


def patch_match(picture: RgbArray, unknown: BoolArray) -> Field | None:
    """Where the unknown pixels (h, w) of a picture, in which they hold a first guess, are best taken from.

    None where too little is known to choose from. The same every time.
    """
    scales = [(picture, unknown)]
    while _can_shrink(scales[-1][1]):
        finer, hidden = scales[-1]
        known = np.where(hidden, 0, 255).astype(np.uint8)
        rows, columns = -(-hidden.shape[0] // 2), -(-hidden.shape[1] // 2)
        padded = np.pad(hidden, ((0, 2 * rows - hidden.shape[0]), (0, 2 * columns - hidden.shape[1])), mode="edge")
        scales.append((cell_means(finer, known, 2), np.asarray(padded.reshape(rows, 2, columns, 2).any(axis=(1, 3)))))
    field: Field | None = None
    for pixels, hidden in reversed(scales):
        scale = _Scale(pixels, hidden)
        if len(scale.sources) >= _FEWEST_SOURCES:
            scale.begin(field)
            field = scale.solved()
    return field if len(scale.sources) >= _FEWEST_SOURCES else None


def _can_shrink(hidden: BoolArray) -> bool:
    depth = cv2.distanceTransform(hidden.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3).max()
    return bool(depth > _SHALLOW and min(hidden.shape) >= 2 * _SHORTEST)


class _Scale:
    """The picture at one size: targets are the centers of patches in which something is hidden, sources of those in
    which nothing is."""

    def __init__(self, pixels: RgbArray, hidden: BoolArray) -> None:
        square = np.ones((_SIDE, _SIDE), np.uint8)
        known = (~hidden).view(np.uint8)
        self._is_source = cv2.erode(known, square, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
        self.sources = np.argwhere(self._is_source)
        self._targets = np.argwhere(cv2.dilate(hidden.view(np.uint8), square) > 0)
        self._size = hidden.shape[0], hidden.shape[1]
        self._number = np.full(self._size, -1, np.int64)
        self._number[tuple(self._targets.T)] = np.arange(len(self._targets))
        depth = cv2.distanceTransform(cv2.copyMakeBorder(1 - known, 1, 1, 1, 1, cv2.BORDER_REPLICATE), cv2.DIST_L2, 3)
        self._trust = 1.3 ** -depth[1:-1, 1:-1][tuple(self._targets.T)]  # the rim is surer than the middle
        self._hidden = np.argwhere(hidden)
        self._pixels = pixels.astype(np.float32)
        self._chance = np.random.default_rng(0)
        self._found, self._costs = self._targets, np.zeros(0, np.float32)

    def begin(self, coarser: Field | None) -> None:
        """With what was found at half the size, or with sources by chance."""
        self._found = self.sources[self._chance.integers(len(self.sources), size=len(self._targets))]
        if coarser is None:
            self._compare()
            return
        places = self._targets + 2 * coarser[tuple((self._targets // 2).T)]
        fits = self._are_sources(places)
        self._found = np.where(fits[:, None], places, self._found)
        self._compare()
        self._make_anew()

    def solved(self) -> Field:
        """Search and make anew, a few times."""
        for _ in range(_ROUNDS):
            self._compare()
            self._search()
            self._make_anew()
        field: Field = np.zeros((*self._number.shape, 2), np.int64)
        field[tuple(self._targets.T)] = self._found - self._targets
        return field

    def _compare(self) -> None:
        """Look at the targets as they are now."""
        around = np.pad(self._pixels, ((_REACH, _REACH), (_REACH, _REACH), (0, 0)), mode="reflect")
        self._seen = np.concatenate([around[tuple((self._targets + _REACH + step).T)] for step in _PATCH], axis=1)
        self._costs = self._cost(np.arange(len(self._targets)), self._found)

    def _cost(self, which: Places, places: Places) -> Floats:
        """How little patches around these places are like those of some targets."""
        width = self._size[1]
        flat, start = self._pixels.reshape(-1, 3), places[:, 0] * width + places[:, 1]
        steps = np.array([row * width + column for row, column in _PATCH])
        patches = flat[start[:, None] + steps].reshape(len(places), -1)
        patches -= self._seen[which]
        return np.asarray(np.einsum("ij,ij->i", patches, patches))

    def _search(self) -> None:
        height, width = self._size
        for jump in _JUMPS:
            for step in ((0, jump), (jump, 0), (0, -jump), (-jump, 0)):
                neighbors = self._targets - step
                rows, columns = neighbors[:, 0], neighbors[:, 1]
                numbers = self._number[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
                self._try(self._found[numbers] + step, numbers >= 0)
        reach = max(height, width)
        while reach > 1:
            self._try(self._found + self._chance.integers(-reach, reach + 1, self._found.shape))
            reach //= 3

    def _try(self, places: Places, allowed: BoolArray | None = None) -> None:
        """Take those places that fit better."""
        allowed = self._are_sources(places) if allowed is None else allowed & self._are_sources(places)
        which = np.flatnonzero(allowed)
        costs = self._cost(which, places[which])
        is_better = costs < self._costs[which]
        self._found[which[is_better]] = places[which[is_better]]
        self._costs[which[is_better]] = costs[is_better]

    def _are_sources(self, places: Places) -> BoolArray:
        height, width = self._size
        rows, columns = places[:, 0], places[:, 1]
        is_there = (rows >= 0) & (columns >= 0) & (rows < height) & (columns < width)
        return np.asarray(is_there & self._is_source[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)])

    def _make_anew(self) -> None:
        """Each hidden pixel becomes what the patches say that lie on it, the better ones more."""
        spread = max(1.0, float(np.percentile(self._costs, 75)))
        weights = self._trust * np.exp(-self._costs / (2 * spread)) + 1e-9
        sums, shares = np.zeros((len(self._hidden), 3)), np.zeros((len(self._hidden), 1))
        height, width = self._size
        for step in _PATCH:
            rows, columns = self._hidden[:, 0] - step[0], self._hidden[:, 1] - step[1]
            is_there = (rows >= 0) & (columns >= 0) & (rows < height) & (columns < width)
            numbers = self._number[rows[is_there], columns[is_there]]
            weight = weights[numbers, None]
            sums[is_there] += weight * self._pixels[tuple((self._found[numbers] + step).T)]
            shares[is_there] += weight
        self._pixels[tuple(self._hidden.T)] = (sums / shares).astype(np.float32)
