"""Members of a ZIP file, read into memory within bounds. Nothing is ever written to a path that an archive names."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import ImportTooLarge

MOST_MEMBERS = 50_000
MOST_MEMBER_BYTES = 100_000_000
MOST_BYTES = 4_000_000_000  # of all members together, unpacked
MOST_TABLE_BYTES = 8_000_000  # of the table of contents, which is read as a whole
_END, _ZIP64 = b"PK\x05\x06", b"PK\x06\x07"
_TAIL = 22 + 65_535  # the end of the table and the longest comment behind it
_BROKEN = "The ZIP file is damaged or cut off. Make it again."


class ZipReader:
    """The files in a ZIP file, in the order in which people count."""

    def __init__(self, opened: zipfile.ZipFile) -> None:
        self._zip = opened
        self._left = MOST_BYTES
        self._infos = {info.filename.replace("\\", "/"): info for info in opened.infolist() if not info.is_dir()}
        if len(self._infos) > MOST_MEMBERS:
            raise ImportTooLarge(
                f"There are more than {MOST_MEMBERS} files in this ZIP file. Pack only those of this clip."
            )
        self.names = sorted((name for name in self._infos if _is_meant(name)), key=_counted)

    def with_ending(self, *endings: str) -> list[str]:
        """Names of the members that end like this, in lower case and with the dot."""
        return [name for name in self.names if PurePosixPath(name).suffix.lower() in endings]

    def read(self, name: str, most: int = MOST_MEMBER_BYTES) -> bytes:
        """A member's content; raises `MediaError` for one that is damaged, locked or larger than `most` bytes."""
        info = self._infos[name]
        if info.flag_bits & 1:
            raise MediaError("They are locked with a password. Pack them without one.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MediaError("They are packed in an unusual way. Pack them as a plain ZIP file.")
        try:
            with self._zip.open(info) as member:
                content = member.read(min(most, self._left) + 1)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, OSError, EOFError) as error:
            raise MediaError("They are damaged or cut off. Make the ZIP file again.") from error
        self._left -= len(content)
        if self._left < 0:
            raise ImportTooLarge("This ZIP file holds more than can be read at once. Pack fewer frames.")
        if len(content) > most:
            raise MediaError(f"They are larger than {most // 1_000_000 or 1} MB. Masks are smaller; pack only those.")
        return content


@contextmanager
def open_zip(path: Path) -> Iterator[ZipReader]:
    """Look into a ZIP file; raises `MediaError` for one that is damaged or has too much in it."""
    _check_table(path)
    try:
        opened = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise MediaError(_BROKEN) from error
    with opened:
        yield ZipReader(opened)


def _check_table(path: Path) -> None:
    """Look how long the table of contents is before anything reads it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL - 20))
        tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + 22:
        raise MediaError(_BROKEN)
    (length,) = struct.unpack_from("<I", tail, end + 12)
    if length > MOST_TABLE_BYTES or tail[max(0, end - 20) : end].startswith(_ZIP64):
        raise ImportTooLarge("There are too many files in this ZIP file. Pack only those of this clip.")


def _is_meant(name: str) -> bool:
    """Not what file managers put in beside it."""
    parts = PurePosixPath(name).parts
    return not any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in parts)


def _counted(name: str) -> list[tuple[int, str]]:
    """A key by which 2 comes before 10."""
    return [(int(part) if part.isascii() and part.isdigit() else 0, part) for part in re.split(r"([0-9]{1,18})", name)]
