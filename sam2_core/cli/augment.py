"""More labeled pictures, from objects pasted onto others.

Objects are cut out by their masks and pasted where they fit: where they cover little, among colors like those that were
around them, about as high in the picture as they were, and those that lay on a labeled background (windows on a facade)
on one of its class. Small objects keep their size, edges are blended, brightness is matched. The labels are written
anew: what is covered is cut from the masks below, and dropped where little is left.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sam2_core.cli.inputs import input_path
from sam2_core.cli.options import add_reporting, integer_from, share
from sam2_core.cli.session import EngineBuilder
from sam2_core.console import Console
from sam2_core.errors import ConfigError, MediaError
from sam2_core.media.atomic import new_folder
from sam2_core.training.augment.contact_sheet import MAX_PICTURES, save_contact_sheet
from sam2_core.training.augment.copy_paste import CopyPaste, CopyPaster
from sam2_core.training.augment.dataset_writer import FORMATS, DatasetWriter
from sam2_core.training.augment.sources import backgrounds_in, read_background, read_labeled_pictures
from sam2_core.training.synthetic.image_pool import PooledImage

USAGE = "DATASET --out FOLDER [options]"
EXAMPLES = """\
examples:
  masklet augment instances.json --images photos --out more --count 200
  masklet augment dataset --backgrounds streets --classes car,bus --oversample bus=5 --out more --format yolo,voc
  masklet augment cells --out more --rotation 180 --objects-per-picture 5-15

DATASET is a folder or file of COCO, YOLO, Pascal VOC, DAVIS, pictures with masks, or any other that `masklet export`
reads. The same command with the same --seed makes the same pictures; augmentation.yaml beside them says how they were
made. Several formats get a folder each.

exit codes: 0 all is done, 1 a file could not be written, 2 wrong use, 130 interrupted
"""
SHEET, RECORD = "contact_sheet.jpg", "augmentation.yaml"
MAX_COUNT, MAX_SIDE = 100_000, 8192
_MAX_NOTES = 8
_DEFAULTS = CopyPaste()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    text = "labeled pictures, of which objects are cut out"
    parser.add_argument("dataset", type=input_path, metavar="DATASET", help=text)
    text = "where the pictures are, if not beside the labels"
    parser.add_argument("--images", type=input_path, metavar="FOLDER", help=text)
    text = "pictures to paste onto (default: those of the data set, which keep their labels)"
    parser.add_argument("--backgrounds", type=input_path, metavar="FOLDER", help=text)
    parser.add_argument("--out", required=True, type=input_path, metavar="FOLDER", help="a new folder")
    text = f"with commas between them: {', '.join(FORMATS)} (default: coco)"
    parser.add_argument("--format", default="coco", metavar="KIND,…", help=text)
    text = "pictures to make (default: %(default)s)"
    parser.add_argument("--count", type=integer_from(1), default=100, metavar="N", help=text)
    text = "what is random depends on it alone (default: %(default)s)"
    parser.add_argument("--seed", type=integer_from(0), default=1, metavar="N", help=text)
    group = parser.add_argument_group("what is pasted, and how")
    group.add_argument("--classes", default="", metavar="CLASS,…", help="only these (default: all)")
    text = "a class that comes this many times as often; repeatable"
    group.add_argument("--oversample", action="append", default=[], metavar="CLASS=FACTOR", help=text)
    text = f"fewest and most (default: {_DEFAULTS.objects[0]}-{_DEFAULTS.objects[1]})"
    group.add_argument("--objects-per-picture", type=_range, default=_DEFAULTS.objects, metavar="N-M", help=text)
    text = f"range of factors; small objects keep their size (default: {_DEFAULTS.scale[0]}-{_DEFAULTS.scale[1]})"
    group.add_argument("--scale", type=_range_of_numbers, default=_DEFAULTS.scale, metavar="A-B", help=text)
    text = "degrees at most, either way; 180 for things seen from above (default: %(default)g)"
    group.add_argument("--rotation", type=float, default=_DEFAULTS.rotation, metavar="DEGREES", help=text)
    group.add_argument("--no-flip", action="store_true", help="do not mirror")
    text = "feathered edges, or the object's gradients with the colors of the background (default: %(default)s)"
    group.add_argument("--blend", choices=("alpha", "gradient"), default=_DEFAULTS.blend, help=text)
    text = "drop a label of which less is visible, 0 to 1 (default: %(default)s)"
    group.add_argument("--least-visible", type=share, default=_DEFAULTS.least_visible, metavar="SHARE", help=text)
    text = "scale backgrounds down to this longer side (default: %(default)s)"
    group.add_argument("--largest-side", type=integer_from(64), default=2048, metavar="PIXELS", help=text)
    text = f"write no {SHEET}, which shows the first {MAX_PICTURES} pictures with their labels"
    parser.add_argument("--no-sheet", action="store_true", help=text)
    parser.add_argument("--again", action="store_true", help="replace a folder that this command has written")
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    console, settings = Console(options.quiet, options.json), _settings(options)
    if options.count > MAX_COUNT or options.largest_side > MAX_SIDE:
        raise ConfigError(f"--count is at most {MAX_COUNT}, and --largest-side {MAX_SIDE}.")
    formats = [*dict.fromkeys(name.strip() for name in options.format.split(",") if name.strip())]
    console.begin(options.dataset.name)
    _check_place(options)
    random = np.random.default_rng(options.seed)
    found = read_labeled_pictures(options.dataset, options.images, random, console.progress)
    for note in [*dict.fromkeys(found.notes)][:_MAX_NOTES]:
        console.note(note)
    classes = sorted({each.category for picture in found.pictures for each in picture.instances})
    paster = CopyPaster(found.pictures, settings)
    backgrounds = _backgrounds(options, found.pictures, random, console)
    with _replacing(options.out) as folder:
        writer, shown = DatasetWriter(folder, formats, classes, found.has_masks), list[PooledImage]()
        for done in range(options.count):
            console.progress(done / options.count, f"Picture {done + 1} of {options.count}")
            picture = paster(random, next(backgrounds))
            writer.add(picture)
            shown += [picture] if len(shown) < MAX_PICTURES else []
        writer.finish()
        (folder / RECORD).write_text(yaml.safe_dump(_record(options, settings), sort_keys=False), "utf-8")
        if not options.no_sheet:
            save_contact_sheet(shown, folder / SHEET)
    console.result(_summary(options, paster, writer), str(options.out))
    counted = ", ".join(f"{name} {count}" for name, count in writer.counts.most_common(12))
    console.note(f"{options.count} pictures with {writer.counts.total()} labels: {counted}")
    return 0


def _settings(options: argparse.Namespace) -> CopyPaste:
    """Raises `ConfigError`."""
    return CopyPaste(
        objects=options.objects_per_picture,
        classes=tuple(name.strip() for name in options.classes.split(",") if name.strip()),
        oversample=dict(map(_factor, options.oversample)),
        scale=options.scale,
        rotation=options.rotation,
        flip=not options.no_flip,
        blend=options.blend,
        least_visible=options.least_visible,
    )


def _factor(text: str) -> tuple[str, float]:
    name, sign, factor = text.rpartition("=")
    try:
        if sign and name.strip():
            return name.strip(), float(factor)
    except ValueError:
        pass
    raise ConfigError(f"--oversample reads CLASS=FACTOR, such as bus=5; not {text!r}.")


def _check_place(options: argparse.Namespace) -> None:
    """Raises `ConfigError` where --out is in use, but by pictures of this command that are to be replaced."""
    out: Path = options.out
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (options.again and (out / RECORD).is_file()):
        advice = "it was not written by this command. Name another" if options.again else "--again replaces"
        raise ConfigError(f"{out} is there already: {advice} one that `masklet augment` has written.")
    read = (options.dataset, options.images, options.backgrounds)
    if any(each is not None and _is_within(each, out) for each in read):
        raise ConfigError(f"{out} is what is read: name another folder for --out.")


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A new folder in the place of one that is there, which comes back if this fails."""
    if not out.exists() or not any(out.iterdir()):
        with new_folder(out) as folder:
            yield folder
        return
    before = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.absolute().parent))
    out.rename(before / out.name)
    try:
        with new_folder(out) as folder:
            yield folder
    except BaseException:
        (before / out.name).rename(out)
        raise
    finally:
        shutil.rmtree(before, ignore_errors=True)


