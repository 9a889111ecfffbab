"""Texture synthesis for holes.

Every patch of the result should look like one of the known image: each target patch is assigned the most similar source
patch, the hidden pixels are averaged from these, and so on, from a coarse scale to the finest (Wexler, Shechtman and
Irani, "Space-time completion of video", 2007). Sources are searched as in "PatchMatch" (Barnes et al., 2009), by
propagation between neighbors and random search.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.effects.masked_pooling import FloatImage, pool_known
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray

Positions: TypeAlias = npt.NDArray[np.int64]
"""(N, 2): rows and columns of pixels."""
OffsetField: TypeAlias = npt.NDArray[np.int64]
"""(h, w, 2): rows and columns from a pixel to its source."""

_RADIUS = 3  # patches are 7 x 7 pixels
_SIDE = 2 * _RADIUS + 1
_PATCH = [(row, column) for row in range(-_RADIUS, _RADIUS + 1) for column in range(-_RADIUS, _RADIUS + 1)]
_MAX_COARSE_DEPTH = 3.0  # pixels from the rim at the coarsest scale
_MIN_SIDE = 20  # pixels of the coarsest scale
_MIN_SOURCES = 60  # patches to choose from
_ITERATIONS = 4  # per scale
_JUMPS = (1, 3)  # pixels between neighbors in propagation


def patch_match(image: RgbArray, hidden: BoolArray) -> OffsetField | None:
    """The best sources of the hidden pixels (h, w) of an image, which hold an initial guess. Deterministic.

    None if too few pixels are known.
    """
    levels = [(image, hidden)]
    while _can_shrink(levels[-1][1]):
        finer, finer_hidden = levels[-1]
        height, width = finer_hidden.shape
        known = np.where(finer_hidden, 0, 255).astype(np.uint8)
        rows, columns = -(-height // 2), -(-width // 2)
        padded = np.pad(finer_hidden, ((0, 2 * rows - height), (0, 2 * columns - width)), mode="edge")
        coarser_hidden = padded.reshape(rows, 2, columns, 2).any(axis=(1, 3))
        levels.append((pool_known(finer, known, 2), np.asarray(coarser_hidden)))
    field: OffsetField | None = None
    for level in reversed(levels):
        scale = _Scale(*level)
        if len(scale.sources) >= _MIN_SOURCES:
            scale.initialize(field)
            field = scale.solve()
    return field if len(scale.sources) >= _MIN_SOURCES else None


def _can_shrink(hidden: BoolArray) -> bool:
    depth = cv2.distanceTransform(hidden.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3).max()
    return bool(depth > _MAX_COARSE_DEPTH and min(hidden.shape) >= 2 * _MIN_SIDE)


class _Scale:
    """The image at one scale: targets are the centers of patches with any hidden pixel, sources those of patches
    without."""

    def __init__(self, pixels: RgbArray, hidden: BoolArray) -> None:
        square = np.ones((_SIDE, _SIDE), np.uint8)
        known = (~hidden).view(np.uint8)
        self._is_source = cv2.erode(known, square, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
        self.sources = np.argwhere(self._is_source)
        self._targets = np.argwhere(cv2.dilate(hidden.view(np.uint8), square) > 0)
        self._size = hidden.shape[0], hidden.shape[1]
        self._target_index = np.full(self._size, -1, np.int64)
        self._target_index[tuple(self._targets.T)] = np.arange(len(self._targets))
        depth = cv2.distanceTransform(cv2.copyMakeBorder(1 - known, 1, 1, 1, 1, cv2.BORDER_REPLICATE), cv2.DIST_L2, 3)
        self._confidence = 1.3 ** -depth[1:-1, 1:-1][tuple(self._targets.T)]  # highest at the rim
        self._hidden = np.argwhere(hidden)
        self._pixels = pixels.astype(np.float32)
        self._random = np.random.default_rng(0)
        self._matches, self._costs = self._targets, np.zeros(0, np.float32)

    def initialize(self, coarser: OffsetField | None) -> None:
        """Start from the field at half the size, or from random sources."""
        self._matches = self.sources[self._random.integers(len(self.sources), size=len(self._targets))]
        if coarser is None:
            self._extract_patches()
            return
        positions = self._targets + 2 * coarser[tuple((self._targets // 2).T)]
        self._matches = np.where(self._are_sources(positions)[:, None], positions, self._matches)
        self._extract_patches()
        self._vote()

    def solve(self) -> OffsetField:
        """Alternate between search and reconstruction."""
        for _ in range(_ITERATIONS):
            self._extract_patches()
            self._search()
            self._vote()
        field: OffsetField = np.zeros((*self._size, 2), np.int64)
        field[tuple(self._targets.T)] = self._matches - self._targets
        return field

    def _extract_patches(self) -> None:
        """Take the target patches from the current image."""
        padded = np.pad(self._pixels, ((_RADIUS, _RADIUS), (_RADIUS, _RADIUS), (0, 0)), mode="reflect")
        self._patches = np.concatenate([padded[tuple((self._targets + _RADIUS + step).T)] for step in _PATCH], axis=1)
        self._costs = self._cost(np.arange(len(self._targets)), self._matches)

    def _cost(self, targets: Positions, positions: Positions) -> FloatImage:
        """Squared differences between target patches (by index) and patches around these positions."""
        width = self._size[1]
        flat, start = self._pixels.reshape(-1, 3), positions[:, 0] * width + positions[:, 1]
        steps = np.array([row * width + column for row, column in _PATCH])
        patches = flat[start[:, None] + steps].reshape(len(positions), 3 * len(_PATCH))  # there may be none
        patches -= self._patches[targets]
        return np.asarray(np.einsum("ij,ij->i", patches, patches))

    def _search(self) -> None:
        height, width = self._size
        for jump in _JUMPS:
            for step in ((0, jump), (jump, 0), (0, -jump), (-jump, 0)):
                neighbors = self._targets - step
                rows, columns = neighbors[:, 0], neighbors[:, 1]
                index = self._target_index[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
                self._try(self._matches[index] + step, index >= 0)
        reach = max(height, width)
        while reach > 1:
            self._try(self._matches + self._random.integers(-reach, reach + 1, self._matches.shape))
            reach //= 3

    def _try(self, positions: Positions, allowed: BoolArray | None = None) -> None:
        """Keep those positions that match better."""
        allowed = self._are_sources(positions) if allowed is None else allowed & self._are_sources(positions)
        targets = np.flatnonzero(allowed)
        costs = self._cost(targets, positions[targets])
        is_better = costs < self._costs[targets]
        self._matches[targets[is_better]] = positions[targets[is_better]]
        self._costs[targets[is_better]] = costs[is_better]

    def _are_sources(self, positions: Positions) -> BoolArray:
        height, width = self._size
        rows, columns = positions[:, 0], positions[:, 1]
        is_inside = (rows >= 0) & (columns >= 0) & (rows < height) & (columns < width)
        return np.asarray(is_inside & self._is_source[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)])

    def _vote(self) -> None:
        """Reconstruct each hidden pixel as the mean of all patches that cover it, weighted by their similarity."""
        spread = max(1.0, float(np.percentile(self._costs, 75)))
        weights = self._confidence * np.exp(-self._costs / (2 * spread)) + 1e-9
        sums, shares = np.zeros((len(self._hidden), 3)), np.zeros((len(self._hidden), 1))
        height, width = self._size
        for step in _PATCH:
            rows, columns = self._hidden[:, 0] - step[0], self._hidden[:, 1] - step[1]
            is_inside = (rows >= 0) & (columns >= 0) & (rows < height) & (columns < width)
            index = self._target_index[rows[is_inside], columns[is_inside]]
            weight = weights[index, None]
            sums[is_inside] += weight * self._pixels[tuple((self._matches[index] + step).T)]
            shares[is_inside] += weight
        self._pixels[tuple(self._hidden.T)] = (sums / shares).astype(np.float32)
