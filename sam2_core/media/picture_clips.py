"""Clips whose frames are pictures: those of an animated picture or of a TIFF's pages, or numbered files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.bit_depth import Levels, describe_levels, measure_levels
from sam2_core.media.ffmpeg import TookTooLong
from sam2_core.media.image_files import encode_scaled_jpeg, to_rgb
from sam2_core.media.info import MediaInfo, RgbArray, SourceReading
from sam2_core.media.limits import DEFAULT_LIMITS, Limits, describe_scaling
from sam2_core.media.picture_file import DeepImage, PictureFile
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.store import FRAMES, SOURCE, SOURCES, Store, album_source_path, describe_store
from sam2_core.media.timing import build_timeline

DEFAULT_RATE = 25.0  # frames per second, of pictures without times
_UNTIMED = 0.1  # seconds, for which browsers show a frame of an animation that asks for none
_SAMPLED = 16  # frames by which the levels of all are chosen


@dataclass
class _FrameWriter:
    """Writes frames to a store within the limits; has their lengths in bytes and sizes so far."""

    folder: Path
    limits: Limits
    report: ProgressReporter
    lengths: list[int] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    stored_sizes: list[tuple[int, int]] = field(default_factory=list)
    bytes_written: int = 0
    target: tuple[int, int] | None = None
    warnings: tuple[str, ...] = ()
    started: float = field(default_factory=time.monotonic)

    def scale(self, height: int, width: int) -> None:
        """Scale the frames to come down to the limits of clips, where these frames of this size exceed them."""
        self.target = self.limits.scaled_clip_size(height, width) or self.limits.scaled_size(height, width)
        if self.target is not None:
            self.warnings += (describe_scaling("clip", (height, width), self.target),)

    def add(self, pixels: RgbArray, max_side: int, count: int) -> None:
        if self.target is not None:
            pixels = _resize(pixels, self.target)
        jpeg, stored_size = encode_scaled_jpeg(pixels, max_side)
        with (self.folder / FRAMES).open("ab") as frames:
            frames.write(jpeg)
        self.lengths.append(len(jpeg))
        self.sizes.append((pixels.shape[0], pixels.shape[1]))
        self.stored_sizes.append(stored_size)
        self.limits.check_frames(len(self.lengths))
        self.bytes_written += len(jpeg)
        self.limits.check_store(self.bytes_written)
        if time.monotonic() - self.started > self.limits.time_limit:
            raise TookTooLong(
                f"The pictures took longer than {self.limits.time_limit:.0f} s to process, which is the limit. "
                "Use fewer or smaller ones."
            )
        self.report(len(self.lengths) / count, f"{len(self.lengths)} frames read")


def ingest_pages(folder: Path, name: str, limits: Limits, report: ProgressReporter) -> MediaInfo:
    """Turn `folder`/source, a picture of several frames or pages, into a store: a clip, or an album if the pages differ
    in size. Raises `MediaError`."""
    with PictureFile(folder / SOURCE, limits) as file:
        writer = _FrameWriter(folder, limits, report)
        if not file.is_one_size:
            return _ingest_album(writer, file, name)
        limits.check_frames(file.count)
        levels, notes = _measure(file.load, file.count) if file.format == "TIFF" else (None, ())
        durations: list[float] = []
        damage = ""
        for frame in range(file.count):
            try:
                loaded = file.load(frame)
            except (MediaError, EOFError) as error:
                if not frame:
                    raise MediaError(str(error) or "The picture is damaged. Copy it again.") from error
                damage = f"The picture is damaged: only {frame} of its {file.count} frames could be read."
                break
            if not frame:
                limits.check_clip_size(*file.original_size)
                writer.scale(*file.original_size)
            writer.add(to_rgb(loaded, levels), limits.stored_side, file.count)
            durations.append(file.seconds)
            limits.check_seconds(sum(durations))
        warnings = ((damage,) if damage else ()) + file.warnings + notes
    reading = SourceReading("pages", _pair(levels), writer.target is not None)
    return _describe_clip(writer, name, durations, reading, warnings, ())


def ingest_pictures(
    folder: Path,
    name: str,
    names: Sequence[str],
    limits: Limits,
    report: ProgressReporter,
    fps: float,
    warnings: tuple[str, ...] = (),
) -> MediaInfo:
    """Turn the files in `folder`/sources, one picture each, into a clip; `names` are the user's names of them.

    Raises `MediaError` for a picture that cannot be read or has another size than the first one.
    """

    sizes: dict[int, tuple[int, int]] = {}
    several: dict[int, int] = {}

    def load(frame: int) -> Image.Image | DeepImage:
        try:
            with PictureFile(album_source_path(folder, frame), limits) as file:
                loaded = file.load()
                if isinstance(loaded, Image.Image):
                    loaded.load()
                sizes[frame] = file.original_size
                if file.count > 1:
                    several[frame] = file.count
                return loaded
        except (MediaError, EOFError) as error:
            raise MediaError(f"{names[frame]}: {error}") from error

    writer = _FrameWriter(folder, limits, report)
    levels, notes = _measure(load, len(names))
    for frame in range(len(names)):
        loaded = load(frame)
        if not frame:
            first_height, first_width = sizes[0]
            limits.check_clip_size(first_height, first_width)
            writer.scale(first_height, first_width)
        writer.add(to_rgb(loaded, levels), limits.stored_side, len(names))
        if sizes[frame] != sizes[0]:
            height, width = sizes[frame]
            raise DifferentSizes(
                f"{names[frame]} has {width} x {height} pixels, {names[0]} has {first_width} x {first_height}. The "
                "pictures of a clip have one size: scale them to it, or open them as photos."
            )
    limits.check_seconds(len(names) / fps)
    reading = SourceReading("pictures", _pair(levels), writer.target is not None)
    if several:
        first = min(several)
        notes += (f"{names[first]} has {several[first]} pages or frames: of each file, only the first one is used.",)
    return _describe_clip(writer, name, [1 / fps] * len(names), reading, warnings + notes, tuple(names))


class DifferentSizes(MediaError):
    """The pictures of a sequence have different sizes."""


def read_picture_frames(store: Store, frames: Sequence[int]) -> Iterator[tuple[int, RgbArray]]:
    """These frames (increasing numbers) of a clip made of pictures, decoded from its source again, with their numbers.

    Raises `MediaError` if the source is missing or has changed.
    """
    levels = None if store.reading.levels is None else Levels(*store.reading.levels)
    pixels = max(6 * store.info.height * store.info.width, DEFAULT_LIMITS.max_pixels)  # it was accepted once
    limits = Limits(max_pixels=pixels)
    with ExitStack() as stack:
        file: PictureFile | None = None
        for frame in frames:
            try:
                if file is None or store.reading.parts == "pictures":
                    stack.close()
                    file = stack.enter_context(PictureFile(store.source_of(frame), limits))
                loaded = file.load(frame if store.reading.parts == "pages" else 0)
                image = to_rgb(loaded, levels)
            except (EOFError, FileNotFoundError) as error:
                raise MediaError("The source of this is no longer here. Open it again.") from error
            if store.reading.is_scaled:
                image = _resize(image, (store.info.height, store.info.width))
            if image.shape[:2] != (store.info.height, store.info.width):
                raise MediaError("The source of this is no longer the same. Open it again.")
            yield frame, image


def _resize(pixels: RgbArray, size: tuple[int, int]) -> RgbArray:
    return np.asarray(cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _measure(load: Callable[[int], Image.Image | DeepImage], count: int) -> tuple[Levels | None, tuple[str, ...]]:
    """Levels for all frames of more than 8 bits together, so that their brightness can be compared (None where no frame
    has), and a warning if they are stretched."""
    chosen = sorted({round(index) for index in np.linspace(0, count - 1, min(count, _SAMPLED))})
    samples, is_linear, depth = [], False, ""
    for frame in chosen:
        try:
            loaded = load(frame)
        except (MediaError, EOFError):
            if frame == chosen[0]:
                raise
            continue
        if not isinstance(loaded, DeepImage):
            continue
        samples.append(loaded.sample(len(chosen)))
        is_linear, depth = is_linear or loaded.is_linear, loaded.depth
    levels = measure_levels(samples, is_linear) if samples else None
    return levels, describe_levels(depth, levels)


def _pair(levels: Levels | None) -> tuple[float, float] | None:
    return None if levels is None else (levels.black, levels.white)


def _describe_clip(
    writer: _FrameWriter,
    name: str,
    durations: Sequence[float],
    reading: SourceReading,
    warnings: tuple[str, ...],
    names: tuple[str, ...],
) -> MediaInfo:
    shown = [1 / DEFAULT_RATE] * len(durations)
    if any(durations):
        shown = [duration or _UNTIMED for duration in durations]
    stamps = np.concatenate([[0.0], np.cumsum(shown[:-1])])
    timeline = build_timeline(np.asarray(stamps, np.float64), shown[-1])
    info = MediaInfo(
        "clip", name, len(writer.lengths), *writer.sizes[0], *writer.stored_sizes[0],
        timeline.fps, timeline.constant_rate, False, timeline.duration,
        names=names, warnings=writer.warnings + warnings,
    )  # fmt: skip
    describe_store(writer.folder, info, writer.lengths, timeline.times, 0.0, reading)
    return info


def _ingest_album(writer: _FrameWriter, file: PictureFile, name: str) -> MediaInfo:
    """Pages of different sizes: each becomes a picture of its own."""
    writer.limits.check_album(file.count, 0)
    (writer.folder / SOURCES).mkdir()
    names, warnings = [], list(file.warnings)
    stem = Path(name).stem
    for page in range(file.count):
        title = f"{stem}_page_{page + 1:04d}.png"
        try:
            loaded = file.load(page)
        except (MediaError, EOFError) as error:
            if not page:
                raise MediaError(str(error)) from error
            warnings.append(f"Only {page} of the {file.count} pages could be read: the file is damaged.")
            break
        levels, notes = _measure(lambda _, image=loaded: image, 1)  # type: ignore[misc]
        warnings += [f"{title}: {text}" for text in notes]
        pixels = to_rgb(loaded, levels)
        Image.fromarray(pixels).save(album_source_path(writer.folder, page), "PNG", compress_level=1)
        writer.add(pixels, writer.limits.stored_side_image, file.count)
        names.append(title)
    (writer.folder / SOURCE).unlink()
    height, width = (max(sides) for sides in zip(*writer.sizes, strict=True))
    stored_height, stored_width = (max(sides) for sides in zip(*writer.stored_sizes, strict=True))
    info = MediaInfo(
        "album", name, len(names), height, width, stored_height, stored_width,
        sizes=tuple(writer.sizes), names=tuple(names), warnings=tuple(warnings),
    )  # fmt: skip
    describe_store(writer.folder, info, writer.lengths, np.zeros(len(names)), 0.0)
    return info
