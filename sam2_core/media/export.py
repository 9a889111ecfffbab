"""The one door to every download: an order becomes a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sam2_core.errors import MediaError
from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats import ANNOTATION_FORMATS
from sam2_core.media.formats.archive import plain_name
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress
from sam2_core.media.rendering import RENDERED_FORMATS
from sam2_core.media.review import REVIEW_FORMATS

_LONGEST_STEM = (
    160  # bytes: file systems take names of up to 255, and the folder of an unfinished file has a longer one
)
EXPORT_FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {**ANNOTATION_FORMATS, **RENDERED_FORMATS, **REVIEW_FORMATS}
)


def export(folder: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> Path:
    """Write what was ordered into a folder, under a name made from the source's; returns the file.

    Raises `MediaError` where there is no such file of this source, or where it cannot be written.
    """
    return write(folder / file_name(media, options.format), media, options, progress)


def write(path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> Path:
    """The same under a name of the caller's own."""
    extension_of(options.format, media.info.kind)
    try:
        EXPORT_FORMATS[options.format].write(path, media, options, progress)
    except OSError as error:
        raise MediaError(f"The file could not be written ({error.strerror}). Is the disk full?") from error
    return path


def file_name(media: MaskedMedia, kind: str) -> str:
    """`film_coco.json` for the annotations of film.mp4, `film_edited.mp4` for what was drawn anew."""
    return name_for(Path(media.info.name).stem, media.info.kind, kind)


def name_for(stem: str, media: str, kind: str) -> str:
    """The same for the name of a picture, clip or album, without its ending, that need not have been read yet."""
    ending, short = extension_of(kind, media), plain_name(stem).encode()[:_LONGEST_STEM].decode(errors="ignore")
    return f"{short}_{'edited' if EXPORT_FORMATS[kind].group == 'picture' else kind}.{ending}"


def extension_of(kind: str, media: str) -> str:
    """The ending of such a file of a picture, clip or album; raises `MediaError` where there is none."""
    if kind not in EXPORT_FORMATS:
        raise MediaError(f"“{kind}” cannot be written. Choose one of {', '.join(EXPORT_FORMATS)}.")
    if media not in EXPORT_FORMATS[kind].extensions:
        names = [name for name, each in EXPORT_FORMATS.items() if media in each.extensions]
        raise MediaError(f"{EXPORT_FORMATS[kind].title} is not for this. Choose one of {', '.join(names)}.")
    return EXPORT_FORMATS[kind].extensions[media]
