"""Small images and masks for dataset folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from sam2_core.types import Mask

HEIGHT, WIDTH = 30, 40


def write_image(path: Path, seed: int = 0, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """An image of noise, different for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)).save(path)
    return path


def box_mask(left: int, top: int, right: int, bottom: int) -> Mask:
    """A rectangle."""
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[top:bottom, left:right] = True
    return Mask.from_array(pixels)
