"""The one folder that a server keeps the files of its visitors in, and what servers that were killed have left."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from sam2_core.errors import Busy
from sam2_core.media.file_lock import lock_file

PREFIX = "masklet-"
_log = logging.getLogger(__name__)


class ServerFolder:
    """A new folder that nobody else may read, in the system's folder for temporary files.

    A locked file beside it says that the server lives: the lock ends with the process, however it ends. Blocks.
    """

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        remove_orphans(parent)
        self.path = parent / f"{PREFIX}{secrets.token_hex(8)}"
        self._lock = lock_file(_lock_of(self.path), "Another server uses this folder.")  # before there is a folder
        self.path.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove everything; repeating it is harmless."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()
        with suppress(OSError):  # whoever starts just now may look at it
            _lock_of(self.path).unlink(missing_ok=True)


def remove_orphans(parent: Path) -> None:
    """Remove the folders in `parent` whose servers live no more. Folders of other users stay. Blocks."""
    for lock in parent.glob(f"{PREFIX}*.lock"):
        with suppress(OSError, Busy):  # Busy: the server lives
            if not _is_own(lock):
                continue
            folder, held = lock.with_suffix(""), lock_file(lock, "The server lives.")
            with held:
                if _is_own(folder):
                    _log.warning("Files of a server that was killed are removed")
                    shutil.rmtree(folder, ignore_errors=True)
                lock.unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _is_own(path: Path) -> bool:
    """Whether it is there, is no link, and belongs to this user."""
    try:
        about = path.lstat()
    except FileNotFoundError:
        return False
    return not path.is_symlink() and (not hasattr(os, "getuid") or about.st_uid == os.getuid())
