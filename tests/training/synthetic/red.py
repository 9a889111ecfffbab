"""Objects that are purely red on pictures that are purely blue: the pixels themselves say what a mask should be."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.training.datasets.dataset import LabeledImage
from sam2_core.training.synthetic.image_pool import ImagePool, PooledImage, to_pooled
from sam2_core.training.synthetic.image_samples import ImageSampler, Mix
from sam2_core.training.synthetic.textures import Textures

SIDE = 96
RED, BLUE = (255, 0, 0), (0, 0, 255)
Array = npt.NDArray[np.uint8]


class RedOnBlue(Textures):
    """Red surfaces for objects; blue for natural pictures and for whole squares, which are backgrounds."""

    def draw(self, random: np.random.Generator, height: int, width: int) -> Array:
        return np.full((height, width, 3), BLUE if height == width == SIDE else RED, np.uint8)

    def natural(self, random: np.random.Generator, height: int, width: int) -> Array:
        return np.full((height, width, 3), BLUE, np.uint8)


def red_image(height: int = 90, width: int = 130, hole: bool = True) -> PooledImage:
    """A box in the middle, perhaps with a hole, and a bar at the edge of the picture."""
    mask = np.zeros((2, height, width), np.bool_)
    mask[0, height // 4 : -height // 4, width // 4 : -width // 4] = True
    if hole:
        mask[0, height // 2 - 6 : height // 2 + 5, width // 2 - 9 : width // 2 + 8] = False
    mask[1, : height // 2, -width // 8 :] = True
    image = np.where(mask.any(0)[..., None], np.uint8(RED), np.uint8(BLUE))
    return to_pooled(LabeledImage(image, tuple(mask), ("", "")), "red")


def red_sampler(mix: Mix | None = None, backgrounds: bool = True) -> ImageSampler:
    """Real objects are red; without `backgrounds` no picture has labels of its own.

    Cut-outs have no hole: soft edges may close a small one.
    """
    images = ImagePool([red_image(), red_image(64, 50)] if backgrounds else [], {})
    cutouts = ImagePool([red_image(hole=False), red_image(64, 50, hole=False)], {})
    return ImageSampler(images, cutouts, RedOnBlue([]), mix)


def is_red(image: Array) -> npt.NDArray[np.bool_]:
    """Where it is clearly red: soft edges, tinted or not, are neither this nor blue."""
    return image[..., 0] > 2.0 * image[..., 2]


def is_blue(image: Array) -> npt.NDArray[np.bool_]:
    """Where it is clearly blue."""
    return image[..., 2] > 2.0 * image[..., 0]


def different(masks: Array) -> Array:
    """The masks (K, ...) without repetitions."""
    return np.stack(list({mask.tobytes(): mask for mask in masks}.values()))


def inner(mask: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """The mask without its edge pixels."""
    return cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def outer(mask: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """The mask with one pixel around it."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
