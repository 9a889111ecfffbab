"""`state["images"]`: the frames of a clip as network inputs, read when they are needed."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, MutableSequence
from functools import partial
from typing import Any, TypeAlias, overload

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from sam2_core.predictors.frames import Frames
from sam2_core.tracking.feature_cache import FeatureCache

Entry: TypeAlias = Tensor | Callable[[], Tensor] | None
"""A frame (3, S, S), the function that reads it, or None for one that was dropped."""

_FEATURE_CACHE_BYTES = 256 * 2**20


class ClipImages(MutableSequence[Any]):
    """The normalized frames (3, S, S) of a clip.

    It serves code written for the official predictor, where `state["images"]` is one tensor (frames, 3, S, S), a lazy
    loader with `len` and indexing, or in streaming forks a list: frames can be appended, replaced and dropped, slices
    and `torch.cat` give a clip again, and everything else that a tensor can do is done with all frames at once.

    A frame is read each time it is indexed, so that long clips take no memory; a change in place has to be assigned.
    """

    def __init__(
        self, entries: Iterable[Entry], size: int, device: torch.device, features: FeatureCache | None = None
    ) -> None:
        self._entries = list(entries)
        self._size = size
        self.device = device
        self.features = features or FeatureCache(_FEATURE_CACHE_BYTES)
        """Image features by `key`, bounded in bytes; parts of a clip share them."""

    @classmethod
    def of(cls, frames: Frames, size: int, device: torch.device) -> ClipImages:
        """The frames of an opened clip, moved to `device` when they are read."""
        return cls([partial(frames.read, index, size) for index in range(len(frames))], size, device)

    def key(self, index: int) -> Hashable:
        """What identifies the frame at `index`, wherever it moves."""
        return self._entries[index]

    def _read(self, entry: Entry) -> Tensor | None:
        frame = entry() if callable(entry) else entry
        return None if frame is None else frame.to(self.device)

    def _with(self, entries: Iterable[Entry]) -> ClipImages:
        return ClipImages(entries, self._size, self.device, self.features)

    # --- as a list -----------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> ClipImages: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._with(self._entries[index])
        first, *rest = index if isinstance(index, tuple) and index else (index,)
        try:
            frame = self._read(self._entries[operator.index(first)])
        except TypeError:  # not a single frame
            return self.tensor()[index]
        return frame if not rest or frame is None else frame[tuple(rest)]

    def __setitem__(self, index: Any, frame: Any) -> None:
        self._entries[index] = list(frame) if isinstance(index, slice) else _entry(frame)

    def __delitem__(self, index: Any) -> None:
        del self._entries[index]

    def insert(self, index: int, value: Any) -> None:
        """Insert a frame (3, S, S) or (1, 3, S, S)."""
        self._entries.insert(index, _entry(value))

    def __deepcopy__(self, memo: dict[int, Any]) -> ClipImages:
        return self._with(self._entries)  # what frames are read from is never changed

    # --- as a tensor ---------------------------------------------------------------------------------------------

    @property
    def shape(self) -> torch.Size:
        """(frames, 3, S, S)."""
        return torch.Size((len(self), 3, self._size, self._size))

    @property
    def dtype(self) -> torch.dtype:
        """Frames are float32."""
        return torch.float32

    @property
    def ndim(self) -> int:
        """Always 4."""
        return 4

    def size(self, dim: int | None = None) -> Any:
        """`shape`, or one of its axes."""
        return self.shape if dim is None else self.shape[dim]

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Move to another device when a frame is read; for another type of numbers, all frames are read at once."""
        target = torch.empty(0, device=self.device).to(*args, **kwargs)
        if target.dtype != self.dtype:
            return self.tensor().to(*args, **kwargs)
        return ClipImages(self._entries, self._size, target.device, self.features)

    def tensor(self) -> Tensor:
        """All frames (frames, 3, S, S)."""
        return torch.stack(list(self)) if self._entries else torch.empty(self.shape, device=self.device)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(Tensor, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.tensor(), name)

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in (torch.cat, torch.concat, torch.concatenate) and (kwargs or {}).get("dim", [*args[1:], 0][0]) == 0:
            return _joined(args[0])
        args, kwargs = tree_map(lambda each: each.tensor() if isinstance(each, cls) else each, (args, kwargs))
        return func(*args, **kwargs)


def _joined(parts: Iterable[ClipImages | Tensor]) -> ClipImages:
    parts = list(parts)
    clip = next(part for part in parts if isinstance(part, ClipImages))
    return clip._with(entry for part in parts for entry in (part._entries if isinstance(part, ClipImages) else part))


def _entry(frame: Any) -> Entry:
    """A frame with or without an axis for the batch."""
    return frame[0] if isinstance(frame, Tensor) and frame.ndim == 4 and len(frame) == 1 else frame
