"""Files that are looked for by the names in a project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from sam2_core.media.names import fold_name, former_names, real_name


class NamedFiles:
    """Files, those in folders, and folders themselves, by their names.

    Names are compared without case and Unicode's forms. Those that earlier versions gave to files count, too.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._folders = [path for path in paths if path.is_dir()]
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        self._by_former_name: dict[str, list[Path]] = defaultdict(list)
        for path in paths:
            for file in [*sorted(path.iterdir()), path] if path.is_dir() else [path]:
                name = file.absolute().name
                self._by_name[fold_name(name)].append(file)
                for former in former_names(name):
                    self._by_former_name[fold_name(former)].append(file)

    def find(self, name: str, needs_folders: bool = False) -> Path | None:
        """The file of this name or relative path; with `needs_folders`, only one in folders of the same names."""
        *folders, last = parts = real_name(name).split("/")
        below = (folder.joinpath(*parts) for folder in self._folders if folders)
        if found := next((path for path in below if path.is_file()), None):
            return found
        files = [*self._by_name.get(fold_name(last), ()), *self._by_former_name.get(fold_name(last), ())]
        exact = sorted(files, key=lambda file: (not _is_in(file, folders), file.name != last))
        return next((file for file in exact if not needs_folders or _is_in(file, folders)), None)

    def find_all(self, names: Sequence[str]) -> list[Path | None]:
        """The file of each name; files that are called alike are told apart by their folders."""
        shared = _repeated(fold_name(name.rpartition("/")[2]) for name in names)
        return [self.find(name, fold_name(name.rpartition("/")[2]) in shared) for name in names]


def _is_in(file: Path, folders: Sequence[str]) -> bool:
    """Whether a file lies in folders of these names."""
    above = file.absolute().parent.parts[-len(folders) :] if folders else ()
    return [*map(fold_name, above)] == [*map(fold_name, folders)]


def _repeated(keys: Iterable[str]) -> set[str]:
    seen, repeated = set[str](), set[str]()
    for key in keys:
        (repeated if key in seen else seen).add(key)
    return repeated
