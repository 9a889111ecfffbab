"""Masks of things through clips: prompts on some frames, and the objects are followed through all others.

Each object is followed from the first frame on which something is said about it to both ends.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sam2_core.cli import prompts
from sam2_core.cli.batch import work_through
from sam2_core.cli.inputs import CLIPS, Task, found, plan, without_results
from sam2_core.cli.options import add_frames, add_network, add_output, add_prompts, add_terminal, frames_of, whole
from sam2_core.cli.outputs import order_of, write_all
from sam2_core.cli.results import told
from sam2_core.cli.session import Build, Workshop
from sam2_core.cli.session import build as usual_build
from sam2_core.cli.terminal import Terminal
from sam2_core.cli.ways import DIRECTIONS, ways
from sam2_core.media import Material, Order

USAGE = "CLIP [CLIP ...] [options]"
EXAMPLES = f"""\
examples:
  masklet track clip.mp4 --point 210,350 --out masked.mp4
  masklet track clip.mp4 --object ball --box 80,60,300,240 --frame 12 --export coco,masks --out results
  masklet track clips --prompts prompts.json --export mp4 --look sticker --first 0 --last 200 --out results
  masklet track clip.mp4 --point 210,350 --direction forward --every 5 --export coco --json

A file for --prompts reads:

{prompts.FORMAT}
exit codes: 0 all is done, 1 some inputs failed, 2 wrong use, 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Of this command."""
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="a clip, or a folder of clips")
    add_prompts(parser)
    parser.add_argument(
        "--frame", type=whole(0), default=0, metavar="FRAME", help="on which what is said here is said (default: 0)"
    )
    parser.add_argument("--direction", choices=DIRECTIONS, default="both", help="where to follow (default: both)")
    add_frames(parser)
    add_output(parser, ("mp4",), "clip")
    add_network(parser)
    add_terminal(parser)


def run(options: argparse.Namespace, build: Build | None) -> int:
    """Run it; returns the exit code."""
    terminal = Terminal(options.quiet, options.json)
    said_of, order = prompts.chosen_prompts(options, options.frame), order_of(options)
    tasks = plan(found(options.clips, CLIPS, "clip"), options, lambda source: "clip")
    with Workshop(terminal, options, build or usual_build) as workshop:

        def do(task: Task) -> Mapping[str, Any]:
            return _track(task, workshop, said_of, order, options)

        return work_through(without_results(tasks, options.clips), terminal, options.again, do)


def _track(
    task: Task, workshop: Workshop, said_of: prompts.PromptsOf, order: Order, options: argparse.Namespace
) -> Mapping[str, Any]:
    progress = workshop.terminal.progress
    with workshop.opened(task.source, task.media, progress) as opened:
        frames = frames_of(options, opened.store.info.frames)
        objects = said_of(task.source, opened.store.info)
        starts = {each.traits.id: min(each.prompts) for each in objects}
        to_go = ways(starts, range(frames.start, frames.stop), options.direction)
        for each in objects:
            opened.say(each.traits.id, each.prompts)
        opened.follow(to_go, progress)
        material = Material(opened.store, opened.masks, [each.traits for each in objects], frames)
        write_all(material, order, task.targets, progress)
        return told(material)
