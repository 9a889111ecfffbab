"""YOLO's text files: one for each image, one line for each object.

A line is the number of a class, then a polygon's corners x, y, … or a box's center, width and height, all as fractions
of the image's sides. What trackers append is understood: a confidence, and the object's id. Of
key points the boxes are used; see `yolo_pose`.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import yaml

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.frame_matching import no_frame
from sam2_core.media.readers.polygon_filling import draw_polygon, parse_ring
from sam2_core.media.readers.yolo_pose import BOX, MAX_LENGTH, LineKind, classify_all
from sam2_core.types import Box, Mask

CLASS_LISTS = {"classes.txt", "obj.names", "_darknet.labels"}  # one name per line
BAD_LINES = "Some lines are not the number of a class and at least four numbers from 0 to 1."
MAX_CLASS_LIST_BYTES = 200_000  # YAML is parsed slowly
_MAX_CLASS_LISTS = 10
_LINE = re.compile(r"[0-9]{1,9}(?:\.0+)?(?: [-+.0-9eE]{1,40}){4,}")
_NEARLY_LINE = re.compile(r"\S{1,40}(?: (?:[-+.0-9eE]{1,40}|[-+]?(?:nan|inf|infinity)))+", re.IGNORECASE)
_MAX_LOOKED_AT = 100  # lines, for one that is of this format
_SEPARATORS = re.compile(r"[\s,;]+")
_DECIMAL_COMMAS = re.compile(r"[0-9]+(?:[\s;]+[-+]?[0-9]+(?:,[0-9]+)?){4,}[\s;]*")
_COMMENTS = re.compile(r"\s*(?:(?:#|//)[^\r\n]*)?[\r\n]+")
_FIRST_LINE = re.compile(r"\s*([^\r\n]*)")
_TOLERANCE = 0.02  # fraction of a side by which corners may be outside
_SMALL_NUMBERS = {str(number) for number in range(1000)}
_MAX_SAMPLED = 20_000_000  # characters of label files in which they are looked for
_MAX_SAMPLES = 100  # lines of one length that are looked at for key points
_POSE = "Lines with key points, of which the boxes are used"
_MAYBE_POSE = "Lines read as boxes with key points, which may be outlines; “kpt_shape” in a data.yaml tells it"
_MAYBE_OUTLINE = "Lines read as outlines, which may be boxes with key points; “kpt_shape” in a data.yaml tells it"


def is_yolo(document: Document) -> bool:
    """Whether a document is of this format, by its first line, or one of the next if that is a faulty one; an empty
    document in a folder for labels is, too."""
    if document.syntax != "text" or _file_name(document.name) in CLASS_LISTS:
        return False
    text = document.value
    place = 0
    while (comment := _COMMENTS.match(text, place)) is not None:
        place = comment.end()
    first = _FIRST_LINE.match(text, place)
    line = "" if first is None else plain_line(first[1])
    if _LINE.fullmatch(line) or (_NEARLY_LINE.fullmatch(line) and _has_line(text[place:])):
        return True
    return not text.strip() and "labels" in PurePosixPath(document.name).parts


def _has_line(text: str) -> bool:
    lines = text[: 1000 * _MAX_LOOKED_AT].splitlines()[:_MAX_LOOKED_AT]
    return any(_LINE.fullmatch(plain_line(each)) for each in lines)


def faulty_line(text: str) -> int | None:
    """The number of the first line, from 1, if it is nearly one of this format: words that are numbers, some of them
    fractions, but too few, or without a class. None for other texts."""
    number, line = next(_numbered_lines(text), (0, ""))
    return number if "." in line and _NEARLY_LINE.fullmatch(line) else None


def read_yolo(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read label files; the names of the classes are in other files beside them."""
    lists = _class_lists(files, builder)
    names = _class_names(lists, files, builder)
    kinds = find_kinds(documents, _key_point_shape([*lists.values()]))
    frames = builder.match_frames([each.name for each in documents], binding=len(files.names) > 1)
    for done, (document, frame) in enumerate(zip(documents, frames, strict=True)):
        builder.progress(done, len(documents))
        lines, classes = [*_numbered_lines(document.value)], _classes_for(document, names)
        name = PurePosixPath(document.name).name
        with builder.document(document.name), builder.item(name):
            if frame is None:
                if lines:
                    raise MediaError(no_frame(builder.info))
                continue
            for number, line in lines:
                with builder.item(f"{name}, line {number}"):
                    _read_line(line, frame, classes, kinds, builder)


YOLO = DocumentFormat("YOLO", is_yolo, read_yolo)


