"""Packs: one manifest.json over images, index masks, polygons and clips of many sources.

manifest.json                  {"images": [...], "videos": [...]}, each with its source, size and instances
images/ID.jpg, masks/ID.png    an image and its index mask (16 bits, 0 = background)
polys/ID.json                  the instances' full outlines, which may overlap, if the source has them
unlabelled/ID.jpg              an image without labels
videos/NAME/frames/00000.jpg   a clip; videos/NAME/masks/00000.png: index masks of the annotated frames
videos_unlabelled/NAME/frames/00000.jpg
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sam2_core.errors import DataError
from sam2_core.training.datasets import files
from sam2_core.training.datasets.dataset import BadSample, Dataset, LabeledImage
from sam2_core.training.datasets.frame_folders import open_frame_folder
from sam2_core.training.datasets.mask_decoding import Polygon, check_cost, parse_polygons, read_index_image
from sam2_core.types import BoolArray

MANIFEST = "manifest.json"
MISSING_FRAMES = "clip with missing frames"
_SHIFT = 4  # fractional bits of the coordinates that OpenCV draws with


@dataclass(frozen=True, slots=True, eq=False)
class PackImage:
    """An image of a pack; `mask` and `polygons` are files, `instances` maps an id to its category."""

    name: str
    source: str
    image: Path = field(repr=False)
    mask: Path | None = field(default=None, repr=False)
    polygons: Path | None = field(default=None, repr=False)
    instances: dict[int, str] = field(default_factory=dict, repr=False)

    def read(self) -> LabeledImage:
        """Pixels and full masks: polygons if there are any, else the index mask. Raises `BadSample`."""
        if self.mask is None:
            return LabeledImage(files.read_rgb(self.image), (), ())
        index = read_index_image(self.mask, is_index=True)
        size = (index.shape[0], index.shape[1])
        check_cost(len(self.instances), size)
        outlines = {} if self.polygons is None else _read_outlines(self.polygons)
        masks = tuple(
            _draw(outlines[number], size) if number in outlines else index == number for number in self.instances
        )
        return LabeledImage(files.read_rgb(self.image, size), masks, tuple(self.instances.values()))


def is_pack(root: Path) -> bool:
    """Whether there is a manifest that lists images. One that cannot be read counts, so that this gets reported; a
    manifest of something else, such as a download of masks, does not."""
    try:
        plain = files.load_json(root / MANIFEST)
    except BadSample:
        return (root / MANIFEST).is_file()
    return isinstance(plain, dict) and "images" in plain


def read_pack(root: Path, sources: Collection[str] | None = None) -> Dataset:
    """Open a pack, or only some of its `sources`. Raises `DataError` if the manifest cannot be read."""
    try:
        manifest = files.load_json(root / MANIFEST)
        images, videos = manifest["images"], manifest.get("videos", [])
    except (BadSample, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{root / MANIFEST} cannot be read as the manifest of a pack: {error!r}.") from error
    dataset = Dataset()
    for item in _chosen(images, sources, dataset):
        with files.skip_if_bad(dataset.report, item):
            image = _open_image(root, item)
            (dataset.unlabeled if image.mask is None else dataset.images).append(image)
    for item in _chosen(videos, sources, dataset):
        with files.skip_if_bad(dataset.report, item):
            _open_clip(root, item, dataset)
    return dataset


def _chosen(items: object, sources: Collection[str] | None, dataset: Dataset) -> list[dict[str, Any]]:
    entries = items if isinstance(items, list) else [items]
    for entry in entries:
        if not isinstance(entry, dict):
            dataset.report.skip(str(entry)[:40], files.BROKEN_ENTRY)
    return [x for x in entries if isinstance(x, dict) and (sources is None or x.get("source") in sources)]


def _open_image(root: Path, item: dict[str, Any]) -> PackImage:
    name, source = str(item.get("id")), str(item.get("source", ""))
    image = files.resolve_inside(root, item.get("path"))
    sizes = files.image_sizes(image)
    if "instances" not in item:
        return PackImage(files.printable(name), source, image)
    mask = files.resolve_inside(root / "masks", f"{name}.png")
    if not mask.is_file():
        raise BadSample(files.NO_MASK)
    if files.image_sizes(mask)[0] not in sizes:
        raise BadSample(files.SIZE_MISMATCH)
    polygons = files.resolve_inside(root / "polys", f"{name}.json")
    instances = {int(instance["id"]): files.printable(instance.get("category", "")) for instance in item["instances"]}
    if not instances:
        raise BadSample(files.NO_MASK)
    return PackImage(files.printable(name), source, image, mask, polygons if polygons.is_file() else None, instances)


def _open_clip(root: Path, item: dict[str, Any], dataset: Dataset) -> None:
    name, folder = item.get("name"), files.resolve_inside(root, item.get("path"))
    clip = open_frame_folder(
        files.printable(name), str(item.get("source", "")), folder / "frames", folder / "masks", dataset.report
    )
    if item.get("frames", len(clip)) != len(clip):
        raise BadSample(MISSING_FRAMES)
    dataset.clips.append(clip)


def _read_outlines(path: Path) -> dict[int, tuple[Polygon, ...]]:
    try:
        return {int(entry["id"]): parse_polygons(entry["polygons"]) for entry in files.load_json(path)}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadSample(files.BROKEN_ENTRY) from error


def _draw(polygons: tuple[Polygon, ...], size: files.Size) -> BoolArray:
    """Polygons as packs define them: pixels on the outline belong to the mask, as in the index mask, which was drawn in
    the same way."""
    mask = np.zeros(size, np.uint8)
    for polygon in polygons:
        corners = (polygon.astype(np.float64) * (1 << _SHIFT)).round().astype(np.int32)
        cv2.fillPoly(mask, [corners], 1, shift=_SHIFT)
    return mask > 0
