"""Albums: several images as the frames of one store, each with its own size and name."""

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
from sam2_core.media.info import MediaInfo, SourceReading
from sam2_core.media.limits import DEFAULT_LIMITS, Limits
from sam2_core.media.names import compose_name, real_name, short_names, unique_name
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.media.store import FRAMES, SOURCES, Store, album_source_path, describe_store


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that was not added to an album, and the reason for the user."""

    name: str
    reason: str


@dataclass
class _AlbumBuilder:
    """The images added so far: heights and widths, names, lengths of the JPEGs in bytes."""

    folder: Path
    limits: Limits
    sizes: list[tuple[int, int]] = field(default_factory=list)
    stored_sizes: list[tuple[int, int]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """The names as `compose_name` gives them."""
    lengths: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    orientations: list[int] = field(default_factory=list)
    is_scaled: bool = False

    def add(self, image: StoredImage, name: str, path: str = "") -> None:
        """Add an image; `path` is a longer name, of which as much is used as makes it unique."""
        self.limits.check_store(sum(self.lengths) + len(image.jpeg))
        with (self.folder / FRAMES).open("ab") as frames:
            frames.write(image.jpeg)
        self.sizes.append(image.size)
        self.stored_sizes.append(image.stored_size)
        self.names.append(unique_name(name, self.taken, path))
        self.taken.add(compose_name(self.names[-1]))
        self.lengths.append(len(image.jpeg))
        self.orientations.append(image.orientation)
        self.warnings += [f"{self.names[-1]}: {text}" for text in image.warnings]

    def add_file(self, source: Path, name: str, path: str) -> None:
        """Add a new image; leaves nothing behind if it cannot be used."""
        target = album_source_path(self.folder, len(self.names))
        try:
            self.limits.check_bytes(source.stat().st_size)
            shutil.copyfile(source, target)
            if not is_image(target, self.limits, name):
                raise MediaError(
                    "This is no single picture, or a damaged one. A clip, an animated picture, or one of several pages "
                    "is opened on its own."
                )
            self.add(store_image(target, self.limits), name, path)
        except MediaError:
            target.unlink(missing_ok=True)
            raise

    def add_store(self, store: Store, report: ProgressReporter) -> None:
        """Add the frames of another store, which are not encoded again."""
        info, self.is_scaled = store.info, store.reading.is_scaled
        for frame in range(info.frames):
            report(0.0, "Taking over the photos that are open")
            _link(store.source_of(frame), album_source_path(self.folder, frame))
            sizes = info.size_of(frame), (info.stored_height, info.stored_width)
            stored = StoredImage(store.jpeg(frame), *sizes, orientation=info.orientation_of(frame))
            self.add(stored, info.names[frame] if info.names else info.name)

    def finish(self) -> MediaInfo:
        """Write the description of the store."""
        count, (height, width) = len(self.names), _max_size(self.sizes)
        name = f"{count} photo{'' if count == 1 else 's'}"
        stored = _max_size(self.stored_sizes)
        info = MediaInfo(
            "album", name, count, height, width, *stored,
            sizes=tuple(self.sizes), names=tuple(self.names), warnings=tuple(self.warnings),
            orientations=tuple(self.orientations) if max(self.orientations) > 1 else (),
        )  # fmt: skip
        reading = SourceReading(is_scaled=self.limits.scale_down or self.is_scaled)
        describe_store(self.folder, info, self.lengths, np.zeros(count), 0.0, reading)
        return info


def ingest_album(
    paths: Sequence[str | Path],
    folder: str | Path,
    limits: Limits = DEFAULT_LIMITS,
    progress: MediaProgress | None = None,
    earlier: Store | None = None,
    names: Sequence[str] = (),
) -> tuple[MediaInfo, tuple[SkippedFile, ...]]:
    """Turn images into a store in `folder` (see `ingest`), in their order. Those of `earlier`, an image or an album,
    come first and keep their frame numbers.

    `names` are what the user calls the files, by default their paths. The images get their file names or, if equal ones
    are in several folders, relative paths (see `short_names`).

    Files that are no images, damaged or too large are skipped.
    Raises `MediaError` if none is left or there are too many, and `FileExistsError` as `ingest` does.
    """
    sources, report = [Path(path) for path in paths], ProgressReporter(progress)
    shown = short_names(names or [source.absolute() for source in sources])
    if earlier is not None and earlier.info.kind == "clip":
        raise MediaError("Photos can be added to photos, not to a clip. Open them on their own.")
    limits.check_album(len(sources) + (earlier.info.frames if earlier else 0), _bytes_of(sources, shown, earlier))
    skipped = []
    with new_folder(Path(folder)) as building:
        (building / SOURCES).mkdir()
        album = _AlbumBuilder(building, limits)
        if earlier is not None:
            album.add_store(earlier, report)
        for done, (source, name, long_name) in enumerate(zip(sources, shown, names or shown, strict=True)):
            report(done / len(sources), f"Photo {done + 1} of {len(sources)}")
            try:
                album.add_file(source, name, real_name(long_name))
            except MediaError as error:
                skipped.append(SkippedFile(name, str(error)))
        if len(skipped) == len(sources):
            raise MediaError(_nothing_left(skipped))
        info = album.finish()
        report(1.0, "Ready")
    return info, tuple(skipped)


def _link(source: Path, target: Path) -> None:
    """A hard link if the file system allows it, else a copy; the sources of a store never change."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _bytes_of(sources: Sequence[Path], names: Sequence[str], earlier: Store | None) -> int:
    missing = [name for source, name in zip(sources, names, strict=True) if not source.is_file()]
    if missing:
        raise MediaError(f"{missing[0]} is not here (any more). Open it again.")
    kept = [earlier.source_of(frame) for frame in range(earlier.info.frames)] if earlier else []
    return sum(path.stat().st_size for path in (*sources, *kept))


def _max_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return max(height for height, _ in sizes), max(width for _, width in sizes)


def _nothing_left(skipped: Sequence[SkippedFile]) -> str:
    if not skipped:
        return "No photo was chosen. Choose at least one."
    return f"None of these files could be used. {skipped[0].name}: {skipped[0].reason}"
