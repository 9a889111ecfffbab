"""Frames and masks as a review page shows them: small pictures, and how small they must be."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.draw import Xywh, mask_png
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.types import Mask

QUALITIES = (84, 76, 68, 58, 48, 38)
"""Of WebP, the best first."""
SAMPLES = 8
LARGEST_MASK = 1920
"""Pixels of the longer side of the grid that masks are kept in: finer than the pictures, so that one can zoom in."""
NUMBERS = 24
"""Bytes that say how sure the network was of one object on one frame, about."""
_AIR = 1.1  # frames that were not looked at may be larger than those that were
_OUTLIER = 2  # times what each of the frames to come may take


@dataclass(frozen=True, slots=True)
class Plan:
    """Which frames a page shows, and how: the longer side in pixels and the quality of WebP at most."""

    frames: range
    side: int
    quality: int


def plan_of(media: MaskedMedia, side: int, budget: int) -> Plan:
    """The best quality with which all frames fit into about `budget` bytes; where none does, every n-th frame."""
    frames = media.frames
    places = np.unique(np.linspace(0, len(frames) - 1, SAMPLES).round().astype(int))
    samples = [frames[int(place)] for place in places]
    pictures = [small(media.store.frame(frame), side) for frame in samples]
    fixed = sum(len(packed(each.mask)[0]) for frame in samples for each in media.masks_on(frame).objects)
    fixed += NUMBERS * len(media.objects) * len(samples)
    cost = math.inf
    for quality in QUALITIES:
        cost = _AIR * (fixed + sum(len(webp(each, quality)) for each in pictures)) / len(samples) * len(frames)
        if cost <= budget:
            return Plan(frames, side, quality)
    return Plan(frames[:: math.ceil(cost / budget)], side, QUALITIES[-1])


def fitting(picture: RgbArray, quality: int, share: float) -> str:
    """A picture as base64, of lower quality where it would take far more than its share of what is left."""
    texts = (webp(picture, each) for each in QUALITIES if each <= quality)
    text = next(texts)
    while len(text) > _OUTLIER * share and (smaller := next(texts, "")):
        text = smaller
    return text


def small(picture: RgbArray, side: int) -> RgbArray:
    """The picture (H, W, 3) with a longer side of at most `side` pixels."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def webp(picture: RgbArray, quality: int) -> str:
    """A picture (H, W, 3) as WebP in base64."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise MediaError("A frame could not be packed as WebP. Install the project's requirements again.")
    return base64.b64encode(data.tobytes()).decode("ascii")


def grid_of(height: int, width: int) -> tuple[int, int]:
    """Height and width of the grid in which the masks of such a frame are kept."""
    scale = min(1.0, LARGEST_MASK / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def packed(mask: Mask) -> tuple[str, Xywh]:
    """The part of a mask that holds anything as a PNG in base64, and its place in the grid."""
    height, width = grid_of(mask.height, mask.width)
    if (height, width) != (mask.height, mask.width):
        covered = cv2.resize(
            mask.to_array().view(np.uint8) * np.uint8(255), (width, height), interpolation=cv2.INTER_AREA
        )
        mask = Mask.from_array(covered > 127)
    data, place = mask_png(mask)
    return base64.b64encode(data).decode("ascii"), place
