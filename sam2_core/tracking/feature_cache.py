"""Least-recently-used cache of image features, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from sam2_core.model.network import ImageFeatures


class FeatureCache:
    """Image features by key. The newest entry is kept even if it exceeds the budget alone."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._entries: OrderedDict[Hashable, ImageFeatures] = OrderedDict()
        self._bytes = 0
        self.computed = 0
        """How many features were computed so far."""

    def get(self, key: Hashable, compute: Callable[[], ImageFeatures]) -> ImageFeatures:
        """The features for `key`; calls `compute` if they are not cached."""
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key]
        features = compute()
        if key in self._entries:  # `compute` gave way to a call that needed the same
            return self._entries[key]
        self.computed += 1
        self._entries[key] = features
        self._bytes += features.bytes
        while self._bytes > self.budget_bytes and len(self._entries) > 1:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.bytes
        return features

    def drop(self, is_dropped: Callable[[Hashable], bool]) -> None:
        """Remove all entries whose key `is_dropped`."""
        for key in [key for key in self._entries if is_dropped(key)]:
            self._bytes -= self._entries.pop(key).bytes

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    @property
    def bytes(self) -> int:
        """Size of all entries."""
        return self._bytes
