"""Clips as folders of frames, with an index image for each annotated frame, or one mask for each object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sam2_core.media.info import RgbArray
from sam2_core.training.datasets import files
from sam2_core.training.datasets.dataset import BadSample, Clip, LabeledImage, SkipReport
from sam2_core.training.datasets.mask_decoding import EMPTY, object_masks, read_index_image
from sam2_core.types import BoolArray

NO_FRAMES = "clip without frames"


@dataclass(frozen=True, slots=True, eq=False)
class FrameFolder:
    """A clip whose frames and masks are files."""

    name: str
    source: str
    frames: tuple[Path, ...] = field(repr=False)
    labels: Mapping[int, Mapping[int, Path]] = field(repr=False)
    """By frame, in order: the masks of objects by id, or with the id 0 an index image of all objects."""

    @property
    def annotated(self) -> Sequence[int]:
        """The frames that have masks, in order."""
        return tuple(self.labels)

    def __len__(self) -> int:
        return len(self.frames)

    def frame(self, index: int) -> RgbArray:
        """A frame (H, W, 3) in RGB. Raises `BadSample`."""
        return files.read_rgb(self.frames[index])

    def masks(self, index: int) -> Mapping[int, BoolArray]:
        """The masks (H, W) of the visible objects by id. Raises `BadSample`."""
        if index not in self.labels:
            raise BadSample(files.NO_MASK)
        size = files.image_sizes(self.frames[index])[0]
        masks: dict[int, BoolArray] = {}
        for number, path in self.labels[index].items():
            found = read_index_image(path)
            if found.shape != size:
                raise BadSample(files.SIZE_MISMATCH)
            masks.update({number: found != 0} if number else object_masks(found))
        return masks


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """One frame of a clip as an image."""

    clip: Clip
    index: int

    @property
    def name(self) -> str:
        """The clip's name and the frame's number."""
        return f"{self.clip.name}/{self.index:05d}"

    @property
    def source(self) -> str:
        """The clip's."""
        return self.clip.source

    def read(self) -> LabeledImage:
        """The frame, and its masks if it is annotated. Raises `BadSample`, also if no object is visible."""
        if self.index not in self.clip.annotated:
            return LabeledImage(self.clip.frame(self.index), (), ())
        masks = [mask for mask in self.clip.masks(self.index).values() if mask.any()]
        if not masks:
            raise BadSample(EMPTY)
        return LabeledImage(self.clip.frame(self.index), tuple(masks), ("",) * len(masks))


def open_frame_folder(name: str, source: str, folder: Path, labels: Path | None, report: SkipReport) -> FrameFolder:
    """Open a clip: the frames in `folder`, and index images of the same stems in `labels`.

    Instead, `labels` may have a folder of masks for each object, named by its number. A mask without a frame is
    reported. Only the sizes of the first annotated frame are checked. Raises `BadSample` if the clip cannot be used.
    """
    frames = sorted_images(folder)
    if not frames:
        raise BadSample(NO_FRAMES)
    places = {frame.stem: index for index, frame in enumerate(frames)}
    found: dict[int, dict[int, Path]] = {}
    for number, label in _labels(labels) if labels is not None and labels.is_dir() else ():
        if label.stem in places:
            found.setdefault(places[label.stem], {})[number] = label
        else:
            report.skip(f"{name}/{label.name}", files.NO_IMAGE)
    clip = FrameFolder(name, source, frames, dict(sorted(found.items())))
    first = next(iter(found), 0)
    size = files.image_sizes(frames[first])[0]
    if any(files.image_sizes(label)[0] != size for label in found.get(first, {}).values()):
        raise BadSample(files.SIZE_MISMATCH)
    return clip


def _labels(folder: Path) -> Iterator[tuple[int, Path]]:
    """Masks with the number of their object from 1 on; 0 for an index image of all objects."""
    for label in sorted_images(folder):
        yield 0, label
    for inner in sorted(folder.iterdir()):
        if inner.name.isdecimal() and inner.is_dir():
            for label in sorted_images(inner):
                yield int(inner.name) + 1, label


def sorted_images(folder: Path) -> tuple[Path, ...]:
    """The images of a folder in the order of their numbers; none if there is no such folder. Raises `BadSample`."""
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in files.IMAGE_SUFFIXES]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise BadSample(files.UNREADABLE) from error
    return tuple(sorted(found, key=lambda path: (int(path.stem) if path.stem.isdecimal() else 0, path.name)))
