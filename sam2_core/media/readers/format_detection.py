"""Reads annotation files; their format is detected from the content, whatever they are called."""

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
from sam2_core.media.readers.png_masks import read_png, read_pngs
from sam2_core.media.readers.yolo import MAX_TEXT_BYTES, is_yolo, read_labels, read_yolo
from sam2_core.media.readers.youtube_vis import is_youtube_vis, read_youtube_vis
from sam2_core.media.readers.zip_reader import ZipReader, open_zip

MAX_FILE_BYTES = 100_000_000  # of JSON, text or one PNG; a ZIP file may be larger
UNKNOWN = (
    "These are no annotations that can be read here. Use a COCO, YouTube-VIS or LabelMe JSON file, YOLO labels, or a "
    "ZIP file of PNG masks as DAVIS has them."
)
_JSON_FORMATS: tuple[tuple[Callable[[Any], bool], Callable[[dict[str, Any], AnnotationBuilder], None]], ...] = (
    (is_youtube_vis, read_youtube_vis),
    (is_coco, read_coco),
)


def read_annotations(path: str | Path, info: MediaInfo, progress: MediaProgress | None = None) -> ImportedAnnotations:
    """All masks and boxes of a file for this medium, by frame, and what was skipped.

    Reads COCO, YouTube-VIS and LabelMe JSON, YOLO label files, PNG masks, and ZIP files with any of these; see the
    modules of this package. Raises `MediaError` if nothing can be used, and what `progress` raises.
    """
    file, builder = Path(path), AnnotationBuilder(info, progress)
    try:
        with file.open("rb") as opened:
            head = opened.read(8)
        if not head:
            raise MediaError("The file is empty (0 bytes). Choose it again, or another one.")
        if head.startswith(b"PK"):
            with open_zip(file) as archive:
                _read_zip(archive, builder)
        elif file.stat().st_size > MAX_FILE_BYTES:
            raise MediaError(f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB. Export fewer frames.")
        else:
            _read_content(clean_name(file.name), file.read_bytes(), builder)
    except OSError as error:
        raise MediaError("The file is not here (any more). Choose it again.") from error
    return builder.build()


def _read_content(name: str, content: bytes, builder: AnnotationBuilder) -> None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        read_png(name, content, builder)
    elif content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        _read_json(name, builder.parse(content), builder)
    else:
        text = content[:MAX_TEXT_BYTES].decode("utf-8", "replace")
        if len(content) > MAX_TEXT_BYTES or not is_yolo(text):
            raise MediaError(UNKNOWN)
        read_yolo({name: text}, {}, builder)


def _read_json(name: str, plain: Any, builder: AnnotationBuilder) -> None:
    for matches, read in _JSON_FORMATS:
        if matches(plain):
            return read(plain, builder)
    if is_labelme(plain):
        return read_labelme({name: plain}, builder)
    if isinstance(plain, dict) and plain.get("format") == "masklet-project":
        raise MediaError("This is a project of Masklet. Open it with “Open project”.")
    raise MediaError(UNKNOWN)


def _read_zip(archive: ZipReader, builder: AnnotationBuilder) -> None:
    """Read YOLO labels, JSON or PNG masks, whichever come first; other images are ignored."""
    texts, classes = read_labels(archive)
    if texts:
        return read_yolo(texts, classes, builder)
    labelme: dict[str, dict[str, Any]] = {}
    for name in archive.with_extension(".json"):
        if PurePosixPath(name).name == "manifest.json":
            continue
        plain = builder.parse(archive.read(name))
        for matches, read in _JSON_FORMATS:
            if matches(plain):
                return read(plain, builder)
        if is_labelme(plain):
            labelme[name] = {key: plain[key] for key in plain.keys() - {"imageData"}}
    if labelme:
        return read_labelme(labelme, builder)
    if not archive.with_extension(".png"):
        raise MediaError(UNKNOWN)
    return read_pngs(archive, builder)
