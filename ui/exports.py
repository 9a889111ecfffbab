"""Downloads: a visitor's masks written to a file in the visitor's own folder."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sam2_core.media import MaskedMedia, export
from ui.backdrops import load_backdrops
from ui.medium import Medium
from ui.wire import Export

Report = Callable[[float, str], None]


class Downloads:
    """The files of one visitor that wait to be fetched, each in a folder that cannot be guessed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, Path] = {}

    def add(self, file: Path) -> str:
        """Let a file be fetched; its address, below the visitor's own."""
        key = file.parent.name
        self._files[key] = file
        return f"download/{key}/{file.name}"

    def find(self, key: str) -> Path | None:
        """The file with this key in its address."""
        return self._files.get(key)

    def clear(self) -> None:
        """Delete them all, also what is half done. Blocks."""
        self._files = {}
        shutil.rmtree(self.folder, ignore_errors=True)


def write_export(
    medium: Medium, wish: Export, backdrops: Mapping[str, Path], folder: Path, report: Report
) -> tuple[Path, int]:
    """Write one download to a random folder below `folder`; the file and its bytes. Blocks; `report` may raise to end
    it."""
    target = folder / secrets.token_hex(16)
    target.mkdir(parents=True)
    order = replace(wish.order, backdrops=load_backdrops(backdrops))
    file = export(target, MaskedMedia(medium.store, medium.masks, wish.objects, wish.frames), order, report)
    return file, file.stat().st_size
