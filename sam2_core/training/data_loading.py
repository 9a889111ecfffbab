"""Read the data sets of a run into memory, and set some pictures aside to measure with."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sam2_core.errors import DataError
from sam2_core.training.config import TrainingConfig
from sam2_core.training.datasets.dataset import Clip, Dataset, DatasetImage, SkipReport
from sam2_core.training.datasets.frame_folders import ClipFrame
from sam2_core.training.datasets.image_loading import load_images
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.training.synthetic.image_pool import DeferredImage, PooledImage, to_pooled, to_regions
from sam2_core.types import Progress

_FRAMES_PER_CLIP = 4  # of an unlabelled clip: its frames are much alike


@dataclass(slots=True)
class TrainingData:
    """What a run learns from, what it is measured with, and what was left out.

    Pictures with masks, in memory or `deferred` until they are drawn; pictures without; clips with masks; and pictures
    that are set aside.
    """

    labeled: list[PooledImage] = field(default_factory=list)
    deferred: list[DeferredImage] = field(default_factory=list)
    unlabeled: list[PooledImage] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
    held_out: list[DatasetImage] = field(default_factory=list)
    report: SkipReport = field(default_factory=SkipReport)


def load_training_data(config: TrainingConfig, progress: Progress | None = None) -> TrainingData:
    """Open all data sets and read up to `in_memory` pictures; raises `DataError` if there are some data sets but
    nothing in them can be used."""
    data = TrainingData()
    learned: list[DatasetImage] = []
    for dataset_config in config.data:
        image_folder = Path(dataset_config.images) if dataset_config.images else None
        learned += _split(
            open_dataset(dataset_config.path, dataset_config.layout, image_folder, dataset_config.sources), config, data
        )
    order = np.random.default_rng(config.seed).permutation(len(learned))
    first, later = order[: config.in_memory], order[config.in_memory :]
    for done, index in enumerate(sorted(first), 1):
        _read(learned[index], config, data)
        if progress is not None:
            progress(done / len(first), f"{done} of {len(first)} pictures read")
    data.deferred += [_DeferredImage(learned[index], config.short_side, data.report) for index in sorted(later)]
    by_source = [m for m in data.labeled + data.unlabeled if m.source in config.region_sources]
    data.labeled += [to_regions(pooled) for pooled in by_source]
    if config.data and not (data.labeled or data.clips):
        paths = ", ".join(dataset_config.path for dataset_config in config.data)
        raise DataError(f"No picture with a usable mask in {paths}.\n{data.report}")
    return data


def _split(dataset: Dataset, config: TrainingConfig, data: TrainingData) -> list[DatasetImage]:
    """Set pictures and clips aside, and return the pictures to learn from, with and without masks."""
    for reason, count in dataset.report.counts.items():
        data.report.counts[reason] += count
        data.report.names.setdefault(reason, []).extend(dataset.report.names[reason])
    learned: list[DatasetImage] = []
    for image in dataset.images:
        name = image.clip.name if isinstance(image, ClipFrame) else image.name  # neighbouring frames are alike
        (data.held_out if is_held_out(name, config.held_out) else learned).append(image)
    labeled = [clip for clip in dataset.clips if clip.annotated]
    data.clips += [clip for clip in labeled if not is_held_out(clip.name, config.held_out)]
    for clip in dataset.clips:
        if not clip.annotated:
            learned += [ClipFrame(clip, int(at)) for at in np.linspace(0, len(clip) - 1, _FRAMES_PER_CLIP)]
    return learned + dataset.unlabeled


def is_held_out(name: str, share: float) -> bool:
    """Whether a picture is set aside; its name alone decides, so that it stays so in every later run."""
    return zlib.crc32(name.encode()) % 10_000 < share * 10_000


def _read(image: DatasetImage, config: TrainingConfig, data: TrainingData) -> None:
    pooled = _pooled(image, config.short_side, data.report)
    if pooled is not None:
        (data.labeled if pooled.instances else data.unlabeled).append(pooled)


def _pooled(image: DatasetImage, short_side: int, report: SkipReport) -> PooledImage | None:
    for _, labeled in load_images([image], report, short_side):  # at once small: masks are many
        return to_pooled(labeled, image.source)
    return None


@dataclass(frozen=True, slots=True)
class _DeferredImage:
    """A picture that is read each time it is drawn: memory is full."""

    image: DatasetImage
    short_side: int
    report: SkipReport

    @property
    def source(self) -> str:
        return self.image.source

    def load(self) -> PooledImage | None:
        return _pooled(self.image, self.short_side, self.report)
