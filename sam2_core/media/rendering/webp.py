"""The duration of the last frame of an animated WebP, which its encoder does not know."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_RIFF_HEADER, _CHUNK_HEADER, _BEFORE_DURATION = 12, 8, 12  # bytes
_MAX_DURATION = (1 << 24) - 1


def set_duration(path: Path, milliseconds: int) -> None:
    """Set the last frame's duration so that the animation takes `milliseconds`; a still image is left as is."""
    start, last, offset, size = 0, 0, _RIFF_HEADER, path.stat().st_size
    with path.open("r+b") as file:
        while offset + _CHUNK_HEADER <= size:
            file.seek(offset)
            kind, length = struct.unpack("<4sI", file.read(_CHUNK_HEADER))
            if kind == b"ANMF":
                start += _read_duration(file, last) if last else 0
                last = offset + _CHUNK_HEADER + _BEFORE_DURATION
            offset += _CHUNK_HEADER + length + length % 2
        if last:
            file.seek(last)
            file.write(min(max(milliseconds - start, 1), _MAX_DURATION).to_bytes(3, "little"))


def _read_duration(file: BinaryIO, offset: int) -> int:
    file.seek(offset)
    return int.from_bytes(file.read(3), "little")
