"""The text files of MOTS and MOTChallenge: one line for each object on each frame of a clip.

MOTS: frame, object, class, height, width and run lengths, separated by spaces. An object is 1000 times its class and a
number; 10000 is a region to be ignored. MOTChallenge: frame and object, both from 1 on, and a box, separated by commas.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.frame_matching import choose_clip, no_frame
from sam2_core.types import Box, Mask

IGNORED = 10_000
_LABELS = {1: "car", 2: "pedestrian"}
_MASK = re.compile(r"([0-9]{1,7}) ([0-9]{1,7}) ([0-9]{1,5}) ([0-9]{2,6}) ([0-9]{2,6}) (\S+)\s*")
_NUMBER = r"\s*(-?[0-9]{1,9}(?:\.[0-9]{0,20})?)\s*"
_BOX = re.compile(r"\s*([0-9]{1,7})\s*,\s*(-?[0-9]{1,9})(?:\.0+)?\s*" + f",{_NUMBER}" * 5 + r"(?:,[-+.0-9eE,\s]*)?")
_DIGITS = (1, 6, 5, 4, 8, 10)  # of numbers in the names of frames
_FOLDERS = {"gt", "det", "instances_txt", "data"}  # of a sequence


def is_mots(document: Document) -> bool:
    """Whether a document has masks of this format, by its first line."""
    return document.syntax == "text" and _MASK.fullmatch(_first_line(document.value)) is not None


def is_mot(document: Document) -> bool:
    """Whether a document has boxes of this format, by its first line."""
    return document.syntax == "text" and _BOX.fullmatch(_first_line(document.value)) is not None


def read_mots(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read masks; raises `MediaError` for one of several clips, none of which is open."""
    for document in _of_clip(documents, builder):
        with builder.document(document.name):
            _read_lines(document, _MASK, None, _add_mask, builder)


def read_mot(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read boxes; raises `MediaError` for one of several clips, none of which is open."""
    for document in _of_clip(documents, builder):
        with builder.document(document.name):
            _read_lines(document, _BOX, 1, _add_box, builder)


MOTS = DocumentFormat("MOTS", is_mots, read_mots)
MOT = DocumentFormat("MOTChallenge", is_mot, read_mot)


def _first_line(text: str) -> str:
    return next((line for line in text[:100_000].splitlines() if line.strip()), "")


def _of_clip(documents: Sequence[Document], builder: AnnotationBuilder) -> list[Document]:
    """The documents of the open clip: each sequence has a file or a folder of its name."""
    if builder.info.kind != "clip":
        return [*documents]
    titles = [_title_of(document) for document in documents]
    distinct = [*dict.fromkeys(titles)]
    chosen = distinct[choose_clip(distinct, builder.info)]
    return [document for document, title in zip(documents, titles, strict=True) if title == chosen]


def _title_of(document: Document) -> str:
    path = PurePosixPath(document.name)
    folders = [part for part in path.parts[:-1] if part not in _FOLDERS]
    return folders[-1] if path.stem in ("gt", "det") and folders else path.stem


def _read_lines(
    document: Document,
    pattern: re.Pattern[str],
    first: int | None,
    add: Callable[[int, re.Match[str], AnnotationBuilder], None],
    builder: AnnotationBuilder,
) -> None:
    """Read the lines of a file by frame. `first` is the number of the first frame, None if that depends on the file."""
    builder.check_lines(document.value)
    by_frame: dict[int, list[re.Match[str]]] = defaultdict(list)
    for line in document.value.splitlines():
        match = pattern.fullmatch(line)
        if match:
            by_frame[int(match[1])].append(match)
        elif line.strip():
            builder.skip("Some lines are not of this format. Export them again.", document.name)
    numbers = sorted(by_frame)
    if builder.info.kind == "clip" and first is not None:
        frames = [number - first if first <= number < builder.info.frames + first else None for number in numbers]
    else:
        frames = builder.match_frames([[f"{number:0{digits}d}" for digits in _DIGITS] for number in numbers])
    for done, (number, frame) in enumerate(zip(numbers, frames, strict=True)):
        builder.progress(done, len(numbers))
        for match in by_frame[number]:
            with builder.item(document.name):
                if frame is None:
                    raise MediaError(no_frame(builder.info))
                add(frame, match, builder)


def _add_mask(frame: int, match: re.Match[str], builder: AnnotationBuilder) -> None:
    object_id, class_id, height, width = (int(match[group]) for group in (2, 3, 4, 5))
    if object_id == IGNORED:
        return
    mask = Mask.from_coco({"size": [height, width], "counts": match[6]})
    builder.add(frame, object_id, mask, label=_LABELS.get(class_id, f"class {class_id}"))


def _add_box(frame: int, match: re.Match[str], builder: AnnotationBuilder) -> None:
    track, (left, top, width, height, confidence) = int(match[2]), (float(match[group]) for group in range(3, 8))
    if confidence == 0:
        return  # a region to be ignored
    box = Box(left - 1, top - 1, left - 1 + width, top - 1 + height)
    builder.add(frame, None if track < 0 else track, box)
