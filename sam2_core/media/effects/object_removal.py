"""Removes objects from images and clips.

In a clip, what an object hides in one frame is usually visible in others: it is taken from there, the nearest in time
first, aligned by a homography and adapted in brightness. What is visible nowhere is inpainted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from sam2_core.media.effects.alignment import AlignmentFrame, Homography, estimate_homography
from sam2_core.media.effects.inpainting import inpaint
from sam2_core.media.effects.masked_pooling import FloatImage, smooth_known
from sam2_core.media.effects.scaled_masks import Area, Size, bounding_area, dilate, scale_masks, union
from sam2_core.media.info import GrayImage, RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.types import BoolArray, FrameMasks

K = TypeVar("K")
V = TypeVar("V")

_MAX_FRAMES, _MAX_HOMOGRAPHIES, _MAX_ANCHORS = 24, 1000, 2  # in the caches; a frame takes up to 4 MB
_MAX_STEP, _NEAR_STEPS, _COARSE, _COARSE_STEPS = 8, 5, 4, 4  # the grids of source frames, see `_source_frames`
_RING = 24  # pixels around the hidden area in which frames are compared
_MIN_COMPARED = 64  # pixels of it
_MAX_DIFFERENCE = 24.0  # mean gray levels there, once the brightness is equal
_MAX_BRIGHTNESS_DIFFERENCE = 60.0  # mean gray levels
_CELL = 8  # pixels over which brightness is compared
_SEAM = 8.0  # pixels over which patches from different frames are blended


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame: pixels, the area hidden by objects (255), and the objects that were segmented on it."""

    pixels: RgbArray
    hidden: GrayImage
    alignment: AlignmentFrame
    objects: frozenset[int]


