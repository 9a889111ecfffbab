"""Masks of things through clips: prompts on some frames, and the objects are tracked through all others.

Each object is tracked from its first prompted frame to both ends.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sam2_core.cli import prompts
from sam2_core.cli.batch import run_batch
from sam2_core.cli.options import (
    add_frames,
    add_inputs,
    add_network,
    add_output,
    add_prompts,
    add_reporting,
    add_source,
    frames_from_options,
    integer_from,
)
from sam2_core.cli.outputs import export_options
from sam2_core.cli.results import summarize
from sam2_core.cli.session import CommandContext, EngineBuilder, track_spans
from sam2_core.cli.settings import Settings
from sam2_core.cli.tasks import Task, media_tasks, write_all
from sam2_core.cli.text_prompts import TextPrompts, add_text, text_from_options
from sam2_core.errors import BadPrompt
from sam2_core.media import ExportOptions, ObjectTraits
from sam2_core.serving.text_run import TEXT_DIRECTIONS, spans_to_track
from sam2_core.serving.workspace import Workspace
from sam2_core.types import FrameSpan

USAGE = "CLIP [CLIP ...] [options]"
EXAMPLES = f"""\
examples:
  masklet track clip.mp4 --point 210,350 --out masked.mp4
  masklet track clip.mp4 --object ball --box 80,60,300,240 --frame 12 --export coco,masks --out results
  masklet track frames --fps 24 --box 80,60,300,240 --out masked.mp4      a folder of numbered pictures
  masklet track clips --prompts prompts.json --export mp4 --look sticker --first 0 --last 200 --out results
  masklet track clip.mp4 --point 210,350 --direction forward --every 5 --export coco --json
  masklet track clip.mp4 --text "dog, wheel" --detect-every 15 --export mp4,coco --out results

A file for --prompts reads:

{prompts.FORMAT}
exit codes: 0 all is done, 1 some inputs failed or were left as they are, 2 wrong use, 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    text = "a clip, also as a folder or ZIP file of numbered pictures; or a folder of clips"
    add_inputs(parser, "clips", "CLIP", text)
    add_prompts(parser)
    add_text(parser, for_clips=True)
    text = "the frame of the prompts or the text given here (default: 0)"
    parser.add_argument("--frame", type=integer_from(0), default=0, metavar="FRAME", help=text)
    parser.add_argument("--direction", choices=TEXT_DIRECTIONS, default="both", help="where to track (default: both)")
    add_frames(parser)
    add_output(parser, ("mp4",), "clip")
    add_source(parser)
    add_network(parser)
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    export = export_options(options)
    with CommandContext(options, build) as context:
        text = text_from_options(options, context)
        prompt_source = prompts.prompts_from_options(options, options.frame) if text is None else prompts.NONE
        settings = Settings("track", options, export, prompt_source.files)
        tasks = media_tasks(options.clips, ("clip",), options, context.console, lambda source: "clip")
        process = partial(_track, context, text, prompt_source, export, options)
        return run_batch(tasks, context.console, options.again, settings, lambda task: asyncio.run(process(task)))


async def _track(
    context: CommandContext,
    text: TextPrompts | None,
    prompt_source: prompts.PromptSource,
    export: ExportOptions,
    options: argparse.Namespace,
    task: Task,
) -> Mapping[str, Any]:
    progress = context.console.progress
    with context.open_media(task.source, task.media) as store:
        frames = frames_from_options(options, store.info.frames)
        objects = prompt_source.read(task, store.info)
        spans = _plan(objects, frames, options)
        async with context.open_workspace(store) as workspace:
            await prompts.set_prompts(workspace, objects, context.console)
            await track_spans(workspace, spans, progress)
            traits: Sequence[ObjectTraits] = [each.traits for each in objects]
            if text is not None:
                traits = await _find_and_track(text, workspace, frames, options)
            media = workspace.masked_media(traits, frames)
            write_all(media, export, task, progress)
            return summarize(media)


def _plan(objects: Sequence[prompts.PromptedObject], frames: range, options: argparse.Namespace) -> list[FrameSpan]:
    first_frames = {each.traits.id: min(each.prompts) for each in objects}
    return spans_to_track(first_frames, range(frames.start, frames.stop), options.direction)


async def _find_and_track(
    text: TextPrompts, workspace: Workspace, frames: range, options: argparse.Namespace
) -> Sequence[ObjectTraits]:
    """Find what the text names on the first frame, and with --detect-every on others, and track it; the objects.

    Raises `BadPrompt` where --frame is outside of the frames.
    """
    start, last = max(options.frame, frames.start), frames.stop - 1
    if start > last:
        raise BadPrompt(f"--frame {start} is outside of frames {frames[0]} to {last}.")
    return await text.find(workspace, start, options.direction, options.detect_every, frames.start, last)
