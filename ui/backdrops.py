"""Pictures that a visitor has chosen to stand behind the objects."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from sam2_core.errors import BadPrompt
from sam2_core.media import EffectStack, Limits
from sam2_core.media.atomic import new_file
from sam2_core.media.image_files import encode_scaled_jpeg, read_image
from sam2_core.media.info import RgbArray

MOST_BACKDROPS = 4  # of one visitor; the one used least recently makes room
LARGEST_SIDE = 1920  # pixels
_GONE = "The picture behind is not on this server any more. Choose it again."


class Backdrops:
    """The backdrops of one visitor, scaled down, as files in the visitor's own folder.

    A backdrop is called after its content, so that a look finds it again wherever the same picture was sent.
    """

    def __init__(self, folder: Path, max_pixels: int) -> None:
        self._folder, self._limits = folder, Limits(max_pixels=max_pixels)
        self._kept: dict[str, Path] = {}

    def read(self, file: Path) -> Path:
        """Make a backdrop of an uploaded picture, which `keep` then takes. Blocks; raises `MediaError`."""
        jpeg, _ = encode_scaled_jpeg(read_image(file, self._limits), LARGEST_SIDE)
        path = self._folder / f"{_digest(file)[:32]}.jpg"
        with new_file(path) as unfinished:  # the same picture may be in use
            unfinished.write_bytes(jpeg)
        return path

    def keep(self, path: Path) -> str:
        """Keep what was read; its name."""
        self._kept.pop(path.stem, None)
        self._kept[path.stem] = path
        while len(self._kept) > MOST_BACKDROPS:
            self._kept.pop(next(iter(self._kept))).unlink(missing_ok=True)
        return path.stem

    def of(self, look: EffectStack) -> dict[str, Path]:
        """The backdrops that a look names; raises `BadPrompt` where one is not here."""
        names = look.backdrops - {""}
        if not names <= self._kept.keys():
            raise BadPrompt(_GONE)
        for name in sorted(names):
            self._kept[name] = self._kept.pop(name)
        return {name: self._kept[name] for name in sorted(names)}


def load_backdrops(paths: Mapping[str, Path]) -> dict[str, RgbArray]:
    """Their pixels, (H, W, 3) each, not to be changed. Blocks; raises `BadPrompt` where one has gone meanwhile."""
    try:
        return {name: _pixels(path) for name, path in paths.items()}
    except OSError as error:
        raise BadPrompt(_GONE) from error


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while part := opened.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


@lru_cache(maxsize=8)
def _pixels(path: Path) -> RgbArray:
    """A look that is being changed is painted many times a second."""
    with Image.open(path) as image:
        pixels = np.array(image.convert("RGB"))
    pixels.setflags(write=False)
    return pixels
