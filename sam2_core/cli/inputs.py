"""Files and folders become tasks: a source, and the files to make of it."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sam2_core.cli.outputs import format_suffix, named_formats, selected_formats
from sam2_core.errors import ConfigError, MaskletError
from sam2_core.media.export import extension_of, file_name

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".jp2", ".ppm", ".pgm", ".mpo"}
)
CLIP_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".mts", ".3gp"}
)
"""Suffixes by which files are found in folders; a file that is given itself may have any name."""


@dataclass(frozen=True, slots=True)
class Task:
    """A source and the files to make of it, by format.

    `media` is "image", "clip" or "album". `named`: --out names the file itself, so it is overwritten. `problem` is an
    error that keeps the task from being processed.
    """

    source: Path
    media: str
    targets: Mapping[str, Path]
    named: bool = False
    problem: str = ""


def media_tasks(
    paths: Sequence[Path],
    suffixes: frozenset[str],
    media_name: str,
    options: argparse.Namespace,
    media_of: Callable[[Path], str],
) -> list[Task]:
    """A task for each given file, and for each file in a given folder that has one of the suffixes.

    Files in folders that an earlier run wrote as targets are left out. Raises `ConfigError` as `plan_tasks` does, and
    for a folder without any such file (`media_name` names them in the message).
    """
    tasks = plan_tasks(_find_files(paths, suffixes, media_name), options, media_of)
    targets = {path.absolute() for task in tasks for path in task.targets.values()}
    return [task for task in tasks if task.source in paths or task.source.absolute() not in targets]


def plan_tasks(
    sources: Sequence[Path],
    options: argparse.Namespace,
    media_of: Callable[[Path], str],
    title_of: Callable[[Path], str] = lambda source: source.stem,
) -> list[Task]:
    """A task for each source. Raises `ConfigError` for options that fit none of them.

    `media_of` gives the kind of a source's medium, `title_of` the beginning of its target files' names.
    """
    named_formats(options)  # raises early: an unknown format concerns all tasks
    if format_suffix(options.out) and not options.out.is_dir():
        return [_single_task(sources, options, media_of)]
    if options.out.exists() and not options.out.is_dir():
        raise ConfigError(f"--out {options.out} is no folder, and no kind of file that can be written.")
    titles = _unique_titles(sources, title_of)
    tasks = [_task(source, titles[source], options, media_of(source)) for source in sources]
    if tasks and all(task.problem for task in tasks):
        raise ConfigError(tasks[0].problem)
    return tasks


def _single_task(sources: Sequence[Path], options: argparse.Namespace, media_of: Callable[[Path], str]) -> Task:
    """The task of an --out that names one file."""
    if len(sources) != 1:
        raise ConfigError(f"--out {options.out} is one file, but there are {len(sources)} inputs. Name a folder.")
    media = media_of(sources[0])
    formats = selected_formats(options, media)
    if len(formats) != 1 or extension_of(formats[0], media) != format_suffix(options.out):
        ends = ", ".join(f"{name} .{extension_of(name, media)}" for name in formats)
        raise ConfigError(f"--out {options.out} does not fit what is to be written ({ends}). Name a folder.")
    return Task(sources[0], media, {formats[0]: options.out}, named=True)


def _task(source: Path, title: str, options: argparse.Namespace, media: str) -> Task:
    try:
        names = {each: file_name(title, media, each) for each in selected_formats(options, media)}
    except MaskletError as error:
        return Task(source, media, {}, problem=str(error))
    counts = Counter(names.values())  # rendered formats share the name "TITLE_edited", and some the suffix
    targets = {
        each: options.out / (name if counts[name] == 1 else f"{Path(name).stem}_{each}{Path(name).suffix}")
        for each, name in names.items()
    }
    return Task(source, media, targets)


def _unique_titles(sources: Sequence[Path], title_of: Callable[[Path], str]) -> dict[Path, str]:
    """A title for each source, without regard to case; where two are equal, the source's suffix becomes part of it.

    Raises `ConfigError` where titles are still equal then.
    """
    counts = Counter(title_of(source).casefold() for source in sources)
    titles = {
        source: title_of(source) if counts[title_of(source).casefold()] == 1 else source.name.replace(".", "_")
        for source in sources
    }
    equal = [title for title, count in Counter(map(str.casefold, titles.values())).items() if count > 1]
    if equal:
        raise ConfigError(
            f"Several inputs are called {equal[0]}: their files would overwrite each other. Do one by one."
        )
    return titles


def _find_files(paths: Sequence[Path], suffixes: frozenset[str], media_name: str) -> list[Path]:
    sources: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            sources[path] = None
            continue
        files = sorted(each for each in path.iterdir() if _has_suffix(each, suffixes))
        if not files:
            raise ConfigError(f"There is no {media_name} in the folder {path}.")
        sources |= dict.fromkeys(files)
    return list(sources)


def _has_suffix(path: Path, suffixes: frozenset[str]) -> bool:
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
