"""Batches of images that are encoded once, for runs that leave the image encoder as it is.

A step then costs what the decoder costs. The price is variety: the same crops, composites and clips come again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sam2_core.model.network import ImageFeatures
from sam2_core.training.arrays import BinaryMask
from sam2_core.training.batches import Batch, BatchDataset
from sam2_core.training.config import Phase

Encode: TypeAlias = Callable[[Batch], ImageFeatures]
"""The features of all images or frames of a batch, without gradients."""


class CachedBatches(Dataset[Batch]):
    """The batches of `batches` with features in place of images, out of `count` images and as many frames of clips of
    each length.

    Each is drawn and encoded when it is first needed, and depends only on seed, process and number, so that a run can
    be resumed exactly. They are kept in memory until the phase ends, on the CPU and in fp16: 0.6 MB for an image of
    nano, 8 MB for one of the official networks.
    """

    def __init__(self, batches: BatchDataset, count: int, encode: Encode) -> None:
        self._batches = batches
        self._count = count
        self._encode = encode
        self._phase: Phase | None = None
        self._samples: dict[tuple[int | None, int], _CachedSample] = {}

    def __getitem__(self, index: tuple[int, Phase]) -> Batch:
        step, phase = index
        if phase != self._phase:
            self._samples.clear()
            self._phase = phase
        shared, own = self._batches.generators(step)
        length = self._batches.clip_length(shared, phase)
        several = phase.batch if length is None else phase.clip_batch
        numbers = own.integers(max(1, self._count // (length or 1)), size=several)
        samples = [self._sample(phase, length, int(number)) for number in numbers]
        high_res = zip(*(each.features.high_res for each in samples), strict=True)
        features = ImageFeatures(
            torch.cat([each.features.embedding for each in samples]), tuple(map(torch.cat, high_res))
        )
        masks = np.concatenate([each.masks() for each in samples])
        return Batch(np.empty(0, np.uint8), masks, phase, shared, features)

    def _sample(self, phase: Phase, length: int | None, number: int) -> _CachedSample:
        if (length, number) not in self._samples:
            batch = self._batches.numbered_sample(number, length, phase)
            self._samples[length, number] = _CachedSample.of(self._encode(batch), batch.masks)
        return self._samples[length, number]


@dataclass(frozen=True, slots=True)
class _CachedSample:
    """The features of an image or of all frames of a clip, and its masks as bits."""

    features: ImageFeatures
    bits: npt.NDArray[np.uint8]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, features: ImageFeatures, masks: BinaryMask) -> _CachedSample:
        """Features, and masks of zeros and ones."""
        halved = ImageFeatures(_halved(features.embedding), tuple(map(_halved, features.high_res)))
        return cls(halved, np.packbits(masks), masks.shape)

    def masks(self) -> BinaryMask:
        """The masks as they were."""
        return np.unpackbits(self.bits, count=int(np.prod(self.shape))).reshape(self.shape)


def _halved(feature: Tensor) -> Tensor:
    return feature.to("cpu", torch.float16)
