"""Objects that are purely red on pictures that are purely blue: the pixels themselves say what a mask should be."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from sam2_core.training.datasets.labelled import Labelled
from sam2_core.training.synthetic.material import Material, Materials, to_material
from sam2_core.training.synthetic.photometric import Photometric
from sam2_core.training.synthetic.pictures import Mix, StillSource
from sam2_core.training.synthetic.textures import Textures

RED, BLUE = (255, 0, 0), (0, 0, 255)
NO_CHANGE = Photometric(blur=0, shrink=0, tone=None, grey=False, noise=0, jpeg=0, seed=0)
Array = npt.NDArray[np.uint8]


class RedOnBlue(Textures):
    """Red surfaces for objects; blue for natural pictures and for whole squares, which are backgrounds."""

    def draw(self, random: np.random.Generator, height: int, width: int) -> Array:
        return np.full((height, width, 3), BLUE if height == width == SIDE else RED, np.uint8)

    def natural(self, random: np.random.Generator, height: int, width: int) -> Array:
        return np.full((height, width, 3), BLUE, np.uint8)


SIDE = 96


def red_material(height: int = 90, width: int = 130) -> Material:
    """A ring in the middle and a bar at the edge of the picture."""
    mask = np.zeros((2, height, width), np.bool_)
    mask[0, height // 4 : -height // 4, width // 4 : -width // 4] = True
    mask[0, height // 2 - 6 : height // 2 + 5, width // 2 - 9 : width // 2 + 8] = False
    mask[1, : height // 2, -width // 8 :] = True
    image = np.where(mask.any(0)[..., None], np.uint8(RED), np.uint8(BLUE))
    return to_material(Labelled(image, tuple(mask), ("", "")), "red")


def red_source(mix: Mix | None = None, backgrounds: bool = True) -> StillSource:
    """Real objects are red; without `backgrounds` no picture has labels of its own."""
    materials = Materials([red_material(), red_material(64, 50)], {})
    return StillSource(materials if backgrounds else Materials([], {}), materials, RedOnBlue([]), mix)


def is_red(image: Array) -> npt.NDArray[np.bool_]:
    """Where it is clearly red: soft edges, tinted or not, are neither this nor blue."""
    return image[..., 0] > 2.0 * image[..., 2]


def is_blue(image: Array) -> npt.NDArray[np.bool_]:
    """Where it is clearly blue."""
    return image[..., 2] > 2.0 * image[..., 0]


def inner(mask: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """The mask without its edge pixels."""
    return cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def outer(mask: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """The mask with one pixel around it."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


@pytest.fixture
def no_photometric(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the colours as they are."""
    monkeypatch.setattr(Photometric, "choose", classmethod(lambda cls, random: NO_CHANGE))
    yield
