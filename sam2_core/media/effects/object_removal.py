"""Objects taken out of pictures and clips.

In a clip, what an object hides in one frame is mostly seen in others: it is taken from there, the nearest in time
first, moved to where it belongs and made as bright as its new surroundings. What is seen nowhere is made up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from sam2_core.media.effects.alignment import Homography, Scene, motion
from sam2_core.media.effects.inpainting import inpaint
from sam2_core.media.effects.masked_pooling import Floats, smoothed
from sam2_core.media.effects.scaled_masks import Area, Plane, Size, shapes_of, spread, union
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.types import BoolArray, FrameMasks

_KEPT, _KEPT_MOTIONS = 24, 1000  # frames take up to 4 MB each
_LONGEST_STEP, _STEPS_NEAR, _FAR, _STEPS_FAR = 8, 5, 4, 4
_RING = 24  # pixels around what is hidden, by which frames are compared
_FEWEST = 64  # pixels of it
_WORST = 24.0  # gray levels by which they may differ there on average, once they are equally bright
_DARKEST = 60.0  # gray levels by which the brightness may differ
_CELL = 8  # pixels over which brightness is compared
_SEAM = 8.0  # pixels over which what comes from different frames is blended


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame from which others take: pixels, where objects hide them (255), and who was looked for."""

    pixels: RgbArray
    hidden: Plane
    scene: Scene
    objects: frozenset[int]


