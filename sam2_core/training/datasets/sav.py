"""SA-V and SA-1B, the data sets of SAM 2 and SAM.

ID.mp4 + ID_manual.json, ID_auto.json    SA-V's training set: run lengths for each object on every fourth frame
ID.jpg + ID.json                         SA-1B: {"image": {...}, "annotations": [{"segmentation": ...}, ...]}

They may be in the folder itself or in folders in it. SA-V's val and test set have the layout of `davis`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sam2_core.media.info import RgbArray
from sam2_core.training.datasets import files
from sam2_core.training.datasets.dataset import BadSample, Dataset, LabeledImage
from sam2_core.training.datasets.decoded_video import decoded_video
from sam2_core.training.datasets.mask_decoding import Segmentation, decode_segmentations, parse_segmentation
from sam2_core.types import BoolArray

STEP = 4
"""SA-V is annotated at 6 frames per second, its clips have 24."""
_KINDS = ("_manual", "_auto")
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True)
class _Masklets:
    """The content of a JSON file. `frames` has run lengths by annotated frame and object, None for one out of view."""

    size: files.Size
    length: int
    frames: list[list[dict[str, Any] | None]]

    @property
    def objects(self) -> int:
        return max(map(len, self.frames), default=0)

    def at(self, index: int) -> list[dict[str, Any] | None]:
        return self.frames[index // STEP] if index // STEP < len(self.frames) else []


@dataclass(frozen=True, slots=True, eq=False)
class SavClip:
    """A video file with the JSON files of its masklets. Object ids count from 1 across these files."""

    name: str
    source: str
    video: Path = field(repr=False)
    labels: tuple[Path, ...] = field(repr=False)
    size: files.Size
    length: int
    annotated: tuple[int, ...] = field(repr=False)

    def __len__(self) -> int:
        return self.length

    def frame(self, index: int) -> RgbArray:
        """A frame (H, W, 3) in RGB; the whole clip is decoded on first use. Raises `BadSample`."""
        pixels = decoded_video(self.video).frame(index)
        if pixels.shape[:2] != self.size:
            raise BadSample(files.SIZE_MISMATCH)
        return pixels

    def masks(self, index: int) -> Mapping[int, BoolArray]:
        """The masks (H, W) of the visible objects by id. Raises `BadSample`."""
        if index % STEP or index not in range(self.length):
            raise BadSample(files.NO_MASK)
        segmentations: dict[int, Segmentation] = {}
        first = 1
        for path in self.labels:
            masklets = _masklets(path)
            for number, mask in enumerate(masklets.at(index), first):
                if mask:
                    segmentations[number] = parse_segmentation(mask)
            first += masklets.objects
        masks = decode_segmentations(list(segmentations.values()), self.size)
        return dict(zip(segmentations, masks, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Sa1bImage:
    """An image with a JSON file of its own."""

    name: str
    source: str
    image: Path = field(repr=False)
    labels: Path = field(repr=False)

    def read(self) -> LabeledImage:
        """Pixels and masks, which have no classes. Raises `BadSample`."""
        try:
            annotations = files.load_json(self.labels)["annotations"]
            segmentations = [parse_segmentation(annotation["segmentation"]) for annotation in annotations]
        except (KeyError, TypeError) as error:
            raise BadSample(files.BROKEN_ENTRY) from error
        if not segmentations:
            raise BadSample(files.NO_MASK)
        pixels = files.read_rgb(self.image)
        masks = decode_segmentations(segmentations, (pixels.shape[0], pixels.shape[1]))
        return LabeledImage(pixels, masks, ("",) * len(masks))


def is_sav(root: Path) -> bool:
    """Whether this folder, or one in it, has clips or images with JSON files of their own."""
    near = (root.glob(f"{depth}*{kind}.json") for depth in ("", "*/") for kind in _KINDS)
    if any(_video_of(path).is_file() for path in chain.from_iterable(near)):
        return True
    beside = (path for depth in ("", "*/") for path in root.glob(f"{depth}*.json") if _image_of(path) is not None)
    return any(_is_sa1b(path) for path in islice(beside, 1))


def read_sav(root: Path) -> Dataset:
    """Open all clips and images in a folder and the folders in it.

    The JSON files of clips are read now and once more when masks are needed; those of images only then.
    """
    dataset, source = Dataset(), root.resolve().name
    for video in sorted(root.rglob("*.mp4")):
        with files.skip_if_bad(dataset.report, video.name):
            dataset.clips.append(_open_clip(video, source))
    for path in sorted(root.rglob("*.json")):
        with files.skip_if_bad(dataset.report, path.name):
            if path.stem.endswith(_KINDS):
                if not _video_of(path).is_file():
                    raise BadSample(files.NO_IMAGE)
            elif (image := _image_of(path)) is None:
                raise BadSample(files.NO_IMAGE)
            else:
                dataset.images.append(Sa1bImage(path.stem, source, image, path))
    for image in sorted(path for path in root.rglob("*") if path.suffix.lower() in _IMAGE_SUFFIXES):
        if not image.with_suffix(".json").is_file():
            dataset.report.skip(image.name, files.NO_MASK)
    return dataset


def _open_clip(video: Path, source: str) -> SavClip:
    labels = [path for kind in _KINDS if (path := video.with_name(f"{video.stem}{kind}.json")).is_file()]
    if not labels:
        raise BadSample(files.NO_MASK)
    several = [_masklets(path) for path in labels]
    size, length = several[0].size, several[0].length
    if any((masklets.size, masklets.length) != (size, length) for masklets in several):
        raise BadSample(files.SIZE_MISMATCH)
    annotated = [index for index in range(0, length, STEP) if any(any(masklets.at(index)) for masklets in several)]
    if not annotated:
        raise BadSample(files.NO_MASK)
    return SavClip(video.stem, source, video, tuple(labels), size, length, tuple(annotated))


@lru_cache(maxsize=8)
def _masklets(path: Path) -> _Masklets:
    plain = files.load_json(path)
    try:
        frames = plain["masklet"]
        size = (int(plain["video_height"]), int(plain["video_width"]))
        length = int(plain.get("video_frame_count", STEP * (len(frames) - 1) + 1))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadSample(files.BROKEN_JSON) from error
    if length > files.LIMITS.max_frames or not all(isinstance(frame, list) for frame in frames):
        raise BadSample(files.BROKEN_JSON)
    return _Masklets(size, length, frames)


def _video_of(path: Path) -> Path:
    return path.with_name(f"{path.stem.rpartition('_')[0]}.mp4")


def _image_of(path: Path) -> Path | None:
    return next((image for ending in _IMAGE_SUFFIXES if (image := path.with_suffix(ending)).is_file()), None)


def _is_sa1b(path: Path) -> bool:
    """Other tools write a JSON file beside each image, too, with different content."""
    try:
        plain = files.load_json(path)
    except BadSample:
        return False
    return isinstance(plain, dict) and "image" in plain and "annotations" in plain