def _is_within(path: Path, folder: Path) -> bool:
    return folder.resolve() in (path.resolve(), *path.resolve().parents)


def _backgrounds(
    options: argparse.Namespace, pictures: list[PooledImage], random: np.random.Generator, console: Console
) -> Iterator[PooledImage]:
    """Pictures to paste onto, in random order, each as often as the others. Those that cannot be read are noted once.

    Raises `MediaError` where none can be read.
    """
    if options.backgrounds is None:
        while True:
            for index in random.permutation(len(pictures)):
                yield pictures[index]
    folder = backgrounds_in(options.backgrounds)
    if folder.unreadable:
        shown = ", ".join(folder.unreadable[:3])
        console.note(f"{len(folder.unreadable)} backgrounds cannot be read and are left out: {shown}")
    broken = set[int]()
    while True:
        for index in random.permutation(len(folder.paths)).tolist():
            if index in broken:
                continue
            try:
                yield read_background(folder.paths[index], options.largest_side)
            except MediaError as error:
                broken.add(index)
                name = folder.info.name_of(index)
                if len(broken) == len(folder.paths):
                    raise MediaError(f"The backgrounds cannot be read. {name}: {error}") from error
                if len(broken) <= _MAX_NOTES:
                    console.note(f"The background {name} is left out: {error}")


def _summary(options: argparse.Namespace, paster: CopyPaster, writer: DatasetWriter) -> Mapping[str, Any]:
    objects = dict(sorted(paster.pool.counts.items()))
    counts = dict(sorted(writer.counts.items()))
    return {"out": str(options.out), "pictures": options.count, "cutouts": objects, "labels": counts}


def _record(options: argparse.Namespace, settings: CopyPaste) -> Mapping[str, Any]:
    """What the pictures were made of, so that they can be made again."""
    paths = {name: getattr(options, name) for name in ("dataset", "images", "backgrounds")}
    pasted = {name: value for name, value in asdict(settings).items() if name != "share"}
    shown = {name: None if path is None else str(path) for name, path in paths.items()}
    pasted = {name: [*value] if isinstance(value, tuple) else value for name, value in pasted.items()}
    return {**shown, "seed": options.seed, "count": options.count, **pasted}


def _range(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,3})(?:-([0-9]{1,3}))?", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2] or match[1]) <= 100:
        raise argparse.ArgumentTypeError(f"two numbers from 1 to 100 are due, such as 2-6, not {text!r}")
    return int(match[1]), int(match[2] or match[1])


def _range_of_numbers(text: str) -> tuple[float, float]:
    match = re.fullmatch(r"([0-9]*\.?[0-9]+)(?:-([0-9]*\.?[0-9]+))?", text)
    if match is None or not 0.1 <= float(match[1]) <= float(match[2] or match[1]) <= 10:
        raise argparse.ArgumentTypeError(f"two factors from 0.1 to 10 are due, such as 0.75-1.25, not {text!r}")
    return float(match[1]), float(match[2] or match[1])
