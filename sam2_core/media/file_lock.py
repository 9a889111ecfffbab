"""Locks that one process holds and that end with it, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sam2_core.errors import Busy


def lock_file(file: Path, busy: str) -> IO[bytes]:
    """Open and lock a file until it is closed or the process ends. Raises `Busy` with the sentence `busy` if another
    process holds it."""
    while True:
        held = file.open("ab")
        try:
            if sys.platform == "win32":
                import msvcrt

                held.seek(0)
                msvcrt.locking(held.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            held.close()
            raise Busy(busy) from error
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(held.fileno()), file.stat()):
                return held
        held.close()  # whoever held it before has removed it meanwhile


@contextmanager
def locked(file: Path, busy: str) -> Iterator[None]:
    """Hold such a lock within the block, and remove the file after it."""
    held = lock_file(file, busy)
    try:
        yield
    finally:
        if sys.platform != "win32":
            file.unlink(missing_ok=True)
        held.close()
        if sys.platform == "win32":  # an open file cannot be removed there
            with suppress(OSError):  # another one has locked it already
                file.unlink(missing_ok=True)
