"""Writes masked media in any export format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_file
from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats import ANNOTATION_FORMATS
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.names import safe_file_name, without_extension
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.media.rendering import RENDERED_FORMATS
from sam2_core.media.review import REVIEW_FORMATS

EXPORT_FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {**ANNOTATION_FORMATS, **RENDERED_FORMATS, **REVIEW_FORMATS}
)


def export(
    folder: Path,
    media: MaskedMedia,
    options: ExportOptions,
    progress: MediaProgress | None = None,
    formats: Mapping[str, ExportFormat] = EXPORT_FORMATS,
) -> Path:
    """Write a file into a folder, under a name made from that of the source, and return its path.

    `formats` are those to choose from. Raises `MediaError` if the medium has no such format or the file cannot be
    written.
    """
    info = media.info
    stem = f"{info.frames}_photos" if info.kind == "album" else without_extension(info.name)
    name = file_name(stem, info.kind, options.format, formats)
    return write(folder / name, media, options, progress, formats)


def write(
    path: Path,
    media: MaskedMedia,
    options: ExportOptions,
    progress: MediaProgress | None = None,
    formats: Mapping[str, ExportFormat] = EXPORT_FORMATS,
) -> Path:
    """The same at a given path."""
    extension_of(options.format, media.info.kind, formats)
    report = ProgressReporter(progress)
    try:
        with new_file(path) as unfinished:
            formats[options.format].write(unfinished, media, options, report)
            report(1.0, "Ready")
    except OSError as error:
        raise MediaError(f"The file could not be written ({error.strerror}). Is there room and permission?") from error
    return path


def file_name(stem: str, kind: str, format: str, formats: Mapping[str, ExportFormat] = EXPORT_FORMATS) -> str:
    """The name of an exported file of an image, clip or album (`kind`) that is called `stem`.

    `film_coco.json` for annotations, `film_edited.mp4` for images and videos. Raises as `extension_of` does.
    """
    extension = extension_of(format, kind, formats)
    return safe_file_name(stem, f"_{'edited' if formats[format].group == 'picture' else format}.{extension}")


def extension_of(format: str, kind: str, formats: Mapping[str, ExportFormat] = EXPORT_FORMATS) -> str:
    """The extension of such a file of an image, clip or album (`kind`). Raises `MediaError` if there is none."""
    if format not in formats:
        raise MediaError(f"“{format}” cannot be written. Choose one of {', '.join(formats)}.")
    extensions = formats[format].extensions
    if kind not in extensions:
        names = [name for name, each in formats.items() if kind in each.extensions]
        raise MediaError(f"{formats[format].title} is not for this. Choose one of {', '.join(names)}.")
    return extensions[kind]
