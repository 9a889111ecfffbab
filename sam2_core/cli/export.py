"""Masks that are there already, as any kind of file: another format, or the picture or clip with a look.

The masks are read from any file that the page imports: COCO, CVAT, Label Studio, LabelMe, YOLO, PNG masks and others,
or a ZIP file with any of these. Where a file has only a box of something, the network makes the mask. A folder of
numbered pictures is one clip if the kind to write is for clips only, or if the masks are called like the folder; else
each picture is taken by itself.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sam2_core.cli.annotations import ImportedMasks, annotation_file_for, import_masks
from sam2_core.cli.batch import run_batch
from sam2_core.cli.companions import Companions, is_called_like
from sam2_core.cli.inputs import input_path
from sam2_core.cli.options import (
    add_frames,
    add_inputs,
    add_network,
    add_output,
    add_reporting,
    add_source,
    frames_from_options,
)
from sam2_core.cli.outputs import export_options, named_formats
from sam2_core.cli.results import summarize
from sam2_core.cli.session import CommandContext, EngineBuilder
from sam2_core.cli.settings import Settings
from sam2_core.cli.tasks import Task, media_tasks, write_all
from sam2_core.media import EXPORT_FORMATS, ExportOptions, MaskedMedia, Store
from sam2_core.media.readers import read_annotations

USAGE = "MEDIUM [MEDIUM ...] --masks FILE --export KIND,… [options]"
EXAMPLES = """\
examples:
  masklet export clip.mp4 --masks clip_coco.json --export mp4 --look sticker
  masklet export clip.mp4 --masks davis.zip --export coco --polygons --out results
  masklet export photos --masks instances.json --export masks --out results     one COCO file about all photos
  masklet export photos --masks labels --export coco --out results              a folder with NAME.txt for NAME.jpg
  masklet export photo.jpg --masks photo_coco.json --export masks --out mask.png

exit codes: 0 all is done, 1 some inputs failed or were left as they are, 2 wrong use, 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_inputs(
        parser, "media", "MEDIUM", "a picture or clip (also as a folder of numbered pictures), or a folder with some"
    )
    text = "the masks: a file, or a folder with one for each medium, of the same name"
    parser.add_argument("--masks", required=True, type=input_path, metavar="FILE", help=text)
    text = "let the order of pictures count where no name in the file fits"
    parser.add_argument("--by-order", action="store_true", help=text)
    add_frames(parser)
    add_output(parser, (), "medium")
    add_source(parser)
    add_network(parser)
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    export, companions = export_options(options), Companions(options.masks, prefix=True)
    settings = Settings("export", options, export, lambda task: [annotation_file_for(task, companions)])
    with CommandContext(options, build) as context:
        one_clip = partial(_is_one_clip, options)
        tasks = media_tasks(options.media, ("image", "clip"), options, context.console, context.kind_of, one_clip)
        process = partial(_export, context, export, options, companions)
        return run_batch(tasks, context.console, options.again, settings, lambda task: asyncio.run(process(task)))


def _is_one_clip(options: argparse.Namespace, folder: Path) -> bool:
    """Whether a folder of numbered pictures is meant as one clip: if --export names a kind of file that pictures do not
    have, or --masks a file that is called like the folder (`shot_coco.json`)."""
    formats = [EXPORT_FORMATS[name] for name in named_formats(options)]
    if not formats and options.out.suffix:
        formats = [each for each in EXPORT_FORMATS.values() if options.out.suffix in each.extensions.values()]
        return not any(each.extensions.get("image") == options.out.suffix for each in formats)
    if any("image" not in each.extensions for each in formats):
        return True
    if options.masks.is_dir():
        return Companions(options.masks, prefix=True).of(Task(folder, "clip", {}, folder.name)) is not None
    return is_called_like(options.masks, folder.name)


async def _export(
    context: CommandContext,
    export: ExportOptions,
    options: argparse.Namespace,
    companions: Companions,
    task: Task,
) -> Mapping[str, Any]:
    progress = context.console.progress
    file = annotation_file_for(task, companions)
    with context.open_media(task.source, task.media) as store:
        info = store.info  # a picture is told from others of its name by its folders
        path = (task.source.absolute().parent / info.name).as_posix()
        located = replace(info, names=(path,)) if info.kind == "image" else info
        masks = import_masks(read_annotations(file, located, progress, options.by_order))
        for note in masks.notes:
            context.console.note(f"{file.name}: {note}")
        if masks.boxes:
            await _segment_boxes(context, masks, store)
        media = MaskedMedia(store, masks.on, masks.objects, frames_from_options(options, store.info.frames))
        write_all(media, export, task, progress)
        return summarize(media)


async def _segment_boxes(context: CommandContext, masks: ImportedMasks, store: Store) -> None:
    """Let the network make the masks of annotations that are boxes only."""
    async with context.open_workspace(store) as workspace:
        for done, (object_id, frame, prompt) in enumerate(masks.boxes, start=1):
            masks.add(frame, (await workspace.prompt(frame, object_id, prompt)).objects)
            context.console.progress(done / len(masks.boxes), "From boxes to masks")
