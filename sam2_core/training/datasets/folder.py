"""A folder of images and mask images, paired by name.

images/x.jpg + masks/x.png          one mask image each: black and white, or a value for each object
images/x.jpg + masks/x/*.png        several
x.jpg + x_mask.png                  side by side
x/images/x.png + x/masks/*.png      a folder for each image, or for each part of the data set
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sam2_core.training.datasets import files
from sam2_core.training.datasets.dataset import BadSample, Dataset, LabeledImage, SkipReport
from sam2_core.training.datasets.frame_folders import sorted_images
from sam2_core.training.datasets.mask_decoding import check_cost, object_masks, read_index_image
from sam2_core.training.datasets.pack import is_pack
from sam2_core.types import BoolArray

LOSSY = "mask in a lossy format (JPEG): save it as PNG"
SAME_NAME = "picture with the name of another one"
_SUFFIX = "_mask"
_JPEG = {".jpg", ".jpeg"}


@dataclass(frozen=True, slots=True, eq=False)
class FolderImage:
    """An image and its mask images, each of one or more objects."""

    name: str
    source: str
    image: Path = field(repr=False)
    masks: tuple[Path, ...] = field(repr=False)

    def read(self) -> LabeledImage:
        """Pixels and masks; a mask image without objects is one empty mask. Raises `BadSample`."""
        masks: list[BoolArray] = []
        for path in self.masks:
            index = read_index_image(path)
            masks += object_masks(index).values() or [np.zeros(index.shape, np.bool_)]
            check_cost(len(masks), (index.shape[0], index.shape[1]))
        height, width = masks[0].shape
        if any(mask.shape != (height, width) for mask in masks):
            raise BadSample(files.SIZE_MISMATCH)
        return LabeledImage(files.read_rgb(self.image, (height, width)), tuple(masks), ("",) * len(masks))


def is_folder_layout(root: Path) -> bool:
    """Whether this looks like one of the above."""
    beside = (path for path in root.glob(f"*{_SUFFIX}.*") if path.suffix.lower() in files.IMAGE_SUFFIXES)
    return bool(_parts(root)) or next(beside, None) is not None


def read_folder(root: Path, images: Path | None = None) -> Dataset:
    """Open such a folder. With `images` as the folder of the images, `root` may be the folder of the masks."""
    dataset = Dataset()
    for part in (_parts(root) if images is None else []) or [root]:
        prefix = "" if part == root else f"{part.name}/"
        for image, masks in _pairs(part, images, dataset.report):
            with files.skip_if_bad(dataset.report, prefix + image.name):
                if not masks:
                    raise BadSample(files.NO_MASK)
                if files.image_sizes(masks[0])[0] not in files.image_sizes(image):
                    raise BadSample(files.SIZE_MISMATCH)
                name = prefix + image.stem
                dataset.images.append(FolderImage(name, root.resolve().name, image, tuple(masks)))
    return dataset


def _parts(root: Path) -> list[Path]:
    """The folders with `images/` and `masks/` that are no packs: the root itself, or folders in it."""
    folders = [root] if (root / "masks").is_dir() else sorted(path.parent for path in root.glob("*/masks"))
    pairs = [folder for folder in folders if (folder / "masks").is_dir() and (folder / "images").is_dir()]
    return [folder for folder in pairs if not is_pack(folder)]


def _pairs(part: Path, image_folder: Path | None, report: SkipReport) -> Iterator[tuple[Path, list[Path]]]:
    """Every image with its masks, perhaps none. Masks without an image are reported."""
    are_beside = image_folder is None and not (part / "masks").is_dir()
    folder = image_folder or (part if are_beside else part / "images")
    images: dict[str, Path] = {}
    for path in sorted_images(folder):
        if are_beside and path.stem.endswith(_SUFFIX):
            continue
        if images.setdefault(path.stem, path) != path:
            report.skip(path.name, SAME_NAME)
    masks_folder = part / "masks" if (part / "masks").is_dir() else part
    masks: dict[str, list[Path]] = {}
    for name, path in _masks(masks_folder, are_beside, report):
        masks.setdefault(name if name in images else name.removesuffix(_SUFFIX), []).append(path)
    if len(images) == 1 and not are_beside and not masks.keys() & images.keys():
        masks = {next(iter(images)): [path for several in masks.values() for path in several]}
    for stem, path in images.items():
        yield path, masks.pop(stem, [])
    for several in masks.values():
        for path in several:
            report.skip(path.name, files.NO_IMAGE)


def _masks(folder: Path, are_beside: bool, report: SkipReport) -> Iterator[tuple[str, Path]]:
    """The masks of a folder and of those in it, with the name of their image."""
    named = [(path.stem, path) for path in sorted_images(folder) if not are_beside or path.stem.endswith(_SUFFIX)]
    if not are_beside:
        inner = sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "images")
        named += [(within.name, path) for within in inner for path in sorted_images(within)]
    for name, path in named:
        if path.suffix.lower() in _JPEG:
            report.skip(path.name, LOSSY)
        else:
            yield name, path
