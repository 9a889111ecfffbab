"""Files of one visitor: how they wait for the others of their batch, and how they are read."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media import Limits, MediaProgress, SkippedFile, Store, ingest, ingest_album
from ui.resources import Resources
from ui.settings import Settings
from ui.wire import Arrival


class Arrivals:
    """At most one batch waits. Each file lies in a folder of its own, which goes with it. Belongs to one event loop."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._batch: str | None = None
        self._waiting: list[Path] = []

    async def expect(self, arrival: Arrival, open_already: int) -> None:
        """A file is on its way; what waits of another batch is thrown away.

        `open_already` is how many photos the batch comes to. Raises `MediaError` where there would be too many.
        """
        if arrival.batch != self._batch or not arrival.batch:
            await self.clear()
            self._batch = arrival.batch
        count, most = open_already + len(self._waiting) + 1 + arrival.left, self._resources.settings.max_pictures
        if count > most:
            await self.clear()
            raise MediaError(f"{count} photos are too many: up to {most} fit together. Choose fewer.")

    async def take(self, file: Path, arrival: Arrival) -> list[Path]:
        """The file is here. Gives the whole batch if it was the last one, else nothing.

        A file that nobody expects any more is thrown away. Raises `MediaError` where the batch has too many bytes.
        """
        if arrival.batch != self._batch:
            await self._remove([file])
            return []
        self._waiting.append(file)
        most = self._resources.settings.max_album_bytes
        if len(self._waiting) > 1 and await self._resources.call(self._bytes) > most:
            await self.clear()
            raise MediaError(f"These photos have more than {most // 1_000_000} MB together. Choose fewer.")
        if arrival.left:
            return []
        complete, self._waiting, self._batch = self._waiting, [], None
        return complete

    async def clear(self) -> None:
        """Throw away what waits."""
        waiting, self._waiting, self._batch = self._waiting, [], None
        await self._remove(waiting)

    def _bytes(self) -> int:
        return sum(path.stat().st_size for path in self._waiting)

    async def _remove(self, files: list[Path]) -> None:
        for file in files:
            await self._resources.call(partial(shutil.rmtree, file.parent, ignore_errors=True))


def read_files(
    files: list[Path], folder: Path, settings: Settings, report: MediaProgress, earlier: Store | None
) -> tuple[SkippedFile, ...]:
    """Turn files into a store in `folder`: one file on its own, several as an album, behind the photos of `earlier`.

    Gives the files that could not be used; raises `MediaError` where nothing is left. Blocks.
    """
    limits = Limits(
        max_bytes=settings.max_upload_bytes,
        max_pixels=settings.max_pixels,
        max_pictures=settings.max_pictures,
        max_album_bytes=settings.max_album_bytes,
        max_seconds=settings.max_seconds,
        max_frames=settings.max_frames,
        max_clip_side=settings.max_clip_side,
        max_store_bytes=settings.max_store_bytes,
    )
    if len(files) > 1 or earlier is not None:
        return ingest_album(files, folder, limits, report, earlier)[1]
    ingest(files[0], folder, limits, report)
    return ()
