"""Masks that are there already, as any kind of file: another format, or the picture or clip with a look.

The masks are read from COCO, YouTube-VIS or LabelMe JSON, YOLO labels, PNG masks, or a ZIP file with any of these.
Where a file has only a box of something, the network makes the mask.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sam2_core.cli.annotations import Known, file_for, known_masks
from sam2_core.cli.batch import work_through
from sam2_core.cli.inputs import CLIPS, PICTURES, Task, found, plan, without_results
from sam2_core.cli.options import add_frames, add_network, add_output, add_terminal, frames_of
from sam2_core.cli.outputs import order_of, write_all
from sam2_core.cli.results import told
from sam2_core.cli.session import Build, Workshop
from sam2_core.cli.session import build as usual_build
from sam2_core.cli.terminal import Terminal
from sam2_core.errors import MediaError
from sam2_core.media import Material, Order, Store
from sam2_core.media.pictures import is_picture
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
    """Of this command."""
    text = "a picture or clip, or a folder with some"
    parser.add_argument("media", nargs="+", type=Path, metavar="MEDIUM", help=text)
    text = "the masks: a file, or a folder with one for each medium, of the same name"
    parser.add_argument("--masks", required=True, type=Path, metavar="FILE", help=text)
    add_frames(parser)
    add_output(parser, (), "medium")
    add_network(parser)
    add_terminal(parser)


def run(options: argparse.Namespace, build: Build | None) -> int:
    """Run it; returns the exit code."""
    terminal, order = Terminal(options.quiet, options.json), order_of(options)
    tasks = plan(found(options.media, PICTURES | CLIPS, "picture or clip"), options, _media_of)
    with Workshop(terminal, options, build or usual_build) as workshop:

        def do(task: Task) -> Mapping[str, Any]:
            return _export(task, workshop, order, options)

        return work_through(without_results(tasks, options.media), terminal, options.again, do)


def _media_of(source: Path) -> str:
    """By its content; what cannot be read is told when its turn comes."""
    try:
        return "image" if is_picture(source) else "clip"
    except (MediaError, OSError):
        return "image"


def _export(task: Task, workshop: Workshop, order: Order, options: argparse.Namespace) -> Mapping[str, Any]:
    progress = workshop.terminal.progress
    masks = file_for(task.source, options.masks)
    with workshop.stored(task.source, task.media, progress) as store:
        known = known_masks(read_annotations(masks, store.info, progress))
        for note in known.notes:
            workshop.terminal.note(f"{masks.name}: {note}")
        if known.boxes:
            _segment_boxes(known, workshop, store)
        material = Material(store, known.on, known.objects, frames_of(options, store.info.frames))
        write_all(material, order, task.targets, progress)
        return told(material)


def _segment_boxes(known: Known, workshop: Workshop, store: Store) -> None:
    """Let the network find the masks of what there are only boxes of."""
    with workshop.session(store) as opened:
        for done, (object_id, frame, prompt) in enumerate(known.boxes, start=1):
            known.put(frame, opened.engine.prompt(opened.session, frame, object_id, prompt).objects)
            workshop.terminal.progress(done / len(known.boxes), "From boxes to masks")
