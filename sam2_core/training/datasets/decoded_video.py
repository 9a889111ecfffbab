"""Frames of video files: the clips used last are kept decoded in temporary folders."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from functools import lru_cache
from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media import Limits, Store, ingest, open_store
from sam2_core.media.info import RgbArray
from sam2_core.training.datasets.dataset import BadSample

UNDECODABLE = "clip that cannot be decoded"
_MAX_KEPT_CLIPS = 8  # a clip of SA-V takes about 50 MB on disk
_LIMITS = Limits(stored_side=8192)  # masks have the size of the original frames


class DecodedVideo:
    """The frames of one video file, in a folder that is deleted with the object."""

    def __init__(self, video: Path) -> None:
        """Decode the whole clip. Raises `MediaError`."""
        folder = Path(tempfile.mkdtemp(prefix="masklet-clip-"))
        weakref.finalize(self, _remove, folder, os.getpid())
        ingest(video, folder / "store", _LIMITS)
        store = open_store(folder / "store")
        store.source.unlink()  # a copy of the file, not needed here
        weakref.finalize(self, store.close)  # runs before the other finalizer
        self._store: Store = store

    def frame(self, index: int) -> RgbArray:
        """A frame (H, W, 3) in RGB. Raises `BadSample`."""
        try:
            return self._store.frame(index)
        except MediaError as error:
            raise BadSample(UNDECODABLE) from error


def decoded_video(video: Path) -> DecodedVideo:
    """The clip, decoded on the first call. Raises `BadSample`."""
    clip = _decoded_video(video, os.getpid())  # processes must not share open files
    if clip is None:
        raise BadSample(UNDECODABLE)
    return clip


@lru_cache(maxsize=_MAX_KEPT_CLIPS)
def _decoded_video(video: Path, process: int) -> DecodedVideo | None:
    """None, which is cached, for a clip that cannot be decoded."""
    try:
        return DecodedVideo(video)
    except MediaError:
        return None


def _remove(folder: Path, process: int) -> None:
    """Delete the folder, but only in the process that made it: a forked one has copies of objects still in use."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
