"""From data sets to batches: what is drawn is fixed by the seed, the process and the step, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from torch.utils.data import DataLoader, Dataset, Sampler

from sam2_core.training.clip_sampler import Footage
from sam2_core.training.config import Phase, TrainingConfig
from sam2_core.training.data_loading import Gathered
from sam2_core.training.processes import Team
from sam2_core.training.synthetic.clip_samples import ClipSource, MovingPicture
from sam2_core.training.synthetic.image_pool import Deferred, Material, Materials
from sam2_core.training.synthetic.image_samples import StillSource
from sam2_core.training.synthetic.textures import Textures


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures (B, S, S, 3) with masks (B, K, S, S), or clips (B, T, S, S, 3) with masks (B, K, T, S, S)."""

    images: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    phase: Phase
    shared: np.random.Generator

    @property
    def is_clips(self) -> bool:
        """Whether it holds clips."""
        return self.images.ndim == 5

    @property
    def side(self) -> int:
        """S."""
        return self.images.shape[-2]

    @property
    def samples(self) -> int:
        """Pictures or frames."""
        return int(np.prod(self.images.shape[:-3]))


class Batches(Dataset[Batch]):
    """Makes the batch of a step; an item is asked for by (step, phase)."""

    def __init__(self, config: TrainingConfig, size: int, team: Team, gathered: Gathered) -> None:
        self._config = config
        self._size = size
        self._team = team
        weights = config.source_weights
        labelled: list[Material | Deferred] = [*gathered.labelled, *gathered.deferred]
        cutouts = [m for m in labelled if not config.cutout_sources or m.source in config.cutout_sources]
        self._stills = StillSource(
            Materials(labelled, weights),
            Materials(cutouts, weights),
            Textures([material.image for material in gathered.labelled + gathered.plain], config.seed),
        )
        self._clips = ClipSource(self._stills)
        self._footage = Footage(gathered.clips, gathered.report)

    def __getitem__(self, index: tuple[int, Phase]) -> Batch:
        cv2.setNumThreads(1)
        step, phase = index
        shared = np.random.default_rng((self._config.seed, step))
        own = np.random.default_rng((self._config.seed, step, 1 + self._team.rank))
        self._stills.use(phase.mix)
        size = phase.size or self._size
        if shared.random() < phase.clips:
            length = int(shared.choice(phase.clip_frames))
            clips = [self._clip(own, size, length, phase) for _ in range(phase.clip_batch)]
            images, masks = np.stack([clip.frames for clip in clips]), np.stack([clip.masks for clip in clips])
        else:
            stills = [self._stills.draw(own, size, phase.objects) for _ in range(phase.batch)]
            images, masks = np.stack([still.image for still in stills]), np.stack([still.masks for still in stills])
        return Batch(images, masks, phase, shared)

    def _clip(self, random: np.random.Generator, size: int, length: int, phase: Phase) -> MovingPicture:
        if self._footage and random.random() < phase.real_clips:
            real = self._footage.draw(random, size, length, phase.clip_objects)
            if real is not None:
                return real
        return self._clips.draw(random, size, length, phase.clip_objects)


class _Steps(Sampler[Any]):
    """The steps from `first` on, each with the phase the run is in when it is drawn, until there is none."""

    def __init__(self, first: int, phase_of: Callable[[int], Phase | None]) -> None:
        self._first = first
        self._phase_of = phase_of

    def __iter__(self) -> Iterator[tuple[int, Phase]]:
        step = self._first
        while (phase := self._phase_of(step)) is not None:
            yield step, phase
            step += 1


def stream(
    batches: Batches, first: int, phase_of: Callable[[int], Phase | None], workers: int
) -> Iterator[tuple[int, Batch]]:
    """Steps with their batches, made here or ahead of time in `workers` processes."""
    loader: DataLoader[Batch] = DataLoader(
        batches, batch_size=None, sampler=_Steps(first, phase_of), num_workers=workers, collate_fn=_as_it_is
    )
    return enumerate(loader, first)


def _as_it_is(batch: Any) -> Any:
    return batch
