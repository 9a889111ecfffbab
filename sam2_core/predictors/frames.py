"""Clips as the official video predictor reads them: a folder of numbered JPEGs, or a video file."""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from PIL import Image
from torch import Tensor

from sam2_core.errors import MediaError
from sam2_core.media import Limits, ingest, open_store
from sam2_core.model.preprocess import frame_to_input

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


class Frames(Protocol):
    """A sequence of frames that are read on demand."""

    height: int
    width: int

    def __len__(self) -> int: ...

    def read(self, index: int, size: int) -> Tensor:
        """Frame `index` as network input (3, size, size)."""
        ...


def open_frames(path: str | os.PathLike[str]) -> Frames:
    """Open a folder of JPEGs named by their number, or a video file; raises `MediaError`."""
    path = Path(path)
    return FrameFolder(path) if path.is_dir() else ClipFrames(path)


class FrameFolder:
    """A folder of JPEGs named by numbers (`00000.jpg`, …), sorted by number."""

    def __init__(self, folder: Path) -> None:
        found = [file for file in folder.iterdir() if file.suffix.lower() in {".jpg", ".jpeg"}]
        if not found:
            raise MediaError(f"There are no .jpg files in {folder}.")
        unnumbered = [file.name for file in found if not file.stem.isdecimal()]
        if unnumbered:
            raise MediaError(f"Frames must be named by their number, like 00000.jpg; {unnumbered[0]} is not.")
        self._files = sorted(found, key=lambda file: int(file.stem))
        with Image.open(self._files[0]) as first:
            self.width, self.height = first.size

    def __len__(self) -> int:
        return len(self._files)

    def read(self, index: int, size: int) -> Tensor:
        """Frame `index` as network input (3, size, size)."""
        with Image.open(self._files[index]) as image:
            return frame_to_input(image, size)


class ClipFrames:
    """A video file, decoded once into a store of JPEGs that is deleted with this object.

    Frames are stored with at most 2048 pixels on the long side; `height` and `width` are those of the file.
    """

    def __init__(self, file: Path) -> None:
        folder = tempfile.mkdtemp(prefix="masklet-clip-")
        cleanup = ExitStack()
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        weakref.finalize(self, cleanup.close)
        store = Path(folder) / "store"
        about = ingest(file, store, CLIP_LIMITS)
        self._store = open_store(store)
        cleanup.callback(self._store.close)  # runs before the folder is deleted
        self.height, self.width, self._count = about.height, about.width, about.frames

    def __len__(self) -> int:
        return self._count

    def read(self, index: int, size: int) -> Tensor:
        """Frame `index` as network input (3, size, size)."""
        return frame_to_input(Image.fromarray(self._store.frame(index)), size)
