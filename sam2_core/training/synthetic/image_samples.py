"""Samples of one image: crops of real images, composites of real cut-outs, and scenes of silhouettes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.errors import DataError
from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask, Random
from sam2_core.training.synthetic.canvas import Canvas
from sam2_core.training.synthetic.image_pool import ImagePool, Instance, PooledImage
from sam2_core.training.synthetic.photometric import Photometric
from sam2_core.training.synthetic.silhouettes import Alpha, draw_silhouette
from sam2_core.training.synthetic.square_crop import SquareCrop
from sam2_core.training.synthetic.textures import Textures, shade

_MAX_AREA = 0.9  # share of the image: more is background
_AREA_EXPONENT = 0.5  # objects are drawn by this power of their area: people click on large ones more often
_TRIES = 20
_MAX_ENLARGEMENT = 2.0  # a cut-out that is enlarged more looks blurred


Augment: TypeAlias = Callable[[Random, PooledImage], PooledImage]
"""Changes a real image before a part of it is taken."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of `real` crops and of `composites` (the rest are scenes), the area of the smallest object as a share of
    the image, the smallest height of an object of a scene as a share of the side, and the share of synthetic clips with
    two similar objects."""

    real: float = 0.45
    composites: float = 0.3
    smallest_area: float = 0.0012
    smallest_height: float = 0.1
    look_alikes: float = 0.25


@dataclass(frozen=True, slots=True)
class ImageSample:
    """An image (S, S, 3) with K masks (K, S, S) of zeros and ones."""

    image: RgbArray
    masks: npt.NDArray[np.uint8]


class ImageSampler:
    """Draws samples by a `Mix`."""

    def __init__(
        self,
        images: ImagePool,
        cutouts: ImagePool,
        textures: Textures,
        mix: Mix | None = None,
        augment: Augment | None = None,
    ) -> None:
        self.images = images
        self.augment = augment
        self.cutouts = cutouts
        self.textures = textures
        self.set_mix(mix or Mix())

    def set_mix(self, mix: Mix) -> None:
        """Draw by this mix from now on; without real images their share is 0."""
        self.mix = mix if self.images else replace(mix, real=0.0)

    def draw(self, random: Random, side: int, count: int) -> ImageSample:
        """A sample with `count` masks; if there are fewer objects, some are repeated.

        Raises `DataError` if no object of a usable size is found.
        """
        for _ in range(_TRIES):
            image, masks = self._kind(random, side)
            fitting = [mask for mask in masks if self._fits(mask)]
            if fitting:
                return ImageSample(Photometric.choose(random)(image), _choose(random, fitting, count))
        raise DataError(f"No picture with an object of at least {self.mix.smallest_area:.2%} in {_TRIES} tries.")

    def _fits(self, mask: BinaryMask) -> bool:
        return self.mix.smallest_area < mask.mean() < _MAX_AREA

    def _kind(self, random: Random, side: int) -> tuple[RgbArray, list[BinaryMask]]:
        kind = random.random()
        if kind < self.mix.real:
            drawn = self.images.draw(random)
            return random_crop(random, drawn if self.augment is None else self.augment(random, drawn), side)
        if kind < self.mix.real + self.mix.composites:
            canvas = self._composite(random, side)
            return canvas.image, canvas.objects
        canvas = self._scene(random, side)
        return canvas.image, canvas.objects + canvas.parts

    def _composite(self, random: Random, side: int) -> Canvas:
        """Up to three new objects on a real image, or on a natural texture."""
        if self.images and random.random() < 0.6:
            canvas = Canvas(*random_crop(random, self.images.draw(random), side))
        else:
            canvas = Canvas(self.textures.natural(random, side, side))
        for _ in range(random.integers(1, 4)):
            surface, alpha = self.sprite(random, side, random.uniform(0.15, 0.8))
            top, left = (int(random.integers(-length // 4, max(1, side - 3 * length // 4))) for length in alpha.shape)
            if random.random() < 0.3:
                _cast_shadow(random, canvas, alpha, top, left)
            canvas.put(surface, alpha, top, left)
        return canvas

    def sprite(self, random: Random, side: int, size: float) -> tuple[RgbArray, Alpha]:
        """Pixels and alpha of an object, a real cut-out or a silhouette, of about `size` as a share of the side."""
        real = self.cutouts.draw_cutout(random) if self.cutouts and random.random() < 0.75 else None
        if real is not None:
            return _varied_cutout(random, *real, size * side)
        height = max(8, int(size * side))
        width = int(np.clip(height * np.exp(random.uniform(-0.6, 0.6)), 8, side))
        return self.textures.draw(random, height, width), draw_silhouette(random, height, width)

    def look_alikes(self, random: Random, side: int, size: float) -> list[tuple[RgbArray, Alpha]]:
        """Two similar objects: two of the same class, or the same one twice."""
        similar = self.cutouts.draw_similar(random) if self.cutouts and random.random() < 0.6 else None
        if similar is None:
            return [self.sprite(random, side, size)] * 2
        return [_varied_cutout(random, *each, size * side) for each in similar]

    def _scene(self, random: Random, side: int) -> Canvas:
        """Silhouettes with parts, shading and shadows on a texture."""
        natural = random.random() < 0.55
        canvas = Canvas((self.textures.natural if natural else self.textures.draw)(random, side, side).copy())
        for _ in range(random.integers(2, 7)):
            self._add_silhouette(random, canvas, side)
        if random.random() < 0.3 and canvas.objects:
            canvas.parts.append(canvas.background())
        return canvas

    def _add_silhouette(self, random: Random, canvas: Canvas, side: int) -> None:
        height = int(side * np.exp(random.uniform(np.log(self.mix.smallest_height), np.log(0.85))))
        width = int(np.clip(height * np.exp(random.uniform(-0.8, 0.8)), 0.08 * side, 0.95 * side))
        top = int(random.integers(-height // 3, side - 2 * height // 3))
        left = int(random.integers(-width // 3, side - 2 * width // 3))
        alpha, surface = draw_silhouette(random, height, width), self.textures.draw(random, height, width)
        if random.random() < 0.5:
            surface = shade(random, surface)
        if random.random() < 0.3:
            _cast_shadow(random, canvas, alpha, top, left)
        if random.random() < 0.25:
            alpha = np.asarray(cv2.blur(alpha, (3, 3)), np.uint8)
        if canvas.put(surface, alpha, top, left) is not None and random.random() < 0.4:
            self._add_parts(random, canvas, alpha, top, left)

    def _add_parts(self, random: Random, canvas: Canvas, whole: Alpha, top: int, left: int) -> None:
        for _ in range(random.integers(1, 4)):
            height, width = (int(length * random.uniform(0.2, 0.6)) for length in whole.shape)
            if min(height, width) < 6:
                continue
            y, x = (int(random.integers(0, a - b + 1)) for a, b in zip(whole.shape, (height, width), strict=True))
            alpha = np.minimum(draw_silhouette(random, height, width), whole[y : y + height, x : x + width])
            canvas.put_part(self.textures.draw(random, height, width), alpha, top + y, left + x)


def _cast_shadow(random: Random, canvas: Canvas, alpha: Alpha, top: int, left: int) -> None:
    """A soft shadow of an object that is then added at `top`, `left`."""
    drop = int(random.uniform(2, 0.12 * len(canvas.image)))
    sideways = int(random.uniform(-drop, drop))
    canvas.cast_shadow(alpha, top + drop, left + sideways, random.uniform(0.25, 0.7))


def random_crop(
    random: Random, pooled: PooledImage, side: int, smallest: float = 0.35, max_masks: int = 12
) -> tuple[RgbArray, list[BinaryMask]]:
    """A random part of a real image, resized to a square and perhaps mirrored, with up to `max_masks` of its masks.

    The sides of the part are at least about `smallest` of those of the image.
    """
    height, width = pooled.image.shape[:2]
    share = random.uniform(smallest, 1.0) if random.random() < 0.7 else 1.0
    tall = int(np.clip(height * share, min(8, height), height))
    wide = int(np.clip(width * share * np.exp(random.uniform(-0.25, 0.25)), min(8, width), width))
    top, left = int(random.integers(height - tall + 1)), int(random.integers(width - wide + 1))
    crop = SquareCrop(top, left, tall, wide, side, mirror=random.random() < 0.5)
    masks = []
    for instance in _some(random, pooled.instances, max_masks):
        window = instance.paste(np.zeros((tall, wide), np.uint8), top, left)
        seen = int(window.sum())
        if seen >= 20 and seen >= 0.08 * instance.area:  # not just a sliver of the object
            masks.append(crop.window_mask(window))
    return crop.image(pooled.image), masks


def _varied_cutout(random: Random, surface: RgbArray, alpha: Alpha, longest: float) -> tuple[RgbArray, Alpha]:
    """Scale, mirror, rotate and tint a cut-out, and soften its edge."""
    height, width = alpha.shape
    scale = min(longest / max(height, width), _MAX_ENLARGEMENT)
    size = max(8, int(width * scale * np.exp(random.uniform(-0.15, 0.15)))), max(8, int(height * scale))
    filter_ = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    surface, alpha = (np.asarray(cv2.resize(x, size, interpolation=filter_), np.uint8) for x in (surface, alpha))
    if random.random() < 0.5:
        surface, alpha = np.ascontiguousarray(surface[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
    if random.random() < 0.4:
        turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), random.uniform(-35, 35), 0.85)
        surface = np.asarray(cv2.warpAffine(surface, turn, size, borderMode=cv2.BORDER_REFLECT), np.uint8)
        alpha = np.asarray(cv2.warpAffine(alpha, turn, size), np.uint8)
    if random.random() < 0.5:
        surface = np.clip(surface * random.uniform(0.7, 1.3, 3), 0, 255).astype(np.uint8)
    return surface, np.asarray(cv2.blur(alpha, (3, 3)), np.uint8)


def _some(random: Random, instances: Sequence[Instance], max_masks: int) -> list[Instance]:
    """Up to `max_masks` of the instances in random order, large ones more often."""
    if len(instances) <= max_masks:
        return [instances[index] for index in random.permutation(len(instances))]
    shares = np.array([instance.area for instance in instances], np.float64) ** _AREA_EXPONENT
    return [instances[i] for i in random.choice(len(instances), max_masks, replace=False, p=shares / shares.sum())]


def _choose(random: Random, masks: list[BinaryMask], count: int) -> npt.NDArray[np.uint8]:
    """`count` of the masks, large ones more often, as (K, S, S)."""
    areas = np.array([mask.sum() for mask in masks], np.float64)
    return np.stack(
        [masks[index] for index in choose_with_few_repeats(random, np.arange(len(masks)), count, areas**_AREA_EXPONENT)]
    )


def choose_with_few_repeats(
    random: Random, things: npt.NDArray[np.intp], count: int, weights: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.intp]:
    """`count` of the things, drawn by weight, in random order; none is repeated before all are used."""
    shares = None if weights is None else weights / weights.sum()
    if len(things) >= count:
        return random.choice(things, count, replace=False, p=shares)
    return random.permutation(np.concatenate([things, random.choice(things, count - len(things), p=shares)]))
