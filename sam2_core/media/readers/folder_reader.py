"""Files of a folder with annotations, read within bounds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import ImportTooLarge
from sam2_core.media.readers.zip_reader import MAX_BYTES, MAX_MEMBER_BYTES, is_hidden, natural_key

MAX_FILES = 500_000
"""Of a folder, pictures included."""


class FolderReader:
    """The files in a folder and its folders, in natural order, as `AnnotationFiles`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._budget = MAX_BYTES
        self.names = sorted((name for name in self._list() if not is_hidden(name)), key=natural_key)

    def with_extension(self, *extensions: str) -> list[str]:
        """Names of the files with these extensions, given in lower case and with the dot."""
        return [name for name in self.names if PurePosixPath(name).suffix.lower() in extensions]

    def read(self, name: str, max_bytes: int = MAX_MEMBER_BYTES) -> bytes:
        """The content of a file; raises `MediaError` if it cannot be read or is larger than `max_bytes`."""
        try:
            with (self._folder / name).open("rb") as file:
                content = file.read(min(max_bytes, self._budget) + 1)
        except OSError as error:
            raise MediaError("They cannot be opened. See whether you may read them.") from error
        self._budget -= len(content)
        if self._budget < 0:
            raise ImportTooLarge("This folder holds more than can be read at once. Name one of its folders.")
        if len(content) > max_bytes:
            raise MediaError(f"They are larger than {max_bytes // 1_000_000 or 1} MB.")
        return content

    def _list(self) -> Iterator[str]:
        count = 0
        for folder, folders, files in os.walk(self._folder):
            folders[:] = [each for each in folders if not is_hidden(f"{each}/x")]
            count += len(files)
            if count > MAX_FILES:
                raise ImportTooLarge(f"There are more than {MAX_FILES} files in this folder. Name one of its folders.")
            for each in files:
                yield Path(folder, each).relative_to(self._folder).as_posix()
