"""Batches of samples, which depend only on seed, process and step, so that a run can be resumed exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from torch.utils.data import DataLoader, Dataset, Sampler

from sam2_core.model.network import ImageFeatures
from sam2_core.training.arrays import BinaryMask, Random
from sam2_core.training.augment.copy_paste import CopyPaster
from sam2_core.training.clip_sampler import ClipSampler
from sam2_core.training.config import Phase, TrainingConfig
from sam2_core.training.data_loading import TrainingData
from sam2_core.training.processes import ProcessGroup
from sam2_core.training.synthetic.clip_samples import ClipSample, SyntheticClipSampler
from sam2_core.training.synthetic.image_pool import DeferredImage, ImagePool, PooledImage
from sam2_core.training.synthetic.image_samples import ImageSampler
from sam2_core.training.synthetic.textures import Textures


@dataclass(frozen=True, slots=True)
class Batch:
    """Images (B, S, S, 3) with masks (B, K, S, S), or clips (B, T, S, S, 3) with masks (B, K, T, S, S).

    `shared` is the generator of this step that is in the same state on all processes. Where images are encoded once,
    `features` has those of B images or B * T frames, clip by clip, and `images` is empty.
    """

    images: npt.NDArray[np.uint8]
    masks: BinaryMask
    phase: Phase
    shared: Random
    features: ImageFeatures | None = None

    @property
    def is_clips(self) -> bool:
        """Whether it holds clips."""
        return self.masks.ndim == 5

    @property
    def image_size(self) -> int:
        """S."""
        return self.masks.shape[-1]

    @property
    def samples(self) -> int:
        """Number of images or frames."""
        return len(self.masks) * (self.masks.shape[2] if self.is_clips else 1)


class BatchDataset(Dataset[Batch]):
    """The batch of each step, indexed by (step, phase)."""

    def __init__(self, config: TrainingConfig, size: int, group: ProcessGroup, data: TrainingData) -> None:
        self._config = config
        self._size = size
        self._group = group
        weights = config.source_weights
        labeled: list[PooledImage | DeferredImage] = [*data.labeled, *data.deferred]
        paster = None if config.augment is None else CopyPaster(data.labeled, config.augment)
        cutouts = [m for m in labeled if not config.cutout_sources or m.source in config.cutout_sources]
        self._image_sampler = ImageSampler(
            ImagePool(labeled, weights),
            ImagePool(cutouts, weights),
            Textures([pooled.image for pooled in data.labeled + data.unlabeled], config.seed),
            augment=None if paster is None else paster.augment_some,
        )
        self._synthetic_clips = SyntheticClipSampler(self._image_sampler)
        self._annotated_clips = ClipSampler(data.clips, data.report)

    def __getitem__(self, index: tuple[int, Phase]) -> Batch:
        step, phase = index
        shared, own = self.generators(step)
        length = self.clip_length(shared, phase)
        return self._draw(own, shared, length, phase.batch if length is None else phase.clip_batch, phase)

    def generators(self, step: int) -> tuple[Random, Random]:
        """Generators of a step: the one that all processes share, and that of this process."""
        seed = self._config.seed
        return np.random.default_rng((seed, step)), np.random.default_rng((seed, step, 1 + self._group.rank))

    @staticmethod
    def clip_length(shared: Random, phase: Phase) -> int | None:
        """How many frames the clips of a step have; None for a step on images."""
        return int(shared.choice(phase.clip_frames)) if shared.random() < phase.clips else None

    def numbered_sample(self, number: int, length: int | None, phase: Phase) -> Batch:
        """A batch of one image or clip, which depends only on seed, process, `number` and `length`."""
        seed = (self._config.seed, number, length or 0, 1 + self._group.rank)
        random = np.random.default_rng((*seed, 1))
        return self._draw(random, random, length, 1, phase)

    def _draw(self, own: Random, shared: Random, length: int | None, count: int, phase: Phase) -> Batch:
        cv2.setNumThreads(1)
        self._image_sampler.set_mix(phase.mix)
        size = phase.size or self._size
        if length is not None:
            clips = [self._clip(own, size, length, phase) for _ in range(count)]
            images, masks = np.stack([clip.frames for clip in clips]), np.stack([clip.masks for clip in clips])
        else:
            samples = [self._image_sampler.draw(own, size, phase.objects) for _ in range(count)]
            images, masks = np.stack([each.image for each in samples]), np.stack([each.masks for each in samples])
        return Batch(images, masks, phase, shared)

    def _clip(self, random: Random, size: int, length: int, phase: Phase) -> ClipSample:
        if self._annotated_clips and random.random() < phase.real_clips:
            real = self._annotated_clips.draw(random, size, length, phase.clip_objects)
            if real is not None:
                return real
        return self._synthetic_clips.draw(random, size, length, phase.clip_objects)


class _Steps(Sampler[Any]):
    """Indices (step, phase) from step `first` until `phase_of` returns None."""

    def __init__(self, first: int, phase_of: Callable[[int], Phase | None]) -> None:
        self._first = first
        self._phase_of = phase_of

    def __iter__(self) -> Iterator[tuple[int, Phase]]:
        step = self._first
        while (phase := self._phase_of(step)) is not None:
            yield step, phase
            step += 1


def batch_stream(
    batches: Dataset[Batch], first: int, phase_of: Callable[[int], Phase | None], workers: int
) -> Iterator[tuple[int, Batch]]:
    """(step, batch) from step `first` on, made in this process or ahead of time in `workers` processes."""
    loader: DataLoader[Batch] = DataLoader(
        batches, batch_size=None, sampler=_Steps(first, phase_of), num_workers=workers, collate_fn=_identity
    )
    return enumerate(loader, first)


def _identity(batch: Any) -> Any:
    return batch
