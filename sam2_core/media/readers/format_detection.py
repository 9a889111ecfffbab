"""The one door to files of annotations: their content tells what they are, whatever they are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from sam2_core.errors import MediaError
from sam2_core.media.info import MediaInfo
from sam2_core.media.ingest import clean_name
from sam2_core.media.progress import MediaProgress
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, ImportedAnnotations
from sam2_core.media.readers.coco import is_coco, read_coco
from sam2_core.media.readers.labelme import is_labelme, read_labelme
from sam2_core.media.readers.png_masks import read_pngs, read_single_png
from sam2_core.media.readers.yolo import MOST_TEXT_BYTES, is_yolo, read_labels, read_yolo
from sam2_core.media.readers.youtube_vis import is_youtube_vis, read_youtube_vis
from sam2_core.media.readers.zip_reader import ZipReader, open_zip

MOST_PLAIN_BYTES = 100_000_000  # of JSON, text or one PNG; a ZIP file may be larger
UNKNOWN = (
    "These are no annotations that can be read here. Use a COCO, YouTube-VIS or LabelMe JSON file, YOLO labels, or a "
    "ZIP file of PNG masks as DAVIS has them."
)
_DOCUMENTS: tuple[tuple[Callable[[Any], bool], Callable[[dict[str, Any], AnnotationBuilder], None]], ...] = (
    (is_youtube_vis, read_youtube_vis),
    (is_coco, read_coco),
)


def read_annotations(path: str | Path, info: MediaInfo, progress: MediaProgress | None = None) -> ImportedAnnotations:
    """All masks and boxes that a file has for this medium, by frame, and what of it could not be used.

    Reads COCO, YouTube-VIS and LabelMe JSON, YOLO label files, PNG masks, and ZIP files with any of these; see the
    modules of this package. Raises `MediaError` where nothing can be used, and whatever `progress` raises.
    """
    file, into = Path(path), AnnotationBuilder(info, progress)
    try:
        with file.open("rb") as opened:
            head = opened.read(8)
        if not head:
            raise MediaError("The file is empty (0 bytes). Choose it again, or another one.")
        if head.startswith(b"PK"):
            with open_zip(file) as archive:
                _read_archive(archive, into)
        else:
            _read_plain(clean_name(file.name), _content(file), into)
    except OSError as error:
        raise MediaError("The file is not here (any more). Choose it again.") from error
    return into.finish()


def _content(file: Path) -> bytes:
    if file.stat().st_size > MOST_PLAIN_BYTES:
        raise MediaError(f"The file is larger than {MOST_PLAIN_BYTES // 1_000_000} MB. Export fewer frames.")
    return file.read_bytes()


def _read_plain(name: str, content: bytes, into: AnnotationBuilder) -> None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        read_single_png(name, content, into)
    elif content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        _read_json(name, into.parse(content), into)
    else:
        text = content[:MOST_TEXT_BYTES].decode("utf-8", "replace")
        if len(content) > MOST_TEXT_BYTES or not is_yolo(text):
            raise MediaError(UNKNOWN)
        read_yolo({name: text}, {}, into)


def _read_json(name: str, plain: Any, into: AnnotationBuilder) -> None:
    for fits, read in _DOCUMENTS:
        if fits(plain):
            return read(plain, into)
    if is_labelme(plain):
        return read_labelme({name: plain}, into)
    if isinstance(plain, dict) and plain.get("format") == "masklet-project":
        raise MediaError("This is a project of Masklet. Open it with “Open project”.")
    raise MediaError(UNKNOWN)


def _read_archive(archive: ZipReader, into: AnnotationBuilder) -> None:
    """Labels, documents or pictures, whichever an archive has; photos beside them do not matter."""
    texts, classes = read_labels(archive)
    if texts:
        return read_yolo(texts, classes, into)
    shapes: dict[str, dict[str, Any]] = {}
    for name in archive.with_ending(".json"):
        if PurePosixPath(name).name == "manifest.json":
            continue
        plain = into.parse(archive.read(name))
        for fits, read in _DOCUMENTS:
            if fits(plain):
                return read(plain, into)
        if is_labelme(plain):
            shapes[name] = {key: plain[key] for key in plain.keys() - {"imageData"}}
    if shapes:
        return read_labelme(shapes, into)
    if not archive.with_ending(".png"):
        raise MediaError(UNKNOWN)
    return read_pngs(archive, into)
