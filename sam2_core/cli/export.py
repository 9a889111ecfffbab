"""Masks that are there already, as any kind of file: another format, or the picture or clip with a look.

The masks are read from any file that the page imports: COCO, CVAT, Label Studio, LabelMe, YOLO, PNG masks and others,
or a ZIP file with any of these.
Where a file has only a box of something, the network makes the mask.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sam2_core.cli.annotations import ImportedMasks, annotation_file_for, import_masks
from sam2_core.cli.batch import run_batch
from sam2_core.cli.inputs import CLIP_SUFFIXES, IMAGE_SUFFIXES, Task, media_tasks
from sam2_core.cli.options import add_frames, add_network, add_output, add_reporting, frames_from_options
from sam2_core.cli.outputs import export_options, write_all
from sam2_core.cli.results import summarize
from sam2_core.cli.session import CommandContext, EngineBuilder
from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, MaskedMedia, Store
from sam2_core.media.image_files import is_image
from sam2_core.media.readers import read_annotations

USAGE = "MEDIUM [MEDIUM ...] --masks FILE --export KIND,… [options]"
EXAMPLES = """\
examples:
  masklet export clip.mp4 --masks clip_coco.json --export mp4 --look sticker
  masklet export clip.mp4 --masks davis.zip --export coco --polygons --out results
  masklet export photos --masks instances.json --export masks --out results     one COCO file about all photos
  masklet export photos --masks labels --export coco --out results              a folder with NAME.txt for NAME.jpg

exit codes: 0 all is done, 1 some inputs failed, 2 wrong use, 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    text = "a picture or clip, or a folder with some"
    parser.add_argument("media", nargs="+", type=Path, metavar="MEDIUM", help=text)
    text = "the masks: a file, or a folder with one for each medium, of the same name"
    parser.add_argument("--masks", required=True, type=Path, metavar="FILE", help=text)
    text = "let the order of pictures count where no name in the file fits"
    parser.add_argument("--by-order", action="store_true", help=text)
    add_frames(parser)
    add_output(parser, (), "medium")
    add_network(parser)
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    export = export_options(options)
    tasks = media_tasks(options.media, IMAGE_SUFFIXES | CLIP_SUFFIXES, "picture or clip", options, _media_of)
    with CommandContext(options, build) as context:
        process = partial(_export, context, export, options)
        return run_batch(tasks, context.console, options.again, lambda task: asyncio.run(process(task)))


def _media_of(source: Path) -> str:
    """Image or clip, by content; a file that cannot be read is reported when its task is processed."""
    try:
        return "image" if is_image(source) else "clip"
    except (MediaError, OSError):
        return "image"


async def _export(
    context: CommandContext, export: ExportOptions, options: argparse.Namespace, task: Task
) -> Mapping[str, Any]:
    progress = context.console.progress
    file = annotation_file_for(task.source, options.masks)
    with context.open_media(task.source, task.media) as store:
        masks = import_masks(read_annotations(file, store.info, progress, options.by_order))
        for note in masks.notes:
            context.console.note(f"{file.name}: {note}")
        if masks.boxes:
            await _segment_boxes(context, masks, store)
        media = MaskedMedia(store, masks.on, masks.objects, frames_from_options(options, store.info.frames))
        write_all(media, export, task.targets, progress)
        return summarize(media)


async def _segment_boxes(context: CommandContext, masks: ImportedMasks, store: Store) -> None:
    """Let the network make the masks of annotations that are boxes only."""
    async with context.open_workspace(store) as workspace:
        for done, (object_id, frame, prompt) in enumerate(masks.boxes, start=1):
            masks.add(frame, (await workspace.prompt(frame, object_id, prompt)).objects)
            context.console.progress(done / len(masks.boxes), "From boxes to masks")
