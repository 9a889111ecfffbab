"""Files of strangers: names that stay inside a folder, json files, pictures and their sizes from headers alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import Limits
from sam2_core.media.image_files import read_image
from sam2_core.training.datasets.labelled import BadSample, Pixels, Report

Size: TypeAlias = tuple[int, int]
"""(height, width)."""

LIMITS = Limits()
BROKEN_ENTRY = "broken entry in a json file or list"
NO_ACCESS = "file that cannot be opened"
BROKEN_JSON = "json file that cannot be read"
OUTSIDE = "file name that leads out of the data set"
MISSING = "file is missing"
UNREADABLE = "file that cannot be read as a picture"
TOO_LARGE = f"picture of more than {LIMITS.max_pixels // 1_000_000} million pixels"
OTHER_SIZE = "picture and labels of different sizes"
NO_MASK = "picture without a mask"
NO_PICTURE = "mask without a picture"

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
"""Endings of files that are taken for pictures (in lower case)."""
_FORMATS = {"JPEG", "MPO", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM"}
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_LONGEST_NAME = 80
_ORIENTATION, _ON_THE_SIDE = 0x0112, {5, 6, 7, 8}


class Listing:
    """Tells which files exist, with one look at each folder instead of one at each file."""

    def __init__(self) -> None:
        self._names: dict[Path, frozenset[str]] = {}

    def has(self, path: Path) -> bool:
        """Is there such a file?"""
        folder = path.parent
        if folder not in self._names:
            self._names[folder] = frozenset(x.name for x in folder.iterdir()) if folder.is_dir() else frozenset()
        try:
            return path.name in self._names[folder] or path.is_file()  # the latter: file systems that ignore case
        except (OSError, ValueError):  # a name that no file can have
            return False


def inside(root: Path, name: object) -> Path:
    """The path of a file that a json file or list names; both kinds of slashes are understood.

    Raises `BadSample` for a name that would leave `root`.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise BadSample(BROKEN_ENTRY)
    relative = PureWindowsPath(name)  # knows the separators and roots of every system
    if relative.anchor or ".." in relative.parts:
        raise BadSample(OUTSIDE)
    return root.joinpath(*relative.parts)


def load_json(path: Path) -> Any:
    """What a json file holds; raises `BadSample`."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise BadSample(MISSING) from error
    except (OSError, ValueError, RecursionError) as error:
        raise BadSample(BROKEN_JSON) from error


@contextmanager
def entry_of(report: Report, entry: object) -> Iterator[None]:
    """Work on one entry of a json file or folder: if it turns out to be bad or misshapen, it is reported."""
    try:
        yield
    except BadSample as error:
        report.skip(_entry_name(entry), str(error))
    except OSError:
        report.skip(_entry_name(entry), NO_ACCESS)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):  # something else than was expected
        report.skip(_entry_name(entry), BROKEN_ENTRY)


def printable(text: object) -> str:
    """What strangers wrote, fit for a report on any terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(text)[:_LONGEST_NAME])


def _entry_name(entry: object) -> str:
    if isinstance(entry, dict):
        keys = (key for key in ("file_name", "name", "id") if entry.get(key))
        entry = entry.get(next(keys, "id"), "without a name")
    return printable(entry)


def open_picture(path: Path) -> Image.Image:
    """Open without decoding. Raises `BadSample` for what is no picture, or one of more than 80 million pixels."""
    Image.init()
    try:
        image = Image.open(path, formats=sorted(_FORMATS & set(Image.OPEN)))
    except FileNotFoundError as error:
        raise BadSample(MISSING) from error
    except _BOMB as error:
        raise BadSample(TOO_LARGE) from error
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them raise
        raise BadSample(UNREADABLE) from error
    if image.width * image.height > LIMITS.max_pixels:
        image.close()
        raise BadSample(TOO_LARGE)
    return image


def picture_sizes(path: Path) -> tuple[Size, ...]:
    """The sizes at which a picture may have been annotated: upright (turned as its EXIF data say, which is how
    `read_rgb` gives it) and, where that is another one, as it is stored.

    Reads the header only; raises `BadSample`.
    """
    with open_picture(path) as image:
        stored = (image.height, image.width)
        if image.format not in {"JPEG", "MPO"}:  # elsewhere EXIF data may stand behind the pixels, and are rare
            return (stored,)
        try:
            is_turned = image.getexif().get(_ORIENTATION) in _ON_THE_SIDE
        except Exception:  # as above; broken EXIF data are ignored by all who show the picture
            is_turned = False
    return (stored[::-1], stored) if is_turned else (stored,)


def read_rgb(path: Path, size: Size | None = None) -> Pixels:
    """The picture (H, W, 3) in RGB; where its annotations have a `size`, turned so that it fits them.

    Raises `BadSample` for one that is damaged, too large, or does not fit.
    """
    if size is not None and size not in picture_sizes(path):
        raise BadSample(OTHER_SIZE)
    try:
        pixels = read_image(path, LIMITS)
    except MediaError as error:
        with open_picture(path):  # says more precisely what is wrong with the header
            raise BadSample(UNREADABLE) from error
    except FileNotFoundError as error:
        raise BadSample(MISSING) from error
    return pixels if size is None or pixels.shape[:2] == size else _as_stored(path)


def _as_stored(path: Path) -> Pixels:
    """Who annotated this picture did not see it turned."""
    try:
        with open_picture(path) as image:
            return np.array(image.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError) as error:
        raise BadSample(UNREADABLE) from error
