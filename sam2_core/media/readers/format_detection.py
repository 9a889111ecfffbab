"""Reads annotation files; their format is detected from the content, whatever they are called."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from sam2_core.errors import MediaError
from sam2_core.media.info import MediaInfo
from sam2_core.media.names import real_name
from sam2_core.media.progress import MediaProgress
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, ImportedAnnotations, ImportTooLarge
from sam2_core.media.readers.box_table import BOX_TABLE
from sam2_core.media.readers.cityscapes import CITYSCAPES
from sam2_core.media.readers.coco import CAPTIONS, COCO, KEY_POINTS
from sam2_core.media.readers.coco_panoptic import PANOPTIC
from sam2_core.media.readers.coco_results import COCO_RESULTS
from sam2_core.media.readers.create_ml import CREATE_ML
from sam2_core.media.readers.cvat import CVAT
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.folder_reader import FolderReader
from sam2_core.media.readers.image_masks import read_mask_image, read_mask_images
from sam2_core.media.readers.isat import ISAT
from sam2_core.media.readers.label_studio import LABEL_STUDIO
from sam2_core.media.readers.labelme import LABELME
from sam2_core.media.readers.mask_pixels import ENDINGS, is_picture
from sam2_core.media.readers.mots import MOT, MOTS
from sam2_core.media.readers.npz import read_npz
from sam2_core.media.readers.sam_records import SA1B, SAM_RECORDS
from sam2_core.media.readers.sav import SAV
from sam2_core.media.readers.supervisely import SUPERVISELY, SUPERVISELY_META
from sam2_core.media.readers.text_encoding import title_of
from sam2_core.media.readers.unread_formats import UNREAD_FORMATS, describe_archive, describe_content
from sam2_core.media.readers.via import VIA
from sam2_core.media.readers.voc import VOC
from sam2_core.media.readers.xml_values import is_xml
from sam2_core.media.readers.yolo import YOLO, faulty_line
from sam2_core.media.readers.youtube_vis import YOUTUBE_VIS
from sam2_core.media.readers.zip_reader import open_zip
from sam2_core.media.zip_file import MASK_FOLDERS

MAX_FILE_BYTES = 100_000_000  # of JSON, text or one PNG; a ZIP file may be larger
MAX_TEXT_BYTES = 30_000_000  # of one text file
_HEAD_BYTES = 600  # by which other formats are recognized
MAX_TOTAL_TEXT_BYTES = 200_000_000
UNKNOWN = (
    "These are no annotations that can be read here. Use a file of COCO, CVAT, Label Studio, LabelMe, VIA, "
    "Supervisely, Pascal VOC, YouTube-VIS, SA-V, MOTS or YOLO, or PNG masks in a ZIP file."
)
FORMATS: tuple[DocumentFormat, ...] = (
    YOUTUBE_VIS, COCO, LABELME, CVAT, LABEL_STUDIO, SUPERVISELY, SAV, SA1B, SAM_RECORDS, COCO_RESULTS, MOTS, VIA,
    CITYSCAPES, VOC, CREATE_ML, ISAT, *UNREAD_FORMATS, MOT, BOX_TABLE, YOLO, PANOPTIC, CAPTIONS, KEY_POINTS,
    SUPERVISELY_META,
)  # fmt: skip
"""A document belongs to the first format that matches. They are read in this order: of several formats that describe a
frame, the first one that has masks is used."""
UNKNOWN_JSON = "They are no JSON of a format that can be read here."
UNKNOWN_XML = "They are no XML of a format that can be read here."
UNKNOWN_LABELS = "They are no lines of YOLO's labels: the number of a class and at least four numbers from 0 to 1."
MASKS_BESIDE = "They are pictures of masks beside other annotations. Import them from a ZIP file of their own."
PACKED_TWICE = "This file is packed more than once. Unpack it, and import what is within."
PACKED = "They are archives within the ZIP file. Unpack them, and import them one by one."
_HEAD = 10_000  # characters in which a document begins
_PACKED = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
_JSON_LINES = re.compile(r"\s{0,100}\{[^\n]*\}[ \t\r]{0,100}\n\s{0,100}\{")
_LABELS = re.compile(r"(?:[-+]?[0-9]?[.,][0-9]{1,30}[ \t,;]{1,9}){3}")


def read_annotations(
    path: str | Path,
    info: MediaInfo,
    progress: MediaProgress | None = None,
    by_order: bool = False,
    name: str | None = None,
) -> ImportedAnnotations:
    """All masks and boxes of a file or folder for this medium, by frame, and what was skipped.

    Names in the file decide which pictures are meant. With `by_order`, their order counts where no name fits. `name` is
    what the user calls the file, by default as on the disk.

    Reads the formats of `FORMATS`, Masklet's NumPy archives, PNG masks, and ZIP files and folders with any of these;
    see the modules of this package. Raises `MediaError` if nothing can be used (`NamesDiffer` where `by_order` could
    help), and what `progress` raises.
    """
    file, builder = Path(path), AnnotationBuilder(info, progress, by_order)
    try:
        if file.is_dir():
            _read_archive(FolderReader(file), builder)
            return builder.build()
        with file.open("rb") as opened:
            head = opened.read(_HEAD_BYTES)
        if not head:
            raise MediaError("The file is empty (0 bytes). Copy it again, or use another one.")
        if head.startswith(b"PK"):
            with open_zip(file, info) as archive:
                if archive.name_encoding:
                    builder.notes.append(f"Names in the ZIP file were read as {title_of(archive.name_encoding)}.")
                _read_archive(archive, builder)
        elif about := describe_content(file.name, head):
            raise MediaError(about)
        elif file.stat().st_size > MAX_FILE_BYTES:
            raise MediaError(f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB. Export fewer frames.")
        else:
            _read_file(_SingleFile(real_name(name or file.name), file.read_bytes()), builder)
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
    if file.content.startswith(b"\x1f\x8b"):
        name = name.removesuffix(".gz")
        return _read_file(_SingleFile(name, _unpack(name, file.content)), builder)
    if is_picture(file.content):
        return read_mask_image(name, file.content, builder)
    document = _parse(name, file.content, builder)
    if isinstance(document.value, dict) and document.value.get("format") == "masklet-project":
        raise MediaError("This is a project of Masklet. Open it with “Open project”.")
    if _read_documents([document], file, builder):
        number = faulty_line(document.value) if document.syntax == "text" else None
        raise MediaError(UNKNOWN if number is None else f"{UNKNOWN_LABELS} ({name}, line {number})")


def _unpack(name: str, content: bytes) -> bytes:
    """The content of a gzip file, within bounds; raises `MediaError` for archives and other formats within."""
    try:
        unpacked = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, MAX_FILE_BYTES + 1)
    except zlib.error as error:
        raise MediaError("The packed file is damaged or cut off. Pack it again.") from error
    if len(unpacked) > MAX_FILE_BYTES:
        raise MediaError(f"The unpacked file is larger than {MAX_FILE_BYTES // 1_000_000} MB. Export fewer frames.")
    if about := describe_content(name, unpacked[:_HEAD_BYTES]):
        raise MediaError(about)
    if unpacked.startswith((b"PK", b"\x1f\x8b")):
        raise MediaError(PACKED_TWICE)
    return unpacked


def _read_archive(archive: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read the documents of all formats in a ZIP file or folder; PNG masks count only if there are none."""
    documents = _documents_of(archive, builder)
    unknown = _read_documents(documents, archive, builder)
    about = describe_archive(archive.names)
    for name in archive.with_extension(*_PACKED) if not about else ():
        builder.skip(PACKED, name)
    titles = {each.title for document in documents if (each := _format_with_masks(document)) is not None}
    if not titles and archive.with_extension(".npy"):
        with builder.format("NumPy"):
            read_npz(archive, builder)
    elif not titles and archive.with_extension(*ENDINGS):
        read_mask_images(archive, builder)
    elif builder.is_untouched and not titles:
        raise MediaError(about or UNKNOWN)
    for name, reason in _left_over(unknown, archive, titles):
        builder.skip(reason, name)


