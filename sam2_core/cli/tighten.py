"""Boxes of annotation files, replaced by those of the masks that they prompt.

Each box prompts the network for a mask, whose own box takes its place where the network is sure: boxes that people drew
loosely, or that a detector guessed, become tight. All else in the file stays as it is. Files of COCO, YOLO and Pascal
VOC keep their format, those of other formats become COCO's. A folder is worked through file by file (labels of YOLO,
XML of Pascal VOC); other files in it, such as lists of classes, are not copied.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

import cv2
import numpy as np

from sam2_core.cli.batch import run_batch
from sam2_core.cli.inputs import STDIN, input_path, resolve_patterns
from sam2_core.cli.options import add_network, add_reporting, share
from sam2_core.cli.outputs import Output, read_output
from sam2_core.cli.session import CommandContext, EngineBuilder
from sam2_core.cli.settings import Settings
from sam2_core.cli.tasks import Task, unique_titles
from sam2_core.errors import ConfigError, MediaError
from sam2_core.media import ExportOptions
from sam2_core.media.atomic import new_file
from sam2_core.media.box_files import VOC_MASKS, BoxFile, EditableBox, open_box_file
from sam2_core.media.draw import crop
from sam2_core.media.picture_folder import PictureFolder, describe_pictures
from sam2_core.media.readers.yolo import CLASS_LISTS
from sam2_core.serving.workspace import Workspace
from sam2_core.types import Box, Mask, ObjectMask, Prompt

USAGE = "FILE [FILE ...] --images FOLDER --out PATH [options]"
EXAMPLES = """\
examples:
  masklet tighten boxes.json --images photos --out tightened.json
  masklet tighten labels --images photos --out tightened          a folder with NAME.txt for NAME.jpg
  masklet tighten boxes.json --images photos --out masks.json --include-masks --model sam2.1_hiera_small

A box stays as it is where the mask is uncertain: --json tells why, box by box.

