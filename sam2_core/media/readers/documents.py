"""Documents of annotations, parsed, and the description of a format that reads them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal, Protocol, TypeAlias

from sam2_core.media.readers.annotation_builder import AnnotationBuilder

_FORMAT_FOLDERS = {
    "annotation", "annotations", "labels", "json", "coco", "instances", "keypoints", "person_keypoints", "panoptic",
    "masks", "polygons", "boxes", "bbox", "detection", "segmentation",
}  # fmt: skip
Syntax: TypeAlias = Literal["json", "xml", "text"]


@dataclass(frozen=True, slots=True)
class Document:
    """One file: `name` is its path within the archive, or its file name; `value` the parsed JSON, the XML's root
    element, or the text."""

    name: str
    syntax: Syntax
    value: Any


def located_names(named: Sequence[tuple[Document, str]]) -> list[str]:
    """Names of pictures, with the document that has each one, so that they tell the pictures of a ZIP file apart.

    A name that documents in different folders have is put into the folder of its document: `front/labels.json` and
    `rear/labels.json` have different pictures `0001.jpg`. Folders named after formats do not count.
    """
    folders: dict[str, set[str]] = defaultdict(set)
    for document, name in named:
        folders[name].add(_folder_of(document))
    return [
        str(PurePosixPath(_folder_of(document), name)) if name and len(folders[name]) > 1 else name
        for document, name in named
    ]


def _folder_of(document: Document) -> str:
    parts = PurePosixPath(document.name.replace("\\", "/")).parts[:-1]
    return "/".join(part for part in parts if part.lower() not in _FORMAT_FOLDERS)


class AnnotationFiles(Protocol):
    """The files that came together: the members of an archive, or a single file."""

    names: list[str]

    def with_extension(self, *extensions: str) -> list[str]:
        """Names of the files with these extensions, given in lower case and with the dot."""
        ...

    def read(self, name: str, max_bytes: int = ...) -> bytes:
        """The content of a file; raises `MediaError` if it is damaged or larger than `max_bytes`."""
        ...


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """A format of annotations.

    matches: whether a document is of this format. A document belongs to the first format that matches it.
    read: reads all documents of this format; other files beside them, such as a list of classes, are in the second
    argument. Items that cannot be used are reported to the builder; raises `MediaError` if none can be.
    has_masks: False for documents that are recognized only to be named; see `without_masks`.
    """

    title: str
    matches: Callable[[Document], bool]
    read: Callable[[Sequence[Document], AnnotationFiles, AnnotationBuilder], None]
    has_masks: bool = True


def without_masks(title: str, matches: Callable[[Document], bool], reason: str) -> DocumentFormat:
    """A format that has neither masks nor boxes; its documents are skipped for this reason."""

    def read(documents: Sequence[Document], _files: AnnotationFiles, builder: AnnotationBuilder) -> None:
        for document in documents:
            builder.skip(reason, document.name)

    return DocumentFormat(title, matches, read, has_masks=False)
