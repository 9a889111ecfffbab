"""A clip drawn anew: with the source's times and sound, without any mark of ours."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from sam2_core.media.atomic import new_file
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.ffmpeg import PATIENCE, Ffmpeg
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.media.rendering import matroska
from sam2_core.media.rendering.codecs import Codec, Encoded
from sam2_core.media.rendering.composer import Composer
from sam2_core.media.rendering.geometry import Geometry, arrange, check_side, wished_box
from sam2_core.media.rendering.schedule import Schedule, schedule
from sam2_core.media.source_frames import decode_source_frames, probe_source

_BEGIN, _DRAWN = 0.1, 0.97  # shares of the work: the box that has been looked for, all frames drawn


def write_video(
    codec: Codec, path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None
) -> None:
    """Draw each chosen frame with the order's look. Raises `MediaError` if the source cannot be decoded again."""
    store, report = media.store, ProgressReporter(progress)
    report(0.0, "Starting to draw")
    probe, shown = probe_source(store), schedule(media, codec.most_rate)
    composer = Composer(media, options, alpha=codec.alpha)
    aspect = Fraction(probe.pixel_aspect)
    geometry = _geometry(codec, media, options, aspect, report)
    with new_file(path) as unfinished:
        pictures = unfinished.with_name(codec.pictures)
        encoding = codec.encoding(pictures, composer.channels == 4, "1" if codec.square_pixels else str(aspect))
        arguments = ["-loglevel", "error", "-f", "matroska", "-i", "pipe:0", *encoding]
        with (
            decode_source_frames(store, probe, shown.frames, geometry.height, geometry.width) as frames,
            Ffmpeg(arguments, pictures.parent, PATIENCE, fed=True) as encoder,
        ):
            drawn = (composer.compose(frame, picture, geometry) for frame, picture in frames)
            _feed(encoder, drawn, shown, codec.even, report)
        report(_DRAWN, "Finishing the file")
        codec.finish(Encoded(pictures, store, probe, shown), unfinished)
        report(1.0, "Ready")


def _geometry(
    codec: Codec, media: MaskedMedia, options: ExportOptions, aspect: Fraction, report: ProgressReporter
) -> Geometry:
    box, info = wished_box(media, options, report, _BEGIN), media.info
    largest = options.max_side or codec.largest_side
    shape = aspect if codec.square_pixels else Fraction(1)
    geometry = arrange(info.height, info.width, options, box, largest_side=largest, even=codec.even, aspect=shape)
    check_side(geometry, options, codec.longest_side, codec.title)
    return geometry


def _feed(encoder: Ffmpeg, drawn: Iterator[RgbArray], shown: Schedule, even: bool, report: ProgressReporter) -> None:
    """Hand the pictures to the encoder, each with its time."""
    count = len(shown.frames)
    for number, picture in enumerate(drawn):
        pixels = np.ascontiguousarray(_with_even_sides(picture) if even else picture)
        if number == 0:
            encoder.feed(matroska.header(*pixels.shape))
        begin, end = shown.ticks[number : number + 2]
        encoder.feed(matroska.frame_header(begin, end - begin, pixels.nbytes), pixels.data)
        report(_BEGIN + (_DRAWN - _BEGIN) * (number + 1) / count, f"{number + 1} of {count} frames drawn")
    encoder.finish()


def _with_even_sides(picture: RgbArray) -> RgbArray:
    """With a row or a column repeated where there is an odd number of them."""
    bottom, right = picture.shape[0] % 2, picture.shape[1] % 2
    if not bottom and not right:
        return picture
    return np.asarray(cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_REPLICATE), np.uint8)
