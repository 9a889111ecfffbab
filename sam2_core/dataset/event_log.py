"""The append-only file of a data set's events, and the lock that its one writer holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from sam2_core.dataset.events import Created, Event, from_line, to_line
from sam2_core.dataset.state import DatasetState
from sam2_core.errors import DataError
from sam2_core.media.file_lock import lock_file
from sam2_core.types import MAX_MASK_LENGTH

_MAX_LINE = MAX_MASK_LENGTH + 10_000


@dataclass(slots=True)
class ReadLog:
    """The state after all events, and the number of lines that could not be read."""

    state: DatasetState
    unreadable: int = 0


def read_log(file: Path) -> ReadLog:
    """Fold the events of a file. A last line without its end is being written, or was cut off, and does not count.

    Raises `DataError` if it is no manifest, or one of a newer version.
    """
    read = ReadLog(DatasetState())
    with file.open("rb") as lines:
        first = True
        for line in iter(lambda: lines.readline(_MAX_LINE), b""):
            if not line.endswith(b"\n"):
                if len(line) < _MAX_LINE:
                    break
                read.unreadable += 1
                continue
            _follow(read, line, first, file)
            first = False
    return read


def _follow(read: ReadLog, line: bytes, first: bool, file: Path) -> None:
    try:
        event = from_line(line)
    except DataError as error:
        if first:
            raise DataError(f"{file} is no manifest of a data set: its first line is of another kind.") from error
        read.unreadable += 1
        return
    if isinstance(event, Created) or first:
        read.state.check(event)  # raises where the version is newer
    try:
        read.state.check(event)
        read.state.apply(event)
    except DataError:
        read.unreadable += 1


class EventLog:
    """Appends events to a file, with its state. One process at a time can have it open; others get `Busy`."""

    def __init__(self, file: Path, clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> None:
        self._clock = clock
        busy = f"Another program is writing to the data set {file.parent} at the moment. Wait until it is done"
        self._lock = lock_file(file.with_name(".lock"), f"{busy}, or close it.")
        try:
            is_new = not file.exists() or not _drop_cut_off_line(file)
            self._file = file.open("ab", buffering=0)
        except BaseException:
            self._lock.close()
            raise
        try:
            if is_new:
                self.state, self.unreadable = DatasetState(), 0
                self.append([Created()])
            else:
                read = read_log(file)
                self.state, self.unreadable = read.state, read.unreadable
        except BaseException:
            self.close()
            raise

    def append(self, events: Iterable[Event]) -> None:
        """Write events and follow them. Raises `DataError` for one that cannot follow; those before it are kept."""
        for event in events:
            self.state.check(event)
            line = to_line(event, self._clock().isoformat(timespec="seconds")) + "\n"
            self._write(line.encode("utf-8", "backslashreplace"))
            self.state.apply(event)

    def _write(self, line: bytes) -> None:
        """Write a line to its end. What could be written of it on a full disk is taken back, as the next line would
        continue it otherwise, and both would be lost."""
        end = self._file.seek(0, os.SEEK_END)
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:])
        except BaseException:
            self._file.truncate(end)
            raise

    def close(self) -> None:
        """Write all to the disk, and let others open the file."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()
            self._lock.close()


def _drop_cut_off_line(file: Path) -> bool:
    """Remove what a writer could not complete after the last line feed; returns whether anything is left."""
    with file.open("r+b") as log:
        size = log.seek(0, os.SEEK_END)
        position = size
        while position:
            start = max(0, position - 65536)
            log.seek(start)
            found = log.read(position - start).rfind(b"\n")
            if found >= 0:
                position = start + found + 1
                break
            position = start
        if position < size:
            log.truncate(position)
        return position > 0
