"""Pictures in memory as the frames of a clip: arrays, tensors and PIL images of all usual kinds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from sam2_core.errors import MediaError
from sam2_core.model.preprocess import frame_to_input

Array = npt.NDArray[Any]

_CHANNELS = (1, 3, 4)
_NORMALIZED_BELOW = -0.5
"""Some value of every normalized clip is below this; overshoot of a resized picture in 0..1 is not."""


class PictureFrames:
    """One array or tensor (frames, H, W, C) or (frames, C, H, W), or a list of pictures.

    A picture is a PIL image or an array (H, W), (H, W, C) or (C, H, W) with 1, 3 or 4 channels: integers, or floats in
    0..1 or in 0..255, which is decided for all of them together. Tensors (3, S, S) of floats that reach far below 0
    are normalized frames, as in `state["images"]`. `height` and `width` are those of the first picture.

    Pictures are resized at once, so that the arrays may be changed afterwards. Raises `MediaError`.
    """

    def __init__(self, pictures: Array | Tensor | Sequence[Any], size: int) -> None:
        arrays = list(_split(pictures))
        if not arrays and not isinstance(pictures, np.ndarray | Tensor):
            raise MediaError("There is no picture in the list.")
        self._frames: list[Image.Image | Tensor]
        if any(_is_normalized(each, size) for each in arrays):
            self._frames = [torch.as_tensor(each).float() for each in arrays]
            self.height = self.width = size
        else:
            white = _white_by_kind(arrays)
            colors = [_rgb(each, white[each.dtype.kind]) for each in arrays[:1]]
            self.height, self.width = colors[0].shape[:2] if colors else (size, size)
            self._frames = [_resized(_rgb(each, white[each.dtype.kind]), size) for each in arrays]

    def __len__(self) -> int:
        return len(self._frames)

    def read(self, index: int, size: int) -> Tensor:
        """Frame `index` as network input (3, size, size)."""
        frame = self._frames[index]
        return frame if isinstance(frame, Tensor) else frame_to_input(frame, size)


def _split(pictures: Array | Tensor | Sequence[Any]) -> Iterable[Array]:
    if isinstance(pictures, np.ndarray | Tensor):
        array = _as_array(pictures)
        is_one = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in _CHANNELS)
        if not is_one and array.ndim not in (3, 4):
            raise MediaError(f"A clip is an array (frames, height, width, 3); this one is {array.shape}.")
        return [array] if is_one else array
    return [_as_array(each) for each in pictures]


def _as_array(picture: Any) -> Array:
    if isinstance(picture, Image.Image):
        if picture.mode in {"I", "F"} or picture.mode.startswith("I;16"):
            return np.asarray(picture)
        return np.asarray(picture.convert("RGBA" if picture.has_transparency_data else "RGB"))
    if isinstance(picture, Tensor):
        picture = picture.detach().cpu()
        picture = picture.float() if picture.dtype == torch.bfloat16 else picture
    array = np.asarray(picture)
    if array.dtype.kind not in "biuf":
        raise MediaError(f"A picture is an array of numbers, a PIL image or a file; this is {type(picture).__name__}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise MediaError("A picture has values that are NaN or infinite. Replace them first, as by numpy.nan_to_num.")
    return array


def _is_normalized(array: Array, size: int) -> bool:
    return array.dtype.kind == "f" and array.shape == (3, size, size) and float(array.min()) < _NORMALIZED_BELOW


def _white_by_kind(arrays: Sequence[Array]) -> dict[str, float]:
    """The value that is white, by kind of numbers: one for all pictures, because a dark one alone does not tell."""
    white = {"b": 1.0}
    for kind, steps in {"u": (255.0, 65535.0), "i": (255.0, 65535.0), "f": (1.0, 255.0)}.items():
        values = [(float(each.min()), float(each.max())) for each in arrays if each.dtype.kind == kind and each.size]
        lowest, highest = min((low for low, _ in values), default=0.0), max((high for _, high in values), default=0.0)
        fitting = [step for step in steps if highest <= (step + 1 if kind == "f" else step)]
        if lowest < _NORMALIZED_BELOW or not fitting:
            raise MediaError(
                f"Pictures have values in 0..255 or 0..1 (or 16 bits); these have {lowest:.4g}..{highest:.4g}. "
                "Normalized frames are tensors (3, S, S) of the network's input size."
            )
        white[kind] = fitting[0]
    return white


def _rgb(array: Array, white: float) -> npt.NDArray[np.uint8]:
    """A picture as (H, W, 3) uint8, transparency over white."""
    if array.ndim == 2:
        array = array[..., None]
    elif array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[-1] not in _CHANNELS and array.shape[0] in _CHANNELS:
        array = np.moveaxis(array, 0, -1)
    if array.ndim != 3 or array.shape[-1] not in _CHANNELS:
        raise MediaError(f"A picture is an array (height, width, 3); this one is {array.shape}.")
    if array.dtype != np.uint8 or white != 255:
        array = np.rint(np.clip(array * (255 / white), 0, 255)).astype(np.uint8)
    if array.shape[-1] == 4:
        alpha = array[..., 3:] / 255
        array = np.rint(array[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))


def _resized(pixels: npt.NDArray[np.uint8], size: int) -> Image.Image:
    # `frame_to_input` resizes in the same way, and leaves what has the size already.
    return Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC)
