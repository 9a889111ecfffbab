"""Evaluate weights on a data set, and optionally baselines that need no network.

    python -m sam2_core.training.evaluate --data PATH [--weights FILE] [--model NAME] [--baselines] [--sheet FILE]

The exit code is 1 if the data or the weights cannot be read, or nothing could be evaluated.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import torch
from tqdm.auto import tqdm

from sam2_core.console import replace_unencodable
from sam2_core.errors import ConfigError, DataError, MaskletError
from sam2_core.media.atomic import new_file
from sam2_core.model.network import SAM2
from sam2_core.model.sam import Network
from sam2_core.tracking.device import best_device
from sam2_core.training.datasets.dataset import Clip, Dataset, DatasetImage, SkipReport
from sam2_core.training.datasets.frame_folders import ClipFrame
from sam2_core.training.datasets.layouts import LAYOUTS, open_dataset
from sam2_core.training.evaluate.baselines import clip_baselines, image_baselines
from sam2_core.training.evaluate.clip_evaluation import evaluate_clips
from sam2_core.training.evaluate.contact_sheets import ENDINGS, ClipSheet, ImageSheet, save_sheet
from sam2_core.training.evaluate.image_evaluation import ImagesResult, evaluate_images
from sam2_core.training.evaluate.protocol import CHOICE_CLIPS, CHOICE_IMAGES, MAX_OBJECTS, named_part
from sam2_core.training.evaluate.reliability import save_reliability
from sam2_core.training.evaluate.report import calibration_data, reliability_table, scores_data, skipped_data, table
from sam2_core.types import Progress
from sam2_core.weights import load_network


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for path in (options.sheet, options.reliability):
        if path is not None and path.suffix.lower() not in ENDINGS:
            parser.error(f"{path}: a picture's name should end in {', '.join(sorted(ENDINGS))}")
    try:
        _prepare_outputs(options)
        return _run(options)
    except (MaskletError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _prepare_outputs(options: argparse.Namespace) -> None:
    """Create the folders of the results. Raises `OSError` now, rather than after hours, if they cannot be written."""
    for path in (options.json, options.sheet, options.reliability):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError(f"{path} is a folder; give the name of a file.")


def _run(options: argparse.Namespace) -> int:
    if options.threads:
        torch.set_num_threads(options.threads)
        cv2.setNumThreads(options.threads)
    dataset = open_dataset(options.data, options.layout, options.images, options.sources, options.split)
    images, clips = _select(dataset, options)
    network = _network(options)
    if clips and not isinstance(network, SAM2):
        raise ConfigError(f"{network.config.name} is a network of SAM 1 and cannot track: add --what images.")
    if dataset.report.counts:
        print(dataset.report)
    found: dict[str, Any] = {"network": network.config.name, "data": str(options.data)}
    rows = []
    if images:
        found["images"], drawn = _measure_images(network, images, options)
        rows += drawn
    if clips and isinstance(network, SAM2):
        found["clips"], drawn = _measure_clips(network, clips, options)
        rows += drawn
    _write(found, rows, options)
    if not any(found[what]["all"] for what in ("images", "clips") if what in found):
        print("error: nothing could be measured.", file=sys.stderr)
        return 1
    return 0


def _select(dataset: Dataset, options: argparse.Namespace) -> tuple[list[DatasetImage], list[Clip]]:
    """The images and clips to evaluate on. Frames of clips count as images only if clips are not evaluated."""
    images = [each for each in dataset.images if options.what == "images" or not isinstance(each, ClipFrame)]
    images = images if options.what != "clips" else []
    clips = [clip for clip in dataset.clips if clip.annotated and options.what != "images"]
    if options.part is not None:
        images = named_part(images, options.part, CHOICE_IMAGES)
        clips = named_part(clips, options.part, CHOICE_CLIPS)
    images, clips = images[: options.limit], clips[: options.limit]
    if not images and not clips:
        wanted = {"images": "pictures", "clips": "clips", "both": "pictures or clips"}[options.what]
        raise DataError(f"There are no {wanted} with masks in {options.data}.\n{dataset.report}".rstrip())
    return images, clips


def _network(options: argparse.Namespace) -> Network:
    try:
        if options.device is not None:
            torch.empty(0, device=options.device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # depends on how torch was built
        raise ConfigError(f"There is no device {options.device!r} here; leave --device out, or say cpu.") from error
    return load_network(options.model, options.weights).to(options.device or best_device())


def _measure_images(
    network: Network, images: list[DatasetImage], options: argparse.Namespace
) -> tuple[dict[str, Any], list[Any]]:
    sheet = ImageSheet(len(images), options.sheet_rows if options.sheet else 0)
    with _progress_bar("pictures") as progress:
        result = evaluate_images(network, images, options.objects, sheet.observe, progress)
    found = scores_data(result.scores, "objects")
    found["calibration"] = calibration_data(result.calibration)
    found["skipped"] = skipped_data(result.report)
    _show("Pictures: IoU in percent", result.report)
    if result.scores.rows:
        _show_images(result)
        if options.reliability is not None:
            save_reliability(result.calibration, options.reliability, network.config.name)
    if options.baselines:
        with _progress_bar("baselines on pictures") as progress:
            scores = image_baselines(images, options.objects, progress)
        found["baselines"] = scores_data(scores, "objects")
        print(f"\nWithout a network:\n{table(scores, 'objects')}")
    return found, sheet.drawn


def _show_images(result: ImagesResult) -> None:
    print(table(result.scores, "objects"))
    print(f"\nPredicted IoU, of each object after 1, 3 and 5 clicks and the box, is off by "
          f"{100 * (result.calibration.error or 0.0):.1f} on average:")  # fmt: skip
    print(reliability_table(result.calibration))


def _measure_clips(network: SAM2, clips: list[Clip], options: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    sheet = ClipSheet(len(clips), options.sheet_rows if options.sheet else 0)
    with _progress_bar("clips") as progress:
        result = evaluate_clips(network, clips, sheet.observe, progress)
    found = scores_data(result.scores, "clips")
    found["skipped"] = skipped_data(result.report)
    _show("Clips: J (IoU), F (boundary) and their mean in percent", result.report)
    if result.scores.rows:
        print(table(result.scores, "clips"))
    if options.baselines:
        with _progress_bar("baselines on clips") as progress:
            scores = clip_baselines(clips, progress)
        found["baselines"] = scores_data(scores, "clips")
        print(f"\nWithout a network:\n{table(scores, 'clips')}")
    return found, sheet.drawn


def _show(title: str, report: SkipReport) -> None:
    print(f"\n{title}")
    if report.counts:
        print(report)


def _write(found: dict[str, Any], rows: list[Any], options: argparse.Namespace) -> None:
    if options.json is not None:
        with new_file(options.json) as unfinished:
            unfinished.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if options.sheet is not None and rows:
        save_sheet(rows, options.sheet)


@contextmanager
def _progress_bar(what: str) -> Iterator[Progress]:
    """A progress bar, if the output is a terminal."""
    look = "{desc} {percentage:5.1f}% |{bar}| {elapsed}<{remaining} {postfix}"
    with tqdm(total=1.0, desc=what, bar_format=look, disable=None, leave=False) as bar:

        def progress(done: float | None, text: str) -> None:
            bar.set_postfix_str(text, refresh=False)
            bar.update((done or 0.0) - bar.n)

        yield progress


def _count(text: str) -> int:
    """Parse a positive integer."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} should be at least 1")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sam2_core.training.evaluate", description="Measure how good some weights are on a data set."
    )
    data = parser.add_argument_group("what to measure on")
    data.add_argument("--data", type=Path, required=True, help="a data set with masks")
    data.add_argument("--layout", choices=LAYOUTS, help="what it is; else that is found out")
    data.add_argument("--images", type=Path, help="the folder of its pictures (coco, folder)")
    data.add_argument("--split", help="only this part, such as val")
    data.add_argument("--sources", nargs="+", help="only these collections (pack)")
    data.add_argument("--what", choices=("images", "clips", "both"), default="both", help="default: both")
    data.add_argument(
        "--part",
        choices=("choice", "report"),
        help=f"only {CHOICE_IMAGES} pictures and {CHOICE_CLIPS} clips, to choose by, or only the others, to report",
    )
    data.add_argument("--limit", type=_count, help="only the first so many pictures and clips")
    data.add_argument("--objects", type=_count, default=MAX_OBJECTS, help=f"at most, of a picture ({MAX_OBJECTS})")
    network = parser.add_argument_group("what to measure")
    network.add_argument("--weights", type=Path, help="a .pt or .safetensors file; else the network's own weights")
    network.add_argument(
        "--model", help="a known network or a YAML file; else what the weights say, or the bundled one"
    )
    network.add_argument("--baselines", action="store_true", help="also measure methods that need no network")
    network.add_argument("--device", help="such as cpu or cuda; else the best there is")
    network.add_argument("--threads", type=_count, help="on the CPU; else what torch and OpenCV choose")
    output = parser.add_argument_group("where to put it, besides the tables on the screen")
    output.add_argument("--json", type=Path, metavar="FILE", help="all figures")
    output.add_argument("--sheet", type=Path, metavar="FILE", help="a picture of what the masks look like")
    output.add_argument("--sheet-rows", type=_count, default=12, help="of pictures and of clips each (12)")
    output.add_argument("--reliability", type=Path, metavar="FILE", help="a picture of the calibration")
    return parser


if __name__ == "__main__":
    replace_unencodable()
    sys.exit(main())
