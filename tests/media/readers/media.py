"""Media that files of annotations are about, and what such files are made of."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2_core.media import MediaInfo
from sam2_core.media.readers import ImportedAnnotations
from sam2_core.types import BoolArray, Mask

HEIGHT, WIDTH = 20, 30
CLIP = MediaInfo("clip", "film.mp4", 10, HEIGHT, WIDTH, HEIGHT, WIDTH, fps=30.0)
STILL = MediaInfo("image", "photo.jpg", 1, HEIGHT, WIDTH, HEIGHT, WIDTH)
SIZES = ((HEIGHT, WIDTH), (HEIGHT, WIDTH), (10, 12))
ALBUM = MediaInfo(
    "album", "3 photos", 3, HEIGHT, WIDTH, HEIGHT, WIDTH, sizes=SIZES, names=("cat.jpg", "Dog 2.png", "tiny.jpg")
)


def square(left: int, top: int, side: int = 5, size: tuple[int, int] = (HEIGHT, WIDTH)) -> BoolArray:
    pixels = np.zeros(size, bool)
    pixels[top : top + side, left : left + side] = True
    return pixels


def rle(pixels: BoolArray) -> dict[str, Any]:
    return Mask.from_array(pixels).to_coco()


def png(pixels: npt.NDArray[Any], mode: str | None = None) -> bytes:
    """Indexed where `mode` is "P", else of the mode that suits the numbers."""
    image = _indexed(pixels) if mode == "P" else Image.fromarray(pixels)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _indexed(pixels: npt.NDArray[Any]) -> Image.Image:
    image = Image.new("P", (pixels.shape[1], pixels.shape[0]))
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [9, 9, 9] * 253)
    image.putdata(pixels.reshape(-1).tolist())
    return image


def packed(path: Path, members: Mapping[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def as_json(path: Path, plain: Any) -> Path:
    path.write_text(json.dumps(plain), "utf-8")
    return path


def told(found: ImportedAnnotations) -> list[tuple[int, int, str, str]]:
    """Frame, track, name and label of everything."""
    return [(each.frame, each.track, each.name, each.label) for each in found.masks]


def pixels_of(found: ImportedAnnotations, place: int = 0) -> BoolArray:
    mask = found.masks[place].mask
    assert mask is not None
    return mask.to_array()


def reasons(found: ImportedAnnotations) -> str:
    return " ".join(f"{each.count} {each.reason} {each.names}" for each in found.skipped)
