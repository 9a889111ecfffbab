"""The source's own pictures, which those that a store keeps may be smaller than. One place reads them again and tells
where they are gone, or others."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.clip_files import decoding
from sam2_core.media.ffmpeg import PATIENCE, Ffmpeg
from sam2_core.media.image_files import read_image
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.probe import ClipProbe, probe_clip
from sam2_core.media.store import Store

_GONE = "The source of this is no longer here. Upload it again."
_NO_MATCH = "The clip's source no longer matches its frames. Upload the clip again."


def iterate_source_frames(store: Store, frames: range) -> Generator[RgbArray, None, None]:
    """These frames (in their order) as (H, W, 3) in RGB, upright, at the size that masks have. Close the iterator if it
    is not read to its end.

    Raises `MediaError` if the source cannot be read again.
    """
    if store.info.kind == "clip":
        with decode_source_frames(store, probe_source(store), frames, store.info.height, store.info.width) as pictures:
            for _, picture in pictures:
                yield picture
    else:
        for frame in frames:
            yield read_source_image(store, frame)


def read_source_image(store: Store, frame: int) -> RgbArray:
    """A picture, or one of an album, as (H, W, 3). Raises `MediaError` where it is gone, damaged or another one."""
    if not store.source_of(frame).is_file():
        raise MediaError(_GONE)
    height, width = store.info.size_of(frame)
    picture = read_image(store.source_of(frame), replace(DEFAULT_LIMITS, max_pixels=height * width))
    if picture.shape[:2] != (height, width):
        raise MediaError("The picture's source is no longer the same. Upload it again.")
    return picture


def probe_source(store: Store) -> ClipProbe:
    """Look at the source again. Raises `MediaError` where it is gone, or another one."""
    if not store.source.is_file():
        raise MediaError(_GONE)
    # What came in once is within the limits, whatever they are today.
    side, pixels = 2 * max(store.info.height, store.info.width), 4 * store.info.height * store.info.width
    probe = probe_clip(
        store.source,
        replace(DEFAULT_LIMITS, max_clip_side=side, max_clip_pixels=pixels, max_seconds=math.inf),
    )
    if (probe.height, probe.width) != (store.info.height, store.info.width):
        raise MediaError(_NO_MATCH)
    return probe


@contextmanager
def decode_source_frames(
    store: Store, probe: ClipProbe, frames: Sequence[int], height: int, width: int
) -> Iterator[Iterator[tuple[int, RgbArray]]]:
    """Those frames (numbers that grow) one after the other, each with its number, as (height, width, 3).

    The iterator raises `MediaError` where the source turns out to be another one.
    """
    decoding_frames = decoding(store.source, probe, height, width, "out_range=full,format=rgb24")
    arguments = ["-loglevel", "error", *decoding_frames, "-f", "rawvideo", "pipe:1"]
    with Ffmpeg(arguments, store.folder, PATIENCE) as decoder:
        yield _pictures(decoder, store.info.frames, frames, (height, width, 3))


def _pictures(
    decoder: Ffmpeg, count: int, frames: Sequence[int], shape: tuple[int, int, int]
) -> Iterator[tuple[int, RgbArray]]:
    wished = frozenset(frames)
    for frame in range(frames[-1] + 1):
        pixels = decoder.stdout.read(math.prod(shape))
        if len(pixels) < math.prod(shape):
            decoder.finish()
            raise MediaError(_NO_MATCH)
        decoder.renew()
        if frame in wished:
            yield frame, np.frombuffer(pixels, np.uint8).reshape(shape)
    if frames[-1] == count - 1:  # what comes after the last wished frame has not been looked at otherwise
        if decoder.stdout.read(1):
            raise MediaError(_NO_MATCH)
        decoder.finish()
