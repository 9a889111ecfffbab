"""Members of a ZIP file, read into memory within bounds. Nothing is written to paths that an archive names."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sam2_core.errors import MediaError
from sam2_core.media.info import MediaInfo
from sam2_core.media.readers.annotation_builder import ImportTooLarge
from sam2_core.media.readers.zip_names import decode_names
from sam2_core.media.zip_file import BAD_MEMBER, files_in, open_zip_file

MAX_MEMBERS = 50_000
MAX_MEMBER_BYTES = 100_000_000
MAX_BYTES = 4_000_000_000  # of all members together, uncompressed
MAX_DIRECTORY_BYTES = 8_000_000  # of the central directory, which is read as a whole
_HIDDEN_FOLDERS = frozenset({
    "__MACOSX", ".AppleDouble", ".git", ".ipynb_checkpoints", ".svn", ".thumbnails", ".Trashes", "@eaDir",
})  # fmt: skip


class ZipReader:
    """The files in a ZIP file, in natural order. `name_encoding` is that of their names if it was guessed, else ""."""

    def __init__(self, opened: zipfile.ZipFile, info: MediaInfo) -> None:
        self._zip = opened
        self._budget = MAX_BYTES
        members = files_in(opened)
        names, self.name_encoding = decode_names(members[: MAX_MEMBERS + 1], info)
        self._infos = {name.replace("\\", "/"): each for name, each in zip(names, members, strict=False)}
        if len(members) > MAX_MEMBERS:
            raise ImportTooLarge(
                f"There are more than {MAX_MEMBERS} files in this ZIP file. Pack only those of this clip."
            )
        self.names = sorted((name for name in self._infos if not is_hidden(name)), key=natural_key)

    def with_extension(self, *extensions: str) -> list[str]:
        """Names of the members with these extensions, given in lower case and with the dot."""
        return [name for name in self.names if PurePosixPath(name).suffix.lower() in extensions]

    def read(self, name: str, max_bytes: int = MAX_MEMBER_BYTES) -> bytes:
        """A member's content; raises `MediaError` if it is damaged, encrypted or larger than `max_bytes`."""
        info = self._infos[name]
        if info.flag_bits & 1:
            raise MediaError("They are locked with a password. Pack them without one.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MediaError("They are packed in an unusual way. Pack them as a plain ZIP file.")
        try:
            with self._zip.open(info) as member:
                content = member.read(min(max_bytes, self._budget) + 1)
        except BAD_MEMBER as error:
            raise MediaError("They are damaged or cut off. Make the ZIP file again.") from error
        self._budget -= len(content)
        if self._budget < 0:
            raise ImportTooLarge("This ZIP file holds more than can be read at once. Pack fewer frames.")
        if len(content) > max_bytes:
            size = max_bytes // 1_000_000 or 1
            raise MediaError(f"They are larger than {size} MB. Masks are smaller; pack only those.")
        return content


@contextmanager
def open_zip(path: Path, info: MediaInfo) -> Iterator[ZipReader]:
    """Open a ZIP file with annotations for a medium; raises `MediaError` if it is damaged or too large."""
    too_many = ImportTooLarge("There are too many files in this ZIP file. Pack only those of this clip.")
    with open_zip_file(path, MAX_DIRECTORY_BYTES, too_many) as opened:
        yield ZipReader(opened, info)


def is_hidden(name: str) -> bool:
    """Whether a file manager put it into the archive, or it names no file at all."""
    if not (parts := PurePosixPath(name).parts):
        return True
    *folders, last = parts
    return not _HIDDEN_FOLDERS.isdisjoint(folders) or last.startswith("._") or last == ".DS_Store"


def natural_key(name: str) -> list[tuple[int, str]]:
    """A sort key by which 2 comes before 10."""
    return [(int(part) if part.isascii() and part.isdigit() else 0, part) for part in re.split(r"([0-9]{1,18})", name)]
