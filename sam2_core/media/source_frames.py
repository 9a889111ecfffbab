"""Frames decoded from the original file, at the size of the masks; the stored frames may be smaller."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

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
from sam2_core.media.store import Store

_GONE = "The source of this is no longer here. Open it again."
_NO_MATCH = "The clip's source no longer matches its frames. Open the clip again."


def iterate_source_frames(store: Store, frames: range) -> Generator[RgbArray, None, None]:
    """These frames, in increasing order, as upright RGB images (H, W, 3). Close the generator if it is not exhausted.

    Raises `MediaError` if the source cannot be read again.
    """
    if store.info.kind == "clip":
        with decode_source_frames(
            store, probe_source(store), frames, store.info.height, store.info.width
        ) as numbered_images:
            for _, image in numbered_images:
                yield image
    else:
        for frame in frames:
            yield read_source_image(store, frame)


def read_source_image(store: Store, frame: int) -> RgbArray:
    """The image of a store, or one of an album, as (H, W, 3). Raises `MediaError` if it is missing or has changed."""
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


def read_full_frame(store: Store, frame: int) -> RgbArray:
    """One frame as (height, width, 3), at once: an image from its file, a frame of a clip as it is stored, scaled up
    where that is smaller. Raises `MediaError`."""
    if store.info.kind != "clip":
        return read_source_image(store, frame)
    image, (height, width) = store.frame(frame), store.info.size_of(frame)
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def probe_source(store: Store) -> ClipProbe:
    """Probe the source of a clip again; one made of pictures has no more than a size.

    Raises `MediaError` if it is missing or has changed.
    """
    if not store.source_of(0).is_file():
        raise MediaError(_GONE)
    if store.reading.parts != "video":
        return ClipProbe(store.info.height, store.info.width, store.info.duration, "", "auto", "1/1")
    # The source was accepted once, whatever the limits are now.
    factor = 6 if store.reading.is_scaled else 2
    side, pixels = factor * max(store.info.height, store.info.width), factor**2 * store.info.height * store.info.width
    limits = replace(DEFAULT_LIMITS, max_clip_side=side, max_clip_pixels=pixels, max_seconds=math.inf)
    probe = probe_clip(store.source, limits)
    if not store.reading.is_scaled and (probe.height, probe.width) != (store.info.height, store.info.width):
        raise MediaError(_NO_MATCH)
    return probe


@contextmanager
def decode_source_frames(
    store: Store, probe: ClipProbe, frames: Sequence[int], height: int, width: int
) -> Iterator[Iterator[tuple[int, RgbArray]]]:
    """Iterate over some frames of a clip (increasing numbers), each with its number, scaled to (height, width, 3).

    The iterator raises `MediaError` if the source has changed.
    """
    if store.reading.parts != "video":
        yield _scale(read_picture_frames(store, frames), height, width)
        return
    probe = replace(probe, levels=store.reading.levels)
    decoding = decoding_arguments(store.source, probe, height, width, "out_range=full,format=rgb24")
    with Ffmpeg(["-loglevel", "error", *decoding, "-f", "rawvideo", "pipe:1"], store.folder, STEP_TIMEOUT) as decoder:
        yield _read_frames(decoder, store.info.frames, frames, (height, width, 3))


def _scale(frames: Iterator[tuple[int, RgbArray]], height: int, width: int) -> Iterator[tuple[int, RgbArray]]:
    for frame, image in frames:
        if image.shape[:2] != (height, width):
            way = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_CUBIC
            image = np.asarray(cv2.resize(image, (width, height), interpolation=way), np.uint8)
        yield frame, image


def _read_frames(
    decoder: Ffmpeg, count: int, frames: Sequence[int], shape: tuple[int, int, int]
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
    if frames[-1] == count - 1:  # the clip must end here
        if decoder.stdout.read(1):
            raise MediaError(_NO_MATCH)
        decoder.finish()
