"""Objects are pasted onto a picture: which, where, and what becomes of the labels below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from sam2_core.errors import ConfigError
from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask, Random
from sam2_core.training.augment.blending import Blend, color_distance, paste
from sam2_core.training.augment.cutouts import SMALL_AREA, Cutout, CutoutPool, Patch, is_ground, make_patch
from sam2_core.training.synthetic.image_pool import Instance, PooledImage

_PLACES = 20  # that are compared for an object
_DRAWS = 3  # objects that are tried for one that fits
_FOOT_SPREAD = 0.06  # standard deviation, as a share of the picture's height
_MAX_COVERED = 0.25  # of an object by others, or of others by it
_MAX_DISTANCE = 0.25  # of the colors around an object and at its new place
_MAX_SIDE = 0.8  # of the picture's sides
_MAX_RATIO = 1.5  # of the sizes of pictures: what is enlarged more looks blurred
_MIN_ON_GROUND = 0.8  # of an object that lay on a labeled background in its own picture


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPaste:
    """How objects are pasted.

    A picture gets between the first and the last of `objects`. `classes` are those that are pasted (all if it is
    empty); a class in `oversample` comes that many times as often as its number of objects says. Objects are scaled by
    a factor in the range `scale` (small ones keep their size), turned by up to `rotation` degrees, mirrored if `flip`
    is set, and their edges are blended as `blend` says ("alpha" or "gradient"). A label of which less than
    `least_visible` is left is dropped. In training a `share` of the real pictures is augmented.
    """

    share: float = 0.5
    objects: tuple[int, ...] = (2, 6)
    classes: tuple[str, ...] = ()
    oversample: Mapping[str, float] = field(default_factory=dict)
    scale: tuple[float, ...] = (0.75, 1.25)
    rotation: float = 5.0
    flip: bool = True
    blend: str = "alpha"
    least_visible: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or not 0 <= self.least_visible <= 1:
            raise ConfigError("`share` and `least_visible` of an augmentation are shares, 0 to 1.")
        if not self.objects or not 1 <= self.objects[0] <= self.objects[-1] <= 100:
            raise ConfigError("`objects` of an augmentation are numbers from 1 to 100, the fewest first.")
        if not self.scale or not 0.1 <= self.scale[0] <= self.scale[-1] <= 10:
            raise ConfigError("`scale` of an augmentation is a range within 0.1 to 10, the smaller factor first.")
        if self.blend not in ("alpha", "gradient"):
            raise ConfigError(f"`blend` of an augmentation is alpha or gradient, not {self.blend!r}.")
        if not 0 <= self.rotation <= 180 or not all(0 <= each <= 1000 for each in self.oversample.values()):
            raise ConfigError("`rotation` is from 0 to 180 degrees, and the factors of `oversample` from 0 to 1000.")


class CopyPaster:
    """Pastes objects of labeled pictures onto others; all that is random comes from the generator of a call.

    Raises `DataError` as `CutoutPool` does.
    """

    def __init__(self, pictures: Sequence[PooledImage], settings: CopyPaste) -> None:
        self.settings = settings
        self.pool = CutoutPool(pictures, settings.classes, settings.oversample)

    def __call__(self, random: Random, background: PooledImage) -> PooledImage:
        """A new picture: the background with objects on it, and all labels. An object that fits nowhere is left out."""
        scene = _Scene(background, self.settings.least_visible)
        blend: Blend = "gradient" if self.settings.blend == "gradient" else "alpha"
        for _ in range(random.integers(self.settings.objects[0], self.settings.objects[-1] + 1)):
            for _ in range(_DRAWS):
                cutout = self.pool.draw(random)
                patch = self._patch(random, cutout, scene.image)
                place = None if patch is None else _find_place(random, patch, cutout, scene)
                if patch is not None and place is not None:
                    scene.add(patch, *place, blend)
                    break
        return PooledImage(scene.image, scene.instances(), background.source)

    def augment_some(self, random: Random, picture: PooledImage) -> PooledImage:
        """A share of the pictures with objects on them, the others as they are."""
        return self(random, picture) if random.random() < self.settings.share else picture

    def _patch(self, random: Random, cutout: Cutout, canvas: RgbArray) -> Patch | None:
        settings, shape = self.settings, cutout.instance.mask.shape
        scale = float(np.exp(random.uniform(*np.log([settings.scale[0], settings.scale[-1]]))))
        if cutout.instance.area < SMALL_AREA:
            scale = 1.0
        else:  # so that an object takes up as much of the new picture as of its own
            ratio = np.sqrt(canvas.size / cutout.picture.image.size)
            scale *= float(np.clip(ratio, 1 / _MAX_RATIO, _MAX_RATIO))
        most = min(_MAX_SIDE * side / length for side, length in zip(canvas.shape, shape, strict=False))
        angle = random.uniform(-settings.rotation, settings.rotation)
        mirror = settings.flip and random.random() < 0.5
        patch = make_patch(cutout, min(scale, most), angle, mirror)
        fits = patch is not None and all(a < b for a, b in zip(patch.mask.shape, canvas.shape, strict=False))
        return patch if fits else None


@dataclass(slots=True)
class _Label:
    instance: Instance
    area: int  # at the beginning, of which the visible share is computed


class _Scene:
    """A picture that objects are pasted onto, and its labels."""

    def __init__(self, background: PooledImage, least_visible: float) -> None:
        self.image = background.image.copy()
        self._least_visible, self._is_labeled = least_visible, bool(background.instances)
        self._labels = [_Label(each, each.area) for each in background.instances]
        self.taken = np.zeros(self.image.shape[:2], np.uint8)
        """The pixels of objects that are no background."""
        self.grounds: dict[str, BinaryMask] = {}
        """The pixels of labeled backgrounds by their class."""
        height, width = self.taken.shape
        for each in background.instances:
            if is_ground(each, (height, width)):
                each.paste_over(self.grounds.setdefault(each.category, np.zeros((height, width), np.uint8)))
            else:
                each.paste_over(self.taken)

    def instances(self) -> tuple[Instance, ...]:
        """The labels that are left, those of pasted objects last."""
        return tuple(each.instance for each in self._labels)

    def ground_of(self, cutout: Cutout) -> BinaryMask | None:
        """The pixels on which an object may lie; None if it may lie anywhere."""
        if not cutout.ground or not self._is_labeled:
            return None
        return self.grounds.get(cutout.ground, np.zeros_like(self.taken))

    def add(self, patch: Patch, top: int, left: int, blend: Blend) -> None:
        """Paste an object, cut it from what lies below, and add its label and those of its parts."""
        pasted = Instance(top, left, paste(self.image, patch, top, left, blend), patch.category)
        kept = (_without(each, pasted) for each in self._labels)
        self._labels = [each for each in kept if each.instance.area >= max(1, self._least_visible * each.area)]
        for mask, category in ((pasted.mask, patch.category), *((m & pasted.mask, name) for m, name in patch.parts)):
            if mask.any():
                added = cropped(mask, top, left, category)
                self._labels.append(_Label(added, added.area))
        pasted.paste_over(self.taken)


def cropped(mask: BinaryMask, top: int, left: int, category: str) -> Instance:
    """An instance of a mask that lies at (`top`, `left`), without its empty margins."""
    x, y, width, height = cv2.boundingRect(mask)
    return Instance(top + y, left + x, mask[y : y + height, x : x + width].copy(), category)


def _without(label: _Label, above: Instance) -> _Label:
    """The label without the pixels of another one above it."""
    below = label.instance
    tall, wide = below.mask.shape
    if not (
        below.top < above.top + above.mask.shape[0]
        and above.top < below.top + tall
        and below.left < above.left + above.mask.shape[1]
        and above.left < below.left + wide
    ):
        return label
    hidden = above.paste(np.zeros((tall, wide), np.uint8), below.top, below.left)
    if not (hidden & below.mask).any():
        return label
    return _Label(cropped(below.mask & (1 - hidden), below.top, below.left, below.category), label.area)


def _find_place(random: Random, patch: Patch, cutout: Cutout, scene: _Scene) -> tuple[int, int] | None:
    """The best of some places, with its foot about as high as in its own picture; None if it fits nowhere.

    Good is where other objects are not covered and the colors resemble those that were around the object. An object
    that lay on a labeled background goes on one of that class, unless nothing in the picture is labeled.
    """
    ground = scene.ground_of(cutout)
    if ground is not None and not ground.any():
        return None
    tall, wide = patch.mask.shape
    rows, columns = scene.image.shape[0] - tall, scene.image.shape[1] - wide
    area = int(patch.mask.sum())
    best, best_cost = None, np.inf
    for _ in range(_PLACES):
        foot = random.normal(cutout.foot, _FOOT_SPREAD) * scene.image.shape[0]
        top, left = int(np.clip(foot - tall, 0, rows)), int(random.integers(columns + 1))
        window = np.s_[top : top + tall, left : left + wide]
        if ground is not None and (ground[window] & patch.mask).sum() < _MIN_ON_GROUND * area:
            continue
        covered = int((scene.taken[window] & patch.mask).sum()) / area
        distance = color_distance(patch, scene.image[window])
        if covered <= _MAX_COVERED and distance <= _MAX_DISTANCE and covered + distance < best_cost:
            best, best_cost = (top, left), covered + distance
    return best