class ObjectRemover:
    """Removes all objects of masked media, with a `margin` in thousandths of the shorter side.

    The result for a frame does not depend on earlier calls.
    """

    def __init__(self, media: MaskedMedia, margin: float) -> None:
        self._media, self._margin = media, margin
        self._frames: OrderedDict[tuple[int, Size], _Frame] = OrderedDict()
        self._anchors: OrderedDict[tuple[int, Size], RgbArray] = OrderedDict()
        self._homographies: OrderedDict[tuple[int, int, Size], Homography] = OrderedDict()
        self._step = min(_MAX_STEP, max(1, media.info.frames // 16))

    def remove(self, frame: int, image: RgbArray) -> RgbArray:
        """The image (H, W, 3) of a chosen frame, at any size, without the objects; unchanged elsewhere."""
        size = image.shape[0], image.shape[1]
        masks = self._media.masks_on(frame)
        inside = self._inside(masks, size)
        if not inside.any():
            return image
        if self._media.info.kind == "clip":
            filled = self._fill_from_clip(frame, image, masks)
        else:
            filled = inpaint(image, self._hidden(inside))
        return self._blend(image, filled, inside)

    def _inside(self, masks: FrameMasks, size: Size) -> GrayImage:
        return union(scale_masks(masks.objects, self._media.objects, size), size)

    def _hidden(self, inside: GrayImage) -> GrayImage:
        """The area to replace (255): the objects with the margin."""
        grown = dilate(inside, self._margin * min(inside.shape) / 1000)
        return np.asarray(cv2.threshold(grown, 0, 255, cv2.THRESH_BINARY)[1], np.uint8)

    def _blend(self, image: RgbArray, filled: RgbArray, inside: GrayImage) -> RgbArray:
        """The image outside of the margin, blended into what was filled over half of the margin's width."""
        margin = self._margin * min(inside.shape) / 1000
        area = bounding_area(inside).grown(margin + 1, (inside.shape[0], inside.shape[1]))
        distance = cv2.distanceTransform(255 - inside[area.part], cv2.DIST_L2, cv2.DIST_MASK_5)
        share = np.clip((margin + 1 - distance) / max(1.0, margin / 2), 0, 1)[..., None]
        result = image.copy()
        mixed = filled[area.part] * share + image[area.part] * (1 - share)
        result[area.part] = np.rint(mixed).astype(np.uint8)
        return result

    def _fill_from_clip(self, frame: int, image: RgbArray, masks: FrameMasks) -> RgbArray:
        """The image with its holes filled, at the size of stored frames or its own if that is smaller."""
        info, (height, width) = self._media.info, image.shape[:2]
        scale = min(1.0, max(info.stored_height, info.stored_width) / max(height, width))
        size = max(1, round(height * scale)), max(1, round(width * scale))
        filled = self._complete(frame, self._prepare(image, masks, size), use_anchor=True)
        if size == (height, width):
            return filled
        return np.asarray(cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)

    def _complete(self, frame: int, target: _Frame, use_anchor: bool) -> RgbArray:
        """A frame with its holes filled, from other frames as far as possible."""
        size = target.hidden.shape[0], target.hidden.shape[1]
        patchwork = _Patchwork(target, bounding_area(target.hidden).grown(_RING, size))
        for other in self._source_frames(frame):
            if patchwork.is_complete:
                break
            source = self._frame(other, size)
            if source.objects >= target.objects:
                patchwork.add(source, source.pixels, source.hidden, self._homography(frame, target, other, size))
        anchor = self._anchor_of(frame)
        if use_anchor and not patchwork.is_complete and anchor != frame:
            source = self._frame(anchor, size)
            if source.objects >= target.objects:
                completed = _cached(
                    self._anchors, (anchor, size), _MAX_ANCHORS, lambda: self._complete(anchor, source, False)
                )
                homography = self._homography(frame, target, anchor, size)
                patchwork.add(source, completed, np.zeros(size, np.uint8), homography)
        return patchwork.finish(quick=use_anchor and anchor != frame)

    def _source_frames(self, frame: int) -> Iterator[int]:
        """Frames to take from, the nearest first. They lie on a fine and a coarse grid, so that consecutive frames
        share them: that is faster, and the result does not flicker."""
        step, coarse = self._step, self._step * _COARSE
        near = range(frame // step - _NEAR_STEPS, frame // step + _NEAR_STEPS + 2)
        far = range(frame // coarse - _COARSE_STEPS, frame // coarse + _COARSE_STEPS + 2)
        others = {*(index * step for index in near), *(index * coarse for index in far)} - {frame}
        yield from sorted(
            (other for other in others if 0 <= other < self._media.info.frames),
            key=lambda other: (abs(other - frame), other),
        )

    def _homography(self, frame: int, target: _Frame, other: int, size: Size) -> Homography:
        """From a frame to one of the grid, via the nearest of the grid, whose homographies serve many frames."""
        last = (self._media.info.frames - 1) // self._step
        nearest = min(last, round(frame / self._step)) * self._step
        to_grid = self._cached_homography(frame, target, nearest, size) if nearest != frame else np.eye(3)
        return self._cached_homography(nearest, self._frame(nearest, size), other, size) @ to_grid

    def _cached_homography(self, frame: int, target: _Frame, other: int, size: Size) -> Homography:
        if frame == other:
            return np.eye(3)
        return _cached(
            self._homographies,
            (frame, other, size),
            _MAX_HOMOGRAPHIES,
            lambda: estimate_homography(target.alignment, self._frame(other, size).alignment),
        )

    def _anchor_of(self, frame: int) -> int:
        """The frame whose inpainted pixels are used for all frames near it, so that they do not flicker."""
        coarse = self._step * _COARSE
        anchor = round(frame / coarse) * coarse
        return anchor if anchor < self._media.info.frames else anchor - coarse

    def _frame(self, frame: int, size: Size) -> _Frame:
        """A stored frame."""
        store = self._media.store
        return _cached(
            self._frames,
            (frame, size),
            _MAX_FRAMES,
            lambda: self._prepare(store.frame(frame), self._media.masks_on_any(frame), size),
        )

    def _prepare(self, image: RgbArray, masks: FrameMasks, size: Size) -> _Frame:
        if image.shape[:2] != size:
            image = np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        inside = self._inside(masks, size)
        hidden = self._hidden(inside) if inside.any() else inside
        objects = frozenset(each.object_id for each in masks.objects)
        return _Frame(image, hidden, AlignmentFrame.of(image, hidden), objects)


class _Patchwork:
    """Holes that are filled patch by patch with soft seams; earlier patches have priority."""

    def __init__(self, target: _Frame, area: Area) -> None:
        self._target, self._area = target, area
        self._hole = target.hidden[area.part] > 0
        self._sums = np.zeros((*area.size, 3), np.float32)
        self._filled = np.zeros(area.size, np.float32)

    @property
    def is_complete(self) -> bool:
        """Whether next to nothing is left to fill."""
        return bool((self._filled[self._hole] < 0.95).mean() < 0.001) if self._hole.any() else True

    def add(self, source: _Frame, pixels: RgbArray, hidden: GrayImage, homography: Homography) -> None:
        """Fill from another frame's `pixels` that are not `hidden` (255); the homography maps to that frame."""
        homography = homography @ np.array([[1, 0, self._area.left], [0, 1, self._area.top], [0, 0, 1]], np.float64)
        is_visible = _warp(255 - hidden, homography, self._area.size) == 255
        if not (is_visible & self._hole & (self._filled < 0.95)).any():
            return
        patch = _warp(pixels, homography, self._area.size).astype(np.float32)
        is_known = _warp(255 - source.hidden, homography, self._area.size) == 255
        correction = self._brightness_correction(patch, is_known & ~self._hole)
        if correction is None:
            return
        distance = cv2.distanceTransform(is_visible.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
        share = np.minimum(1, distance / _SEAM) * (1 - self._filled)
        self._sums += share[..., None] * (patch + correction)
        self._filled += share

    def finish(self, quick: bool) -> RgbArray:
        """The frame with its holes filled; the rest is inpainted (see `inpaint`)."""
        result, part = self._target.pixels.copy(), self._area.part
        means = self._sums / np.maximum(self._filled, 1e-3)[..., None]
        is_filled = self._hole & (self._filled > 0.3)
        result[part][is_filled] = np.clip(np.rint(means[is_filled]), 0, 255).astype(np.uint8)
        rest = np.zeros_like(self._target.hidden)
        rest[part][self._hole & ~is_filled] = 255
        return inpaint(result, rest, quick) if rest.any() else result

    def _brightness_correction(self, patch: FloatImage, is_common: BoolArray) -> FloatImage | None:
        """What to add to a patch so that it matches the surroundings of the hole, `is_common` being the background
        that is visible in both; None if it does not match."""
        if is_common.sum() < _MIN_COMPARED:
            return None
        difference = self._target.pixels[self._area.part] - patch
        correction = smooth_known(difference, is_common, _CELL)
        if np.abs(difference - correction)[is_common].mean() > _MAX_DIFFERENCE:
            return None
        return None if np.abs(correction[is_common]).mean() > _MAX_BRIGHTNESS_DIFFERENCE else correction


def _warp(pixels: RgbArray | GrayImage, homography: np.ndarray, size: Size) -> np.ndarray:
    """The part of another frame that lies in this one; 0 beyond that frame."""
    return cv2.warpPerspective(pixels, homography, size[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _cached(cache: OrderedDict[K, V], key: K, limit: int, make: Callable[[], V]) -> V:
    """The value of a key, made if it is missing; the least recently used values beyond `limit` are dropped."""
    if key not in cache:
        value = make()
        cache[key] = value
        while len(cache) > limit:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return cache[key]
