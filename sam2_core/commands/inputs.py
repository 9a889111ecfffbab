"""Files and folders become tasks: which file is to be read, and which files it is to give."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sam2_core.commands.outputs import check_kinds, ending_named, wished_kinds
from sam2_core.errors import ConfigError, MaskletError
from sam2_core.media.export import extension_of, file_name

PICTURES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".jp2", ".ppm", ".pgm", ".mpo"}
)
CLIPS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".mts", ".3gp"}
)
"""Endings by which files are found in folders; a file that is named is taken whatever it is called."""


@dataclass(frozen=True, slots=True)
class Task:
    """One source ("image", "clip" or "album") and the files that are to be made of it, by their kind.

    `named`: the file was named itself, so it is written anew. `problem`: why it cannot be done at all.
    """

    source: Path
    media: str
    targets: Mapping[str, Path]
    named: bool = False
    problem: str = ""


def plan(
    sources: Sequence[Path],
    options: argparse.Namespace,
    media_of: Callable[[Path], str],
    title_of: Callable[[Path], str] = lambda source: source.stem,
) -> list[Task]:
    """A task for each source. Raises `ConfigError` and `MediaError` for what makes no sense for any of them."""
    check_kinds(name.strip() for name in options.export.split(",") if name.strip())
    if ending_named(options.out) and not options.out.is_dir():
        return [_named(sources, options, media_of)]
    if options.out.exists() and not options.out.is_dir():
        raise ConfigError(f"--out {options.out} is no folder, and no kind of file that can be written.")
    titles = _titles(sources, title_of)
    tasks = [_task(source, titles[source], options, media_of(source)) for source in sources]
    if tasks and all(task.problem for task in tasks):
        raise ConfigError(tasks[0].problem)
    return tasks


def _named(sources: Sequence[Path], options: argparse.Namespace, media_of: Callable[[Path], str]) -> Task:
    """The one file that --out names."""
    if len(sources) != 1:
        raise ConfigError(f"--out {options.out} is one file, but there are {len(sources)} inputs. Name a folder.")
    media = media_of(sources[0])
    kinds = wished_kinds(options, media)
    if len(kinds) != 1 or extension_of(kinds[0], media) != ending_named(options.out):
        ends = ", ".join(f"{kind} .{extension_of(kind, media)}" for kind in kinds)
        raise ConfigError(f"--out {options.out} does not fit what is to be written ({ends}). Name a folder.")
    return Task(sources[0], media, {kinds[0]: options.out}, named=True)


def _task(source: Path, title: str, options: argparse.Namespace, media: str) -> Task:
    try:
        kinds = wished_kinds(options, media)
        names = {kind: file_name(title, media, kind) for kind in kinds}
    except MaskletError as error:
        return Task(source, media, {}, problem=str(error))
    often = Counter(names.values())  # pictures and clips that are drawn anew are all called "edited"
    places = {
        kind: name if often[name] == 1 else f"{Path(name).stem}_{kind}{Path(name).suffix}"
        for kind, name in names.items()
    }
    return Task(source, media, {kind: options.out / place for kind, place in places.items()})


def _titles(sources: Sequence[Path], title_of: Callable[[Path], str]) -> dict[Path, str]:
    """What the files made of each source are called, so that no two share a name: with the ending where it takes that.

    Raises `ConfigError` where even that does not tell them apart.
    """
    often = Counter(title_of(source).casefold() for source in sources)
    titles = {
        source: title_of(source) if often[title_of(source).casefold()] == 1 else source.name.replace(".", "_")
        for source in sources
    }
    alike = [title for title, count in Counter(map(str.casefold, titles.values())).items() if count > 1]
    if alike:
        raise ConfigError(
            f"Several inputs are called {alike[0]}: their files would overwrite each other. Do one by one."
        )
    return titles


def found(paths: Sequence[Path], endings: frozenset[str], what: str) -> list[Path]:
    """The files that are named, and those in the folders that are named. Raises `ConfigError` for an empty folder."""
    sources: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            sources[path] = None
            continue
        there = sorted(each for each in path.iterdir() if _fits(each, endings))
        if not there:
            raise ConfigError(f"There is no {what} in the folder {path}.")
        sources |= dict.fromkeys(there)
    return list(sources)


def without_results(tasks: Sequence[Task], named: Sequence[Path]) -> list[Task]:
    """Leave out what an earlier run wrote into the folder that it found its sources in."""
    results = {path.absolute() for task in tasks for path in task.targets.values()}
    return [task for task in tasks if task.source in named or task.source.absolute() not in results]


def _fits(path: Path, endings: frozenset[str]) -> bool:
    return path.suffix.lower() in endings and not path.name.startswith(".") and path.is_file()
