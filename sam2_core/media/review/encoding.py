"""Frames and masks as a review page embeds them, and the quality that fits into its budget."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.draw import Xywh, mask_png
from sam2_core.media.info import RgbArray, fit_size
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.types import Mask

QUALITIES = (84, 76, 68, 58, 48, 38)
"""WebP qualities, best first."""
_SAMPLES = 8
_MAX_MASK_SIDE = 1920  # masks are finer than the frames, for zooming in
SCORE_BYTES = 40
"""Approximate length of the scores of one object on one frame."""
_MARGIN = 1.1  # other frames may be larger than the sampled ones
_MAX_SHARE = 2  # times the average of the remaining budget


@dataclass(frozen=True, slots=True)
class Plan:
    """The frames that a page shows, their longer side in pixels, and the WebP quality at most."""

    frames: range
    side: int
    quality: int


def make_plan(media: MaskedMedia, side: int, budget: int) -> Plan:
    """The best quality with which all frames fit into about `budget` bytes; if there is none, every n-th frame."""
    frames = media.frames
    samples = [frames[int(i)] for i in np.unique(np.linspace(0, len(frames) - 1, _SAMPLES).round())]
    images = [scale_down(media.store.frame(frame), side) for frame in samples]
    fixed = sum(len(encode_mask(each.mask)[0]) for frame in samples for each in media.masks_on(frame).objects)
    fixed += SCORE_BYTES * len(media.objects) * len(samples)
    cost = math.inf
    for quality in QUALITIES:
        cost = _MARGIN * (fixed + sum(len(encode_webp(each, quality)) for each in images)) / len(samples) * len(frames)
        if cost <= budget:
            return Plan(frames, side, quality)
    return Plan(frames[:: math.ceil(cost / budget)], side, QUALITIES[-1])


def encode_within(image: RgbArray, quality: int, share: float) -> str:
    """An image as WebP in base64, at lower quality if it would take far more than its share of the budget."""
    encodings = (encode_webp(image, each) for each in QUALITIES if each <= quality)
    text = next(encodings)
    while len(text) > _MAX_SHARE * share and (smaller := next(encodings, "")):
        text = smaller
    return text


def scale_down(image: RgbArray, side: int) -> RgbArray:
    """The image (H, W, 3) with a longer side of at most `side` pixels."""
    height, width = fit_size(image.shape[0], image.shape[1], side)
    if (height, width) == image.shape[:2]:
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def encode_webp(image: RgbArray, quality: int) -> str:
    """An image (H, W, 3) as WebP in base64."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise MediaError("A frame could not be packed as WebP. Install the project's requirements again.")
    return base64.b64encode(data.tobytes()).decode("ascii")


def mask_size(height: int, width: int) -> tuple[int, int]:
    """Height and width at which the masks of a frame of this size are embedded."""
    return fit_size(height, width, _MAX_MASK_SIDE)


def encode_mask(mask: Mask) -> tuple[str, Xywh]:
    """The mask within its bounding box as a PNG in base64, and that box at the embedded size."""
    height, width = mask_size(mask.height, mask.width)
    if (height, width) != (mask.height, mask.width):
        pixels = mask.to_array().view(np.uint8) * np.uint8(255)
        mask = Mask.from_array(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA) > 127)
    data, box = mask_png(mask)
    return base64.b64encode(data).decode("ascii"), box
