"""How long the last frame of an animated WebP stays, which its encoder can only guess."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_RIFF_HEAD, _CHUNK_HEAD, _BEFORE_DURATION = 12, 8, 12  # bytes
_LONGEST = (1 << 24) - 1


def end_at(path: Path, milliseconds: int) -> None:
    """Let the last frame stay until `milliseconds` after the beginning of the first; a still picture is left alone."""
    begins, last, place, size = 0, 0, _RIFF_HEAD, path.stat().st_size
    with path.open("r+b") as file:
        while place + _CHUNK_HEAD <= size:
            file.seek(place)
            kind, length = struct.unpack("<4sI", file.read(_CHUNK_HEAD))
            if kind == b"ANMF":
                begins += _duration_at(file, last) if last else 0
                last = place + _CHUNK_HEAD + _BEFORE_DURATION
            place += _CHUNK_HEAD + length + length % 2
        if last:
            file.seek(last)
            file.write(min(max(milliseconds - begins, 1), _LONGEST).to_bytes(3, "little"))


def _duration_at(file: BinaryIO, place: int) -> int:
    file.seek(place)
    return int.from_bytes(file.read(3), "little")
