"""Which frame of the open medium a file or image of that name is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath

from sam2_core.errors import MediaError
from sam2_core.media.info import MediaInfo
from sam2_core.media.ingest import clean_name

_EXPORT_HASH = re.compile(r"\.rf\.[0-9a-f]+$")  # that Roboflow puts behind the names of pictures


def frames_of(names: Sequence[str], info: MediaInfo) -> list[int | None]:
    """The frame of each name, None where there is none.

    A clip's frames are told by the last number in a name: counted from 0, or from 1 where the numbers go from 1 to the
    number of frames, or begin at 1 without zeros before them. Photos are told by their names. Where neither helps and
    there are as many names as frames, their order counts.
    """
    stems = [stem_of(name) for name in names]
    frames = _by_number(stems, info.frames) if info.kind == "clip" else _by_name(stems, info)
    known = len(set(frames) - {None})
    helps = known == len(names) if info.kind == "clip" else known > 0
    return frames if helps or len(names) != info.frames else list(range(info.frames))


def stem_of(name: str) -> str:
    """A name without folders and ending."""
    return _EXPORT_HASH.sub("", PurePosixPath(name[-400:].replace("\\", "/")).stem)


def no_frame(info: MediaInfo) -> str:
    """Why something has no place here."""
    if info.kind == "clip":
        return f"They are about no frame of this clip. Name them by frame, from 00000 to {info.frames - 1:05d}."
    if info.kind == "album":
        return "They are about none of these photos. Name them as the photos are named."
    return f"They are about another picture. Name them as this one, {_plain(info.name)}."


def chosen_of(titles: Sequence[str], info: MediaInfo) -> int:
    """The place of the clip that is open among several; raises `MediaError` where none is called like it."""
    if len(titles) == 1:
        return 0
    wanted = _plain(stem_of(info.name))
    places = [place for place, title in enumerate(titles) if wanted in map(_plain, PurePath(title).parts)]
    if len(places) != 1:
        some = ", ".join(f"“{title[-40:]}”" for title in sorted(titles)[:3])
        raise MediaError(
            f"This file is about {len(titles)} clips ({some} …), and none of them is called “{wanted}”. "
            "Import a file about this one alone."
        )
    return places[0]


def _by_number(stems: Sequence[str], count: int) -> list[int | None]:
    digits = [re.findall(r"[0-9]{1,9}", stem) for stem in stems]
    known = [found[-1] for found in digits if found]
    numbers = {int(text) for text in known}
    is_padded = any(text.startswith("0") for text in known)
    from_one = bool(numbers) and min(numbers) == 1 and (max(numbers) == count or not is_padded)
    frames = [int(found[-1]) - from_one if found else None for found in digits]
    return [frame if frame is not None and frame < count else None for frame in frames]


def _by_name(stems: Sequence[str], info: MediaInfo) -> list[int | None]:
    photos = [_plain(stem_of(name)) for name in info.names or (info.name,)]
    frames = {name: frame for frame, name in enumerate(photos) if photos.count(name) == 1}
    return [frames.get(_plain(stem)) for stem in stems]


def _plain(name: str) -> str:
    return clean_name(name).casefold()
