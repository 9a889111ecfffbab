"""A project that the page has saved, done again without it: every click and all tracking, nothing that was undone.

The picture, clip or photos are looked for by name beside the project, or in the files and folders that are named. What
is hidden on the page is left out, as in its downloads.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sam2_core.cli.batch import run_batch
from sam2_core.cli.inputs import input_path, resolve_patterns
from sam2_core.cli.named_files import NamedFiles
from sam2_core.cli.options import add_frames, add_network, add_output, add_reporting, add_source, frames_from_options
from sam2_core.cli.outputs import export_options
from sam2_core.cli.results import summarize
from sam2_core.cli.session import CommandContext, EngineBuilder
from sam2_core.cli.settings import Settings
from sam2_core.cli.tasks import Task, plan_tasks, write_all
from sam2_core.errors import BadPrompt, ConfigError, MediaError
from sam2_core.media import MediaInfo
from sam2_core.serving.project import Project, read_project
from sam2_core.serving.project_medium import ProjectMedium

USAGE = "PROJECT.json [MEDIUM] [...] [options]"
EXAMPLES = """\
examples:
  masklet run clip.masklet.json --export mp4,coco --out results
  masklet run clip.masklet.json ~/films/clip.mp4 --model sam2.1_hiera_large --export masks
  masklet run projects ~/films --export coco --out masks     all projects of a folder

exit codes: 0 all is done, 1 some inputs failed or were left as they are, 2 wrong use, 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    text = "projects (.json), pictures and clips, or folders with them"
    parser.add_argument("files", nargs="+", type=input_path, metavar="PROJECT.json [MEDIUM]", help=text)
    add_source(parser)
    parser.add_argument("--hidden", action="store_true", help="with the objects that are hidden on the page")
    add_frames(parser)
    add_output(parser, ("coco",), "project")
    add_network(parser)
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    projects, media_paths = _projects_and_media(resolve_patterns(options.files))
    export = export_options(options)  # raises early: an error here concerns all tasks
    settings = Settings("run", options, export, partial(_media_files, media_paths))
    tasks = plan_tasks(projects, options.files, options, _media_of, lambda project: project.name.split(".")[0])
    with CommandContext(options, build) as context:
        process = partial(_replay, context, media_paths, options)
        return run_batch(tasks, context.console, options.again, settings, lambda task: asyncio.run(process(task)))


def _media_files(media_paths: Sequence[Path], task: Task) -> list[Path]:
    """The files of a project's medium. Raises `BadPrompt` and `MediaError`."""
    found = find_medium(read_project(task.source).medium, media_paths, task.source.parent)
    return [found] if isinstance(found, Path) else found


def _projects_and_media(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The projects, and the files and folders where their media may be. Raises `ConfigError`."""
    projects = [file for file in files if file.suffix.lower() == ".json" and not file.is_dir()]
    media_paths = [file for file in files if file not in projects]
    for folder in filter(Path.is_dir, media_paths):
        projects += sorted(file for file in folder.glob("*.masklet.json") if file not in projects)
    if not projects:
        raise ConfigError(
            "Name a project (FILE.masklet.json), or a folder with some. The page's project menu saves one."
        )
    return projects, media_paths


def _media_of(file: Path) -> str:
    """The kind of a project's medium; a project that cannot be read is reported when its task is processed."""
    try:
        return read_project(file).medium.kind
    except (BadPrompt, OSError):
        return "clip"


async def _replay(
    context: CommandContext, media_paths: Sequence[Path], options: argparse.Namespace, task: Task
) -> Mapping[str, Any]:
    project, progress = read_project(task.source), context.console.progress
    objects = project.objects if options.hidden else project.visible
    if not objects:
        raise BadPrompt("Nothing is selected in this project, or all of it is hidden (--hidden takes that, too).")
    if len(objects) < len(project.objects):
        hidden = len(project.objects) - len(objects)
        context.console.note(f"{hidden} hidden objects are left out (--hidden takes them)")
    source = find_medium(project.medium, media_paths, task.source.parent)
    with context.open_media(source, project.medium.kind) as store:
        async with context.open_workspace(store) as workspace:
            _check_medium(project, workspace.info)
            await workspace.replace(project.entries, progress)
            frames = frames_from_options(options, workspace.info.frames)
            media = workspace.masked_media(objects, frames)
            write_all(media, export_options(options, project.effects), task, progress)
            return summarize(media)


def _check_medium(project: Project, info: MediaInfo) -> None:
    if not project.medium.agrees(info):
        size = f"{info.width} x {info.height}, {info.frames} frame{'s' if info.frames > 1 else ''}"
        raise MediaError(f"The project is about {project.medium}; {info.name} is another one ({size}).")


def find_medium(medium: ProjectMedium, paths: Sequence[Path], project_folder: Path) -> Path | list[Path]:
    """The file of a project's medium, or the files of an album.

    If `paths` is a single file, that one; else the file with the medium's name, searched in `paths` (files and folders)
    and then in the folder of the project. Raises `MediaError`.
    """
    if medium.kind != "album" and len(paths) == 1 and not paths[0].is_dir():
        return paths[0]
    files = NamedFiles([*paths, project_folder])
    if medium.kind != "album":
        if (found := files.find(medium.name)) is None:
            raise MediaError(f"{medium.name} is not beside the project. Say where it is: PROJECT.json MEDIUM.")
        return found
    pairs = [*zip(medium.names, files.find_all(medium.names), strict=True)]
    missing = [name for name, file in pairs if file is None]
    if missing:
        raise MediaError(f"{missing[0]} (of {len(missing)} missing) is not beside the project. Name its folder.")
    return [file for _, file in pairs if file is not None]