def _left_over(unknown: Sequence[Document], archive: AnnotationFiles, titles: set[str]) -> Iterator[tuple[str, str]]:
    """Documents of no known format, and masks that are not read beside those of these formats, with the reasons."""
    for document in unknown:
        ending = PurePosixPath(document.name).suffix.lower()
        if document.syntax == "json" or ending == ".json":
            yield document.name, UNKNOWN_JSON
        elif document.syntax == "xml" or ending == ".xml":
            yield document.name, UNKNOWN_XML
        elif _LABELS.search(document.value):
            yield document.name, UNKNOWN_LABELS
    if titles and not titles & {VOC.title, PANOPTIC.title}:  # which have masks in pictures beside them
        for name in archive.with_extension(*ENDINGS):
            if MASK_FOLDERS & {*map(str.lower, PurePosixPath(name).parts[:-1])}:
                yield name, MASKS_BESIDE


def _documents_of(archive: AnnotationFiles, builder: AnnotationBuilder) -> list[Document]:
    """The members that may be documents; damaged ones are skipped."""
    documents, length = list[Document](), 0
    for name in archive.with_extension(".json", ".jsonl", ".ndjson", ".txt", ".xml", ".csv"):
        is_text = PurePosixPath(name).suffix.lower() in (".txt", ".csv")
        with builder.item(name):
            document = _parse(name, archive.read(name, *([MAX_TEXT_BYTES] if is_text else [])), builder)
            length += len(document.value) if document.syntax == "text" else 0
            if length > MAX_TOTAL_TEXT_BYTES:
                raise ImportTooLarge("There are more labels in this file than can be read at once. Pack fewer frames.")
            if PurePosixPath(name).name != "manifest.json" or LABELME.matches(document):
                documents.append(document)
    return documents


