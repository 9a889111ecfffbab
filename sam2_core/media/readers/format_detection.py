"""Reads annotation files; their format is detected from the content, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from sam2_core.errors import MediaError
from sam2_core.media.info import MediaInfo
from sam2_core.media.ingest import clean_name
from sam2_core.media.progress import MediaProgress
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, ImportedAnnotations, ImportTooLarge
from sam2_core.media.readers.coco import COCO
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.labelme import LABELME
from sam2_core.media.readers.png_masks import read_png, read_pngs
from sam2_core.media.readers.yolo import YOLO
from sam2_core.media.readers.youtube_vis import YOUTUBE_VIS
from sam2_core.media.readers.zip_reader import ZipReader, open_zip

MAX_FILE_BYTES = 100_000_000  # of JSON, text or one PNG; a ZIP file may be larger
MAX_TEXT_BYTES = 4_000_000  # of one text file
MAX_TOTAL_TEXT_BYTES = 200_000_000
UNKNOWN = (
    "These are no annotations that can be read here. Use a COCO, YouTube-VIS or LabelMe JSON file, YOLO labels, or a "
    "ZIP file of PNG masks as DAVIS has them."
)
FORMATS: tuple[DocumentFormat, ...] = (YOLO, YOUTUBE_VIS, COCO, LABELME)
"""A document belongs to the first format that matches."""


def read_annotations(
    path: str | Path, info: MediaInfo, progress: MediaProgress | None = None, by_order: bool = False
) -> ImportedAnnotations:
    """All masks and boxes of a file for this medium, by frame, and what was skipped.

    Names in the file decide which pictures are meant. With `by_order`, their order counts where no name fits.

    Reads COCO, YouTube-VIS and LabelMe JSON, YOLO label files, PNG masks, and ZIP files with any of these; see the
    modules of this package. Raises `MediaError` if nothing can be used (`NamesDiffer` where `by_order` could help), and
    what `progress` raises.
    """
    file, builder = Path(path), AnnotationBuilder(info, progress, by_order)
    try:
        with file.open("rb") as opened:
            head = opened.read(8)
        if not head:
            raise MediaError("The file is empty (0 bytes). Copy it again, or use another one.")
        if head.startswith(b"PK"):
            with open_zip(file) as archive:
                _read_zip(archive, builder)
        elif file.stat().st_size > MAX_FILE_BYTES:
            raise MediaError(f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB. Export fewer frames.")
        else:
            _read_file(_SingleFile(clean_name(file.name), file.read_bytes()), builder)
    except OSError as error:
        raise MediaError("The file is not here (any more). Open it again.") from error
    return builder.build()


class _SingleFile:
    """A file that came alone, as `AnnotationFiles`."""

    def __init__(self, name: str, content: bytes) -> None:
        self.names, self.content = [name], content

    def with_extension(self, *extensions: str) -> list[str]:
        return [name for name in self.names if PurePosixPath(name).suffix.lower() in extensions]

    def read(self, name: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        return self.content[:max_bytes]


def _read_file(file: _SingleFile, builder: AnnotationBuilder) -> None:
    [name] = file.names
    if file.content.startswith(b"\x89PNG\r\n\x1a\n"):
        return read_png(name, file.content, builder)
    document = _parse(name, file.content, builder)
    if isinstance(document.value, dict) and document.value.get("format") == "masklet-project":
        raise MediaError("This is a project of Masklet. Open it with “Open project”.")
    if _read_documents([document], file, builder):
        raise MediaError(UNKNOWN)


def _read_zip(archive: ZipReader, builder: AnnotationBuilder) -> None:
    """Read the documents of all formats; PNG masks count only if there are none."""
    documents, length = list[Document](), 0
    for name in archive.with_extension(".json", ".txt"):
        if PurePosixPath(name).name == "manifest.json":
            continue
        is_text = PurePosixPath(name).suffix.lower() == ".txt"
        document = _parse(name, archive.read(name, *([MAX_TEXT_BYTES] if is_text else [])), builder)
        length += len(document.value) if document.syntax == "text" else 0
        if length > MAX_TOTAL_TEXT_BYTES:
            raise ImportTooLarge("There are more labels in this file than can be read at once. Pack fewer frames.")
        documents.append(document)
    unknown = _read_documents(documents, archive, builder)
    if len(unknown) < len(documents) and any(not _is_blank(each) for each in documents if each not in unknown):
        return
    if not archive.with_extension(".png"):
        raise MediaError(UNKNOWN)
    read_pngs(archive, builder)


def _parse(name: str, content: bytes, builder: AnnotationBuilder) -> Document:
    """A file's content as JSON or text; raises `MediaError` if it looks like JSON and is not."""
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return Document(name, "json", builder.parse(content))
    if len(content) > MAX_TEXT_BYTES:
        raise MediaError(UNKNOWN)
    return Document(name, "text", content.decode("utf-8", "replace"))


def _read_documents(
    documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder
) -> list[Document]:
    """Read the documents, format by format; returns those of no known format."""
    unknown, by_format = list[Document](), dict[str, list[Document]]()
    for document in documents:
        title = next((each.title for each in FORMATS if each.matches(document)), "")
        by_format.setdefault(title, []).append(document)
    unknown = by_format.pop("", [])
    for each in FORMATS:
        if each.title in by_format:
            each.read(by_format[each.title], files, builder)
    return unknown


def _is_blank(document: Document) -> bool:
    return document.syntax == "text" and not document.value.strip()
