"""The manifest of an output folder: which files in it were written here, and with which settings.

It is a hidden file of JSON lines beside the folder, so that the folder holds results only; inside of it if there is no
place beside. The last line about a file counts:

    {"file": "a_coco.json", "by": RUN}                                           is being written
    {"file": "a_coco.json", "by": RUN, "settings": DIGEST, "content": DIGEST,    is written
     "source": PATH}
    {"file": "a_coco.json"}                                                      could not be written

Lines are appended, so that several runs may write to one folder, and an interrupted one loses nothing. Lines that
cannot be read are ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

_SUFFIX = ".masklet.jsonl"
_MAX_FOLDER_BYTES = 200  # of a folder's name in that of its manifest; longer ones are digested
_CHUNK = 1 << 20
_MAX_LINE = 10_000  # characters; names have up to 255 bytes

State: TypeAlias = Literal["missing", "current", "outdated", "unfinished", "foreign", "changed", "other"]


def digest_file(path: Path) -> str:
    """A digest of a file's content, or of the names and contents in a folder. Raises `OSError`."""
    digest = hashlib.blake2b(digest_size=16)
    if path.is_dir():
        for each in sorted(path.iterdir()):
            if each.is_file() and not each.name.startswith("."):
                digest.update(f"{each.name}\0{digest_file(each)}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class Manifest:
    """The files that runs have written to a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = manifest_file(folder)
        self._run = secrets.token_hex(8)
        self._entries: dict[str, Mapping[str, str]] = {}
        self._before: dict[str, Mapping[str, str]] = {}  # the entries of files that are being written
        self._read_bytes = 0

    @property
    def exists(self) -> bool:
        """Whether any run kept a manifest here."""
        return self._file.is_file()

    def state(self, target: Path, settings: str, source: Path | None = None) -> State:
        """What is known of a target file that is to be made of `source`.

        "current": written with these settings; "outdated": with others; "unfinished": it was being written when that
        was interrupted; "foreign": not written by a run that kept a manifest; "changed": edited or damaged since;
        "other": made of another source, which is still there.
        """
        if not target.exists():
            return "missing"
        self._refresh()
        entry = self._entries.get(target.name)
        if entry is None or "by" not in entry:
            return "foreign"
        if "content" not in entry:
            return "unfinished"
        if not target.is_file() or digest_file(target) != entry["content"]:
            return "changed"
        if entry.get("settings") == settings:
            return "current"
        other = entry.get("source", "")
        return "other" if other not in ("", _plain(source)) and Path(other).exists() else "outdated"

    def written(self) -> set[Path]:
        """The files that runs have written, whatever became of them."""
        self._refresh()
        return {self._folder / name for name, entry in self._entries.items() if "by" in entry}

    def begin(self, targets: Collection[Path]) -> None:
        """Record that these files are being written. Raises `OSError`."""
        self._before = {target.name: self._entries.get(target.name, {"file": target.name}) for target in targets}
        self._append([{"file": target.name, "by": self._run} for target in targets])

    def finish(self, settings: Mapping[Path, str], source: Path | None = None) -> None:
        """Record that these files are written, with their settings and source. Raises `OSError`.

        A file that another run has begun to write meanwhile is left to that one.
        """
        self._refresh()
        self._before.clear()
        own = {path: each for path, each in settings.items() if self._entries[path.name].get("by") == self._run}
        self._append(
            [
                {
                    "file": path.name,
                    "by": self._run,
                    "settings": each,
                    "content": digest_file(path),
                    "source": _plain(source),
                }
                for path, each in own.items()
            ]
        )

    def give_up(self, targets: Collection[Path]) -> None:
        """Record that these files were not written, if they were begun and are as before. Raises `OSError`."""
        unchanged = []
        for target in targets:
            before = self._before.pop(target.name, None)
            if before is not None and before.get("content") == (digest_file(target) if target.is_file() else None):
                unchanged.append(before)
        self._append(unchanged)

    def _append(self, entries: Collection[Mapping[str, str]]) -> None:
        if not entries:
            return
        # The line feed at the beginning ends a line that another run could not complete.
        lines = "".join(f"\n{json.dumps(each)}\n" for each in entries)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab", buffering=0) as file:
            file.write(lines.encode())

    def _refresh(self) -> None:
        """Read the lines that were appended since the last time."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._read_bytes)
                new = file.read()
        except OSError:
            return
        complete = new.rfind(b"\n") + 1
        self._read_bytes += complete
        for line in new[:complete].splitlines():
            entry = _read_line(line)
            if entry is not None:
                self._entries[entry["file"]] = entry


def manifest_file(folder: Path) -> Path:
    """The manifest of a folder: beside it, or inside for a root and where nothing can be written beside."""
    folder = folder.resolve()
    inside = folder / _SUFFIX
    if folder.parent == folder or inside.is_file() or not os.access(folder.parent, os.W_OK):
        return inside
    name = folder.name
    if len(os.fsencode(name)) > _MAX_FOLDER_BYTES:
        name = hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()
    return folder.parent / f".{name}{_SUFFIX}"


def _plain(source: Path | None) -> str:
    return "" if source is None else str(source.absolute())


def _read_line(line: bytes) -> dict[str, str] | None:
    try:
        entry: Any = json.loads(line) if len(line) <= _MAX_LINE else None
    except (ValueError, RecursionError):
        return None
    is_entry = isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values()) and "file" in entry
    return entry if is_entry else None