def _numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are neither empty nor comments, their words apart by single blanks, with their numbers from 1."""
    return ((number, line) for number, each in enumerate(text.splitlines(), 1) if (line := plain_line(each)))


def plain_line(line: str) -> str:
    """A line without its comment; between numbers there may be commas, semicolons or tabs."""
    line = line.split("#")[0].split("//")[0]
    if "," in line and _DECIMAL_COMMAS.fullmatch(line.strip()):
        line = line.replace(",", ".")
    return " ".join(_SEPARATORS.split(line)).strip()


def find_kinds(documents: Sequence[Document], shape: tuple[int, int] | None) -> dict[int, LineKind]:
    """What the lines of each number of words are, those of the class included."""
    rows: dict[int, list[list[float]]] = defaultdict(list)
    left = _MAX_SAMPLED
    for document in documents:
        left -= len(document.value)
        for _, line in _numbered_lines(document.value) if left > 0 else ():
            words = line.split(" ", MAX_LENGTH + 2)
            if len(rows[len(words) - 1]) < _MAX_SAMPLES and _LINE.fullmatch(line):
                with suppress(ValueError):
                    numbers = [float(word) for word in words[1:]]
                    rows[len(numbers)] += [numbers] if all(map(math.isfinite, numbers)) else []
    return classify_all({length: lines for length, lines in rows.items() if lines}, shape)


def _read_line(
    line: str, frame: int, classes: Mapping[int, str], kinds: Mapping[int, LineKind], builder: AnnotationBuilder
) -> None:
    height, width = builder.info.size_of(frame)
    kind = kinds.get(line.count(" "), LineKind())
    class_id, track, numbers = parse_line(line, kind)
    label = classes.get(class_id, f"class {class_id}")
    key: Hashable = None if track is None else (class_id, track)
    builder.add(frame, key, _shape(numbers, height, width, builder), label=label)
    if kind.is_pose or not kind.is_certain:
        builder.note((_POSE if kind.is_certain else _MAYBE_POSE) if kind.is_pose else _MAYBE_OUTLINE)


def parse_line(line: str, kind: LineKind) -> tuple[int, int | None, list[float]]:
    """The class of a line as `plain_line` gives it, the object's id if it has one, and its coordinates: four of a box,
    more of an outline. Raises `MediaError`."""
    words = line.split(" ")
    if not _LINE.fullmatch(line):
        raise MediaError(BAD_LINES)
    track = _whole_number(words.pop()) if kind.has_track else None
    if kind.is_pose:
        words = words[: BOX + 1]
    numbers, own_track = _split_extras(words[1:])
    return int(float(words[0])), own_track if track is None else track, numbers


def _whole_number(word: str) -> int:
    try:
        return int(float(word))
    except (ValueError, OverflowError) as error:
        raise MediaError(BAD_LINES) from error


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
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise MediaError(BAD_LINES) from error
    if not all(map(math.isfinite, numbers)):
        raise MediaError(BAD_LINES)
    return numbers, track


def _shape(numbers: list[float], height: int, width: int, builder: AnnotationBuilder) -> Mask | Box:
    if not all(-_TOLERANCE <= number <= 1 + _TOLERANCE for number in numbers):
        raise MediaError("Their numbers are not from 0 to 1, as shares of the picture's sides.")
    if len(numbers) == BOX:
        x, y, w, h = numbers
        return Box((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
    return draw_polygon(parse_ring(numbers) * np.array([width, height]), height, width, builder.spend)


def _class_lists(files: AnnotationFiles, builder: AnnotationBuilder) -> dict[str, Any]:
    """The content of YAML files by their names, with all numbers as text."""
    lists = {}
    for name in files.with_extension(".yaml", ".yml")[:_MAX_CLASS_LISTS]:
        with suppress(yaml.YAMLError, ValueError, RecursionError), builder.item(name):
            text = builder.decode(files.read(name, MAX_CLASS_LIST_BYTES))
            # This loader makes only strings, lists and mappings, and does not copy aliased nodes.
            lists[name] = yaml.load(text, yaml.BaseLoader)  # noqa: S506
    return lists


def _class_names(
    lists: Mapping[str, Any], files: AnnotationFiles, builder: AnnotationBuilder
) -> dict[tuple[str, ...], dict[int, str]]:
    """The names of the classes by the folder of the file that has them, those in YAML first."""
    found = {name: names for name, each in lists.items() if (names := _names_in(each))}
    for name in [name for name in files.names if _file_name(name) in CLASS_LISTS][:_MAX_CLASS_LISTS]:
        with builder.item(name):
            lines = builder.decode(files.read(name, MAX_CLASS_LIST_BYTES)).splitlines()
            found[name] = {number: line.strip() for number, line in enumerate(lines)}
    by_folder: dict[tuple[str, ...], dict[int, str]] = {}
    for name, names in found.items():
        by_folder.setdefault(PurePosixPath(name).parts[:-1], names)
    return by_folder


def _classes_for(document: Document, by_folder: Mapping[tuple[str, ...], dict[int, str]]) -> dict[int, str]:
    """The classes in the folder of a document or the nearest one above, else the first ones."""
    folder = PurePosixPath(document.name).parts[:-1]
    above = (folder[:count] for count in range(len(folder), -1, -1))
    return next((by_folder[each] for each in above if each in by_folder), next(iter(by_folder.values()), {}))


def _key_point_shape(lists: Sequence[Any]) -> tuple[int, int] | None:
    """The number of key points, and of the numbers of each, that a YAML file names."""
    for each in lists:
        shape = each.get("kpt_shape") if isinstance(each, dict) else None
        numbers = [int(word) for word in shape if word in _SMALL_NUMBERS] if isinstance(shape, list) else []
        if len(numbers) == 2 and numbers[0] and numbers[1] in (2, 3):
            return numbers[0], numbers[1]
    return None


def _file_name(name: str) -> str:
    return PurePosixPath(name).name.lower()


def _names_in(plain: Any) -> dict[int, str]:
    """The class names in YAML that was parsed without types, so that numbers are strings."""
    names = plain.get("names") if isinstance(plain, dict) else None
    pairs = enumerate(names) if isinstance(names, list) else names.items() if isinstance(names, dict) else ()
    numbered = ((str(number), name) for number, name in pairs if isinstance(name, str))
    return {int(number[:9]): name for number, name in numbered if number.isascii() and number.isdigit()}
