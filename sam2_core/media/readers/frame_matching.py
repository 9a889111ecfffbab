"""The frame of the open medium that the name of a file or image refers to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath

from sam2_core.errors import MediaError
from sam2_core.media.info import MediaInfo
from sam2_core.media.ingest import clean_name

_ROBOFLOW_HASH = re.compile(r"\.rf\.[0-9a-f]+$")  # which Roboflow appends to the names of images


def match_frames(names: Sequence[str], info: MediaInfo) -> list[int | None]:
    """The frame of each name, None if there is none.

    In a clip, the last number in a name counts: from 0, or from 1 if the numbers go from 1 to the number of frames, or
    begin at 1 without leading zeros. Images of an album are matched by name. If neither works and there are as many
    names as frames, their order counts.
    """
    stems = [stem_of(name) for name in names]
    frames = _match_numbers(stems, info.frames) if info.kind == "clip" else _match_names(stems, info)
    known = len(set(frames) - {None})
    matches = known == len(names) if info.kind == "clip" else known > 0
    return frames if matches or len(names) != info.frames else list(range(info.frames))


def stem_of(name: str) -> str:
    """A name without folders and extension."""
    return _ROBOFLOW_HASH.sub("", PurePosixPath(name[-400:].replace("\\", "/")).stem)


def no_frame(info: MediaInfo) -> str:
    """The message for an item that belongs to no frame."""
    if info.kind == "clip":
        return f"They are about no frame of this clip. Name them by frame, from 00000 to {info.frames - 1:05d}."
    if info.kind == "album":
        return "They are about none of these photos. Name them as the photos are named."
    return f"They are about another picture. Name them as this one, {_normalize(info.name)}."


def choose_clip(titles: Sequence[str], info: MediaInfo) -> int:
    """The index of the open clip among the titles of several; raises `MediaError` if none has its name."""
    if len(titles) == 1:
        return 0
    wanted = _normalize(stem_of(info.name))
    indices = [index for index, title in enumerate(titles) if wanted in map(_normalize, PurePath(title).parts)]
    if len(indices) != 1:
        some = ", ".join(f"“{title[-40:]}”" for title in sorted(titles)[:3])
        raise MediaError(
            f"This file is about {len(titles)} clips ({some} …), and none of them is called “{wanted}”. "
            "Import a file about this one alone."
        )
    return indices[0]


def _match_numbers(stems: Sequence[str], count: int) -> list[int | None]:
    digits = [re.findall(r"[0-9]{1,9}", stem) for stem in stems]
    known = [found[-1] for found in digits if found]
    numbers = {int(text) for text in known}
    is_padded = any(text.startswith("0") for text in known)
    from_one = bool(numbers) and min(numbers) == 1 and (max(numbers) == count or not is_padded)
    frames = [int(found[-1]) - from_one if found else None for found in digits]
    return [frame if frame is not None and frame < count else None for frame in frames]


def _match_names(stems: Sequence[str], info: MediaInfo) -> list[int | None]:
    names = [_normalize(stem_of(name)) for name in info.names or (info.name,)]
    frames = {name: frame for frame, name in enumerate(names) if names.count(name) == 1}
    return [frames.get(_normalize(stem)) for stem in stems]


def _normalize(name: str) -> str:
    return clean_name(name).casefold()
