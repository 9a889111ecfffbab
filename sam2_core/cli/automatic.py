"""Masks of all that is in pictures, without a click.

The network is asked at a grid of points; the sure and different ones of its answers stay.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from sam2_core.cli.batch import work_through
from sam2_core.cli.inputs import PICTURES, Task, found, plan, without_results
from sam2_core.cli.options import add_network, add_output, add_terminal, whole
from sam2_core.cli.outputs import order_of, write_all
from sam2_core.cli.results import told
from sam2_core.cli.session import OWN_MACHINE, Build, Workshop
from sam2_core.cli.terminal import Terminal
from sam2_core.media import Material, ObjectTraits, Order, color_of
from sam2_core.media.info import RgbArray
from sam2_core.media.pictures import read_picture
from sam2_core.networks import BUNDLED
from sam2_core.types import FrameMasks, Mask, ObjectMask

Find: TypeAlias = Callable[[RgbArray], list[dict[str, Any]]]
_PRESENT = 10.0  # a presence score: what was found is there


class _Usual(NamedTuple):
    """What suits a network: points a side, least predicted IoU and least stability score."""

    grid: int
    quality: float
    stability: float


_FOR_BUNDLED, _FOR_OFFICIAL = _Usual(16, 0.5, 0.7), _Usual(32, 0.8, 0.95)

USAGE = "IMAGE [IMAGE ...] [options]"
EXAMPLES = """\
examples:
  masklet everything photo.jpg --out everything.json
  masklet everything photos --export coco,png --out masks
  masklet everything photo.jpg --model sam2.1_hiera_small --grid 48 --crops 1 --least-area 100

exit codes: 0 all is done, 1 some inputs failed, 2 wrong use, 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Of this command."""
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="a picture, or a folder of pictures")
    group = parser.add_argument_group("what counts (where nothing is said, as suits the network)")
    group.add_argument("--grid", type=whole(1), metavar="N", help="ask at N x N points (16, official networks 32)")
    group.add_argument("--least-quality", type=float, metavar="IOU", help="predicted IoU, 0 to 1 (0.5, official 0.8)")
    group.add_argument("--least-stability", type=float, metavar="SHARE", help="0 to 1 (0.7, official 0.95)")
    group.add_argument("--least-area", type=whole(0), default=0, metavar="PIXELS", help="no smaller islands and holes")
    group.add_argument("--crops", type=whole(0), default=0, metavar="N", help="look also at crops, N layers deep")
    add_output(parser, ("coco", "png"), "picture")
    add_network(parser)
    add_terminal(parser)


def run(options: argparse.Namespace, build: Build | None) -> int:
    """Run it; returns the exit code."""
    terminal, order = Terminal(options.quiet, options.json), order_of(options)
    tasks = plan(found(options.images, PICTURES, "picture"), options, lambda source: "image")
    finders: list[Find] = []  # the network, once it is needed
    with Workshop(terminal, options) as workshop:

        def do(task: Task) -> Mapping[str, Any]:
            finders[:] = finders or [_load(options, terminal)]
            return _everything(task, workshop, finders[0], order)

        return work_through(without_results(tasks, options.images), terminal, options.again, do)


def _load(options: argparse.Namespace, terminal: Terminal) -> Find:
    terminal.progress(None, "Loading the network")
    from sam2_core.predictors.automatic_mask_generator import SAM2AutomaticMaskGenerator
    from sam2_core.serving.build import choose_devices
    from sam2_core.weights import load_network

    name = options.model or (None if options.checkpoint else BUNDLED)
    device = choose_devices(options.device)[0]
    network = load_network(name, options.checkpoint, terminal.progress).requires_grad_(False).to(device)
    usual = _FOR_BUNDLED if network.config.name == BUNDLED else _FOR_OFFICIAL
    return SAM2AutomaticMaskGenerator(
        network,
        points_per_side=usual.grid if options.grid is None else options.grid,
        pred_iou_thresh=usual.quality if options.least_quality is None else options.least_quality,
        stability_score_thresh=usual.stability if options.least_stability is None else options.least_stability,
        min_mask_region_area=options.least_area,
        crop_n_layers=options.crops,
        output_mode="coco_rle",
    ).generate


def _everything(task: Task, workshop: Workshop, find: Find, order: Order) -> Mapping[str, Any]:
    progress = workshop.terminal.progress
    with workshop.stored(task.source, task.media, progress) as store:
        progress(None, "Looking for everything")
        masks = all_masks(find(read_picture(store.source, OWN_MACHINE)))
        material = Material(store, lambda frames: [masks for _ in frames], objects_of(masks))
        write_all(material, order, task.targets, progress)
        return told(material)


def all_masks(records: list[dict[str, Any]]) -> FrameMasks:
    """The masks of a picture as those of one frame, the largest first, so that small things lie above."""
    ordered = sorted(records, key=lambda record: -record["area"])
    masks = [
        ObjectMask(number, Mask.from_coco(record["segmentation"]), record["predicted_iou"], _PRESENT)
        for number, record in enumerate(ordered, start=1)
    ]
    return FrameMasks(0, 0, tuple(masks))


def objects_of(masks: FrameMasks) -> list[ObjectTraits]:
    """A plain name and a colour for each."""
    numbers = [each.object_id for each in masks.objects]
    return [ObjectTraits(number, f"Object {number}", "", color_of(number)) for number in numbers]
