"""Turns one uploaded file into a store."""

from __future__ import annotations

from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_folder
from sam2_core.media.clip_files import ingest_clip
from sam2_core.media.image_files import ingest_image, is_image
from sam2_core.media.info import MediaInfo
from sam2_core.media.limits import DEFAULT_LIMITS, Limits
from sam2_core.media.names import clean_name as clean_name
from sam2_core.media.names import real_name
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.media.store import SOURCE

_CHUNK = 1 << 23


def ingest(
    path: str | Path,
    folder: str | Path,
    limits: Limits = DEFAULT_LIMITS,
    progress: MediaProgress | None = None,
    name: str = "",
) -> MediaInfo:
    """Turn an image or a clip into a store in `folder`, which must not exist yet or be empty.

    The type is detected from the content, not from the name. The file is copied and may be deleted afterwards. If
    anything fails or `progress` raises, nothing is left behind. `name` is what the user calls the file; by default, its
    name on the disk.
    Raises `MediaError` for a file that cannot be used and `FileExistsError` if `folder` is not empty.
    """
    source, report = Path(path), ProgressReporter(progress)
    if not source.is_file():
        raise MediaError("The file is not here (any more). Choose it again.")
    limits.check_bytes(source.stat().st_size)
    with new_folder(Path(folder)) as building:
        _copy(source, building / SOURCE, report)
        ingest_file = ingest_image if is_image(building / SOURCE) else ingest_clip
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
