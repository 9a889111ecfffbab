"""Files on their way from a page: several that belong together wait for each other."""

from __future__ import annotations

import shutil

from sam2_core.errors import MediaError
from ui.files import UploadedFile
from ui.protocol import UploadInfo
from ui.sessions import Services


class UploadBatch:
    """At most one batch waits. Each file lies in a folder of its own, which goes with it. Belongs to one event loop."""

    def __init__(self, services: Services) -> None:
        self._settings, self._executors = services.settings, services.executors
        self._batch: str | None = None
        self._waiting: list[UploadedFile] = []

    async def expect(self, upload: UploadInfo, open_already: int) -> None:
        """A file is on its way; what waits of another batch is deleted.

        `open_already` is how many photos the batch comes to. Raises `MediaError` where there would be too many: a clip
        may have more frames than an album has photos.
        """
        if upload.batch != self._batch or not upload.batch:
            await self.clear()
            self._batch = upload.batch
        count = open_already + len(self._waiting) + 1 + upload.left
        most = self._settings.max_frames if upload.as_clip else self._settings.max_pictures
        if count > most:
            await self.clear()
            raise MediaError(f"{count} photos are too many: up to {most} fit together. Choose fewer.")

    async def add(self, file: UploadedFile, upload: UploadInfo) -> list[UploadedFile]:
        """The file is here. Gives the whole batch if it was the last one, else nothing.

        A file that nobody expects any more is deleted. Raises `MediaError` where the batch has too many bytes.
        """
        if upload.batch != self._batch:
            await self._remove([file])
            return []
        self._waiting.append(file)
        most = self._settings.max_album_bytes
        if len(self._waiting) > 1 and await self._executors.read_file(self._bytes) > most:
            await self.clear()
            raise MediaError(f"These photos have more than {most // 1_000_000} MB together. Choose fewer.")
        if upload.left:
            return []
        complete, self._waiting, self._batch = self._waiting, [], None
        return complete

    async def clear(self) -> None:
        """Delete what waits."""
        waiting, self._waiting, self._batch = self._waiting, [], None
        await self._remove(waiting)

    def _bytes(self) -> int:
        return sum(file.path.stat().st_size for file in self._waiting)

    async def _remove(self, files: list[UploadedFile]) -> None:
        for file in files:
            await self._executors.read_file(shutil.rmtree, file.path.parent, ignore_errors=True)
