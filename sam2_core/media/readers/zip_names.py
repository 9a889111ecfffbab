"""Names of the members of a ZIP file, which older programs write in the encoding of their system."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from zipfile import ZipInfo

from sam2_core.media.info import MediaInfo
from sam2_core.media.readers.frame_matching import match_frames
from sam2_core.media.readers.text_encoding import most_probable

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP's extra field with the name in UTF-8
_PYTHONS = "cp437"  # what `zipfile` decodes names as that have no flag
_ENCODINGS = ("gb18030", "cp932", "cp949", "cp950", "cp866", "cp437", "cp850", "cp1251", "cp1252")
_SAMPLE = 300  # names that are looked at


def decode_names(members: Sequence[ZipInfo], info: MediaInfo) -> tuple[list[str], str]:
    """The names of the members, and the encoding of those whose encoding had to be guessed, "" if there are none.

    It is UTF-8 if all can be, else the encoding in which most names are those of the pictures of the medium, else the
    most probable one.
    """
    raw = {place: name for place, each in enumerate(members) if (name := _undeclared(each)) is not None}
    encoding = _encoding_of([*raw.values()], info) if raw else ""
    names = [_declared(each) for each in members]
    for place, name in raw.items():
        names[place] = name.decode(encoding, "replace")
    return names, "" if encoding == "utf-8" else encoding


def _undeclared(member: ZipInfo) -> bytes | None:
    """The bytes of a name that may be in any encoding."""
    if member.flag_bits & _UTF8_FLAG or member.orig_filename.isascii() or _unicode_path(member) is not None:
        return None
    return _bytes_of(member)


def _declared(member: ZipInfo) -> str:
    return _unicode_path(member) or member.orig_filename.partition("\0")[0]


def _bytes_of(member: ZipInfo) -> bytes:
    return member.orig_filename.partition("\0")[0].encode(_PYTHONS, "replace")


def _unicode_path(member: ZipInfo) -> str | None:
    """The name in an extra field, if it belongs to the plain name."""
    if member.flag_bits & _UTF8_FLAG:
        return None
    for kind, content in _extra_fields(member.extra):
        if kind == _UNICODE_PATH and len(content) > 5 and content[0] == 1:
            (checksum,) = struct.unpack_from("<I", content, 1)
            if checksum == zlib.crc32(_bytes_of(member)):
                return content[5:].decode("utf-8", "replace")
    return None


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        yield kind, extra[place + 4 : place + 4 + length]
        place += 4 + length


def _encoding_of(names: Sequence[bytes], info: MediaInfo) -> str:
    if all(_fits(name, "utf-8") for name in names):
        return "utf-8"
    sample = [*dict.fromkeys(names)][:_SAMPLE]
    possible = [encoding for encoding in _ENCODINGS if all(_fits(name, encoding) for name in names)]
    counts = {encoding: _matches(sample, encoding, info) for encoding in possible}
    best = max(counts.values(), default=0)
    if best:
        possible = [encoding for encoding in possible if counts[encoding] == best]
    return most_probable(sample, possible) or _PYTHONS


def _fits(name: bytes, encoding: str) -> bool:
    try:
        name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _matches(names: Sequence[bytes], encoding: str, info: MediaInfo) -> int:
    """How many of the names are those of pictures."""
    matches, _ = match_frames([name.decode(encoding) for name in names], info)
    return sum(match is not None and not match.is_guess for match in matches)
