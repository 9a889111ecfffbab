"""Files and folders that appear complete or not at all."""

from __future__ import annotations

import glob
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A hidden sibling folder to fill; it is renamed to `path` when the block succeeds, else deleted.

    Raises `FileExistsError` if `path` exists and is not an empty folder.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} already exists.")
    path.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield building
        if path.exists():
            path.rmdir()
        building.rename(path)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def remove_unfinished(path: Path) -> None:
    """Delete the folder that `new_folder` was filling for `path` in a process that was killed."""
    for building in path.parent.glob(f".{glob.escape(path.name)}-*"):
        shutil.rmtree(building, ignore_errors=True)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A path in a hidden sibling folder to write to; the file replaces `path` when the block succeeds.

    Intermediate files may be put beside it; the folder is always deleted.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        unfinished = Path(folder).absolute() / path.name
        yield unfinished
        unfinished.replace(path)
