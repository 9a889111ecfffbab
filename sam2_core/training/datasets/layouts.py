"""Layouts of data sets: recognize the one of a path, and open it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from sam2_core.errors import DataError
from sam2_core.training.datasets.coco import is_coco, read_coco
from sam2_core.training.datasets.dataset import Dataset
from sam2_core.training.datasets.davis import is_davis, read_davis
from sam2_core.training.datasets.folder import is_folder_layout, read_folder
from sam2_core.training.datasets.pack import MANIFEST, is_pack, read_pack
from sam2_core.training.datasets.sav import is_sav, read_sav
from sam2_core.training.datasets.voc import is_voc, read_voc

LAYOUTS: dict[str, tuple[Callable[[Path], bool], str]] = {
    "pack": (is_pack, f"{MANIFEST} with pictures, masks and clips of many sources"),
    "voc": (is_voc, "JPEGImages/ with SegmentationObject/ or SegmentationClass/"),
    "davis": (is_davis, "JPEGImages/ and Annotations/ with a folder for each clip"),
    "folder": (is_folder_layout, "images/ with masks/, or x.jpg with x_mask.png"),
    "sav": (is_sav, "clips with ID_manual.json or ID_auto.json, or pictures with a json file each (SA-V, SA-1B)"),
    "coco": (is_coco, "a COCO json file, given itself, in the folder or in annotations/"),
}
"""How each layout is recognized, with a description; the first one that fits is used."""


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
    dataset = _read(root, layout, images, sources, split)
    if not (dataset.images or dataset.unlabeled or dataset.clips):
        raise DataError(f"Nothing in {root} can be used as {layout} ({LAYOUTS[layout][1]}).\n{dataset.report}".rstrip())
    return dataset


def recognize(root: Path) -> tuple[Path, str]:
    """The root and name of the layout; the root may be the only folder within `root`. Raises `DataError`."""
    looked = root
    while True:
        for layout, (fits, _) in LAYOUTS.items():
            if fits(looked):
                return looked, layout
        inner = list(looked.iterdir()) if looked.is_dir() else []
        folders = [path for path in inner if path.is_dir() and path.name != "__MACOSX"]
        if len(folders) != 1:
            break
        looked = folders[0]
    known = "; ".join(f"{layout}: {what}" for layout, (_, what) in LAYOUTS.items())
    raise DataError(f"No known layout is found in {root}. Looked for {known}. Say which one it is, or rearrange it.")


def _is_part(folder: Path, layout: str | None) -> bool:
    return folder.is_dir() and any(fits(folder) for name, (fits, _) in LAYOUTS.items() if layout in (None, name))


def _read(root: Path, layout: str, images: Path | None, sources: Collection[str] | None, split: str | None) -> Dataset:
    given = {"images": images, "sources": sources, "split": split}
    takes = {"pack": {"sources"}, "voc": {"split"}, "davis": {"split"}, "folder": {"images"}, "sav": set()}
    if layout not in LAYOUTS:
        raise DataError(f"There is no layout {layout!r}: choose one of {', '.join(LAYOUTS)}.")
    for option, value in given.items():
        if value is not None and option not in takes.get(layout, {"images", "split"}):
            raise DataError(f"{root} is read as {layout}, which has no choice of {option}.")
    readers: dict[str, Callable[[], Dataset]] = {
        "pack": lambda: read_pack(root, sources),
        "voc": lambda: read_voc(root, split),
        "davis": lambda: read_davis(root, split),
        "folder": lambda: read_folder(root, images),
        "sav": lambda: read_sav(root),
        "coco": lambda: read_coco(root, images, split),
    }
    return readers[layout]()
