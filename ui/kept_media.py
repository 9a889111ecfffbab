"""Media that outlast the server: what pages had open, in the folder of the setting `state`.

A page that comes back with its token finds its medium there, and replays its edits, which it has itself. Each medium
lies in a folder that is named after the digest of its session's token: whoever reads the folder learns no token, and
nobody finds a medium by its content.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Container
from pathlib import Path

from sam2_core.errors import Busy, ConfigError
from sam2_core.media.atomic import new_file
from sam2_core.media.file_lock import lock_file
from ui.disk_quota import bytes_below
from ui.settings import Settings

_INDEX, _LOCK = "index.json", "server.lock"
_DAY = 86_400.0


class KeptMedia:
    """The media of one server. Blocks; any thread may call."""

    def __init__(self, folder: Path, max_days: float, max_bytes: int) -> None:
        """Media that nobody has used for `max_days` are removed, and the longest unused ones where all together have
        more than `max_bytes`. Raises `ConfigError` where the folder cannot be had."""
        self.folder, self._max_days, self._max_bytes = folder, max_days, max_bytes
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = lock_file(folder / _LOCK, "")
        except Busy as error:
            raise ConfigError(f"Another server uses the folder {folder}. Give each one a folder of its own.") from error
        except OSError as error:
            raise ConfigError(f"The folder {folder} cannot be used: {error.strerror}.") from error
        self.sweep(())

    @classmethod
    def of(cls, settings: Settings) -> KeptMedia | None:
        """Where the settings name a folder."""
        if not settings.state:
            return None
        return cls(Path(settings.state), settings.state_days, settings.state_mb * 1_000_000)

    def make_place(self, token: str) -> Path:
        """The folder for the media of a session, in which each has one of its own."""
        place = self.folder / name_of(token)
        place.mkdir(mode=0o700, exist_ok=True)
        return place

    def note(self, token: str, medium: Path, version: int) -> None:
        """This medium, of the session's folder, is the one that is open."""
        with new_file(self.folder / name_of(token) / _INDEX) as unfinished:
            unfinished.write_text(json.dumps({"medium": medium.name, "version": version}), "ascii")

    def find(self, token: str) -> tuple[Path, int] | None:
        """The medium that the session had open, and its version; what else lies there is removed."""
        place = self.folder / name_of(token)
        try:
            index = json.loads((place / _INDEX).read_text("ascii"))
            medium, version = place / Path(index["medium"]).name, int(index["version"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        for other in place.iterdir():
            if other.name not in (_INDEX, medium.name):
                shutil.rmtree(other, ignore_errors=True)
        return (medium, version) if medium.is_dir() else None

    def touch(self, token: str) -> None:
        """The session has ended, and may come back; nothing is kept of one that had nothing open."""
        if self.find(token) is None:
            self.discard(token)
        else:
            os.utime(self.folder / name_of(token) / _INDEX)

    def discard(self, token: str) -> None:
        """Remove the media of a session."""
        shutil.rmtree(self.folder / name_of(token), ignore_errors=True)

    def sweep(self, in_use: Container[str]) -> None:
        """Remove what is too old or too much, but not the folders with these names."""
        ages = {place: _age(place) for place in self.folder.iterdir() if place.is_dir() and not place.is_symlink()}
        sizes = {place: bytes_below(place) for place in ages}
        total = sum(sizes.values())
        for place in sorted(ages, key=lambda place: ages[place], reverse=True):
            if place.name in in_use:
                continue
            if ages[place] > self._max_days * _DAY or total > self._max_bytes:
                shutil.rmtree(place, ignore_errors=True)
                total -= sizes[place]

    def close(self) -> None:
        """Let another server have the folder; repeating it is harmless."""
        self._lock.close()


def name_of(token: str) -> str:
    """The name of a session's folder."""
    return hashlib.sha256(token.encode()).hexdigest()


def _age(place: Path) -> float:
    """Seconds since its session ended or opened a medium; of a folder without one, since it was made."""
    for path in (place / _INDEX, place):
        try:
            return time.time() - path.stat().st_mtime
        except OSError:  # noqa: PERF203 - twice at most
            continue
    return 0.0
