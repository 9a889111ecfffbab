"""How the background moved between two frames of a clip: a homography, from points that are seen in both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.media.effects.scaled_masks import Plane
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray

Homography: TypeAlias = npt.NDArray[np.float64]
"""(3, 3): takes homogeneous pixels (x, y, 1) of one picture to those of another."""
Points: TypeAlias = npt.NDArray[np.float32]

_SIDE = 640  # pixels; points are looked for in pictures of at most this size
_MOST_POINTS = 300
_FEWEST = 12  # points that agree
_AGREE = 0.4  # share of the points that must agree
_TOLERANCE = 1.5  # pixels
_BORDER = 31  # pixels at a frame's edges in which ORB finds nothing
_LARGEST_CHANGE = 0.5  # of size, shape and perspective; more is not believed


@dataclass(slots=True)
class Scene:
    """A frame as the search for points sees it: gray and small, and where its background is (1)."""

    gray: Plane
    background: Plane
    scale: float
    corners: Points | None = field(default=None)

    @classmethod
    def of(cls, picture: RgbArray, hidden: Plane) -> Scene:
        """`hidden` (H, W) is 255 where objects are."""
        scale = min(1.0, _SIDE / max(hidden.shape))
        size = max(1, round(hidden.shape[1] * scale)), max(1, round(hidden.shape[0] * scale))
        gray = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        small = cv2.resize(hidden, size, interpolation=cv2.INTER_AREA)
        return cls(np.asarray(gray, np.uint8), (small == 0).view(np.uint8), scale)

    def points(self) -> Points:
        """(N, 2): what can be found again in another frame, well spread over the background."""
        if self.corners is None:
            apart = max(4, min(self.gray.shape) // 40)
            found = cv2.goodFeaturesToTrack(self.gray, _MOST_POINTS, 0.005, apart, mask=self.background)
            self.corners = np.zeros((0, 2), np.float32) if found is None else np.asarray(found, np.float32)[:, 0]
        return self.corners


def motion(before: Scene, after: Scene) -> Homography:
    """Takes pixels of one frame (full size) to those of another. What cannot be told is taken not to have moved."""
    for match in (_flow, _features):
        found = _agreed(*match(before, after), before.gray.shape)
        if found is not None:
            shrink = np.diag([before.scale, before.scale, 1.0])
            return np.asarray(np.linalg.inv(np.diag([after.scale, after.scale, 1.0])) @ found @ shrink)
    return np.eye(3)


def _flow(before: Scene, after: Scene) -> tuple[Points, Points]:
    """Points followed from one frame to the other and back again (Lucas and Kanade, with pyramids)."""
    points = before.points()
    if len(points) < _FEWEST:
        return points, points
    there, found = _followed(points, before, after)
    back, found_back = _followed(there, after, before)
    is_sure = found & found_back & (np.linalg.norm(back - points, axis=1) < 1) & _on_background(there, after)
    return points[is_sure], there[is_sure]


def _followed(points: Points, before: Scene, after: Scene) -> tuple[Points, BoolArray]:
    """Where points have moved to, and which of them were found."""
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


def _features(before: Scene, after: Scene) -> tuple[Points, Points]:
    """Points recognised by what they look like (ORB), where the frames are too far apart to follow any."""
    none = np.zeros((0, 2), np.float32)
    if min(*before.gray.shape, *after.gray.shape) <= 2 * _BORDER:
        return none, none
    finder = cv2.ORB.create(2 * _MOST_POINTS)
    (ours, about_ours), (theirs, about_theirs) = (
        finder.detectAndCompute(scene.gray, scene.background) for scene in (before, after)
    )
    if about_ours is None or about_theirs is None:
        return none, none
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(about_ours, about_theirs)
    sources = np.array([ours[pair.queryIdx].pt for pair in pairs], np.float32).reshape(-1, 2)
    targets = np.array([theirs[pair.trainIdx].pt for pair in pairs], np.float32).reshape(-1, 2)
    return sources, targets


def _agreed(sources: Points, targets: Points, size: tuple[int, ...]) -> Homography | None:
    """What most points say, if it can be believed."""
    if len(sources) < _FEWEST:
        return None
    cv2.setRNGSeed(0)  # the same picture every time
    found, inliers = cv2.findHomography(sources, targets, cv2.RANSAC, _TOLERANCE, maxIters=1000)
    if found is None or inliers.sum() < max(_FEWEST, _AGREE * len(sources)):
        return None
    move = np.asarray(found, np.float64)
    return move if _is_believable(move, *size) else None


def _is_believable(found: Homography, height: int, width: int) -> bool:
    """Neither mirrored nor torn: each corner of the frame is about as large as it was."""
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float64)
    depths = corners @ found[2] / found[2, 2]
    if depths.min() < 1 - _LARGEST_CHANGE or depths.max() > 1 + _LARGEST_CHANGE:
        return False
    scale = np.linalg.det(found / found[2, 2]) / depths**3  # how much larger what lies around the corner becomes
    return bool((scale > 1 - _LARGEST_CHANGE).all() and (scale < 1 / (1 - _LARGEST_CHANGE)).all())


def _on_background(points: Points, scene: Scene) -> BoolArray:
    height, width = scene.gray.shape
    x, y = np.rint(points).astype(int).T
    is_there = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    is_there[is_there] = scene.background[y[is_there], x[is_there]] > 0
    return np.asarray(is_there)
