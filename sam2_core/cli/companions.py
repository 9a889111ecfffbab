"""Files that belong to a source by their name: its prompts, or its masks."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sam2_core.cli.tasks import Task
from sam2_core.errors import MediaError
from sam2_core.media import EXPORT_FORMATS


@dataclass(frozen=True, slots=True)
class _Listing:
    """The files of a folder by what is compared of their names: the stem, and the stem without what an export adds."""

    by_stem: Mapping[str, list[Path]]
    by_prefix: Mapping[str, list[Path]]


@dataclass
class Companions:
    """The files in a folder, and in its folders, that belong to sources.

    For `a/001.jpg` these count, in this order: `a/001.jpg.json`, `a/001.json`, `001.jpg.json`, `a_001.json` (which is
    how target files are called where several inputs share a name) and, unless they do, `001.json`. With `prefix` also
    names with one more word (`001_coco.json`), unless that is a number, as in the name of another picture. `suffixes`
    are those of the files, all by default. Case and the form of accents do not matter.
    """

    folder: Path
    suffixes: Sequence[str] = ()
    prefix: bool = False
    _listings: dict[Path, _Listing] = field(default_factory=dict)

    def of(self, task: Task) -> Path | None:
        """The file of a task, or None. Raises `MediaError` if more than one fits equally well."""
        source, parent = task.source, task.source.absolute().parent
        beside, inside = self._listing(self.folder), self._listing(self.folder / parent.name)
        name, stem, title = (_comparable(text) for text in (source.name, source.stem, task.title))
        tries = [(inside, name)]
        if not any(other.absolute().parent == parent for other in task.namesakes):
            tries.append((inside, stem))
        tries += [(beside, name), (beside, title)]
        if not task.namesakes:
            tries.append((beside, stem))
        for listing, wanted in tries:
            if found := [path for path in listing.by_stem.get(wanted, ()) if not _is_same(path, source)]:
                return self._only(found, source)
        for listing, wanted in tries if self.prefix else ():
            if found := [path for path in listing.by_prefix.get(wanted, ()) if not _is_same(path, source)]:
                return self._only(found, source)
        return None

    def _only(self, found: Sequence[Path], source: Path) -> Path:
        if len(found) > 1:
            names = ", ".join(path.name for path in found[:3])
            raise MediaError(
                f"More than one file in {self.folder} is called like {source.name} ({names}). "
                "Name the one that is meant."
            )
        return found[0]

    def _listing(self, folder: Path) -> _Listing:
        if folder not in self._listings:
            by_stem: dict[str, list[Path]] = {}
            by_prefix: dict[str, list[Path]] = {}
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if not self._counts(path):
                    continue
                stem = _comparable(path.stem)
                by_stem.setdefault(stem, []).append(path)
                if first := _without_kind(stem):
                    by_prefix.setdefault(first, []).append(path)
            self._listings[folder] = _Listing(by_stem, by_prefix)
        return self._listings[folder]

    def _counts(self, path: Path) -> bool:
        is_visible = path.is_file() and not path.name.startswith(".")
        return is_visible and (not self.suffixes or path.suffix.lower() in self.suffixes)


def is_called_like(file: Path, name: str) -> bool:
    """Whether a file has this name, without its suffix and without what an export adds (`shot_coco.json`)."""
    stem = _comparable(file.stem)
    return _comparable(name) in (stem, _without_kind(stem))


def _without_kind(stem: str) -> str:
    """`film` of `film_youtube_vis` and `film_mine`; "" where no word follows that is not a number."""
    for kind in EXPORT_FORMATS:
        if stem.endswith(f"_{kind}"):
            return stem.removesuffix(f"_{kind}")
    first, _, last = stem.rpartition("_")
    return "" if last.isdigit() else first


def _is_same(path: Path, source: Path) -> bool:
    return path.absolute() == source.absolute()


def _comparable(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
