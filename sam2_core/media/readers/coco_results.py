"""COCO's results: a list of masks or boxes with `image_id`, as detectors write it for an evaluation.

There are no names: an image is called as its id, as COCO and YOLO count their images, or its id is its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.coco import shape_of
from sam2_core.media.readers.described_images import DescribedImage, fit_for, read_images
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.json_values import Key, key_of, text_of

Result = dict[str, Any]


def is_coco_results(document: Document) -> bool:
    """Whether a document is of this format."""
    listed = document.value if isinstance(document.value, list) else []
    return any(isinstance(each, dict) and "image_id" in each and bool({"segmentation", "bbox"} & each.keys())
               for each in listed[:5])  # fmt: skip


def read_coco_results(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format."""
    numbered = _numbered_names(builder)
    images = [
        DescribedImage(document, _names_of(key, results, numbered), results)
        for document in documents
        for key, results in _by_image(document).items()
    ]
    read_images(images, partial(_read_image, builder=builder), builder)


COCO_RESULTS = DocumentFormat("COCO results", is_coco_results, read_coco_results)


def _by_image(document: Document) -> dict[Key, list[Result]]:
    results: dict[Key, list[Result]] = defaultdict(list)
    for each in document.value:
        if isinstance(each, dict):
            results[key_of(each, "image_id")].append(each)
    return results


def _numbered_names(builder: AnnotationBuilder) -> dict[int, list[str]]:
    """The names of the pictures whose stems are numbers, by this number."""
    names: dict[int, list[str]] = defaultdict(list)
    for name in builder.info.names or (builder.info.name,):
        stem = PurePosixPath(name).stem
        if stem.isascii() and stem.isdigit() and len(stem) < 19:
            names[int(stem)].append(name)
    return names


def _names_of(key: Key, results: Sequence[Result], numbered: dict[int, list[str]]) -> list[str]:
    same = numbered.get(key, []) if isinstance(key, int) else []
    return [
        *(name for name in (text_of(results[0], "file_name"),) if name),
        f"{key}",
        *(same if len(same) == 1 else []),
    ]


def _read_image(results: Sequence[Result], frame: int, builder: AnnotationBuilder) -> None:
    for each in results:
        number = key_of(each, "category_id")
        label = text_of(each, "category_name") or ("" if number is None else f"class {number}")
        with builder.item(label):
            track = key_of(each, "track_id", "instance_id")
            builder.add(frame, track, shape_of(each, frame, fit_for(frame, 0, 0, builder), builder), label=label)
