"""Writes clips rendered with effects, with the times and the sound of the source."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from sam2_core.media.export_options import ExportOptions
from sam2_core.media.ffmpeg import STEP_TIMEOUT, Ffmpeg
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.rendering import matroska
from sam2_core.media.rendering.compositor import Compositor
from sam2_core.media.rendering.geometry import check_side, compute_geometry, crop_area
from sam2_core.media.rendering.schedule import Schedule, schedule_frames
from sam2_core.media.rendering.video_formats import EncodedVideo, VideoFormat
from sam2_core.media.source_frames import decode_source_frames, probe_source

_CROP_SHARE, _FRAMES_SHARE = 0.1, 0.97  # of the work is done: the area to crop to is found, all frames are rendered


def write_video(
    format: VideoFormat, path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter
) -> None:
    """Write each chosen frame of a clip, rendered. Raises `MediaError` if the source cannot be decoded again."""
    store, info = media.store, media.info
    report(0.0, "Starting to draw")
    probe, schedule = probe_source(store, report), schedule_frames(media, format.max_rate)
    compositor = Compositor(media, options, alpha=format.alpha)
    aspect = Fraction(probe.pixel_aspect)
    geometry = compute_geometry(
        info.height,
        info.width,
        options,
        crop_area(media, options, report, _CROP_SHARE),
        max_side=options.max_side or format.default_side,
        even=format.even,
        aspect=aspect if format.square_pixels else Fraction(1),
    )
    check_side(geometry, options, format.max_side, format.title)
    video = path.with_name(format.encoded_name)
    encoding = format.encoding(video, compositor.channels == 4, "1" if format.square_pixels else str(aspect))
    arguments = ["-loglevel", "error", "-f", "matroska", "-i", "pipe:0", *encoding]
    with (
        decode_source_frames(store, probe, schedule.frames, geometry.height, geometry.width, report) as frames,
        Ffmpeg(arguments, video.parent, STEP_TIMEOUT, fed=True) as encoder,
    ):
        rendered = (compositor.compose(frame, image, geometry) for frame, image in frames)
        _feed(encoder, rendered, schedule, format.even, report)
    report(_FRAMES_SHARE, "Finishing the file")
    format.finish(EncodedVideo(video, store, probe, schedule, report), path)


def _feed(
    encoder: Ffmpeg, rendered: Iterator[RgbArray], schedule: Schedule, even: bool, report: ProgressReporter
) -> None:
    """Pipe the frames to the encoder, each with its time."""
    count = len(schedule.frames)
    for number, image in enumerate(rendered):
        pixels = np.ascontiguousarray(_pad_to_even(image) if even else image)
        if number == 0:
            encoder.feed(matroska.header(*pixels.shape))
        begin, end = schedule.ticks[number : number + 2]
        encoder.feed(matroska.frame_header(begin, end - begin, pixels.nbytes), pixels.data)
        done = _CROP_SHARE + (_FRAMES_SHARE - _CROP_SHARE) * (number + 1) / count
        report(done, f"{number + 1} of {count} frames drawn")
    encoder.finish()


def _pad_to_even(image: RgbArray) -> RgbArray:
    """Repeat the last row or column if their number is odd."""
    bottom, right = image.shape[0] % 2, image.shape[1] % 2
    if not bottom and not right:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE), np.uint8)
