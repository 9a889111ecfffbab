"""The cache of image features: hits, eviction and size."""

from __future__ import annotations

import torch

from sam2_core.model.network import ImageFeatures
from sam2_core.tracking.feature_cache import FeatureCache

ONE = (4 + 2 + 2) * 4  # bytes of what `features` makes


def features() -> ImageFeatures:
    return ImageFeatures(torch.zeros(1, 1, 2, 2), (torch.zeros(1, 1, 1, 2), torch.zeros(1, 1, 2, 1)))


def test_cached_features_are_not_computed_again() -> None:
    cache, calls = FeatureCache(10 * ONE), []

    def compute() -> ImageFeatures:
        calls.append(1)
        return features()

    assert cache.get("a", compute) is cache.get("a", compute)
    assert len(calls) == 1
    assert cache.bytes == ONE


def test_the_least_recently_used_is_evicted_first() -> None:
    cache = FeatureCache(2 * ONE)
    for key in ("a", "b", "a", "c"):
        cache.get(key, features)
    assert [key in cache for key in "abc"] == [True, False, True]
    assert cache.bytes == 2 * ONE


def test_the_newest_is_kept_even_if_it_exceeds_the_budget() -> None:
    cache = FeatureCache(ONE - 1)
    cache.get("a", features)
    cache.get("b", features)
    assert "a" not in cache
    assert "b" in cache
    assert cache.bytes == ONE


def test_dropping_removes_matching_keys() -> None:
    cache = FeatureCache(10 * ONE)
    for key in (("s", 0), ("s", 1), ("t", 0)):
        cache.get(key, features)
    cache.drop(lambda key: isinstance(key, tuple) and key[0] == "s")
    assert ("s", 0) not in cache
    assert ("t", 0) in cache
    assert cache.bytes == ONE
