"""Opening a ZIP file whose list of members is bounded, and what its members can fail with."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sam2_core.errors import MediaError

BAD_MEMBER = (  # whatever the zipfile module raises for a file that is broken
    zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, ValueError, OSError, struct.error,
)  # fmt: skip
MASK_FOLDERS = frozenset({"masks", "mask", "segmentationclass", "segmentationobject"})
"""Names of folders, in lower case, that hold masks in whichever data set."""

_END, _ZIP64 = b"PK\x05\x06", b"PK\x06\x07"
_LOCATOR_BYTES = 20  # of ZIP64, before the end record
_TAIL = 22 + 65_535  # the end record and the longest comment behind it
_BROKEN = "The ZIP file is damaged or cut off. Make it again."


@contextmanager
def open_zip_file(path: Path, max_directory_bytes: int, too_many: MediaError) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP file. Raises `too_many` where the central directory, which is read as a whole, is longer than this,
    and `MediaError` where it is damaged."""
    if _directory_bytes(path) > max_directory_bytes:
        raise too_many
    try:
        opened = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise MediaError(_BROKEN) from error
    with opened:
        yield opened


def files_in(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members that are files and have a name."""
    return [each for each in archive.infolist() if each.filename and not each.is_dir()]


def _directory_bytes(path: Path) -> float:
    """The length of the central directory; infinite for ZIP64, which states it elsewhere."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL - _LOCATOR_BYTES))
        tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + 22:
        raise MediaError(_BROKEN)
    if tail[max(0, end - _LOCATOR_BYTES) : end].startswith(_ZIP64):
        return float("inf")
    return int(struct.unpack_from("<I", tail, end + 12)[0])
