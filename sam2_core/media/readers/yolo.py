"""YOLO's text files: one for each image, one line for each object.

A line is the number of a class, then a polygon's corners x, y, … or a box's center, width and height, all as fractions
of the image's sides. What trackers append is understood: a confidence, and the object's id.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import yaml

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, ImportTooLarge
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.frame_matching import no_frame
from sam2_core.media.readers.polygon_filling import draw_polygon, parse_ring
from sam2_core.types import Box, Mask

CLASS_LISTS = {"classes.txt", "obj.names", "_darknet.labels"}  # one name per line
MAX_CLASS_LIST_BYTES = 200_000  # YAML is parsed slowly
_MAX_CLASS_LISTS = 5
_LINE = re.compile(r"[0-9]{1,9}(?:\.0+)?(?:[ \t]+[-+.0-9eE]{1,40}){4,}\s*")
_FIRST_LINE = re.compile(r"\s*([^\r\n]*)")
_BOX_NUMBERS = 4  # after the class
_TOLERANCE = 0.02  # fraction of a side by which corners may be outside


def is_yolo(document: Document) -> bool:
    """Whether a document is of this format, by its first line; an empty one in a folder for labels is, too."""
    if document.syntax != "text" or _file_name(document.name) in CLASS_LISTS:
        return False
    first = _FIRST_LINE.match(document.value)
    if first is not None and _LINE.fullmatch(first[1].strip()) is not None:
        return True
    return not document.value.strip() and "labels" in PurePosixPath(document.name).parts


def read_yolo(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read label files; the names of the classes are in other files beside them."""
    classes = _class_names(files)
    frames = builder.match_frames([each.name for each in documents], binding=len(files.names) > 1)
    for done, (document, frame) in enumerate(zip(documents, frames, strict=True)):
        builder.progress(done, len(documents))
        lines = [line for line in document.value.splitlines() if line.strip()]
        with builder.document(document.name), builder.item(PurePosixPath(document.name).name):
            if frame is None:
                if lines:
                    raise MediaError(no_frame(builder.info))
                continue
            for line in lines:
                with builder.item(PurePosixPath(document.name).name):
                    _read_line(line, frame, classes, builder)


YOLO = DocumentFormat("YOLO", is_yolo, read_yolo)


def _read_line(line: str, frame: int, classes: Mapping[int, str], builder: AnnotationBuilder) -> None:
    height, width = builder.info.size_of(frame)
    words = line.split()
    if not _LINE.fullmatch(line.strip()):
        raise MediaError("Some lines are not of this format: a class and numbers from 0 to 1.")
    numbers, track = _split_extras(words[1:])
    class_id = int(float(words[0]))
    label = classes.get(class_id, f"class {class_id}")
    key: Hashable = None if track is None else (class_id, track)
    builder.add(frame, key, _shape(numbers, height, width, builder), label=label)


def _split_extras(words: list[str]) -> tuple[list[float], int | None]:
    """The coordinates, and the object's id if a tracker has appended one.

    The number of coordinates is even, and an integer above 1 is no coordinate.
    """
    track = None
    if words[-1].isdigit() and (len(words) % 2 or int(words[-1]) > 1):
        track = int(words[-1][:9])
        words = words[:-1]
    if len(words) % 2:
        words = words[:-1]  # the confidence
    try:
        return [float(word) for word in words], track
    except ValueError as error:
        raise MediaError("Some lines have something else than numbers.") from error


def _shape(numbers: list[float], height: int, width: int, builder: AnnotationBuilder) -> Mask | Box:
    if not all(-_TOLERANCE <= number <= 1 + _TOLERANCE for number in numbers):
        raise MediaError("Their numbers are not from 0 to 1, as shares of the picture's sides.")
    if len(numbers) == _BOX_NUMBERS:
        x, y, w, h = numbers
        return Box((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
    return draw_polygon(parse_ring(numbers) * np.array([width, height]), height, width, builder.spend)


def _class_names(files: AnnotationFiles) -> dict[int, str]:
    for name in files.with_extension(".yaml", ".yml")[:_MAX_CLASS_LISTS]:
        try:
            # This loader makes only strings, lists and mappings, and does not copy aliased nodes.
            names = _names_in(yaml.load(files.read(name, MAX_CLASS_LIST_BYTES), yaml.BaseLoader))  # noqa: S506
        except ImportTooLarge:
            raise
        except (yaml.YAMLError, ValueError, RecursionError, MediaError):
            continue
        if names:
            return names
    for name in files.names:
        if _file_name(name) in CLASS_LISTS:
            lines = files.read(name, MAX_CLASS_LIST_BYTES).decode("utf-8", "replace").splitlines()
            return {number: line.strip() for number, line in enumerate(lines)}
    return {}


def _file_name(name: str) -> str:
    return PurePosixPath(name).name.lower()


def _names_in(plain: Any) -> dict[int, str]:
    """The class names in YAML that was parsed without types, so that numbers are strings."""
    names = plain.get("names") if isinstance(plain, dict) else None
    pairs = enumerate(names) if isinstance(names, list) else names.items() if isinstance(names, dict) else ()
    numbered = ((str(number), name) for number, name in pairs if isinstance(name, str))
    return {int(number[:9]): name for number, name in numbered if number.isascii() and number.isdigit()}
