"""A project that the page has saved, done again without it: every click and all tracking, nothing that was undone.

The picture, clip or photos are looked for by name beside the project, or in the files and folders that are named. What
is hidden on the page is left out, as in its downloads.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sam2_core.cli.batch import work_through
from sam2_core.cli.inputs import Task, plan
from sam2_core.cli.options import add_frames, add_network, add_output, add_terminal, frames_of
from sam2_core.cli.outputs import order_of, write_all
from sam2_core.cli.results import told
from sam2_core.cli.session import Build, Workshop
from sam2_core.cli.session import build as usual_build
from sam2_core.cli.terminal import Terminal
from sam2_core.errors import BadPrompt, ConfigError, MediaError
from sam2_core.media import Material
from sam2_core.media.ingest import clean_name
from sam2_core.serving.project import Project, read_project
from sam2_core.serving.project_medium import ProjectMedium
from sam2_core.serving.replay import replay

ENDING = ".json"
USAGE = "PROJECT.json [MEDIUM] [...] [options]"
EXAMPLES = """\
examples:
  masklet run clip.masklet.json --export mp4,coco --out results
  masklet run clip.masklet.json ~/films/clip.mp4 --model sam2.1_hiera_large --export masks
  masklet run projects ~/films --export coco --out masks     all projects of a folder

exit codes: 0 all is done, 1 some inputs failed, 2 wrong use, 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Of this command."""
    text = "projects (.json), pictures and clips, or folders with them"
    parser.add_argument("files", nargs="+", type=Path, metavar="PROJECT.json [MEDIUM]", help=text)
    parser.add_argument("--hidden", action="store_true", help="with the objects that are hidden on the page")
    add_frames(parser)
    add_output(parser, ("coco",), "project")
    add_network(parser)
    add_terminal(parser)


def run(options: argparse.Namespace, build: Build | None) -> int:
    """Run it; returns the exit code."""
    terminal = Terminal(options.quiet, options.json)
    projects, places = _projects_and_places(options.files)
    order_of(options)  # what is wrong with it is wrong for all
    tasks = plan(projects, options, _media_of, lambda project: project.name.split(".")[0])
    with Workshop(terminal, options, build or usual_build) as workshop:

        def do(task: Task) -> Mapping[str, Any]:
            return _replay(task, workshop, places, options)

        return work_through(tasks, terminal, options.again, do)


def _projects_and_places(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The projects, and the files and folders where their media may be. Raises `ConfigError`."""
    projects = [file for file in files if file.suffix.lower() == ENDING and not file.is_dir()]
    places = [file for file in files if file not in projects]
    for place in filter(Path.is_dir, places):
        projects += sorted(file for file in place.glob("*.masklet.json") if file not in projects)
    if not projects:
        raise ConfigError(
            "Name a project (FILE.masklet.json), or a folder with some. The page's project menu saves one."
        )
    return projects, places


def _media_of(file: Path) -> str:
    """What a project is about; what cannot be read is told when its turn comes."""
    try:
        return read_project(file).medium.kind
    except (BadPrompt, OSError):
        return "clip"


def _replay(task: Task, workshop: Workshop, places: Sequence[Path], options: argparse.Namespace) -> Mapping[str, Any]:
    project, progress = read_project(task.source), workshop.terminal.progress
    objects = project.objects if options.hidden else project.visible
    if not objects:
        raise BadPrompt("Nothing is selected in this project, or all of it is hidden (--hidden takes that, too).")
    if len(objects) < len(project.objects):
        workshop.terminal.note(
            f"{len(project.objects) - len(objects)} hidden objects are left out (--hidden takes them)"
        )
    source = find_medium(project.medium, places, task.source.parent)
    with workshop.opened(source, project.medium.kind, progress) as opened:
        _check_medium(project, opened.store.info)
        replay(opened.engine, opened.session, project.journal, progress)
        frames = frames_of(options, opened.store.info.frames)
        material = Material(opened.store, opened.masks, objects, frames)
        write_all(material, order_of(options, project.effects), task.targets, progress)
        return told(material)


def _check_medium(project: Project, info: Any) -> None:
    if not project.medium.agrees(info):
        size = f"{info.width} x {info.height}, {info.frames} frame{'s' if info.frames > 1 else ''}"
        raise MediaError(f"The project is about {project.medium}; {info.name} is another one ({size}).")


def find_medium(medium: ProjectMedium, places: Sequence[Path], beside: Path) -> Path | list[Path]:
    """The file that a project is about, or its photos: the only file that is named, else by name in the named files
    and folders, then beside the project. Raises `MediaError`."""
    named = [place for place in places if not place.is_dir()]
    if medium.kind != "album" and len(named) == 1 and len(places) == 1:
        return named[0]
    files: dict[str, Path] = {}
    for place in [*places, beside]:
        for file in sorted(place.iterdir()) if place.is_dir() else [place]:
            files.setdefault(clean_name(file.name), file)
    if medium.kind != "album":
        if medium.name not in files:
            raise MediaError(f"{medium.name} is not beside the project. Say where it is: PROJECT.json MEDIUM.")
        return files[medium.name]
    missing = [name for name in medium.names if name not in files]
    if missing:
        raise MediaError(f"{missing[0]} (of {len(missing)} missing) is not beside the project. Name its folder.")
    return [files[name] for name in medium.names]
