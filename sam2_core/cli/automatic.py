"""Masks of all that is in pictures, without a click.

The network is prompted at a grid of points; of its masks those stay that it is sure of and that differ.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple, TypeAlias

from sam2_core.cli.batch import run_batch
from sam2_core.cli.options import add_inputs, add_network, add_output, add_reporting, add_source, integer_from
from sam2_core.cli.outputs import export_options
from sam2_core.cli.results import summarize
from sam2_core.cli.session import CommandContext, EngineBuilder
from sam2_core.cli.settings import Settings
from sam2_core.cli.tasks import Task, media_tasks, write_all
from sam2_core.console import Console
from sam2_core.media import ExportOptions, MaskedMedia, ObjectTraits, color_of
from sam2_core.media.info import RgbArray
from sam2_core.media.source_frames import read_source_image
from sam2_core.networks import BUNDLED
from sam2_core.types import FrameMasks, Mask, ObjectMask

Generate: TypeAlias = Callable[[RgbArray], list[dict[str, Any]]]
"""`AutomaticMaskGenerator.generate`: an image to mask records."""

_OBJECT_SCORE = 10.0  # a logit; the mask generator gives none


class _Defaults(NamedTuple):
    """Points per side, and the least predicted IoU and stability score."""

    grid: int
    predicted_iou: float
    stability: float


_BUNDLED_DEFAULTS, _OFFICIAL_DEFAULTS = _Defaults(16, 0.5, 0.7), _Defaults(32, 0.8, 0.95)
_SAM1_DEFAULTS = _Defaults(32, 0.88, 0.95)

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
    group = parser.add_argument_group("which masks stay (defaults depend on the network)")
    text = "prompt N x N points (16, official networks 32)"
    group.add_argument("--grid", type=integer_from(1), metavar="N", help=text)
    group.add_argument(
        "--least-quality", type=float, metavar="IOU", help="predicted IoU, 0 to 1 (0.5, SAM 2 0.8, SAM 0.88)"
    )
    text = "stability score, 0 to 1 (0.7, official 0.95)"
    group.add_argument("--least-stability", type=float, metavar="SHARE", help=text)
    text = "no smaller islands and holes"
    group.add_argument("--least-area", type=integer_from(0), default=0, metavar="PIXELS", help=text)
    text = "look also at crops, N layers deep"
    group.add_argument("--crops", type=integer_from(0), default=0, metavar="N", help=text)
    add_output(parser, ("coco", "png"), "picture")
    add_source(parser)
    add_network(parser)
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    export = export_options(options)
    settings = Settings("everything", options, export)
    with CommandContext(options) as context:
        tasks = media_tasks(options.images, ("image",), options, context.console, lambda source: "image")
        load = cache(partial(_load_generator, options, context.console))  # on first use, then kept
        process = partial(_segment_everything, context, load, export)
        return run_batch(tasks, context.console, options.again, settings, process)


def _load_generator(options: argparse.Namespace, console: Console) -> Generate:
    console.progress(None, "Loading the network")
    from sam2_core.predictors.automatic_masks import without_small_regions
    from sam2_core.predictors.sam_mask_generator import mask_generator_for
    from sam2_core.serving.build import choose_devices
    from sam2_core.weights import load_network

    name = options.model or (None if options.checkpoint else BUNDLED)
    device = choose_devices(options.device)[0]
    network = load_network(name, options.checkpoint, console.progress).requires_grad_(False).to(device)
    is_sam1 = network.config.name.startswith("sam_")
    defaults = (
        _BUNDLED_DEFAULTS if network.config.name == BUNDLED else _SAM1_DEFAULTS if is_sam1 else _OFFICIAL_DEFAULTS
    )
    generator = mask_generator_for(
        network,
        points_per_side=defaults.grid if options.grid is None else options.grid,
        pred_iou_thresh=defaults.predicted_iou if options.least_quality is None else options.least_quality,
        stability_score_thresh=defaults.stability if options.least_stability is None else options.least_stability,
        crop_n_layers=options.crops,
        output_mode="coco_rle",
    )

    def generate(image: RgbArray) -> list[dict[str, Any]]:
        records = generator.generate(image)
        return without_small_regions(records, options.least_area) if options.least_area else records

    return generate


def _segment_everything(
    context: CommandContext, load: Callable[[], Generate], export: ExportOptions, task: Task
) -> Mapping[str, Any]:
    generate, progress = load(), context.console.progress
    with context.open_media(task.source, task.media) as store:
        progress(None, "Looking for everything")
        masks = masks_from_records(generate(read_source_image(store, 0)))
        media = MaskedMedia(store, lambda frames: [masks for _ in frames], traits_of(masks))
        write_all(media, export, task, progress)
        return summarize(media)


def masks_from_records(records: list[dict[str, Any]]) -> FrameMasks:
    """The mask generator's records as the masks of one frame, the largest first, so that small objects lie on top."""
    ordered = sorted(records, key=lambda record: -record["area"])
    masks = [
        ObjectMask(number, Mask.from_coco(record["segmentation"]), record["predicted_iou"], _OBJECT_SCORE)
        for number, record in enumerate(ordered, start=1)
    ]
    return FrameMasks(0, 0, tuple(masks))


def traits_of(masks: FrameMasks) -> list[ObjectTraits]:
    """Default name and color of each object."""
    numbers = [each.object_id for each in masks.objects]
    return [ObjectTraits(number, f"Object {number}", "", color_of(number)) for number in numbers]