def _parse(name: str, content: bytes, builder: AnnotationBuilder) -> Document:
    """A file's content as JSON, XML or text; raises `MediaError` if it looks like JSON or XML and is not.

    Text files may begin like these, such as a list of names.
    """
    text = "" if is_xml(content) else builder.decode(content)
    try:
        if is_xml(content):
            return Document(name, "xml", builder.parse_xml(content))
        if text[:_HEAD].lstrip()[:1] in ("{", "["):
            return Document(name, "json", builder.parse(_as_list(text)))
    except ImportTooLarge:
        raise
    except MediaError:
        if not name.lower().endswith(".txt"):
            raise
    if len(content) > MAX_TEXT_BYTES:
        raise MediaError(UNKNOWN)
    return Document(name, "text", text or builder.decode(content))


def _as_list(text: str) -> str:
    """JSON as it is; JSON lines, an object on each, as a list of them."""
    lines = _JSON_LINES.match(text)
    return f"[{','.join(line for line in text.splitlines() if line.strip())}]" if lines else text


def _read_documents(
    documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder
) -> list[Document]:
    """Read the documents, format by format; returns those of no known format."""
    by_format = dict[str, list[Document]]()
    for document in documents:
        known = _format_of(document)
        by_format.setdefault("" if known is None else known.title, []).append(document)
    for each in FORMATS:
        if each.title in by_format:
            with builder.format(each.title):
                each.read(by_format[each.title], files, builder)
    return by_format.get("", [])


def _format_of(document: Document) -> DocumentFormat | None:
    return next((each for each in FORMATS if each.matches(document)), None)


def _format_with_masks(document: Document) -> DocumentFormat | None:
    """The format of a document, if it is one that has masks or boxes, and if the document is not blank."""
    known = _format_of(document)
    is_blank = document.syntax == "text" and not document.value.strip()
    return known if known is not None and known.has_masks and not is_blank else None
