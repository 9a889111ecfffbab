"""Raw frames as a Matroska stream for an encoder: a simple container with a time and duration for each frame, and with
transparency. The element ids are those of matroska.org."""

from __future__ import annotations

import struct

_EBML, _DOC_TYPE = 0x1A45DFA3, 0x4282
_SEGMENT, _INFO, _TIMESTAMP_SCALE, _MUXER, _WRITER = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4D80, 0x5741
_TRACKS, _TRACK, _NUMBER, _UID, _TYPE, _LANGUAGE, _CODEC = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83, 0x22B59C, 0x86
_VIDEO, _WIDTH, _HEIGHT, _COLORS = 0xE0, 0xB0, 0xBA, 0x2EB524
_CLUSTER, _TIMESTAMP, _GROUP, _BLOCK, _DURATION = 0x1F43B675, 0xE7, 0xA0, 0xA1, 0x9B
_NANOSECONDS = 1000  # of one tick, a millionth of a second
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_BLOCK_HEAD = b"\x81\x00\x00\x00"  # track 1, at the cluster's own time, no flags


def header(height: int, width: int, channels: int) -> bytes:
    """The beginning of a stream of frames (height, width, channels): RGB, or RGBA for four channels."""
    doc_type = _element(_EBML, _element(_DOC_TYPE, b"matroska"))
    names = _element(_MUXER, b"masklet") + _element(_WRITER, b"masklet")
    info = _element(_INFO, _number(_TIMESTAMP_SCALE, _NANOSECONDS) + names)
    colors = _element(_COLORS, b"RGBA" if channels == 4 else b"RGB\x18")
    video = _element(_VIDEO, _number(_WIDTH, width) + _number(_HEIGHT, height) + colors)
    about = _number(_NUMBER, 1) + _number(_UID, 1) + _number(_TYPE, 1) + _element(_LANGUAGE, b"und")
    track = _element(_TRACK, about + _element(_CODEC, b"V_UNCOMPRESSED") + video)
    return doc_type + _id(_SEGMENT) + _UNKNOWN_SIZE + info + _element(_TRACKS, track)


def frame_header(ticks: int, duration: int, size: int) -> bytes:
    """The header of one frame of `size` bytes, shown at `ticks` for `duration` (microseconds)."""
    length = _number(_DURATION, duration)
    block = _id(_BLOCK) + _size(len(_BLOCK_HEAD) + size) + _BLOCK_HEAD
    group = _id(_GROUP) + _size(len(length) + len(block) + size) + length + block
    time = _number(_TIMESTAMP, ticks)
    return _id(_CLUSTER) + _size(len(time) + len(group) + size) + time + group


def _element(number: int, content: bytes) -> bytes:
    return _id(number) + _size(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _element(number, struct.pack(">Q", value))


def _id(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _size(size: int) -> bytes:
    return struct.pack(">Q", size | 1 << 56)
