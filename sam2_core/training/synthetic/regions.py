"""Regions without annotations, such as sky, road, water and walls, found in real images by color and texture.

An image is clustered several times, into few and into more clusters. A region is kept if a similar one is found at
least twice, if it is compact, and if it does not cut through an annotated object.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask

_SIDE = 160
_CLUSTERS = (3, 4, 6, 8)
_MIN_AREA, _MAX_AREA = 0.02, 0.6  # as shares of the image
_MIN_IOU = 0.8
_MIN_SOLIDITY = 0.6  # share of the convex hull that is filled
_MAX_CUT = 0.1  # share of an object that a region may cut off


def stable_regions(image: RgbArray, annotated: Sequence[BinaryMask] = ()) -> list[BinaryMask]:
    """Masks (H, W) of the regions of an image (H, W, 3); `annotated` are masks of objects that they must not cut."""
    height, width = image.shape[:2]
    scale = _SIDE / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    features = _features(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8))
    objects = [cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0 for mask in annotated]
    found: list[BinaryMask] = []
    kept: list[BinaryMask] = []
    for clusters in _CLUSTERS:
        new = [region for region in _clustered(features, clusters) if _is_good(region, objects)]
        again = [region for region in new if _is_known(region, found)]
        kept += [region for region in again if not _is_known(region, kept)]
        found += new
    return [np.asarray(cv2.resize(region * np.uint8(255), (width, height)) > 127, np.uint8) for region in kept]


def _features(small: RgbArray) -> npt.NDArray[np.float32]:
    """Smoothed color, texture and, with small weights, position: (h, w, 6)."""
    color = cv2.pyrMeanShiftFiltering(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), 9, 14, maxLevel=1).astype(np.float32)
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    texture = cv2.blur(np.abs(cv2.Laplacian(gray, cv2.CV_32F)), (9, 9))
    y, x = np.mgrid[: small.shape[0], : small.shape[1]].astype(np.float32)
    weights = np.array([0.6, 1.3, 1.3, 1.2, 0.15, 0.08], np.float32)
    return np.dstack([color, texture, y, x]) * weights


def _clustered(features: npt.NDArray[np.float32], clusters: int) -> list[BinaryMask]:
    """Connected components of the clusters, smoothed."""
    cv2.setRNGSeed(clusters)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    rows = features.reshape(-1, features.shape[-1])
    start = np.zeros((len(rows), 1), np.int32)
    _, labels, _ = cv2.kmeans(rows, clusters, start, stop, 1, cv2.KMEANS_PP_CENTERS)
    labels_image = cv2.medianBlur(labels.reshape(features.shape[:2]).astype(np.uint8), 9)
    regions: list[BinaryMask] = []
    for cluster in range(clusters):
        count, parts = cv2.connectedComponents((labels_image == cluster).astype(np.uint8), connectivity=4)
        regions += [(parts == part).astype(np.uint8) for part in range(1, count)]
    return regions


def _is_good(region: BinaryMask, objects: Sequence[npt.NDArray[np.bool_]]) -> bool:
    area = region.mean()
    if not _MIN_AREA < area < _MAX_AREA or _solidity(region) < _MIN_SOLIDITY:
        return False
    shares = (region[thing > 0].mean() if thing.any() else 0.0 for thing in objects)
    return all(share < _MAX_CUT or share > 1 - _MAX_CUT for share in shares)


def _solidity(region: BinaryMask) -> float:
    points = cv2.findNonZero(region)
    return float(region.sum() / max(1.0, cv2.contourArea(cv2.convexHull(points))))


def _is_known(region: BinaryMask, others: Sequence[BinaryMask]) -> bool:
    return any((region & other).sum() > _MIN_IOU * (region | other).sum() for other in others)
