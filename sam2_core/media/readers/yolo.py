"""YOLO's text files: one for each picture, one line for each object.

A line is the number of a class, then an outline's corners x, y, … or a box's centre, width and height, all as shares
of the picture's sides. What trackers put behind them is understood: a confidence, and the number of the object.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import yaml

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, ImportTooLarge
from sam2_core.media.readers.frame_matching import frames_of, no_frame
from sam2_core.media.readers.polygon_filling import draw_polygon, parse_ring
from sam2_core.media.readers.zip_reader import ZipReader
from sam2_core.types import Box, Mask

LISTS = {"classes.txt", "obj.names", "_darknet.labels"}  # the names of the classes, one a line
MOST_TEXT_BYTES = 4_000_000
MOST_TEXTS_BYTES = 200_000_000  # of all files together
MOST_LIST_BYTES = 200_000  # of names of classes: YAML is read slowly
_MOST_LISTS = 5
_LINE = re.compile(r"[0-9]{1,9}(?:\.0+)?(?:[ \t]+[-+.0-9eE]{1,40}){4,}\s*")
_FIRST_LINE = re.compile(r"\s*([^\r\n]*)")
_BOX = 4  # numbers behind the class
_SLACK = 0.02  # shares of a side, by which corners may lie outside


def is_yolo(text: str) -> bool:
    """Whether a text looks like this format: at least one line, and the first one is right."""
    first = _FIRST_LINE.match(text)
    return first is not None and _LINE.fullmatch(first[1].strip()) is not None


def read_labels(archive: ZipReader) -> tuple[dict[str, str], dict[int, str]]:
    """The label files in an archive, and the names of the classes. Both are empty where it is no archive of labels.

    Raises `TooMuch` for more text than can be kept.
    """
    listed = [name for name in archive.with_ending(".txt") if PurePosixPath(name).name.lower() not in LISTS]
    texts, length = dict[str, str](), 0
    for name in listed:
        text = archive.read(name, MOST_TEXT_BYTES).decode("utf-8", "replace")
        if is_yolo(text) or (not text.strip() and "labels" in PurePosixPath(name).parts):
            texts[name], length = text, length + len(text)
        if length > MOST_TEXTS_BYTES:
            raise ImportTooLarge("There are more labels in this file than can be read at once. Pack fewer frames.")
    is_any = any(text.strip() for text in texts.values())
    return (texts, _class_names(archive)) if is_any else ({}, {})


def read_yolo(texts: Mapping[str, str], classes: Mapping[int, str], into: AnnotationBuilder) -> None:
    """Read label files, by their names."""
    frames = frames_of(list(texts), into.info)
    for done, (name, frame, text) in enumerate(zip(texts, frames, texts.values(), strict=True)):
        into.progress(done, len(texts))
        lines = [line for line in text.splitlines() if line.strip()]
        with into.item(PurePosixPath(name).name):
            if lines and frame is None:
                raise MediaError(no_frame(into.info))
        if frame is not None:
            for line in lines:
                with into.item(PurePosixPath(name).name):
                    _read_line(line, frame, classes, into)


def _read_line(line: str, frame: int, classes: Mapping[int, str], into: AnnotationBuilder) -> None:
    height, width = into.info.size_of(frame)
    words = line.split()
    if not _LINE.fullmatch(line.strip()):
        raise MediaError("Some lines are not of this format: a class and numbers from 0 to 1.")
    numbers, track = _without_extras(words[1:])
    kind = int(float(words[0]))
    label = classes.get(kind, f"class {kind}")
    shape = _shape(numbers, height, width, into)
    key: Hashable = None if track is None else (kind, track)
    into.put(frame, key, shape, label=label)


def _without_extras(words: list[str]) -> tuple[list[float], int | None]:
    """The coordinates, and the number of the object where a tracker has put one behind them.

    An outline has an even number of coordinates. A whole number above 1 is no coordinate.
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


def _shape(numbers: list[float], height: int, width: int, into: AnnotationBuilder) -> Mask | Box:
    if not all(-_SLACK <= number <= 1 + _SLACK for number in numbers):
        raise MediaError("Their numbers are not from 0 to 1, as shares of the picture's sides.")
    if len(numbers) == _BOX:
        x, y, wide, high = numbers
        return Box((x - wide / 2) * width, (y - high / 2) * height, (x + wide / 2) * width, (y + high / 2) * height)
    return draw_polygon(parse_ring(numbers) * np.array([width, height]), height, width, into.spend)


def _class_names(archive: ZipReader) -> dict[int, str]:
    for name in archive.with_ending(".yaml", ".yml")[:_MOST_LISTS]:
        try:
            # This loader makes nothing but texts, lists and mappings, and no copies of what a file refers to again.
            names = _names_in(yaml.load(archive.read(name, MOST_LIST_BYTES), yaml.BaseLoader))  # noqa: S506
        except ImportTooLarge:
            raise
        except (yaml.YAMLError, ValueError, RecursionError, MediaError):
            continue
        if names:
            return names
    for name in archive.names:
        if PurePosixPath(name).name.lower() in LISTS:
            lines = archive.read(name, MOST_LIST_BYTES).decode("utf-8", "replace").splitlines()
            return {number: line.strip() for number, line in enumerate(lines)}
    return {}


def _names_in(plain: Any) -> dict[int, str]:
    """From YAML that was read without types, in which numbers are texts, too."""
    names = plain.get("names") if isinstance(plain, dict) else None
    pairs = enumerate(names) if isinstance(names, list) else names.items() if isinstance(names, dict) else ()
    numbered = ((str(number), name) for number, name in pairs if isinstance(name, str))
    return {int(number[:9]): name for number, name in numbered if number.isascii() and number.isdigit()}
