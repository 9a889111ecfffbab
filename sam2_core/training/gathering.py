"""Read the data sets of a run into memory, and set some pictures aside to measure with."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sam2_core.errors import DataError
from sam2_core.training.config import TrainingConfig
from sam2_core.training.datasets.labelled import Clip, Dataset, Labelled, Picture, Report
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.training.datasets.reading import read_all
from sam2_core.training.synthetic.material import Material, to_material, to_regions
from sam2_core.types import Progress

_FRAMES_PER_CLIP = 4  # of an unlabelled clip: its frames are much alike


@dataclass(slots=True)
class Gathered:
    """Pictures with masks to learn from, pictures without, pictures to measure with, and what was left out."""

    labelled: list[Material] = field(default_factory=list)
    plain: list[Material] = field(default_factory=list)
    held_out: list[Picture] = field(default_factory=list)
    report: Report = field(default_factory=Report)


def gather(config: TrainingConfig, progress: Progress | None = None) -> Gathered:
    """Read all data sets; raises `DataError` if there are some but nothing in them can be used."""
    gathered = Gathered()
    datasets = [
        open_dataset(data.path, data.layout, Path(data.images) if data.images else None, data.sources)
        for data in config.data
    ]
    for dataset in datasets:  # only what has labels can be measured
        gathered.held_out += [p for p in dataset.pictures if is_held_out(p.name, config.held_out)]
    total = sum(len(dataset.pictures) + len(dataset.unlabelled) for dataset in datasets) - len(gathered.held_out)
    done = 0
    for dataset in datasets:
        for reason, count in dataset.report.counts.items():
            gathered.report.counts[reason] += count
            gathered.report.names.setdefault(reason, []).extend(dataset.report.names[reason])
        learned = [p for p in dataset.pictures if not is_held_out(p.name, config.held_out)]
        for picture in [*learned, *dataset.unlabelled]:
            _take(picture, config, gathered)
            done += 1
            if progress is not None:
                progress(done / total, f"{done} of {total} pictures read")
        gathered.plain += _frames(dataset, gathered.report, config.short_side)
    by_source = [m for m in gathered.labelled + gathered.plain if m.source in config.region_sources]
    gathered.labelled += [to_regions(material) for material in by_source]
    if config.data and not gathered.labelled:
        raise DataError(
            f"No picture with a usable mask in {', '.join(d.path for d in config.data)}.\n{gathered.report}"
        )
    return gathered


def is_held_out(name: str, share: float) -> bool:
    """Whether a picture is set aside; its name alone decides, so that it stays so in every later run."""
    return zlib.crc32(name.encode()) % 10_000 < share * 10_000


def _take(picture: Picture, config: TrainingConfig, gathered: Gathered) -> None:
    for _, labelled in read_all([picture], gathered.report, config.short_side):  # at once small: masks are many
        material = to_material(labelled, picture.source)
        (gathered.labelled if material.instances else gathered.plain).append(material)


def _frames(dataset: Dataset, report: Report, short_side: int) -> Iterator[Material]:
    """Some frames of the clips without labels."""
    for clip in dataset.clips:
        if clip.annotated:
            continue
        frames = [_Frame(clip, int(index)) for index in np.linspace(0, len(clip) - 1, _FRAMES_PER_CLIP)]
        for _, labelled in read_all(frames, report, short_side):
            yield to_material(labelled, clip.source)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame of a clip as a picture without labels."""

    clip: Clip
    index: int

    @property
    def name(self) -> str:
        return f"{self.clip.name}, frame {self.index}"

    @property
    def source(self) -> str:
        return self.clip.source

    def read(self) -> Labelled:
        return Labelled(self.clip.frame(self.index), (), ())
