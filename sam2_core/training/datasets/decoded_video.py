"""Video files as frames at hand: the clips used last lie decoded in temporary folders."""

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
_MAX_KEPT_CLIPS = 8  # a clip of SA-V takes some 50 MB on the disk
_LIMITS = Limits(stored_side=8192)  # masks have the size of the file's own frames


class DecodedVideo:
    """The frames of one video file; its folder goes when nobody holds the object any more."""

    def __init__(self, video: Path) -> None:
        """Decode the whole clip. Raises `MediaError`."""
        folder = Path(tempfile.mkdtemp(prefix="masklet-clip-"))
        weakref.finalize(self, _remove, folder, os.getpid())
        ingest(video, folder / "store", _LIMITS)
        store = open_store(folder / "store")
        store.source.unlink()  # a copy of the file, which nobody needs here
        weakref.finalize(self, store.close)  # the newest finalizer runs first
        self._store: Store = store

    def frame(self, index: int) -> RgbArray:
        """A frame (H, W, 3) in RGB; raises `BadSample`."""
        try:
            return self._store.frame(index)
        except MediaError as error:
            raise BadSample(UNDECODABLE) from error


def decoded_video(video: Path) -> DecodedVideo:
    """The decoded clip, made on the first call; raises `BadSample`."""
    clip = _decoded_video(video, os.getpid())  # processes must not share open files
    if clip is None:
        raise BadSample(UNDECODABLE)
    return clip


@lru_cache(maxsize=_MAX_KEPT_CLIPS)
def _decoded_video(video: Path, process: int) -> DecodedVideo | None:
    """None for a clip that cannot be decoded, so that this is found out once."""
    try:
        return DecodedVideo(video)
    except MediaError:
        return None


def _remove(folder: Path, process: int) -> None:
    """Only who made the folder may remove it: a forked process holds copies of objects that are still in use."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
