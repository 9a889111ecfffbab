"""Masks of things in pictures, from clicks, boxes and masks.

Pictures and folders of pictures are worked through in one go, all with the same prompts, or each with its own (a folder
for --prompts). What is written follows the ending of --out, or --export.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sam2_core.cli import prompts
from sam2_core.cli.batch import work_through
from sam2_core.cli.inputs import PICTURES, Task, found, plan, without_results
from sam2_core.cli.options import add_network, add_output, add_prompts, add_terminal
from sam2_core.cli.outputs import order_of, write_all
from sam2_core.cli.results import told
from sam2_core.cli.session import Build, Workshop
from sam2_core.cli.session import build as usual_build
from sam2_core.cli.terminal import Terminal
from sam2_core.media import Material, Order

USAGE = "IMAGE [IMAGE ...] [options]"
EXAMPLES = f"""\
examples:
  masklet segment photo.jpg --point 210,350 --out cut.png --look cutout
  masklet segment photo.jpg --object cat --point 210,350 --not-point 40,60 --object dog --box 300,80,520,400
  masklet segment photos --box 100,100,500,400 --export masks,coco --out masks
  masklet segment photos --prompts photos_prompts --export png --look blurred --out results --json

--object begins the next object; what follows is said about it. A file for --prompts reads:

{prompts.FORMAT}
exit codes: 0 all is done, 1 some inputs failed, 2 wrong use, 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Of this command."""
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="a picture, or a folder of pictures")
    add_prompts(parser)
    add_output(parser, ("png",), "picture")
    add_network(parser)
    add_terminal(parser)


def run(options: argparse.Namespace, build: Build | None) -> int:
    """Run it; returns the exit code."""
    terminal = Terminal(options.quiet, options.json)
    said_of, order = prompts.chosen_prompts(options), order_of(options)
    tasks = plan(found(options.images, PICTURES, "picture"), options, lambda source: "image")
    with Workshop(terminal, options, build or usual_build) as workshop:

        def do(task: Task) -> Mapping[str, Any]:
            return _segment(task, workshop, said_of, order)

        return work_through(without_results(tasks, options.images), terminal, options.again, do)


def _segment(task: Task, workshop: Workshop, said_of: prompts.PromptsOf, order: Order) -> Mapping[str, Any]:
    progress = workshop.terminal.progress
    with workshop.opened(task.source, task.media, progress) as opened:
        objects = said_of(task.source, opened.store.info)
        for each in objects:
            opened.say(each.traits.id, each.prompts)
        material = Material(opened.store, opened.masks, [each.traits for each in objects])
        write_all(material, order, task.targets, progress)
        return told(material)