class ObjectRemover:
    """Takes all chosen objects out of the frames of a material, with a `margin` in thousandths of the shorter side.

    What it gives for a frame does not depend on what it was asked before.
    """

    def __init__(self, media: MaskedMedia, margin: float) -> None:
        self._material, self._margin = media, margin
        self._frames: OrderedDict[tuple[int, Size], _Frame] = OrderedDict()
        self._anchors: OrderedDict[tuple[int, Size], RgbArray] = OrderedDict()
        self._motions: OrderedDict[tuple[int, int, Size], Homography] = OrderedDict()
        self._step = min(_LONGEST_STEP, max(1, media.info.frames // 16))

    def erase(self, frame: int, picture: RgbArray) -> RgbArray:
        """The picture (H, W, 3) of a chosen frame, of any size, without the objects; elsewhere it stays as it is."""
        size = picture.shape[0], picture.shape[1]
        found = self._material.masks_on(frame)
        inside = self._inside(found, size)
        if not inside.any():
            return picture
        if self._material.info.kind == "clip":
            filled = self._from_other_frames(frame, picture, found)
        else:
            filled = inpaint(picture, self._hole(inside))
        return self._joined(picture, filled, inside)

    def _inside(self, found: FrameMasks, size: Size) -> Plane:
        return union(shapes_of(found.objects, self._material.objects, size), size)

    def _hole(self, inside: Plane) -> Plane:
        """What is replaced (255): the objects and the margin."""
        grown = spread(inside, self._margin * min(inside.shape) / 1000)
        return np.asarray(cv2.threshold(grown, 0, 255, cv2.THRESH_BINARY)[1], np.uint8)

    def _joined(self, picture: RgbArray, filled: RgbArray, inside: Plane) -> RgbArray:
        """The picture outside of the margin; half of the margin's width goes over into what was filled in."""
        margin = self._margin * min(inside.shape) / 1000
        x, y, width, height = cv2.boundingRect(inside)
        area = Area(x, y, x + width, y + height).grown(margin + 1, inside.shape)
        distance = cv2.distanceTransform(255 - inside[area.part], cv2.DIST_L2, cv2.DIST_MASK_5)
        share = np.clip((margin + 1 - distance) / max(1.0, margin / 2), 0, 1)[..., None]
        result = picture.copy()
        mixed = filled[area.part] * share + picture[area.part] * (1 - share)
        result[area.part] = np.rint(mixed).astype(np.uint8)
        return result

    def _from_other_frames(self, frame: int, picture: RgbArray, found: FrameMasks) -> RgbArray:
        """The picture with its holes filled at the size at which frames are stored, or its own if that is smaller."""
        about, (height, width) = self._material.info, picture.shape[:2]
        scale = min(1.0, max(about.stored_height, about.stored_width) / max(height, width))
        size = max(1, round(height * scale)), max(1, round(width * scale))
        filled = self._completed(frame, self._seen(picture, found, size), has_anchor=True)
        if size == (height, width):
            return filled
        return np.asarray(cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)

    def _completed(self, frame: int, target: _Frame, has_anchor: bool) -> RgbArray:
        """A frame with its holes filled, from other frames as far as possible."""
        x, y, width, height = cv2.boundingRect(target.hidden)
        size = target.hidden.shape[0], target.hidden.shape[1]
        area = Area(x, y, x + width, y + height).grown(_RING, size)
        patchwork = _Patchwork(target, area)
        for other in self._others(frame):
            if patchwork.is_complete:
                break
            source = self._frame(other, size)
            if source.objects >= target.objects:
                patchwork.add(source, source.pixels, source.hidden, self._motion(frame, target, other, size))
        anchor = self._anchor_of(frame)
        if has_anchor and not patchwork.is_complete and anchor != frame:
            source = self._frame(anchor, size)
            if source.objects >= target.objects:
                completed = self._completed_anchor(anchor, source, size)
                move = self._motion(frame, target, anchor, size)
                patchwork.add(source, completed, np.zeros(size, np.uint8), move)
        return patchwork.finished(quick=has_anchor and anchor != frame)

    def _others(self, frame: int) -> Iterator[int]:
        """Frames to look at, the nearest first. They lie on a grid, so that consecutive frames look at the same ones:
        that is faster, and what is filled in does not flicker."""
        step, far = self._step, self._step * _FAR
        near = range(frame // step - _STEPS_NEAR, frame // step + _STEPS_NEAR + 2)
        wide = range(frame // far - _STEPS_FAR, frame // far + _STEPS_FAR + 2)
        others = {*(place * step for place in near), *(place * far for place in wide)} - {frame}
        yield from sorted(
            (other for other in others if 0 <= other < self._material.info.frames),
            key=lambda other: (abs(other - frame), other),
        )

    def _motion(self, frame: int, target: _Frame, other: int, size: Size) -> Homography:
        """From a frame to one of the grid, by way of the grid's nearest: what is known of those serves many frames."""
        last = (self._material.info.frames - 1) // self._step
        nearest = min(last, round(frame / self._step)) * self._step
        start = self._kept_motion(frame, target, nearest, size) if nearest != frame else np.eye(3)
        return self._kept_motion(nearest, self._frame(nearest, size), other, size) @ start

    def _kept_motion(self, frame: int, target: _Frame, other: int, size: Size) -> Homography:
        key = frame, other, size
        if key not in self._motions:
            is_same = frame == other
            self._motions[key] = np.eye(3) if is_same else motion(target.scene, self._frame(other, size).scene)
            while len(self._motions) > _KEPT_MOTIONS:
                self._motions.popitem(last=False)
        return self._motions[key]

    def _anchor_of(self, frame: int) -> int:
        """The frame whose made-up pixels are those of all frames near it, so that they do not flicker."""
        far = self._step * _FAR
        anchor = round(frame / far) * far
        return anchor if anchor < self._material.info.frames else anchor - far

    def _completed_anchor(self, anchor: int, source: _Frame, size: Size) -> RgbArray:
        if (anchor, size) not in self._anchors:
            self._anchors[anchor, size] = self._completed(anchor, source, has_anchor=False)
            while len(self._anchors) > 2:
                self._anchors.popitem(last=False)
        return self._anchors[anchor, size]

    def _frame(self, frame: int, size: Size) -> _Frame:
        """A frame of the store; the last ones are kept."""
        if (frame, size) not in self._frames:
            self._frames[frame, size] = self._seen(
                self._material.store.frame(frame), self._material.masks_on_any(frame), size
            )
            while len(self._frames) > _KEPT:
                self._frames.popitem(last=False)
        self._frames.move_to_end((frame, size))
        return self._frames[frame, size]

    def _seen(self, picture: RgbArray, found: FrameMasks, size: Size) -> _Frame:
        if picture.shape[:2] != size:
            picture = np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        inside = self._inside(found, size)
        hidden = self._hole(inside) if inside.any() else inside
        objects = frozenset(each.object_id for each in found.objects)
        return _Frame(picture, hidden, Scene.of(picture, hidden), objects)


class _Patchwork:
    """Holes that are filled piece by piece; what was there first stays, and seams are soft."""

    def __init__(self, target: _Frame, area: Area) -> None:
        self._target, self._area = target, area
        self._hole = target.hidden[area.part] > 0
        self._sums = np.zeros((*area.size, 3), np.float32)
        self._filled = np.zeros(area.size, np.float32)

    @property
    def is_complete(self) -> bool:
        """Whether next to nothing is left to be filled."""
        return bool((self._filled[self._hole] < 0.95).mean() < 0.001) if self._hole.any() else True

    def add(self, source: _Frame, pixels: RgbArray, hidden: Plane, move: Homography) -> None:
        """Take what is seen in another frame: its `pixels` that are not `hidden` (255). `move` leads there."""
        move = move @ np.array([[1, 0, self._area.left], [0, 1, self._area.top], [0, 0, 1]], np.float64)
        is_seen = _moved(255 - hidden, move, self._area.size) == 255
        if not (is_seen & self._hole & (self._filled < 0.95)).any():
            return
        patch = _moved(pixels, move, self._area.size).astype(np.float32)
        is_known = _moved(255 - source.hidden, move, self._area.size) == 255
        light = self._light(patch, is_known & ~self._hole)
        if light is None:
            return
        distance = cv2.distanceTransform(is_seen.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
        share = np.minimum(1, distance / _SEAM) * (1 - self._filled)
        self._sums += share[..., None] * (patch + light)
        self._filled += share

    def finished(self, quick: bool) -> RgbArray:
        """The frame with its holes filled; what no other frame shows is made up, well or quickly."""
        result, part = self._target.pixels.copy(), self._area.part
        means = self._sums / np.maximum(self._filled, 1e-3)[..., None]
        is_filled = self._hole & (self._filled > 0.3)
        result[part][is_filled] = np.clip(np.rint(means[is_filled]), 0, 255).astype(np.uint8)
        rest = np.zeros_like(self._target.hidden)
        rest[part][self._hole & ~is_filled] = 255
        return inpaint(result, rest, quick) if rest.any() else result

    def _light(self, patch: Floats, is_common: BoolArray) -> Floats | None:
        """What has to be added to a patch so that it goes on where the hole ends; None where it does not fit there.

        `is_common` is the background that is seen in both.
        """
        if is_common.sum() < _FEWEST:
            return None
        apart = self._target.pixels[self._area.part] - patch
        light = smoothed(apart, is_common, _CELL)
        if np.abs(apart - light)[is_common].mean() > _WORST or np.abs(light[is_common]).mean() > _DARKEST:
            return None
        return light


def _moved(pixels: RgbArray | Plane, move: np.ndarray, size: Size) -> np.ndarray:
    """A part of another frame, as it lies in this one; beyond the frame everything is 0."""
    return cv2.warpPerspective(pixels, move, size[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
