"""The motion of the background between two frames of a clip: a homography from matched points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.info import GrayImage, RgbArray
from sam2_core.types import BoolArray

Homography: TypeAlias = npt.NDArray[np.float64]
"""(3, 3): maps homogeneous pixels (x, y, 1) of one image to those of another."""
Points: TypeAlias = npt.NDArray[np.float32]

_SIDE = 640  # pixels; frames are scaled down to it
_MAX_POINTS = 300
_MIN_INLIERS = 12
_MIN_INLIER_SHARE = 0.4
_TOLERANCE = 1.5  # pixels
_BORDER = 31  # pixels at a frame's edges in which ORB finds nothing
_MAX_CHANGE = 0.5  # of scale and perspective; homographies beyond it are rejected


@dataclass(slots=True)
class AlignmentFrame:
    """A frame for matching: gray and small, with a mask of its background (1)."""

    gray: GrayImage
    background: GrayImage
    scale: float
    corners: Points | None = field(default=None)

    @classmethod
    def of(cls, image: RgbArray, hidden: GrayImage) -> AlignmentFrame:
        """`hidden` (H, W) is 255 on objects."""
        scale = min(1.0, _SIDE / max(hidden.shape))
        size = max(1, round(hidden.shape[1] * scale)), max(1, round(hidden.shape[0] * scale))
        gray = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        small = cv2.resize(hidden, size, interpolation=cv2.INTER_AREA)
        return cls(np.asarray(gray, np.uint8), (small == 0).view(np.uint8), scale)

    def points(self) -> Points:
        """(N, 2): corners of the background, well spread (Shi and Tomasi)."""
        if self.corners is None:
            distance = max(4, min(self.gray.shape) // 40)
            found = cv2.goodFeaturesToTrack(self.gray, _MAX_POINTS, 0.005, distance, mask=self.background)
            self.corners = np.zeros((0, 2), np.float32) if found is None else np.asarray(found, np.float32)[:, 0]
        return self.corners


def estimate_homography(before: AlignmentFrame, after: AlignmentFrame) -> Homography:
    """Maps pixels of one frame (full size) to those of another; the identity if it cannot be estimated."""
    for match in (_track_points, _match_features):
        found = _fit(*match(before, after), before.gray.shape)
        if found is not None:
            shrink = np.diag([before.scale, before.scale, 1.0])
            return np.asarray(np.linalg.inv(np.diag([after.scale, after.scale, 1.0])) @ found @ shrink)
    return np.eye(3)


def _track_points(before: AlignmentFrame, after: AlignmentFrame) -> tuple[Points, Points]:
    """Points tracked from one frame to the other, kept if tracking back returns to them (pyramidal Lucas-Kanade)."""
    points = before.points()
    if len(points) < _MIN_INLIERS:
        return points, points
    there, found = _optical_flow(points, before, after)
    back, found_back = _optical_flow(there, after, before)
    is_reliable = found & found_back & (np.linalg.norm(back - points, axis=1) < 1) & _on_background(there, after)
    return points[is_reliable], there[is_reliable]


def _optical_flow(points: Points, before: AlignmentFrame, after: AlignmentFrame) -> tuple[Points, BoolArray]:
    """The new positions of points, and which of them were found."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before.gray,
        after.gray,
        points[:, None],
        points[:, None].copy(),
        winSize=(15, 15),
        maxLevel=3,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03),
    )
    return np.asarray(there, np.float32)[:, 0], np.asarray(found)[:, 0] > 0


def _match_features(before: AlignmentFrame, after: AlignmentFrame) -> tuple[Points, Points]:
    """Points matched by ORB descriptors, for frames too far apart for optical flow."""
    none = np.zeros((0, 2), np.float32)
    if min(*before.gray.shape, *after.gray.shape) <= 2 * _BORDER:
        return none, none
    orb = cv2.ORB.create(2 * _MAX_POINTS)
    (points_a, descriptors_a), (points_b, descriptors_b) = (
        orb.detectAndCompute(frame.gray, frame.background) for frame in (before, after)
    )
    if descriptors_a is None or descriptors_b is None:
        return none, none
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(descriptors_a, descriptors_b)
    sources = np.array([points_a[pair.queryIdx].pt for pair in pairs], np.float32).reshape(-1, 2)
    targets = np.array([points_b[pair.trainIdx].pt for pair in pairs], np.float32).reshape(-1, 2)
    return sources, targets


def _fit(sources: Points, targets: Points, size: tuple[int, ...]) -> Homography | None:
    """The homography with enough inliers, if it is plausible (RANSAC)."""
    if len(sources) < _MIN_INLIERS:
        return None
    cv2.setRNGSeed(0)  # for deterministic results
    found, inliers = cv2.findHomography(sources, targets, cv2.RANSAC, _TOLERANCE, maxIters=1000)
    if found is None or inliers.sum() < max(_MIN_INLIERS, _MIN_INLIER_SHARE * len(sources)):
        return None
    homography = np.asarray(found, np.float64)
    return homography if _is_plausible(homography, *size) else None


def _is_plausible(found: Homography, height: int, width: int) -> bool:
    """Neither mirrored nor torn: the scale at each corner of the frame changes little."""
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float64)
    depths = corners @ found[2] / found[2, 2]
    if depths.min() < 1 - _MAX_CHANGE or depths.max() > 1 + _MAX_CHANGE:
        return False
    scale = np.linalg.det(found / found[2, 2]) / depths**3  # of areas around the corners
    return bool((scale > 1 - _MAX_CHANGE).all() and (scale < 1 / (1 - _MAX_CHANGE)).all())


def _on_background(points: Points, frame: AlignmentFrame) -> BoolArray:
    height, width = frame.gray.shape
    x, y = np.rint(points).astype(int).T
    is_inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    is_inside[is_inside] = frame.background[y[is_inside], x[is_inside]] > 0
    return np.asarray(is_inside)
