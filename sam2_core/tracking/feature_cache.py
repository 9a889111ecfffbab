"""Encoded frames, the most recently used ones, within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from sam2_core.model.network import ImageFeatures


class FeatureCache:
    """Least recently used features go first; the newest always stays, even where it alone exceeds the budget."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._entries: OrderedDict[Hashable, ImageFeatures] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, compute: Callable[[], ImageFeatures]) -> ImageFeatures:
        """The features stored under `key`, computed if they are not there."""
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key]
        features = compute()
        self._entries[key] = features
        self._bytes += features.bytes
        while self._bytes > self.budget_bytes and len(self._entries) > 1:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.bytes
        return features

    def drop(self, belongs: Callable[[Hashable], bool]) -> None:
        """Forget all entries whose key `belongs` to somebody who left."""
        for key in [key for key in self._entries if belongs(key)]:
            self._bytes -= self._entries.pop(key).bytes

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    @property
    def bytes(self) -> int:
        """Memory in use."""
        return self._bytes
