"""Albums: several photos as the frames of one store, each with a size and a name of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_folder
from sam2_core.media.image_files import StoredImage, is_image, store_image
from sam2_core.media.info import MediaInfo
from sam2_core.media.ingest import clean_name
from sam2_core.media.limits import DEFAULT_LIMITS, Limits
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.media.store import FRAMES, SOURCES, Store, album_source_path, describe_store


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that found no place in an album, and why not, in a visitor's words."""

    name: str
    reason: str


@dataclass
class _Photos:
    """What has come into the album so far, photo by photo: heights and widths, names, bytes."""

    folder: Path
    limits: Limits
    sizes: list[tuple[int, int]] = field(default_factory=list)
    stored_sizes: list[tuple[int, int]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def add(self, photo: StoredImage, name: str) -> None:
        self.limits.check_store(sum(self.lengths) + len(photo.jpeg))
        with (self.folder / FRAMES).open("ab") as frames:
            frames.write(photo.jpeg)
        self.sizes.append(photo.size)
        self.stored_sizes.append(photo.stored_size)
        self.names.append(_unlike(name, self.names))
        self.lengths.append(len(photo.jpeg))

    def describe(self) -> MediaInfo:
        """Complete the store."""
        count, (height, width) = len(self.names), _greatest(self.sizes)
        name = f"{count} photo{'' if count == 1 else 's'}"
        stored = _greatest(self.stored_sizes)
        info = MediaInfo("album", name, count, height, width, *stored, sizes=tuple(self.sizes), names=tuple(self.names))
        describe_store(self.folder, info, self.lengths, np.zeros(count), 0.0)
        return info


def ingest_album(
    paths: Sequence[str | Path],
    folder: str | Path,
    limits: Limits = DEFAULT_LIMITS,
    progress: MediaProgress | None = None,
    earlier: Store | None = None,
) -> tuple[MediaInfo, tuple[SkippedFile, ...]]:
    """Turn photos into a store in `folder` (see `ingest`), in their order; those of `earlier`, a picture or an album,
    come first and keep their frame numbers.

    A file that is no picture, damaged or too large is skipped, so that it does not cost all the others.
    Raises `MediaError` where none is left or where there are too many, and `FileExistsError` as `ingest` does.
    """
    sources, report = [Path(path) for path in paths], ProgressReporter(progress)
    if earlier is not None and earlier.info.kind == "clip":
        raise MediaError("Photos can be added to photos, not to a clip. Open them on their own.")
    limits.check_album(len(sources) + (earlier.info.frames if earlier else 0), _bytes_of(sources, earlier))
    skipped = []
    with new_folder(Path(folder)) as building:
        (building / SOURCES).mkdir()
        photos = _Photos(building, limits)
        if earlier is not None:
            _take_over(earlier, photos, report)
        for done, source in enumerate(sources):
            report(done / len(sources), f"Photo {done + 1} of {len(sources)}")
            try:
                _take_in(source, photos)
            except MediaError as error:
                skipped.append(SkippedFile(clean_name(source.name), str(error)))
        if len(skipped) == len(sources):
            raise MediaError(_none_left(skipped))
        info = photos.describe()
        report(1.0, "Ready")
    return info, tuple(skipped)


def _take_in(source: Path, photos: _Photos) -> None:
    """One new photo, or nothing of it."""
    kept = album_source_path(photos.folder, len(photos.names))
    try:
        photos.limits.check_bytes(source.stat().st_size)
        shutil.copyfile(source, kept)
        if not is_image(kept):
            raise MediaError("This is no picture, or a damaged one. A clip is opened on its own.")
        photos.add(store_image(kept, photos.limits), clean_name(source.name))
    except MediaError:
        kept.unlink(missing_ok=True)
        raise


def _take_over(earlier: Store, photos: _Photos, report: ProgressReporter) -> None:
    """The photos of an earlier store, which need not be read again."""
    about = earlier.info
    for frame in range(about.frames):
        report(0.0, "Taking over the photos that are open")
        jpeg, size = earlier.jpeg(frame), about.size_of(frame)
        _link(earlier.source_of(frame), album_source_path(photos.folder, frame))
        stored = StoredImage(jpeg, size, (about.stored_height, about.stored_width))
        photos.add(stored, about.names[frame] if about.names else about.name)


def _link(source: Path, target: Path) -> None:
    """The same file under a second name, where the disk allows it: nothing ever changes the sources of a store."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _bytes_of(sources: Sequence[Path], earlier: Store | None) -> int:
    missing = [source for source in sources if not source.is_file()]
    if missing:
        raise MediaError(f"{clean_name(missing[0].name)} is not here (any more). Choose it again.")
    kept = [earlier.source_of(frame) for frame in range(earlier.info.frames)] if earlier else []
    return sum(path.stat().st_size for path in (*sources, *kept))


def _greatest(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return max(height for height, _ in sizes), max(width for _, width in sizes)


def _unlike(name: str, others: Sequence[str]) -> str:
    """The name, with a number where another photo has it already; some file systems see no difference of case."""
    taken = {other.casefold() for other in others}
    path, number, unlike = Path(name), 2, name
    while unlike.casefold() in taken:
        unlike, number = f"{path.stem} ({number}){path.suffix}", number + 1
    return unlike


def _none_left(skipped: Sequence[SkippedFile]) -> str:
    if not skipped:
        return "No photo was chosen. Choose at least one."
    return f"None of these files could be used. {skipped[0].name}: {skipped[0].reason}"
