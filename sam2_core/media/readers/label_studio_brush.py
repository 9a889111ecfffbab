"""Label Studio's brush masks: RGBA pixels, packed as thi.ng's rle-pack does.

A stream of bits, the highest of a byte first: the number of values (32 bits), the length of a value minus 1 (5 bits),
four lengths minus 1 (4 bits each); then blocks of a bit, two bits that choose one of the four lengths, and the number
of values minus 1 in so many bits. Where the first bit is 1, one value follows that is repeated, else all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError
from sam2_core.media.readers.polygon_filling import PixelBudget

_CHANNELS = 4
_BLOCK = 100  # the cost of a block, in pixels, for each byte of the stream
_DAMAGED = "Their brush masks are damaged. Export them again."


def unpack_alpha(packed: Any, height: int, width: int, spend: PixelBudget) -> npt.NDArray[np.uint8]:
    """The alpha channel (H, W) of a list of bytes; raises `MediaError` for an image of another size."""
    try:
        data = bytes(packed) if isinstance(packed, list) else b""
    except (TypeError, ValueError) as error:
        raise MediaError(_DAMAGED) from error
    pixels = height * width
    bits = _BitReader(data)
    count, bit_length = bits.read(32), bits.read(5) + 1
    if bit_length != 8:
        raise MediaError(_DAMAGED)
    if count != _CHANNELS * pixels:
        raise MediaError(f"They are not of {width} × {height} pixels, as the picture is. Annotate this picture.")
    spend(_CHANNELS * pixels + _BLOCK * len(data))
    lengths = [bits.read(4) + 1 for _ in range(4)]
    values, start = np.zeros(count, np.uint8), 0
    while start < count:
        is_run = bits.read(1)
        stop = start + 1 + bits.read(lengths[bits.read(2)])
        if stop > count:
            raise MediaError(_DAMAGED)
        values[start:stop] = bits.read(8) if is_run else bits.read_bytes(stop - start)
        start = stop
    return values[_CHANNELS - 1 :: _CHANNELS].reshape(height, width)


class _BitReader:
    """Reads numbers of up to 32 bits; raises `MediaError` behind the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, count: int) -> int:
        first, end = self._at >> 3, self._at + count
        last = (end + 7) >> 3
        if last > len(self._data):
            raise MediaError(_DAMAGED)
        number = int.from_bytes(self._data[first:last], "big") >> (8 * last - end)
        self._at = end
        return number & ((1 << count) - 1)

    def read_bytes(self, count: int) -> npt.NDArray[np.uint8]:
        first, shift = self._at >> 3, self._at & 7
        last = (self._at + 8 * count + 7) >> 3
        if last > len(self._data):
            raise MediaError(_DAMAGED)
        self._at += 8 * count
        both = np.frombuffer(self._data[first:last], np.uint8).astype(np.uint16)
        if not shift:
            return both.astype(np.uint8)
        return ((both[:-1] << shift | both[1:] >> (8 - shift)) & 255).astype(np.uint8)
