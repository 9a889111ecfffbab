"""Crops around masks for CLIP's image encoder (SAM, appendix D.5)."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from sam2_core.media.info import RgbArray
from sam2_core.training.arrays import BinaryMask, Random

MIN_AREA = (100 / 1024) ** 2
"""Share of the image; smaller masks are prompted in another way."""

_MAX_EXPANSION = 2.0
_HIDDEN_SHARE = 0.5  # of the crops in which what is outside of the mask is hidden
_GRAY = 122


def clip_crops(random: Random, images: RgbArray, masks: BinaryMask, side: int) -> Tensor:
    """Images (N, S, S, 3) with one mask each (N, S, S) -> (N, 3, side, side), 0 to 1.

    The box of a mask is expanded by a random factor of 1 to 2 and padded to a square. In half of the crops all pixels
    outside of the mask are gray, so that the object counts and not what is around it.
    """
    crops = [_crop(random, image, mask, side) for image, mask in zip(images, masks, strict=True)]
    return torch.from_numpy(np.stack(crops)).movedim(-1, 1).float() / 255


def _crop(random: Random, image: RgbArray, mask: BinaryMask, side: int) -> RgbArray:
    left, top, width, height = cv2.boundingRect(mask)
    length = max(width, height) * random.uniform(1.0, _MAX_EXPANSION)
    if random.random() < _HIDDEN_SHARE:
        image = np.where(mask[..., None] > 0, image, np.uint8(_GRAY))
    scale = side / length
    center = left + width / 2, top + height / 2
    to_crop = np.array([[scale, 0, side / 2 - scale * center[0]], [0, scale, side / 2 - scale * center[1]]])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    gray = (_GRAY, _GRAY, _GRAY)
    return np.asarray(cv2.warpAffine(image, to_crop, (side, side), flags=how, borderValue=gray), np.uint8)
