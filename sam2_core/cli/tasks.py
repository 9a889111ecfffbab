"""Sources become tasks: a source, and the files to make of it."""

from __future__ import annotations

import argparse
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sam2_core.cli.inputs import STDIN, find_sources
from sam2_core.cli.manifest import Manifest
from sam2_core.cli.outputs import Output, file_suffixes, named_formats, selected_formats
from sam2_core.console import Console
from sam2_core.errors import BadPrompt, ConfigError, MaskletError
from sam2_core.media import EXPORT_FORMATS, ExportOptions, MaskedMedia, MediaProgress, write
from sam2_core.media.export import file_name

_MAX_NUMBERED = 140  # bytes of a title with a number at its end, which the limit for names must not cut off


@dataclass(frozen=True, slots=True)
class Task:
    """A source and the files to make of it, by format.

    `media` is "image", "clip" or "album". `title` is what target files are called, and `namesakes` are other sources
    of the same stem. `anew`: what is there is overwritten. `to_stdout`: the only target is written to stdout.
    `problem` is an error that keeps the task from being processed.
    """

    source: Path
    media: str
    targets: Mapping[str, Path]
    title: str = ""
    namesakes: tuple[Path, ...] = ()
    anew: bool = False
    to_stdout: bool = False
    problem: str = ""
    begin: Callable[[], None] = lambda: None
    """Called before the first target is written."""


def media_tasks(
    paths: Sequence[Path],
    kinds: Sequence[str],
    options: argparse.Namespace,
    console: Console,
    media_of: Callable[[Path], str],
    one_clip: Callable[[Path], bool] = lambda folder: False,
) -> list[Task]:
    """A task for each given file, and for each file of these kinds in a given folder; see `find_sources`.

    Files in folders and patterns that an earlier run wrote to the folder of --out are left out. Raises `ConfigError`
    as `plan_tasks` and `find_sources` do, and if nothing is left.
    """
    tasks = plan_tasks(find_sources(paths, kinds, console, one_clip), paths, options, media_of)
    targets = {path for task in tasks for path in task.targets.values()} | Manifest(options.out.path).written()
    targets = {path.absolute() for path in targets}
    kept = [task for task in tasks if task.source in paths or task.source.absolute() not in targets]
    if not kept:
        raise ConfigError(f"All files there were written by Masklet to {options.out.path}. Name another --out.")
    return kept


def title_of_source(source: Path) -> str:
    """The beginning of the names of a source's target files."""
    return "stdin" if source == STDIN else source.name if source.is_dir() else source.stem


def plan_tasks(
    sources: Sequence[Path],
    given: Sequence[Path],
    options: argparse.Namespace,
    media_of: Callable[[Path], str],
    title_of: Callable[[Path], str] = title_of_source,
) -> list[Task]:
    """A task for each source. Raises `ConfigError` for options that fit none of them.

    The only source is made anew if it is among the `given` paths, and was not found in a folder. `media_of` gives the
    kind of a source's medium, `title_of` the beginning of its target files' names.
    """
    named_formats(options)  # raises early: an unknown format concerns all tasks
    output: Output = options.out
    if output.is_file or output.is_stdout:
        return [_single_task(sources, options, media_of, title_of)]
    if output.path.exists() and not output.path.is_dir():
        raise ConfigError(f"--out {output.path} is no folder, and no kind of file that can be written.")
    titles = unique_titles(sources, title_of)
    by_stem: dict[str, list[Path]] = {}
    for source in sources:
        by_stem.setdefault(_comparable(source.stem), []).append(source)
    tasks, is_single = [], len(sources) == 1 and sources[0] in given
    for source in sources:
        namesakes = tuple(other for other in by_stem[_comparable(source.stem)] if other != source)
        task = _task(source, titles[source], namesakes, options, media_of(source))
        tasks.append(replace(task, anew=is_single or source == STDIN))
    if tasks and all(task.problem for task in tasks):
        raise ConfigError(tasks[0].problem)
    return tasks


