"""Data loading: the data sets of a run, read into memory, with some images held out for evaluation."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sam2_core.errors import DataError
from sam2_core.training.config import TrainingConfig
from sam2_core.training.datasets.dataset import Clip, Dataset, DatasetImage, SkipReport
from sam2_core.training.datasets.frame_folders import ClipFrame
from sam2_core.training.datasets.image_loading import load_image
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.training.synthetic.image_pool import DeferredImage, PooledImage, to_pooled, to_regions
from sam2_core.types import Progress

_FRAMES_PER_CLIP = 4  # of an unlabeled clip: its frames are similar


@dataclass(slots=True)
class TrainingData:
    """What a run trains on and is evaluated with, and a report of what could not be used.

    Images with masks are `labeled`, in memory, or `deferred` until they are sampled; images without masks are
    `unlabeled`; `clips` are annotated; images that are `held_out` are read when they are evaluated.
    """

    labeled: list[PooledImage] = field(default_factory=list)
    deferred: list[DeferredImage] = field(default_factory=list)
    unlabeled: list[PooledImage] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
    held_out: list[DatasetImage] = field(default_factory=list)
    report: SkipReport = field(default_factory=SkipReport)


def load_training_data(config: TrainingConfig, progress: Progress | None = None) -> TrainingData:
    """Open all data sets and read up to `in_memory` images.

    Raises `DataError` if there are data sets but nothing in them can be used.
    """
    data = TrainingData()
    images: list[DatasetImage] = []
    for source in config.data:
        folder = Path(source.images) if source.images else None
        images += _split(open_dataset(source.path, source.layout, folder, source.sources), config, data)
    deferred = [_DeferredImage(image, config.short_side, data.report) for image in images]
    order = np.random.default_rng(config.seed).permutation(len(images))
    first, later = order[: config.in_memory], order[config.in_memory :]
    for done, index in enumerate(sorted(first), 1):
        if (pooled := deferred[index].load()) is not None:
            (data.labeled if pooled.instances else data.unlabeled).append(pooled)
        if progress is not None:
            progress(done / len(first), f"{done} of {len(first)} pictures read")
    data.deferred += [deferred[index] for index in sorted(later)]
    data.labeled += [to_regions(each) for each in data.labeled + data.unlabeled if each.source in config.region_sources]
    if config.data and not (data.labeled or data.clips):
        paths = ", ".join(source.path for source in config.data)
        raise DataError(f"No picture with a usable mask in {paths}.\n{data.report}")
    return data


def _split(dataset: Dataset, config: TrainingConfig, data: TrainingData) -> list[DatasetImage]:
    """Hold images and clips out, add clips and report to `data`, and return the images to train on."""
    data.report.merge(dataset.report)
    images: list[DatasetImage] = []
    for image in dataset.images:
        name = image.clip.name if isinstance(image, ClipFrame) else image.name  # frames of a clip are similar
        (data.held_out if is_held_out(name, config.held_out) else images).append(image)
    for clip in dataset.clips:
        if not clip.annotated:
            images += [ClipFrame(clip, int(at)) for at in np.linspace(0, len(clip) - 1, _FRAMES_PER_CLIP)]
        elif not is_held_out(clip.name, config.held_out):
            data.clips.append(clip)
    return images + dataset.unlabeled


def is_held_out(name: str, share: float) -> bool:
    """Whether an image or clip is held out. Only its name decides, so it is the same in all runs."""
    return zlib.crc32(name.encode()) % 10_000 < share * 10_000


@dataclass(frozen=True, slots=True)
class _DeferredImage:
    """An image that is read whenever it is sampled."""

    image: DatasetImage
    short_side: int
    report: SkipReport

    @property
    def source(self) -> str:
        return self.image.source

    def load(self) -> PooledImage | None:
        labeled = load_image(self.image, self.report, self.short_side)
        return None if labeled is None else to_pooled(labeled, self.image.source)
