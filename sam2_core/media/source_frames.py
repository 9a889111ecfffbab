"""Frames decoded from the original file, at the size of the masks; the stored frames may be smaller.

The store's decoders do it. Where these have limits, their process writes one frame at a time into a file, which is read
before the next one takes its place.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.clip_files import decoding_arguments
from sam2_core.media.ffmpeg import STEP_TIMEOUT, Ffmpeg
from sam2_core.media.image_files import read_image
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.picture_clips import read_picture_frames
from sam2_core.media.probe import ClipProbe, probe_clip
from sam2_core.media.progress import SILENT, MediaProgress, ProgressReporter
from sam2_core.media.store import Store

_NumberedImages: TypeAlias = Generator[tuple[int, RgbArray], None, None]

_GONE = "The source of this is no longer here. Open it again."
_NO_MATCH = "The clip's source no longer matches its frames. Open the clip again."


def iterate_source_frames(
    store: Store, frames: Sequence[int], report: ProgressReporter = SILENT
) -> Generator[RgbArray, None, None]:
    """These frames, in increasing order, as upright RGB images (H, W, 3). Close the generator if it is not exhausted.

    `report` is asked from time to time whether to go on. Raises `MediaError` if the source cannot be read again.
    """
    probe = probe_source(store, report) if store.info.kind == "clip" else None
    with closing(_decode(store, probe, frames, None, report)) as numbered_images:
        for _, image in numbered_images:
            yield image


def read_source_image(store: Store, frame: int, report: ProgressReporter = SILENT) -> RgbArray:
    """The image of a store, or one of an album, as (H, W, 3). Raises `MediaError` if it is missing or has changed."""
    [image] = iterate_source_frames(store, [frame], report)
    return image


def read_full_frame(store: Store, frame: int) -> RgbArray:
    """One frame as (height, width, 3), at once: an image from its file, a frame of a clip as it is stored, scaled up
    where that is smaller. Raises `MediaError`."""
    if store.info.kind != "clip":
        return read_source_image(store, frame)
    image, (height, width) = store.frame(frame), store.info.size_of(frame)
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def probe_source(store: Store, report: ProgressReporter = SILENT) -> ClipProbe:
    """Probe the source of a clip again; one made of pictures has no more than a size.

    Raises `MediaError` if it is missing or has changed.
    """
    plain = store.decoders.run(_probe, store, report=report.repeat)
    return ClipProbe(**plain | {"warnings": tuple(plain["warnings"])})


@contextmanager
def decode_source_frames(
    store: Store, probe: ClipProbe, frames: Sequence[int], height: int, width: int, report: ProgressReporter = SILENT
) -> Iterator[Iterator[tuple[int, RgbArray]]]:
    """Iterate over some frames of a clip (increasing numbers), each with its number, scaled to (height, width, 3).

    The iterator raises `MediaError` if the source has changed, and what `report` raises.
    """
    with closing(_decode(store, probe, frames, (height, width), report)) as numbered_images:
        yield numbered_images


def _decode(
    store: Store, probe: ClipProbe | None, frames: Sequence[int], size: tuple[int, int] | None, report: ProgressReporter
) -> _NumberedImages:
    """Frames of a clip, which has a `probe`, or images, each with its number. Without `size` they have their own."""
    if not store.decoders.are_limited:
        yield from _decode_here(store, probe, frames, size, report)
        return
    with tempfile.TemporaryDirectory(prefix=".frames-", dir=store.folder) as folder:
        target = Path(folder) / "frame"
        with closing(store.decoders.follow(_write_frames, store, probe, frames, size, target)) as reports:
            for frame in frames:
                for _, message in reports:
                    if message == str(frame):
                        break
                    report.repeat()
                else:
                    raise MediaError(_NO_MATCH)
                yield frame, _read_pixels(target, size or store.info.size_of(frame))
            for _ in reports:  # until it has looked at the end
                report.repeat()


def _decode_here(
    store: Store, probe: ClipProbe | None, frames: Sequence[int], size: tuple[int, int] | None, report: ProgressReporter
) -> _NumberedImages:
    """The same in this process."""
    if probe is None:
        for frame in frames:
            yield frame, _read_image(store, frame)
        return
    height, width = size or (store.info.height, store.info.width)
    if store.reading.parts != "video":
        yield from _scale(read_picture_frames(store, frames), height, width)
        return
    probe = replace(probe, levels=store.reading.levels)
    decoding = decoding_arguments(store.source, probe, height, width, "out_range=full,format=rgb24")
    with Ffmpeg(["-loglevel", "error", *decoding, "-f", "rawvideo", "pipe:1"], store.folder, STEP_TIMEOUT) as decoder:
        yield from _read_frames(decoder, store.info.frames, frames, (height, width, 3), report)


def _write_frames(
    store: Store,
    probe: ClipProbe | None,
    frames: Sequence[int],
    size: tuple[int, int] | None,
    target: Path,
    report: MediaProgress,
) -> None:
    """The part of `_decode` that looks into the source: writes the pixels of each frame over those of the one before,
    and then reports its number."""
    images = closing(_decode_here(store, probe, frames, size, ProgressReporter(report)))
    with target.open("wb") as file, images as numbered_images:
        for frame, image in numbered_images:
            file.seek(0)
            file.write(np.ascontiguousarray(image).data)
            file.flush()
            report(0.0, str(frame))


def _read_pixels(path: Path, size: tuple[int, int]) -> RgbArray:
    pixels = np.fromfile(path, np.uint8, 3 * math.prod(size))
    if pixels.size < 3 * math.prod(size):
        raise MediaError(_NO_MATCH)
    return pixels.reshape(*size, 3)


def _read_image(store: Store, frame: int) -> RgbArray:
    if not store.source_of(frame).is_file():
        raise MediaError(_GONE)
    height, width = store.info.size_of(frame)
    if store.reading.is_scaled:
        limits = replace(DEFAULT_LIMITS, max_pixels=(height + 1) * (width + 1), scale_down=True)
        return read_image(store.source_of(frame), limits, (height, width))
    image = read_image(store.source_of(frame), replace(DEFAULT_LIMITS, max_pixels=height * width))
    if image.shape[:2] != (height, width):
        raise MediaError("The picture's source is no longer the same. Open it again.")
    return image


def _probe(store: Store, report: MediaProgress) -> dict[str, Any]:
    """`probe_source` as plain data."""
    info, reading = store.info, store.reading
    if not store.source_of(0).is_file():
        raise MediaError(_GONE)
    if reading.parts != "video":
        return asdict(ClipProbe(info.height, info.width, info.duration, "", "auto", "1/1"))
    # The source was accepted once, whatever the limits are now.
    factor = 6 if reading.is_scaled else 2
    side, pixels = factor * max(info.height, info.width), factor**2 * info.height * info.width
    probe = probe_clip(
        store.source, replace(DEFAULT_LIMITS, max_clip_side=side, max_clip_pixels=pixels, max_seconds=math.inf)
    )
    if not reading.is_scaled and (probe.height, probe.width) != (info.height, info.width):
        raise MediaError(_NO_MATCH)
    return asdict(probe)


def _scale(frames: Iterator[tuple[int, RgbArray]], height: int, width: int) -> Iterator[tuple[int, RgbArray]]:
    for frame, image in frames:
        if image.shape[:2] != (height, width):
            way = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_CUBIC
            image = np.asarray(cv2.resize(image, (width, height), interpolation=way), np.uint8)
        yield frame, image


def _read_frames(
    decoder: Ffmpeg, count: int, frames: Sequence[int], shape: tuple[int, int, int], report: ProgressReporter
) -> Iterator[tuple[int, RgbArray]]:
    requested = frozenset(frames)
    for frame in range(frames[-1] + 1):
        pixels = decoder.stdout.read(math.prod(shape))
        if len(pixels) < math.prod(shape):
            decoder.finish()
            raise MediaError(_NO_MATCH)
        decoder.renew()
        if frame in requested:
            yield frame, np.frombuffer(pixels, np.uint8).reshape(shape)
        else:
            report.repeat()
    if frames[-1] == count - 1:  # the clip must end here
        if decoder.stdout.read(1):
            raise MediaError(_NO_MATCH)
        decoder.finish()