def _single_task(
    sources: Sequence[Path],
    options: argparse.Namespace,
    media_of: Callable[[Path], str],
    title_of: Callable[[Path], str],
) -> Task:
    """The task of an --out that names one file, or stdout."""
    output: Output = options.out
    if len(sources) != 1:
        raise ConfigError(f"--out {output.path} is one file, but there are {len(sources)} inputs. Name a folder.")
    [source] = sources
    media = media_of(source)
    formats = selected_formats(options, media)
    suffixes = {name: file_suffixes(name, media) for name in formats}
    if output.is_stdout and len(formats) != 1:
        raise ConfigError(f"--out - is one file, but there are {len(formats)}: choose with --export {formats[0]}.")
    if output.is_stdout and options.json:
        raise ConfigError("--out - and --json both write to stdout. Leave one of them out.")
    if output.is_file and (len(formats) != 1 or output.suffix not in suffixes[formats[0]]):
        ends = ", ".join(f"{name} .{' .'.join(each)}" for name, each in suffixes.items())
        raise ConfigError(f"--out {output.path} does not fit what is to be written ({ends}). Name a folder.")
    if source.exists() and output.path.exists() and source.samefile(output.path):
        raise ConfigError(f"--out {output.path} is the input itself. Name another file.")
    return Task(source, media, {formats[0]: output.path}, title_of(source), anew=True, to_stdout=output.is_stdout)


def _task(source: Path, title: str, namesakes: tuple[Path, ...], options: argparse.Namespace, media: str) -> Task:
    try:
        names = {each: file_name(title, media, each) for each in selected_formats(options, media)}
    except MaskletError as error:
        return Task(source, media, {}, title, namesakes, problem=str(error))
    counts = Counter(names.values())  # rendered formats share the name "TITLE_edited", and some the suffix
    folder = options.out.path
    targets = {
        each: folder / (name if counts[name] == 1 else f"{Path(name).stem}_{each}{Path(name).suffix}")
        for each, name in names.items()
    }
    return Task(source, media, targets, title, namesakes)


def write_all(media: MaskedMedia, export: ExportOptions, task: Task, progress: MediaProgress) -> None:
    """Write all targets. Raises `MediaError`, and `BadPrompt` where the look lacks a picture."""
    if any("look" in EXPORT_FORMATS[name].option_keys for name in task.targets):
        for name in export.effects.backdrops - export.backdrops.keys():
            raise BadPrompt(f"The look wants the picture {name!r}: give it with --backdrop {name or 'NAME'}=FILE.")
    task.begin()
    for name, path in task.targets.items():
        write(path, media, replace(export, format=name), progress)


# --- titles -------------------------------------------------------------------------------------------------------


def unique_titles(sources: Sequence[Path], title_of: Callable[[Path], str]) -> dict[Path, str]:
    """A title for each source, such that no two target files have the same name, on any file system.

    Where titles are equal, the source's suffix becomes part of them (`001_jpg`), else its folder (`a_001`) and the
    folders above, else a number.
    """
    titles = {source: title_of(source) for source in sources}
    for group in _groups(titles):
        if len(group) > 1:
            titles |= _told_apart(group, title_of)
    taken: set[str] = set()
    for source, title in titles.items():
        number, unique = 2, title
        while _file_key(unique) in taken:
            short = title.encode()[:_MAX_NUMBERED].decode(errors="ignore")
            number, unique = number + 1, f"{short}_{number}"
        titles[source] = unique
        taken.add(_file_key(unique))
    return titles


def _groups(titles: Mapping[Path, str]) -> list[list[Path]]:
    groups: dict[str, list[Path]] = {}
    for source, title in titles.items():
        groups.setdefault(_file_key(title), []).append(source)
    return list(groups.values())


def _told_apart(group: Sequence[Path], title_of: Callable[[Path], str]) -> dict[Path, str]:
    """Titles of sources that would have the same one."""
    suffixed = {source: source.name.replace(".", "_") for source in group}
    if len(_groups(suffixed)) == len(group):
        return suffixed
    parents = {source: source.absolute().parent.parts[1:] for source in group}
    last = suffixed if len({source.suffix.lower() for source in group}) > 1 else {s: title_of(s) for s in group}
    for depth in range(1, max(map(len, parents.values())) + 1):
        titles = {source: "_".join((*parents[source][-depth:], last[source])) for source in group}
        if len(_groups(titles)) == len(group):
            return titles
    return last  # names that differ in case only


def _file_key(title: str) -> str:
    """What makes two target files the same: the name that is made of the title, without case, in one Unicode form."""
    return _comparable(file_name(title, "image", "coco"))


def _comparable(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
