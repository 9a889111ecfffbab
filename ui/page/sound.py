"""The sound of a page's clip, made when it is first played and kept beside the clip."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_file
from sam2_core.media.progress import SILENT
from sam2_core.media.rendering.audio import extract_audio
from sam2_core.media.store import Store
from ui.sessions import Services

MEDIA_TYPE = "audio/mp4"
_NAME = "sound.m4a"
_BYTES_PER_SECOND = 20_000  # a little more than it takes


class ClipSound:
    """Makes the sound of one clip at a time. Belongs to one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._making = asyncio.Lock()

    async def file(self, store: Store) -> Path:
        """The clip's sound, which begins with its first frame. Raises `MediaError` where it has none that can be read,
        and `Busy` where there is no room for it."""
        if not store.info.has_audio:
            raise MediaError("This clip has no sound.")
        path = store.folder / _NAME
        executors = self._services.executors
        async with self._making:
            if not await executors.read_file(path.is_file):
                with self._services.disk.coming(int(store.info.duration * _BYTES_PER_SECOND)):
                    await executors.read_picture(_make, store, path)
        return path


def _make(store: Store, path: Path) -> None:
    with new_file(path) as unfinished:
        store.decoders.run(extract_audio, store, unfinished, report=SILENT)
