"""Read the data sets of a run into memory, and set some pictures aside to measure with."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sam2_core.errors import DataError
from sam2_core.training.config import TrainingConfig
from sam2_core.training.datasets.dataset import Clip, Dataset, Picture, Report
from sam2_core.training.datasets.frame_folders import Still
from sam2_core.training.datasets.image_loading import read_all
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.training.synthetic.image_pool import Deferred, Material, to_material, to_regions
from sam2_core.types import Progress

_FRAMES_PER_CLIP = 4  # of an unlabelled clip: its frames are much alike


@dataclass(slots=True)
class Gathered:
    """What a run learns from, what it is measured with, and what was left out.

    Pictures with masks, in memory or `deferred` until they are drawn; pictures without; clips with masks; and pictures
    that are set aside.
    """

    labelled: list[Material] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    plain: list[Material] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
    held_out: list[Picture] = field(default_factory=list)
    report: Report = field(default_factory=Report)


def gather(config: TrainingConfig, progress: Progress | None = None) -> Gathered:
    """Open all data sets and read up to `in_memory` pictures; raises `DataError` if there are some data sets but
    nothing in them can be used."""
    gathered = Gathered()
    learned: list[Picture] = []
    for data in config.data:
        images = Path(data.images) if data.images else None
        learned += _sort(open_dataset(data.path, data.layout, images, data.sources), config, gathered)
    order = np.random.default_rng(config.seed).permutation(len(learned))
    first, later = order[: config.in_memory], order[config.in_memory :]
    for done, index in enumerate(sorted(first), 1):
        _read(learned[index], config, gathered)
        if progress is not None:
            progress(done / len(first), f"{done} of {len(first)} pictures read")
    gathered.deferred += [_Deferred(learned[index], config.short_side, gathered.report) for index in sorted(later)]
    by_source = [m for m in gathered.labelled + gathered.plain if m.source in config.region_sources]
    gathered.labelled += [to_regions(material) for material in by_source]
    if config.data and not (gathered.labelled or gathered.clips):
        paths = ", ".join(data.path for data in config.data)
        raise DataError(f"No picture with a usable mask in {paths}.\n{gathered.report}")
    return gathered


def _sort(dataset: Dataset, config: TrainingConfig, gathered: Gathered) -> list[Picture]:
    """Set pictures and clips aside, and return the pictures to learn from, with and without masks."""
    for reason, count in dataset.report.counts.items():
        gathered.report.counts[reason] += count
        gathered.report.names.setdefault(reason, []).extend(dataset.report.names[reason])
    learned: list[Picture] = []
    for picture in dataset.pictures:
        name = picture.clip.name if isinstance(picture, Still) else picture.name  # neighbouring frames are alike
        (gathered.held_out if is_held_out(name, config.held_out) else learned).append(picture)
    labelled = [clip for clip in dataset.clips if clip.annotated]
    gathered.clips += [clip for clip in labelled if not is_held_out(clip.name, config.held_out)]
    for clip in dataset.clips:
        if not clip.annotated:
            learned += [Still(clip, int(at)) for at in np.linspace(0, len(clip) - 1, _FRAMES_PER_CLIP)]
    return learned + dataset.unlabelled


def is_held_out(name: str, share: float) -> bool:
    """Whether a picture is set aside; its name alone decides, so that it stays so in every later run."""
    return zlib.crc32(name.encode()) % 10_000 < share * 10_000


def _read(picture: Picture, config: TrainingConfig, gathered: Gathered) -> None:
    material = _material(picture, config.short_side, gathered.report)
    if material is not None:
        (gathered.labelled if material.instances else gathered.plain).append(material)


def _material(picture: Picture, short_side: int, report: Report) -> Material | None:
    for _, labelled in read_all([picture], report, short_side):  # at once small: masks are many
        return to_material(labelled, picture.source)
    return None


@dataclass(frozen=True, slots=True)
class _Deferred:
    """A picture that is read each time it is drawn: memory is full."""

    picture: Picture
    short_side: int
    report: Report

    @property
    def source(self) -> str:
        return self.picture.source

    def load(self) -> Material | None:
        return _material(self.picture, self.short_side, self.report)
