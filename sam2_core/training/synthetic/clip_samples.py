"""Samples of clips: a real image under a moving camera, with cut-outs and silhouettes that move, rotate, scale and
deform, occlude each other, leave the frame and come back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.errors import DataError
from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask, Random
from sam2_core.training.synthetic.canvas import Canvas
from sam2_core.training.synthetic.image_samples import ImageSampler, choose_with_few_repeats, random_crop
from sam2_core.training.synthetic.motion import MotionPath, Sway, Waves
from sam2_core.training.synthetic.photometric import Photometric
from sam2_core.training.synthetic.silhouettes import Alpha

_TRIES = 20
_MIN_AREA, _MAX_AREA = 0.004, 0.6  # shares of the first frame
_MAX_BACKDROP_OBJECTS = 4  # of the background image, which follow the camera


@dataclass(frozen=True, slots=True)
class ClipSample:
    """Frames (T, S, S, 3) with the masks (K, T, S, S) of K objects, which are visible on the first frame."""

    frames: RgbArray
    masks: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Sprite:
    surface: RgbArray
    alpha: Alpha
    path: MotionPath
    start: tuple[float, float]
    squash: float  # amplitude of its horizontal scaling
    phase: float
    sway: Sway | None

    def add_to(self, canvas: Canvas, frame: int, camera: tuple[float, float]) -> None:
        surface, alpha = self.surface, self.alpha
        if self.sway is not None:
            surface, alpha = self.sway(surface, frame), self.sway(alpha, frame)
        height, width = alpha.shape
        side = len(canvas.image)
        squash = 1 + self.squash * np.sin(self.phase + 1.3 * frame)
        start = (self.start[0] + camera[0], self.start[1] + camera[1])
        matrix = self.path.matrix(frame, (width / 2, height / 2), start, squash)
        alpha = np.asarray(cv2.blur(cv2.warpAffine(alpha, matrix, (side, side)), (3, 3)), np.uint8)
        left, top, width, height = cv2.boundingRect(alpha)
        matrix[:, 2] -= left, top  # only the part of the frame that the object covers
        surface = np.asarray(
            cv2.warpAffine(surface, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
        alpha = alpha[top : top + height, left : left + width]
        if canvas.put(surface, alpha, top, left) is None:
            canvas.objects.append(np.zeros((side, side), np.uint8))  # out of view


class SyntheticClipSampler:
    """Draws clips from the images of an `ImageSampler`."""

    def __init__(self, sampler: ImageSampler) -> None:
        self.sampler = sampler

    def draw(self, random: Random, side: int, frames: int, count: int) -> ClipSample:
        """A clip with `count` objects; if there are fewer, some are repeated. Raises `DataError` if none is usable."""
        for _ in range(_TRIES):
            images, masks = self._render(random, side, frames)
            seen = masks[:, 0].mean(axis=(1, 2))
            fitting = np.flatnonzero((seen > _MIN_AREA) & (seen < _MAX_AREA))
            if len(fitting):
                chosen = choose_with_few_repeats(random, fitting, count)
                photometric = Photometric.choose(random)
                return ClipSample(np.stack([photometric(image, at) for at, image in enumerate(images)]), masks[chosen])
        raise DataError(f"No clip with an object that can be seen on its first frame in {_TRIES} tries.")

    def _render(self, random: Random, side: int, frames: int) -> tuple[list[RgbArray], npt.NDArray[np.uint8]]:
        margin = side // 5
        backdrop, backdrop_masks = self._backdrop(random, side + 2 * margin)
        camera = MotionPath.choose(random, frames, side, random.uniform(0.2, 1.0))
        sprites = self._sprites(random, side, frames, at_least=1 if backdrop_masks else 2)
        waves = Waves(random, side) if random.random() < 0.5 else None
        images, masks = [], []
        for at in range(frames):
            center = (side / 2 + margin,) * 2
            matrix = camera.matrix(at, center, (side / 2, side / 2))
            canvas = Canvas(
                np.asarray(cv2.warpAffine(backdrop, matrix, (side, side), borderMode=cv2.BORDER_REFLECT), np.uint8),
                [
                    np.asarray(cv2.warpAffine(mask, matrix, (side, side), flags=cv2.INTER_NEAREST), np.uint8)
                    for mask in backdrop_masks
                ],
            )
            for sprite in sprites:
                sprite.add_to(canvas, at, (camera.x[at], camera.y[at]))
            bend = (lambda pixels, at=at: waves(pixels, at)) if waves else (lambda pixels: pixels)
            images.append(bend(canvas.image))
            masks.append(np.stack([bend(mask) for mask in canvas.objects]))
        return images, np.stack(masks, axis=1)

    def _backdrop(self, random: Random, side: int) -> tuple[RgbArray, list[BinaryMask]]:
        if self.sampler.images and random.random() < 0.65:
            return random_crop(
                random, self.sampler.images.draw(random), side, smallest=0.6, max_masks=_MAX_BACKDROP_OBJECTS
            )
        return self.sampler.textures.natural(random, side, side), []

    def _sprites(self, random: Random, side: int, frames: int, at_least: int) -> list[_Sprite]:
        count = int(random.integers(at_least, 4))
        sprites: list[_Sprite] = []
        if random.random() < self.sampler.mix.look_alikes:
            sprites = self._look_alikes(random, side, frames)
        while len(sprites) < count:
            surface, alpha = self.sampler.sprite(random, side, random.uniform(0.15, 0.6))
            path = MotionPath.choose(random, frames, side, random.uniform(0.4, 1.8))
            if random.random() < 0.15:
                path = path.away_and_back(random, side)
            sprites.append(_sprite(random, surface, alpha, path, random.uniform(0.15, 0.85, 2) * side))
        return [sprites[index] for index in random.permutation(len(sprites))]

    def _look_alikes(self, random: Random, side: int, frames: int) -> list[_Sprite]:
        """Two similar objects; half of such pairs change places, so that one passes in front of the other."""
        pair = self.sampler.look_alikes(random, side, random.uniform(0.15, 0.6))
        starts = random.uniform(0.15, 0.85, (2, 2)) * side
        ways = starts[::-1] - starts if random.random() < 0.5 else np.zeros((2, 2))
        sprites = []
        for (surface, alpha), start, way in zip(pair, starts, ways, strict=True):
            energy = random.uniform(0.1, 0.6) if way.any() else random.uniform(0.4, 1.8)
            path = MotionPath.choose(random, frames, side, energy).towards(float(way[0]), float(way[1]))
            sprites.append(_sprite(random, surface, alpha, path, start))
        return sprites


def _sprite(
    random: Random, surface: RgbArray, alpha: Alpha, path: MotionPath, start: npt.NDArray[np.float64]
) -> _Sprite:
    sway = Sway.choose(random) if random.random() < 0.5 else None
    if sway is not None:
        space = 1 + int(np.ceil(alpha.shape[1] * sway.reach / (1 - 2 * sway.reach)))
        surface = np.pad(surface, ((0, 0), (space, space), (0, 0)), mode="edge")
        alpha = np.pad(alpha, ((0, 0), (space, space)))
    return _Sprite(
        surface,
        alpha,
        path,
        (float(start[0]), float(start[1])),
        squash=random.uniform(0, 0.08),
        phase=random.uniform(0, 2 * np.pi),
        sway=sway,
    )
