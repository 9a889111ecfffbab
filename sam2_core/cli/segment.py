"""Masks of things in pictures, from clicks, boxes, masks and words.

Pictures and folders of pictures are worked through in one go, all with the same prompts, or each with its own (a folder
for --prompts). What is written follows the ending of --out, or --export.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from sam2_core.cli import prompts
from sam2_core.cli.batch import run_batch
from sam2_core.cli.options import add_inputs, add_network, add_output, add_prompts, add_reporting, add_source
from sam2_core.cli.outputs import export_options
from sam2_core.cli.results import summarize
from sam2_core.cli.session import CommandContext, EngineBuilder
from sam2_core.cli.settings import Settings
from sam2_core.cli.tasks import Task, media_tasks, write_all
from sam2_core.cli.text_prompts import TextPrompts, add_text, text_from_options
from sam2_core.media import ExportOptions

USAGE = "IMAGE [IMAGE ...] [options]"
EXAMPLES = f"""\
examples:
  masklet segment photo.jpg --point 210,350 --out cut.png --look cutout
  masklet segment photo.jpg --object cat --point 210,350 --not-point 40,60 --object dog --box 300,80,520,400
  masklet segment photo.jpg --box 10%,10%,60%,90% --export masks --out mask.png
  masklet segment - --point 50%,50% --out - < photo.jpg > cut.png
  masklet segment photos --box 100,100,500,400 --export masks,coco --out masks
  masklet segment photos --prompts photos_prompts --export png --look blurred --out results --json
  masklet segment photos --text "dog, wheel" --export coco --out masks

--object begins the next object; the prompts that follow are about it. A file for --prompts reads:

{prompts.FORMAT}
exit codes: 0 all is done, 1 some inputs failed or were left as they are, 2 wrong use, 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_inputs(parser, "images", "IMAGE", "a picture, or a folder of pictures")
    add_prompts(parser)
    add_text(parser, for_clips=False)
    add_output(parser, ("png",), "picture")
    add_source(parser)
    add_network(parser)
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    export = export_options(options)
    with CommandContext(options, build) as context:
        text = text_from_options(options, context)
        prompt_source = prompts.prompts_from_options(options) if text is None else prompts.NONE
        settings = Settings("segment", options, export, prompt_source.files)
        tasks = media_tasks(options.images, ("image",), options, context.console, lambda source: "image")
        process = partial(_segment, context, text, prompt_source, export)
        return run_batch(tasks, context.console, options.again, settings, lambda task: asyncio.run(process(task)))


async def _segment(
    context: CommandContext,
    text: TextPrompts | None,
    prompt_source: prompts.PromptSource,
    export: ExportOptions,
    task: Task,
) -> Mapping[str, Any]:
    with context.open_media(task.source, task.media) as store:
        objects = prompt_source.read(task, store.info)
        async with context.open_workspace(store) as workspace:
            await prompts.set_prompts(workspace, objects, context.console)
            traits = [each.traits for each in objects] if text is None else await text.find(workspace)
            media = workspace.masked_media(traits)
            write_all(media, export, task, context.console.progress)
            return summarize(media)
