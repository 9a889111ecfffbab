"""Recall of automatic masks on a labeled data set, through the engine, with the network's own settings.

    python -m benchmarks.automatic_masks DATA [--model NAME] [--limit N] [--sheets FOLDER]

An instance of at least 0.5 % of its picture is found at an IoU threshold if any of the masks that the filter shows
overlaps it by that much. With --sheets, twelve pictures are written with their masks.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sam2_core.media import ingest
from sam2_core.media.draw import color_of
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import Limits
from sam2_core.serving import build_engine
from sam2_core.serving.automatic_run import AutomaticRequest, find_everything
from sam2_core.serving.commands import GetAutomaticSettings
from sam2_core.serving.engine import Engine
from sam2_core.serving.workspace import Workspace
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.types import AutomaticMask, BoolArray

MIN_SHARE = 0.005  # of the picture, of an instance
SHEETS = 12


def main() -> None:
    """Measure, and print a line for each picture and one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--sheets", type=Path)
    options = parser.parse_args()
    images = open_dataset(options.data).images[: options.limit]
    engine = build_engine(options.model, options.device)
    best, counts = [], []
    for number, image in enumerate(images):
        labeled = image.read()
        started = time.monotonic()
        found = asyncio.run(_find(engine, labeled.image))
        instances = [mask for mask in labeled.masks if mask.mean() >= MIN_SHARE]
        overlaps = _best_overlaps(instances, [each.mask.to_array() for each in found])
        best += overlaps
        counts.append(len(found))
        print(f"{image.name} {len(found)} masks {time.monotonic() - started:.1f} s", np.round(overlaps, 2), flush=True)
        if options.sheets and number % -(-len(images) // SHEETS) == 0:
            options.sheets.mkdir(parents=True, exist_ok=True)
            _write_sheet(options.sheets / f"{image.name}.jpg", labeled.image, found)
    engine.shut_down()
    values = np.array(best)
    print(f"{len(values)} instances in {len(images)} pictures: AR50 {(values >= 0.5).mean():.3f}, "
          f"AR75 {(values >= 0.75).mean():.3f}; masks a picture {np.mean(counts):.0f}, at most {max(counts)}, "
          f"more than 120 in {sum(count > 120 for count in counts)}")  # fmt: skip


async def _find(engine: Engine, pixels: RgbArray) -> list[AutomaticMask]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.png"
        cv2.imwrite(str(file), pixels[..., ::-1])
        store = Path(folder) / "store"
        ingest(file, store, Limits(), lambda fraction, message: None)
        workspace = Workspace(store, lambda: engine, 1)
        settings = await workspace.run(GetAutomaticSettings())
        found = await find_everything(workspace, AutomaticRequest(0, settings), lambda fraction, message: None)
        await workspace.close()
        return found


def _best_overlaps(instances: Sequence[BoolArray], masks: Sequence[BoolArray]) -> list[float]:
    """The best IoU of each instance."""
    return [max(((i & m).sum() / (i | m).sum() for m in masks), default=0.0) for i in instances]


def _write_sheet(file: Path, pixels: RgbArray, found: Sequence[AutomaticMask]) -> None:
    """The picture, and beside it its masks, tinted and outlined, small ones above."""
    painted = pixels.astype(np.float32)
    for number, each in enumerate(sorted(found, key=lambda mask: -mask.mask.area), start=1):
        mask = each.mask.to_array()
        painted[mask] = 0.5 * painted[mask] + 0.5 * np.array(color_of(number), np.float32)
        outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(painted, outlines, -1, tuple(map(float, color_of(number))), 1)
    cv2.imwrite(str(file), np.concatenate([pixels, painted.astype(np.uint8)], axis=1)[..., ::-1])


if __name__ == "__main__":
    main()
