"""Frames as inputs of the network, the next one of a tracked clip ahead of its use.

A GPU would wait while the processor decodes and resizes a frame, so a thread does that while it still computes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Protocol

import torch
from torch import Tensor

from sam2_core.model.input_geometry import InputGeometry, frame_input
from sam2_core.model.preprocess import Pixels


class FrameSource(Protocol):
    """Source of decoded frames; thread-safe where they are read ahead."""

    def frame(self, frame: int) -> Pixels:
        """A frame as RGB (H', W', 3) uint8, at any size."""
        ...


class FrameReader:
    """Reads the frames of one session. With an `executor`, `read_ahead` begins to read the next one there; what goes
    wrong with it is raised where it is used."""

    def __init__(
        self,
        source: FrameSource,
        geometry: Callable[[int], InputGeometry],
        device: torch.device,
        executor: Executor | None = None,
    ) -> None:
        """`geometry` tells how a frame lies in the input of the network, which is on this device."""
        self._source, self._geometry, self._executor = source, geometry, executor
        self._is_pinned = device.type == "cuda"
        self._ahead: tuple[int, Future[Tensor]] | None = None

    def read(self, frame: int) -> Tensor:
        """The normalized input (3, S, S) for a frame; for CUDA in pinned memory."""
        ahead, self._ahead = self._ahead, None
        return ahead[1].result() if ahead is not None and ahead[0] == frame else self._read(frame)

    def read_ahead(self, frame: int) -> None:
        """Begin to read the frame that will be needed next."""
        if self._executor is not None:
            self._ahead = frame, self._executor.submit(self._read, frame)

    def _read(self, frame: int) -> Tensor:
        image = frame_input(self._source.frame(frame), self._geometry(frame))
        return image.pin_memory() if self._is_pinned else image
