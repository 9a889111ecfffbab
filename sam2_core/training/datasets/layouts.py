"""Layouts of data sets: recognize the one of a path, and open it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from sam2_core.errors import DataError
from sam2_core.training.datasets.coco import is_coco, read_coco
from sam2_core.training.datasets.dataset import Dataset
from sam2_core.training.datasets.davis import is_davis, read_davis
from sam2_core.training.datasets.folder import is_folder_layout, read_folder
from sam2_core.training.datasets.pack import MANIFEST, is_pack, read_pack
from sam2_core.training.datasets.sav import is_sav, read_sav
from sam2_core.training.datasets.voc import is_voc, read_voc


@dataclass(frozen=True, slots=True)
class Layout:
    """How a layout is recognized, read and described; `options` are those arguments of `open_dataset` that it has."""

    fits: Callable[[Path], bool]
    read: Callable[..., Dataset]
    options: tuple[str, ...]
    description: str


LAYOUTS = {
    "pack": Layout(is_pack, read_pack, ("sources",), f"{MANIFEST} with pictures, masks and clips of many sources"),
    "voc": Layout(is_voc, read_voc, ("split",), "JPEGImages/ with SegmentationObject/ or SegmentationClass/"),
    "davis": Layout(is_davis, read_davis, ("split",), "JPEGImages/ and Annotations/ with a folder for each clip"),
    "folder": Layout(is_folder_layout, read_folder, ("images",), "images/ with masks/, or x.jpg with x_mask.png"),
    "sav": Layout(
        is_sav,
        read_sav,
        (),
        "clips with ID_manual.json or ID_auto.json, or pictures with a json file each (SA-V, SA-1B)",
    ),
    "coco": Layout(
        is_coco, read_coco, ("images", "split"), "a COCO json file, given itself, in the folder or in annotations/"
    ),
}
"""The first one that fits is used."""


def open_dataset(
    path: str | Path,
    layout: str | None = None,
    images: Path | None = None,
    sources: Collection[str] | None = None,
    split: str | None = None,
) -> Dataset:
    """Open the data set at `path` in one of the `LAYOUTS`; None recognizes it.

    `images` is the folder of the images, for layouts that do not fix it (coco, folder); `sources` selects collections
    of a pack; `split` selects a part ("train", "val"): a folder of that name, or what the layout's lists or file names
    say. Images and clips are read later, one by one; what is found to be bad now is in the report. Raises `DataError`
    if nothing can be used or an argument does not fit the layout.
    """
    root = Path(path)
    if not root.exists():
        raise DataError(f"There is no data set at {root}: give the path of a folder or json file.")
    if split is not None and _is_part(root / split, layout):
        root, split = root / split, None
    if layout is None:
        root, layout = recognize(root)
    if layout not in LAYOUTS:
        raise DataError(f"There is no layout {layout!r}: choose one of {', '.join(LAYOUTS)}.")
    given = {"images": images, "sources": sources, "split": split}
    options = {option: value for option, value in given.items() if value is not None}
    for option in options:
        if option not in LAYOUTS[layout].options:
            raise DataError(f"{root} is read as {layout}, which has no choice of {option}.")
    dataset = LAYOUTS[layout].read(root, **options)
    if not (dataset.images or dataset.unlabeled or dataset.clips):
        description = LAYOUTS[layout].description
        raise DataError(f"Nothing in {root} can be used as {layout} ({description}).\n{dataset.report}".rstrip())
    return dataset


def recognize(root: Path) -> tuple[Path, str]:
    """The root and name of the layout; the root may be the only folder within `root`. Raises `DataError`."""
    looked = root
    while True:
        for name, layout in LAYOUTS.items():
            if layout.fits(looked):
                return looked, name
        inner = list(looked.iterdir()) if looked.is_dir() else []
        folders = [path for path in inner if path.is_dir() and path.name != "__MACOSX"]
        if len(folders) != 1:
            break
        looked = folders[0]
    known = "; ".join(f"{name}: {layout.description}" for name, layout in LAYOUTS.items())
    raise DataError(f"No known layout is found in {root}. Looked for {known}. Say which one it is, or rearrange it.")


def _is_part(folder: Path, layout: str | None) -> bool:
    return folder.is_dir() and any(each.fits(folder) for name, each in LAYOUTS.items() if layout in (None, name))
