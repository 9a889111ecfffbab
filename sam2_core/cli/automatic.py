"""Masks of all that is in pictures, without a click.

The network is prompted at a grid of points; of its masks those stay that it is sure of and that differ.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sam2_core.cli.batch import run_batch
from sam2_core.cli.options import add_inputs, add_network, add_output, add_reporting, add_source, integer_from, share
from sam2_core.cli.outputs import export_options
from sam2_core.cli.results import summarize
from sam2_core.cli.session import CommandContext, EngineBuilder
from sam2_core.cli.settings import Settings
from sam2_core.cli.tasks import Task, media_tasks, write_all
from sam2_core.media import ExportOptions, MaskedMedia, ObjectTraits, color_of
from sam2_core.serving.automatic_run import AutomaticRequest, find_everything
from sam2_core.serving.commands import GetAutomaticSettings
from sam2_core.serving.workspace import Workspace
from sam2_core.types import AutomaticMask, AutomaticSettings, FrameMasks, ObjectMask

_OBJECT_SCORE = 10.0  # a logit; automatic masks have none

USAGE = "IMAGE [IMAGE ...] [options]"
EXAMPLES = """\
examples:
  masklet everything photo.jpg --out everything.json
  masklet everything photos --export coco,png --out masks
  masklet everything photo.jpg --model sam2.1_hiera_small --grid 48 --crops 1 --least-area 100

exit codes: 0 all is done, 1 some inputs failed or were left as they are, 2 wrong use, 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_inputs(parser, "images", "IMAGE", "a picture, or a folder of pictures")
    add_thresholds(parser)
    add_output(parser, ("coco", "png"), "picture")
    add_source(parser)
    add_network(parser)
    add_reporting(parser)


def add_thresholds(parser: argparse.ArgumentParser, least_area: int = 0) -> None:
    """Add the options that `chosen_settings` reads, and `least_area`."""
    group = parser.add_argument_group("which masks stay (defaults are the network's own, in configs/)")
    group.add_argument("--grid", type=integer_from(1), metavar="N", help="prompt N x N points (official networks 32)")
    text = "predicted IoU, 0 to 1 (SAM 2 0.8, SAM 0.88)"
    group.add_argument("--least-quality", type=share, metavar="IOU", help=text)
    text = "stability score, 0 to 1 (official networks 0.95)"
    group.add_argument("--least-stability", type=share, metavar="SHARE", help=text)
    text = "no smaller islands and holes (default: %(default)s)"
    group.add_argument("--least-area", type=integer_from(0), default=least_area, metavar="PIXELS", help=text)
    text = "look also at crops, N layers deep"
    group.add_argument("--crops", type=integer_from(0), metavar="N", help=text)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    export = export_options(options)
    settings = Settings("everything", options, export)
    with CommandContext(options, build) as context:
        tasks = media_tasks(options.images, ("image",), options, context.console, lambda source: "image")
        process = partial(_segment_everything, context, options, export)
        return run_batch(tasks, context.console, options.again, settings, lambda task: asyncio.run(process(task)))


async def _segment_everything(
    context: CommandContext, options: argparse.Namespace, export: ExportOptions, task: Task
) -> Mapping[str, Any]:
    progress = context.console.progress
    with context.open_media(task.source, task.media) as store:
        async with context.open_workspace(store) as workspace:
            settings = await chosen_settings(options, workspace)
            found = await find_everything(workspace, AutomaticRequest(0, settings, options.least_area), progress)
            masks = as_objects(found)
            media = MaskedMedia(store, lambda frames: [masks for _ in frames], traits_of(masks))
            write_all(media, export, task, progress)
            return summarize(media)


async def chosen_settings(options: argparse.Namespace, workspace: Workspace) -> AutomaticSettings:
    """The network's settings, with those of the options."""
    given = {
        "points_per_side": options.grid,
        "crop_layers": options.crops,
        "min_predicted_iou": options.least_quality,
        "min_stability": options.least_stability,
    }
    defaults = await workspace.run(GetAutomaticSettings())
    return replace(defaults, **{name: value for name, value in given.items() if value is not None})


def as_objects(found: Sequence[AutomaticMask]) -> FrameMasks:
    """Automatic masks as the objects of one frame, the largest first, so that small ones lie on top."""
    ordered = sorted(found, key=lambda each: -each.mask.area)
    masks = [
        ObjectMask(number, each.mask, each.predicted_iou, _OBJECT_SCORE) for number, each in enumerate(ordered, start=1)
    ]
    return FrameMasks(0, 0, tuple(masks))


def traits_of(masks: FrameMasks) -> list[ObjectTraits]:
    """Default name and color of each object."""
    numbers = [each.object_id for each in masks.objects]
    return [ObjectTraits(number, f"Object {number}", "", color_of(number)) for number in numbers]
