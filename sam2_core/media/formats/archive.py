"""What the archives of all formats have in common: names of frames, pictures as bytes, and a manifest."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias

from sam2_core.media.atomic import new_file
from sam2_core.media.draw import encode_jpeg
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.source_frames import iterate_source_frames
from sam2_core.types import FrameMasks

Known: TypeAlias = dict[int, list[int]]
"""The frames on which each object has a mask, if only an empty one."""

MOST_OF_IT = 0.99  # of the work is in the frames
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+")


@contextmanager
def new_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A ZIP archive to fill, which appears under its name only when complete. Pictures are packed already."""
    with new_file(path) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        yield archive


def frame_title(media: MaskedMedia, frame: int) -> str:
    """What files about this frame are called: the frame's number in a clip, else the picture's own name."""
    if media.info.kind == "clip":
        return f"{frame:05d}"
    return media.title_of(frame) if media.info.kind == "album" else Path(media.info.name).stem


def plain_titles(media: MaskedMedia) -> dict[int, str]:
    """The same for data sets, whose lists are read word by word: letters, digits, - and _ alone, no two alike."""
    if media.info.kind == "clip":
        return {frame: frame_title(media, frame) for frame in media.frames}
    titles, taken = dict[int, str](), set[str]()
    for frame in range(media.info.frames):
        title = unlike = plain_name(frame_title(media, frame))
        number = 2
        while unlike.casefold() in taken:
            unlike, number = f"{title}_{number}", number + 1
        titles[frame] = unlike
        taken.add(unlike.casefold())
    return titles


def plain_name(text: str) -> str:
    """A text as a name of letters, digits, - and _."""
    return re.sub(r"[^\w\-]+", "_", text).strip("_") or "masklet"


def one_line(text: str) -> str:
    """A user's words without what breaks lines or files: control characters, odd blanks, halves of characters."""
    return " ".join(_UNSPEAKABLE.sub(" ", text).split())


@contextmanager
def pictured(
    media: MaskedMedia, options: ExportOptions, known: Known, message: str, report: ProgressReporter
) -> Iterator[Iterator[tuple[FrameMasks, bytes | None]]]:
    """The masks of each chosen frame and, where the order wants pictures, the frame itself as a JPEG of mask size.

    Notes in `known` which masks there were.
    """
    originals = iterate_source_frames(media.store, media.frames) if options.include_images else None
    with closing(originals) if originals else nullcontext():
        yield _pairs(media.iterate(message, report, MOST_OF_IT), originals, known)


def _pairs(
    walk: Iterator[FrameMasks], originals: Iterator[RgbArray] | None, known: Known
) -> Iterator[tuple[FrameMasks, bytes | None]]:
    for found in walk:
        for each in found.objects:
            known.setdefault(each.object_id, []).append(found.frame)
        yield found, encode_jpeg(next(originals)) if originals else None


def manifest(media: MaskedMedia, known: Mapping[int, list[int]]) -> dict[str, Any]:
    """What an archive is about; `known` are the frames on which each object has a mask, if only an empty one."""
    info, frames = media.info, media.frames
    called = {each.id: each.to_json() for each in media.objects}
    objects = [{**called[number], "frames_with_mask": sorted(known[number])} for number in sorted(known)]
    about = {"name": info.name, "width": info.width, "height": info.height, "frames": info.frames, "fps": info.fps}
    chosen = {"first": frames[0], "last": frames[-1], "step": frames.step}
    return about | ({"photos": info.names} if info.names else {}) | {"chosen": chosen, "objects": objects}


def write_json(archive: zipfile.ZipFile, name: str, plain: Any) -> None:
    """Put plain data into an archive."""
    archive.writestr(name, json.dumps(plain, indent=1), zipfile.ZIP_DEFLATED)


def write_text(archive: zipfile.ZipFile, name: str, lines: list[str]) -> None:
    """Put lines of text into an archive."""
    archive.writestr(name, "".join(f"{line}\n" for line in lines), zipfile.ZIP_DEFLATED)
