"""How many bytes the files of all visitors may have together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sam2_core.errors import Busy


class DiskQuota:
    """What a folder may hold; what it does hold is measured from time to time. Any thread may ask."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used = 0  # when it was measured
        self._coming = 0

    def check(self, more: int = 0) -> None:
        """Raise `Busy` where `more` bytes do not fit."""
        if self.used + self._coming + more > self.max_bytes:
            raise Busy("The server's disk is full at the moment. Try a smaller file, or again later.")

    @contextmanager
    def coming(self, size: int) -> Iterator[None]:
        """Keep room for a file that is on its way; raises `Busy`. Belongs to one event loop."""
        self.check(size)
        self._coming += size
        try:
            yield
        finally:
            self._coming -= size

    def measure(self, *folders: Path) -> None:
        """Add the sizes of all files up. Blocks."""
        self.used = sum(map(bytes_below, folders))


def bytes_below(folder: Path) -> int:
    """The sizes of all files in a folder and those below it. Blocks."""
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:  # others remove files meanwhile
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    yield from _sizes(Path(entry.path))
                else:
                    yield entry.stat(follow_symlinks=False).st_size