exit codes: 0 all is done, 1 some inputs failed or were left as they are, 2 wrong use, 130 interrupted
"""
_SUFFIXES = {".json": "coco", ".txt": "yolo", ".xml": "voc"}
_MUCH = 0.8  # a box whose IoU with the old one is lower is reported as changed much
_MIN_ISLAND = 0.02  # share of a mask; smaller islands do not count for its box

EMPTY = "the mask is empty"
UNSURE = "the predicted IoU of the mask is low"
ELSEWHERE = "the mask lies elsewhere"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    text = "a file with boxes, or a folder with some; also a pattern in quotes ('*.xml')"
    parser.add_argument("files", nargs="+", type=input_path, metavar="FILE", help=text)
    text = "the pictures that the boxes are about; they are found by name, also in folders"
    parser.add_argument("--images", required=True, type=input_path, metavar="FOLDER", help=text)
    text = "the file to write, or a folder for files of the same names"
    parser.add_argument("--out", required=True, type=read_output, metavar="PATH", help=text)
    text = "write anew what is there already, whoever made it"
    parser.add_argument("--again", action="store_true", help=text)
    group = parser.add_argument_group("which boxes change")
    text = "only where the predicted IoU of the mask is at least this, 0 to 1 (default: %(default)s)"
    group.add_argument("--least-quality", type=share, default=0.5, metavar="IOU", help=text)
    text = "only where the new box has at least this IoU with the old one, 0 to 1 (default: %(default)s)"
    group.add_argument("--least-overlap", type=share, default=0.3, metavar="IOU", help=text)
    text = "write the masks, too (COCO: run lengths, YOLO: outlines in place of the boxes)"
    group.add_argument("--include-masks", action="store_true", help=text)
    parser.set_defaults(scale_down=False)
    add_network(parser)
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    with CommandContext(options, build) as context:
        context.console.progress(None, "Looking at the pictures")
        pictures = describe_pictures(options.images)
        if pictures.unreadable:
            shown = ", ".join(pictures.unreadable[:3])
            context.console.note(f"{len(pictures.unreadable)} pictures cannot be read and are left out: {shown}")
        job = _Tightening(context, options, pictures)
        settings = Settings("tighten", options, ExportOptions(format=""), job.pictures_of)
        tasks = _tasks(options)
        return run_batch(tasks, context.console, options.again, settings, lambda task: asyncio.run(job.run(task)))


def _tasks(options: argparse.Namespace) -> list[Task]:
    sources = [*dict.fromkeys(each for path in resolve_patterns(options.files) for each in _files_in(path))]
    output: Output = options.out
    if output.is_stdout or STDIN in sources:
        raise ConfigError("This command reads and writes files: name them, as pictures are found by the names.")
    if output.is_file:
        if len(sources) != 1:
            raise ConfigError(f"--out {output.path} is one file, but there are {len(sources)} inputs. Name a folder.")
        targets = {sources[0]: output.path}
    else:
        titles = unique_titles(sources, lambda source: source.name)
        targets = {each: output.path / titles[each] for each in sources}
        targets = {each: path if _format(path) else path.with_suffix(".json") for each, path in targets.items()}
    for source, target in targets.items():
        if source.exists() and target.exists() and source.samefile(target):
            raise ConfigError(f"{target} is the input itself. Name another file or folder for --out.")
    is_single = len(sources) == 1 and sources[0] in options.files
    return [Task(each, "image", {_format(path) or "coco": path}, anew=is_single) for each, path in targets.items()]


def _format(path: Path) -> str:
    return _SUFFIXES.get(path.suffix.lower(), "")


def _files_in(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    found = [each for each in sorted(path.iterdir()) if _format(each) and each.name.lower() not in CLASS_LISTS]
    found = [each for each in found if each.is_file() and not each.name.startswith(".")]
    if not found:
        raise ConfigError(f"There is no .json, .txt or .xml file in the folder {path}.")
    yield from found


@dataclass(frozen=True, slots=True)
class TightBox:
    """What becomes of a box. `kept` says why it stays as it is; "" if `box` replaces it. `iou` is that of both."""

    box: Box
    iou: float
    predicted_iou: float
    mask: Mask | None
    kept: str = ""


def tighten_box(old: Box, answer: ObjectMask, least_quality: float, least_overlap: float) -> TightBox:
    """The tight box of a mask in place of the box that prompted it, unless the mask is uncertain."""
    quality = float(answer.predicted_iou)
    if not answer.mask.area:
        return TightBox(old, 1.0, quality, None, EMPTY)
    mask = _without_islands(answer.mask)
    left, top, width, height = crop(mask)[1]
    new = Box(float(left), float(top), float(left + width), float(top + height))
    overlap = box_iou(old, new)
    kept = UNSURE if quality < least_quality else ELSEWHERE if overlap < least_overlap else ""
    return TightBox(old, 1.0, quality, None, kept) if kept else TightBox(new, overlap, quality, mask)


def box_iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(0.0, width) * max(0.0, height)
    areas = ((each.right - each.left) * (each.bottom - each.top) for each in (one, other))
    return shared / max(sum(areas) - shared, 1e-9)


def _without_islands(mask: Mask) -> Mask:
    pixels, (left, top, width, height) = crop(mask)
    count, labels, figures, _ = cv2.connectedComponentsWithStats(pixels.astype(np.uint8), connectivity=8)
    areas = np.asarray(figures)[1:, cv2.CC_STAT_AREA]
    small = np.flatnonzero(areas < _MIN_ISLAND * mask.area) + 1
    if count <= 2 or not small.size:
        return mask
    whole = np.zeros((mask.height, mask.width), np.bool_)
    whole[top : top + height, left : left + width] = pixels & ~np.isin(labels, small)
    return Mask.from_array(whole)


@dataclass
class _Tightening:
    context: CommandContext
    options: argparse.Namespace
    pictures: PictureFolder
    _opened: tuple[Path, BoxFile] | None = field(default=None, init=False)

    def pictures_of(self, task: Task) -> list[Path]:
        """The pictures that a file is about. Raises `MediaError`."""
        return [self.pictures.paths[frame] for frame in sorted({each.frame for each in self._open(task).boxes})]

    async def run(self, task: Task) -> Mapping[str, Any]:
        """Write a file with the boxes of the masks, and describe what changed. Raises `MediaError`."""
        file = self._open(task)
        self._opened = None  # which is changed now
        [(format_name, target)] = task.targets.items()
        if file.format != format_name:
            endings = {name: suffix for suffix, name in _SUFFIXES.items()}
            raise MediaError(f"The boxes are written as {file.format.upper()}: --out ends in {endings[file.format]}.")
        if file.format == "voc" and self.options.include_masks:
            raise MediaError(VOC_MASKS)
        by_frame: dict[int, list[EditableBox]] = {}
        for each in file.boxes:
            by_frame.setdefault(each.frame, []).append(each)
        changes: list[tuple[EditableBox, TightBox]] = []
        for frame, boxes in sorted(by_frame.items()):
            changes += await self._tighten(frame, boxes, len(changes) / len(file.boxes), len(file.boxes))
        for old, new in changes:
            if not new.kept:
                old.replace(new.box, new.mask if self.options.include_masks else None)
        task.begin()
        with new_file(target) as unfinished:
            unfinished.write_bytes(file.content())
        summary = describe(changes, file.left_out)
        self.context.console.note(_sentence(task.source.name, summary))
        return summary

    def _open(self, task: Task) -> BoxFile:
        if self._opened is None or self._opened[0] != task.source:
            self._opened = (task.source, open_box_file(task.source, self.pictures.info))
        return self._opened[1]

    async def _tighten(
        self, frame: int, boxes: Sequence[EditableBox], done: float, total: int
    ) -> list[tuple[EditableBox, TightBox]]:
        """The new boxes of one picture; one that cannot be opened keeps its own."""
        try:
            with self.context.open_media(self.pictures.paths[frame], "image") as store:
                if (store.info.height, store.info.width) != self.pictures.info.size_of(frame):
                    raise MediaError("Its size is another one than its header says.")
                async with self.context.open_workspace(store) as workspace:
                    return [
                        (each, await self._tighten_one(workspace, each, done + place / total))
                        for place, each in enumerate(boxes)
                    ]
        except MediaError as error:
            name = self.pictures.info.name_of(frame)
            self.context.console.note(f"{name}: {error} Its boxes stay as they are.")
            return [(each, TightBox(each.box, 1.0, 0.0, None, "its picture cannot be opened")) for each in boxes]

    async def _tighten_one(self, workspace: Workspace, each: EditableBox, done: float) -> TightBox:
        self.context.console.progress(done, "From boxes to masks")
        [answer] = (await workspace.prompt(0, 1, Prompt(boxes=(each.box,)))).objects
        await workspace.prompt(0, 1, Prompt())  # the next one is an object of its own
        return tighten_box(each.box, answer, self.options.least_quality, self.options.least_overlap)


def describe(changes: Sequence[tuple[EditableBox, TightBox]], left_out: Counter[str]) -> dict[str, Any]:
    """The summary of a file for --json; `iou` is that of the old and the new box."""
    kept = Counter(new.kept for _, new in changes if new.kept)
    ious = [new.iou for _, new in changes if not new.kept]
    return {
        "boxes": len(changes),
        "tightened": len(ious),
        "mean_iou": round(fmean(ious), 4) if ious else None,
        "median_iou": round(median(ious), 4) if ious else None,
        "changed_much": sum(each < _MUCH for each in ious),
        "kept": dict(kept),
        "left_out": dict(left_out),
        "changes": [_change(old, new) for old, new in changes],
    }


def _change(old: EditableBox, new: TightBox) -> dict[str, Any]:
    plain: dict[str, Any] = {"image": old.name, "label": old.label, "old": _corners(old.box)}
    plain |= {"kept": new.kept} if new.kept else {"new": _corners(new.box), "iou": round(new.iou, 4)}
    return {**plain, "quality": round(new.predicted_iou, 4)}


def _corners(box: Box) -> list[float]:
    return [round(each, 2) for each in (box.left, box.top, box.right, box.bottom)]


def _sentence(name: str, summary: Mapping[str, Any]) -> str:
    text = f"{name}: {summary['tightened']} of {summary['boxes']} boxes tightened"
    if summary["tightened"]:
        text += f" (IoU with the old ones: mean {summary['mean_iou']:.2f}, median {summary['median_iou']:.2f}; "
        text += f"{summary['changed_much']} below {_MUCH})"
    kept = "".join(f"; {count} kept, as {reason}" for reason, count in summary["kept"].items())
    left_out = "".join(f"; {count} left out: {reason.rstrip('.')}" for reason, count in summary["left_out"].items())
    return f"{text}{kept}{left_out}."
