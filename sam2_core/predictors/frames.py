"""What `SAM2VideoPredictor.init_state` opens: folders of numbered pictures, video files, arrays, lists of pictures.

Nothing depends on the source after it was opened: encoded pictures are held in memory (up to `HELD_BYTES`), a video is
decoded into a temporary store, and pictures that are in memory already are resized at once.
"""

from __future__ import annotations

import io
import math
import os
import re
import shutil
import sys
import tempfile
import warnings
import weakref
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

import numpy as np
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from sam2_core.errors import MediaError
from sam2_core.media import Limits, ingest, open_store
from sam2_core.media.image_files import read_image
from sam2_core.media.sequence import PICTURE_SUFFIXES, NoSequence, order_sequence
from sam2_core.model.preprocess import frame_to_input
from sam2_core.predictors.pictures import PictureFrames

CLIP_LIMITS = Limits(
    max_bytes=sys.maxsize,
    max_clip_side=16384,
    max_clip_pixels=16384 * 8640,
    max_seconds=math.inf,
    max_frames=sys.maxsize,
    max_store_bytes=sys.maxsize,
    stored_side=2048,
    time_limit=30 * 24 * 3600.0,
)
"""Users of the Python API read their own files: only sizes that no machine could handle are refused."""

HELD_BYTES = 2**30
"""Encoded pictures of one clip that are held in memory; later ones are read from their files when they are needed."""

_PICTURE_LIMITS = replace(CLIP_LIMITS, max_pixels=CLIP_LIMITS.max_clip_pixels)
_JPEG = {".jpg", ".jpeg"}


@runtime_checkable
class Frames(Protocol):
    """A sequence of frames that are read on demand."""

    height: int
    width: int

    def __len__(self) -> int: ...

    def read(self, index: int, size: int) -> Tensor:
        """Frame `index` as network input (3, size, size)."""
        ...


def open_frames(source: Any, size: int) -> Frames:
    """Open what `init_state` accepts, for a network of input side `size`. Raises `MediaError`."""
    if isinstance(source, Frames):
        return source
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return FrameFiles(numbered_files(path)) if path.is_dir() else ClipFrames(path)
    if isinstance(source, bytes | bytearray | memoryview):
        return ClipFrames(io.BytesIO(source))
    if hasattr(source, "read") and not isinstance(source, np.ndarray | Tensor):
        return ClipFrames(source)
    if not isinstance(source, np.ndarray | Tensor):
        if not isinstance(source, Iterable):
            raise MediaError(
                "A clip is a folder of numbered pictures, a video file or its bytes, an array (frames, height, width, "
                f"3) or a list of pictures; this is {type(source).__name__}."
            )
        source = list(source)
        if source and all(isinstance(each, str | os.PathLike) for each in source):
            return FrameFiles([Path(each) for each in source])
        source = [_picture(Path(each)) if isinstance(each, str | os.PathLike) else each for each in source]
    return PictureFrames(source, size)


# --- pictures as files -----------------------------------------------------------------------------------------------


def numbered_files(folder: Path) -> list[Path]:
    """The pictures of a folder, by their numbers: `00000.jpg`, `frame_0001.png`, `render.1001.tif`.

    As in the official code only JPEGs count where there are any; a warning tells of other pictures between them. Raises
    `MediaError` for names without a number, for two frames of one number, for decimals whose order is not certain, and
    for names that differ in more than their numbers: they are of several clips.
    """
    files = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    found = [file for file in files if file.suffix.lower() in _JPEG]
    found = found or [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    if not found:
        raise MediaError(f"There are no .jpg files in {folder}, nor other pictures named by numbers, like 00000.png.")
    unnumbered = [file.name for file in found if not re.search(r"\d", file.stem)]
    if unnumbered:
        raise MediaError(f"Frames must be named by their number, like 00000.jpg; {unnumbered[0]} is not.")
    order, _ = order_sequence([file.name for file in found])
    stems = {file.stem for file in found}
    others = (file for file in files if file.stem not in stems and file.suffix.lower() in PICTURE_SUFFIXES)
    if lost := [file.name for file in others if _are_frames([found[0], file])]:
        warnings.warn(
            f"Only the JPEGs in {folder} are frames: {lost[0]} is left out ({len(lost)} in all).", stacklevel=2
        )
    return [found[index] for index in order]


def _are_frames(files: Sequence[Path]) -> bool:
    """Whether these are frames of one clip, all of them."""
    try:
        return len(order_sequence([file.name for file in files])[0]) == len(files)
    except NoSequence:
        return False


class FrameFiles:
    """Pictures as files, in the given order; `height` and `width` are those of the first one."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files: list[Path | bytes] = list(files)
        held = 0
        for index, file in enumerate(files):
            held += _size_of(file)
            if held > HELD_BYTES:
                break
            self._files[index] = file.read_bytes()
        self.width, self.height = self._open(0).size

    def __len__(self) -> int:
        return len(self._files)

    def read(self, index: int, size: int) -> Tensor:
        """Frame `index` as network input (3, size, size). Raises `MediaError`."""
        return frame_to_input(self._open(index), size)

    def _open(self, index: int) -> Image.Image:
        file = self._files[index]
        return _picture(io.BytesIO(file) if isinstance(file, bytes) else file)


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise MediaError(f"The picture {file} cannot be read: {error.strerror}.") from error


def _picture(source: Path | IO[bytes]) -> Image.Image:
    """A picture file in RGB; JPEGs as the official code reads them, without their EXIF orientation."""
    try:
        with Image.open(source) as image:
            if image.format in {"JPEG", "MPO"}:
                return image.convert("RGB")
    except UnidentifiedImageError:
        pass  # `read_image` names the format
    except (OSError, Image.DecompressionBombError) as error:
        raise MediaError(f"A frame cannot be read: {error}") from error
    if not isinstance(source, Path):
        source.seek(0)
    return Image.fromarray(read_image(source, _PICTURE_LIMITS))


# --- video files -----------------------------------------------------------------------------------------------------


class ClipFrames:
    """A video file, decoded once into a store of JPEGs that is deleted with this object.

    Frames are stored with at most 2048 pixels on the long side; `height` and `width` are those of the file.
    """

    def __init__(self, file: Path | IO[bytes]) -> None:
        folder = Path(tempfile.mkdtemp(prefix="masklet-clip-"))
        cleanup = ExitStack()
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        weakref.finalize(self, cleanup.close)
        if not isinstance(file, Path):
            with (folder / "clip").open("wb") as copy:
                shutil.copyfileobj(file, copy)
        about = ingest(file if isinstance(file, Path) else folder / "clip", folder / "store", CLIP_LIMITS)
        for sentence in about.warnings:  # frames that are missing or were changed
            warnings.warn(sentence, stacklevel=2)
        self._store = open_store(folder / "store")
        cleanup.callback(self._store.close)  # runs before the folder is deleted
        self.height, self.width, self._count = about.height, about.width, about.frames

    def __len__(self) -> int:
        return self._count

    def read(self, index: int, size: int) -> Tensor:
        """Frame `index` as network input (3, size, size)."""
        return frame_to_input(Image.fromarray(self._store.frame(index)), size)
