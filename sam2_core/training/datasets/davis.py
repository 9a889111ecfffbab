"""DAVIS and data sets of the same layout: a folder of frames and a folder of index images for each clip.

JPEGImages/480p/CLIP/00000.jpg, Annotations/480p/CLIP/00000.png    DAVIS; lists of clips in ImageSets/
JPEGImages/CLIP/00000.jpg, Annotations/CLIP/00000.png              YouTube-VOS, MOSE, LVOS …
JPEGImages_24fps/CLIP/…, Annotations_6fps/CLIP/000/00000.png       SA-V's val and test: a folder for each object
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sam2_core.errors import DataError
from sam2_core.media.readers.text_encoding import decode_text
from sam2_core.training.datasets.dataset import BadSample, Dataset
from sam2_core.training.datasets.files import NO_IMAGE, skip_if_bad
from sam2_core.training.datasets.frame_folders import ClipFrame, open_frame_folder

FRAMES, LABELS = "JPEGImages", "Annotations"
_USUAL_RESOLUTION = "480p"


def is_davis(root: Path) -> bool:
    """Whether there are folders of frames and of masks, with folders in them."""
    return bool(root.is_dir() and _folders(_named(root, FRAMES)) and _folders(_named(root, LABELS)))


def read_davis(root: Path, split: str | None = None) -> Dataset:
    """Open all clips, or those of a list (`split`: "train", "val" …). Annotated frames are images, too.

    Raises `DataError` if there is no such list.
    """
    frames, labels = _at_one_resolution(_named(root, FRAMES), _named(root, LABELS))
    found = {folder.name for folder in (*_folders(frames), *_folders(labels))}
    listed = found if split is None else set(_listed(root, split))
    dataset = Dataset()
    for name in sorted(found & listed):
        with skip_if_bad(dataset.report, name):
            if not (frames / name).is_dir():
                raise BadSample(NO_IMAGE)
            clip = open_frame_folder(name, root.resolve().name, frames / name, labels / name, dataset.report)
            dataset.clips.append(clip)
    for name in sorted(listed - found):
        dataset.report.skip(name, "clip that is listed and not there")
    dataset.images += [ClipFrame(clip, index) for clip in dataset.clips for index in clip.annotated]
    return dataset


def _named(root: Path, name: str) -> Path:
    """The folder of this name, or one whose name begins with it (JPEGImages_24fps)."""
    return next((path for path in sorted(root.glob(f"{name}*")) if path.is_dir()), root / name)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _at_one_resolution(frames: Path, labels: Path) -> tuple[Path, Path]:
    """If clips are given at several resolutions (480p, 1080p, Full-Resolution …), 480p or else the first."""
    kinds = [kind.name for kind in _folders(frames) if _folders(kind) and _folders(labels / kind.name)]
    if not kinds:
        return frames, labels
    kind = _USUAL_RESOLUTION if _USUAL_RESOLUTION in kinds else kinds[0]
    return frames / kind, labels / kind


def _listed(root: Path, split: str) -> Iterator[str]:
    """The clips of a list. That of 2017 takes precedence over that of 2016, which lists every frame."""
    lists = [*sorted(root.glob(f"ImageSets/**/{split}.txt")), *root.glob(f"*{split}.txt")]
    if not lists:
        raise DataError(f"There is no list {split}.txt in {root / 'ImageSets'}.")
    for line in decode_text(lists[0].read_bytes()).splitlines():
        if words := line.split():
            *folders, name = words[0].strip("/").split("/")
            yield folders[-1] if folders else name
