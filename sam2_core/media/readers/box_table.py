"""Tables (CSV) of boxes: Masklet's own, and those of other programs with a row for each box and its picture's name.

Where all coordinates are from 0 to 1 they are fractions of the picture's sides.
"""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.described_images import DescribedImage, fit_for, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.json_values import whole_of
from sam2_core.types import Box

ONLY_BOXES = "A table has boxes, no masks. Use another kind of file for the masks."
_COLUMNS = {
    "file": ("file", "filename", "image", "image_name", "image_path", "path"),
    "label": ("label", "class", "class_name", "category"),
    "left": ("left", "xmin", "x_min", "x1"),
    "top": ("top", "ymin", "y_min", "y1"),
    "right": ("right", "xmax", "x_max", "x2"),
    "bottom": ("bottom", "ymax", "y_max", "y2"),
    "frame": ("frame",),
    "object": ("object", "track_id"),
    "name": ("name",),
    "width": ("width",),
    "height": ("height",),
}
"""What a column may be called, in lower case."""
_NEEDED = ("left", "top", "right", "bottom")

Row = dict[str, str]


def is_box_table(document: Document) -> bool:
    """Whether a document is of this format, by its first line."""
    return document.syntax == "text" and {*_NEEDED} <= _places_of(document.value[:2000].partition("\n")[0]).keys()


def read_box_table(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format."""
    for document in documents:
        builder.check_lines(document.value)
    images = [
        DescribedImage(document, [name, name.strip()] if name.strip() else [document.name], rows, frame)
        for document in documents
        for (name, frame), rows in _by_image(document).items()
    ]
    rows = [row for image in images for row in image.content]
    is_relative = all(0 <= _number(row.get(side) or "0") <= 1 for row in rows for side in _NEEDED)
    has_names = any(row.get("file") for row in rows)
    read_images(
        images,
        partial(_read_rows, is_relative=is_relative, builder=builder),
        builder,
        binding=has_names or len(files.names) > 1,
    )
    builder.notes.append(ONLY_BOXES)


BOX_TABLE = DocumentFormat("CSV table", is_box_table, read_box_table)


def _places_of(header: str) -> dict[str, int]:
    """The columns that are known, by our names for them."""
    names = [name.strip().strip("\"'").casefold() for name in header.replace(";", ",").split(",")]
    return {
        ours: next(names.index(name) for name in others if name in names)
        for ours, others in _COLUMNS.items()
        if any(name in names for name in others)
    }


def _by_image(document: Document) -> dict[tuple[str, int | None], list[Row]]:
    header, _, text = document.value.partition("\n")
    places = _places_of(header)
    by_image: dict[tuple[str, int | None], list[Row]] = defaultdict(list)
    try:
        for cells in csv.reader(io.StringIO(text), delimiter=";" if ";" in header else ","):
            row = {ours: cells[place].strip() for ours, place in places.items() if place < len(cells)}
            file = cells[places["file"]] if "file" in row else ""  # whose spaces may be part of the name
            frame = row.get("frame", "")
            is_number = frame.isascii() and frame.isdigit() and len(frame) < 10
            by_image[_plain(file), int(frame) if is_number else None].append(row)
    except csv.Error as error:
        raise MediaError("The table is damaged. Export it again.") from error
    return by_image


def _read_rows(rows: Sequence[Row], frame: int, is_relative: bool, builder: AnnotationBuilder) -> None:
    height, width = builder.info.size_of(frame) if is_relative else (1, 1)
    for row in rows:
        label, name = _plain(row.get("label", "")), _plain(row.get("name", ""))
        with builder.item(name or label):
            sides = [row.get(side, "") for side in _NEEDED]
            if not any(sides):
                continue  # an empty mask
            listed_height, listed_width = (whole_of(row, side) for side in ("height", "width"))
            fit = fit_for(frame, listed_height, listed_width, builder)
            box = Box(*(_number(side) * scale for side, scale in zip(sides, (width, height) * 2, strict=True)))
            key = row.get("object") or None
            builder.add(frame, key, box if is_relative else fit.box(box), name, label)


def _plain(text: str) -> str:
    """Text without the apostrophe that keeps spreadsheets from taking it for a formula."""
    return text[1:] if text.startswith("'") else text


def _number(text: str) -> float:
    """A number, or NaN, with which a box is skipped."""
    try:
        return float(text)
    except ValueError:
        return math.nan
