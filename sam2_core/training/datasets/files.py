"""Untrusted files: names that must stay inside a folder, JSON, images and their sizes from headers alone."""

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
from sam2_core.media.info import RgbArray
from sam2_core.media.readers.text_encoding import decode_text
from sam2_core.training.datasets.dataset import BadSample, SkipReport

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
SIZE_MISMATCH = "picture and labels of different sizes"
NO_MASK = "picture without a mask"
NO_IMAGE = "mask without a picture"

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
"""Suffixes of image files, in lower case."""
_FORMATS = {"JPEG", "MPO", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM"}
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_MAX_NAME_LENGTH = 80
_ORIENTATION, _ON_THE_SIDE = 0x0112, {5, 6, 7, 8}


class Listing:
    """Which files exist, with one listing of each folder instead of a system call for each file."""

    def __init__(self) -> None:
        self._names: dict[Path, frozenset[str]] = {}

    def has(self, path: Path) -> bool:
        """Whether the file exists."""
        folder = path.parent
        if folder not in self._names:
            self._names[folder] = frozenset(x.name for x in folder.iterdir()) if folder.is_dir() else frozenset()
        try:
            return path.name in self._names[folder] or path.is_file()  # the second for file systems that ignore case
        except (OSError, ValueError):  # a name that is invalid
            return False


def resolve_inside(root: Path, name: object) -> Path:
    """The path of a file named by a JSON file or list, with either kind of slash.

    Raises `BadSample` for a name that leads out of `root`.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise BadSample(BROKEN_ENTRY)
    relative = PureWindowsPath(name)  # splits at the separators of all systems
    if relative.anchor or ".." in relative.parts:
        raise BadSample(OUTSIDE)
    return root.joinpath(*relative.parts)


def load_json(path: Path) -> Any:
    """The content of a JSON file in any encoding. Raises `BadSample`."""
    try:
        return json.loads(decode_text(path.read_bytes()), strict=False)
    except FileNotFoundError as error:
        raise BadSample(MISSING) from error
    except (OSError, ValueError, RecursionError) as error:
        raise BadSample(BROKEN_JSON) from error


@contextmanager
def skip_if_bad(report: SkipReport, entry: object) -> Iterator[None]:
    """Report an entry of a JSON file or folder, instead of raising, if it is bad or does not have the expected form."""
    try:
        yield
    except BadSample as error:
        report.skip(_entry_name(entry), str(error))
    except OSError:
        report.skip(_entry_name(entry), NO_ACCESS)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):  # not of the expected form
        report.skip(_entry_name(entry), BROKEN_ENTRY)


def printable(text: object) -> str:
    """Untrusted text for a report: of bounded length, without control characters."""
    return "".join(char if char.isprintable() else "?" for char in str(text)[:_MAX_NAME_LENGTH])


def _entry_name(entry: object) -> str:
    if isinstance(entry, dict):
        keys = (key for key in ("file_name", "name", "id") if entry.get(key))
        entry = entry.get(next(keys, "id"), "without a name")
    return printable(entry)


def open_image(path: Path) -> Image.Image:
    """Open without decoding. Raises `BadSample` for what is no image, or has more than `LIMITS.max_pixels`."""
    Image.init()
    try:
        image = Image.open(path, formats=sorted(_FORMATS & set(Image.OPEN)))
    except FileNotFoundError as error:
        raise BadSample(MISSING) from error
    except _BOMB as error:
        raise BadSample(TOO_LARGE) from error
    except Exception as error:  # Pillow raises many types of errors for damaged files
        raise BadSample(UNREADABLE) from error
    if image.width * image.height > LIMITS.max_pixels:
        image.close()
        raise BadSample(TOO_LARGE)
    return image


def image_sizes(path: Path) -> tuple[Size, ...]:
    """The sizes at which an image may have been annotated: rotated by its EXIF data, as `read_rgb` returns it, and,
    if that differs, as stored.

    Reads only the header. Raises `BadSample`.
    """
    with open_image(path) as image:
        stored = (image.height, image.width)
        if image.format not in {"JPEG", "MPO"}:  # in others EXIF is rare and may lie behind the pixels
            return (stored,)
        try:
            is_turned = image.getexif().get(_ORIENTATION) in _ON_THE_SIDE
        except Exception:  # as above; viewers ignore broken EXIF data
            is_turned = False
    return (stored[::-1], stored) if is_turned else (stored,)


def read_rgb(path: Path, size: Size | None = None) -> RgbArray:
    """The image (H, W, 3) in RGB; if its annotations have a `size`, in the orientation of that size.

    Raises `BadSample` if it is damaged, too large, or of another size.
    """
    if size is not None and size not in image_sizes(path):
        raise BadSample(SIZE_MISMATCH)
    try:
        pixels = read_image(path, LIMITS)
    except MediaError as error:
        with open_image(path):  # raises the reason if it is in the header
            raise BadSample(UNREADABLE) from error
    except FileNotFoundError as error:
        raise BadSample(MISSING) from error
    return pixels if size is None or pixels.shape[:2] == size else _read_unrotated(path)


def _read_unrotated(path: Path) -> RgbArray:
    """Without the rotation of the EXIF data, which the annotation tool ignored."""
    try:
        with open_image(path) as image:
            return np.array(image.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError) as error:
        raise BadSample(UNREADABLE) from error
