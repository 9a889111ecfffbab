"""Check a data set before training with it: read everything, and print what can be used and what is skipped.

    python -m sam2_core.training.datasets PATH [--layout NAME] [--split train]

The exit code is 1 if nothing can be used.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from sam2_core.console import replace_unencodable
from sam2_core.errors import DataError
from sam2_core.training.datasets.dataset import BadSample, Clip, Dataset, DatasetImage, SkipReport
from sam2_core.training.datasets.frame_folders import ClipFrame
from sam2_core.training.datasets.image_loading import drop_empty_masks
from sam2_core.training.datasets.layouts import LAYOUTS, open_dataset
from sam2_core.training.datasets.mask_decoding import EMPTY

_SHOWN_CLASSES = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        dataset = open_dataset(chosen.path, chosen.layout, chosen.images, chosen.sources, chosen.split)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    counts, classes = read_dataset(dataset)
    for what, count in counts.items():
        print(f"{count:>10,} {what}")
    if classes:
        shown = ", ".join(
            f"{name or 'without a name'} {count:,}" for name, count in classes.most_common(_SHOWN_CLASSES)
        )
        print(f"{len(classes):>10,} classes: {shown}{' …' if len(classes) > _SHOWN_CLASSES else ''}")
    if dataset.report.counts:
        print(dataset.report)
    if not (counts["pictures with masks"] or counts["pictures without labels"] or counts["frames"]):
        print("Nothing here can be used.", file=sys.stderr)
        return 1
    return 0


def read_dataset(dataset: Dataset) -> tuple[Counter[str], Counter[str]]:
    """Read all images and clips; what is bad is reported. Returns counts of what can be used, and of masks by class."""
    counts = Counter({"pictures with masks": 0, "masks on pictures": 0, "pictures without labels": 0})
    counts.update({"clips": 0, "frames": 0, "frames with masks": 0, "masks on frames": 0})
    classes: Counter[str] = Counter()
    # Annotated frames of clips are counted as frames.
    images = [image for image in dataset.images if not isinstance(image, ClipFrame)]
    for image in tqdm([*images, *dataset.unlabeled], "pictures", disable=None):
        _read_image(image, dataset.report, counts, classes)
    for clip in tqdm(dataset.clips, "clips", disable=None):
        counts["clips"] += _read_clip(clip, dataset.report, counts)
    return counts, classes


def _read_image(image: DatasetImage, report: SkipReport, counts: Counter[str], classes: Counter[str]) -> None:
    try:
        labeled = drop_empty_masks(image.read(), image.name, report, EMPTY)
    except BadSample as error:
        report.skip(image.name, str(error))
        return
    counts["pictures with masks" if labeled.masks else "pictures without labels"] += 1
    counts["masks on pictures"] += len(labeled.masks)
    classes.update(labeled.classes)


def _read_clip(clip: Clip, report: SkipReport, counts: Counter[str]) -> bool:
    """Whether any frame can be used."""
    annotated, before = set(clip.annotated), counts["frames"]
    for index in range(len(clip)):
        try:
            clip.frame(index)
            masks = clip.masks(index) if index in annotated else {}
        except BadSample as error:
            report.skip(f"{clip.name}/{index:05d}", str(error))
            continue
        visible = sum(bool(mask.any()) for mask in masks.values())
        counts.update({"frames": 1, "frames with masks": int(visible > 0), "masks on frames": visible})
    return counts["frames"] > before


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sam2_core.training.datasets", description="Read a data set and tell what can be used of it."
    )
    parser.add_argument("path", type=Path, help="the folder, or a COCO json file")
    parser.add_argument("--layout", choices=LAYOUTS, help="what it is; else that is found out")
    parser.add_argument("--images", type=Path, help="the folder of the pictures (coco, folder)")
    parser.add_argument("--sources", nargs="+", help="only these collections (pack)")
    parser.add_argument("--split", help="only this part, such as train")
    return parser


if __name__ == "__main__":
    replace_unencodable()
    sys.exit(main())
