"""Turns one uploaded file into a store."""

from __future__ import annotations

from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_folder
from sam2_core.media.clip_files import ingest_clip
from sam2_core.media.image_files import ingest_image
from sam2_core.media.info import MediaInfo
from sam2_core.media.limits import DEFAULT_LIMITS, Limits
from sam2_core.media.names import real_name
from sam2_core.media.picture_clips import ingest_pages
from sam2_core.media.picture_file import picture_kind
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.media.sequence import ingest_sequence, is_zip
from sam2_core.media.store import SOURCE

_CHUNK = 1 << 23
_INGEST = {"image": ingest_image, "pages": ingest_pages, "": ingest_clip}


def ingest(
    path: str | Path,
    folder: str | Path,
    limits: Limits = DEFAULT_LIMITS,
    progress: MediaProgress | None = None,
    name: str = "",
) -> MediaInfo:
    """Turn an image or a clip into a store in `folder`, which must not exist yet or be empty.

    The type is detected from the content, not from the name. Animated pictures are clips, and so are the pages of a
    TIFF if they have one size (else an album) and a ZIP file of numbered pictures. The file is copied and may be
    deleted afterwards. If anything fails or `progress` raises, nothing is left behind. `name` is what the user calls
    the file; by default, its name on the disk.
    Raises `MediaError` for a file that cannot be used and `FileExistsError` if `folder` is not empty.
    """
    source, report = Path(path), ProgressReporter(progress)
    if not source.is_file():
        raise MediaError("The file is not here (any more). Open it again.")
    limits.check_bytes(source.stat().st_size)
    if is_zip(source):
        return ingest_sequence(source, folder, limits, progress, name=name or source.name)
    with new_folder(Path(folder)) as building:
        _copy(source, building / SOURCE, report)
        ingest_file = _INGEST[picture_kind(building / SOURCE, limits, name or source.name)]
        info = ingest_file(building, real_name(name or source.name), limits, report)
        report(1.0, "Ready")
    return info


def _copy(source: Path, target: Path, report: ProgressReporter) -> None:
    """Copy in chunks, so that it can be cancelled. A hard link would follow later changes of the file."""
    report(0.0, "Copying the file")
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK):
            writer.write(chunk)
            report(0.0, "Copying the file")
