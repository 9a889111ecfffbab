"""A clip drawn anew at full size: an H.264 MP4 with the source's size, times and sound, without any mark of ours."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_file
from sam2_core.media.clips import decoding
from sam2_core.media.effects.painter import Painter
from sam2_core.media.ffmpeg import Ffmpeg, reading
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.material import Material
from sam2_core.media.order import Order
from sam2_core.media.probe import ClipProbe, probe_clip
from sam2_core.media.progress import Progress, Reporter
from sam2_core.media.store import Store

_TICKS = 90_000  # a second; MPEG's clock, which meets the usual rates exactly
_QUALITY = 18  # H.264's constant rate factor: 0 best, 51 worst
_TIME_LIMIT = 3600.0  # seconds of wall-clock time
_PLAYED_IN_MP4 = {"aac", "mp3", "ac3", "eac3", "alac", "opus"}
_NO_MATCH = "The clip's source no longer matches its frames. Upload the clip again."


def write_film(path: Path, material: Material, order: Order, progress: Progress | None = None) -> None:
    """Draw each chosen frame with the order's look. Raises `MediaError` if the source cannot be decoded again."""
    store, report = material.store, Reporter(progress)
    report(0.0, "Starting to draw")
    side, pixels = 2 * max(store.info.height, store.info.width), 4 * store.info.height * store.info.width
    limits = replace(DEFAULT_LIMITS, max_clip_side=side, max_clip_pixels=pixels, max_seconds=math.inf)
    probe = probe_clip(store.source, limits)
    with new_file(path) as unfinished:
        silent = unfinished.with_name("silent.mp4")
        with (
            Ffmpeg(_decoding(store, probe), silent.parent, _TIME_LIMIT) as decoder,
            Ffmpeg(_encoding(silent, probe), silent.parent, _TIME_LIMIT, fed=True) as encoder,
        ):
            _redraw(material, decoder, Painter(order.look, material, order.backdrops), encoder, report)
        _add_sound(silent, store, probe, unfinished)
        report(1.0, "Ready")


def _decoding(store: Store, probe: ClipProbe) -> list[str]:
    frames = decoding(store.source, probe, store.info.height, store.info.width, "out_range=full,format=rgb24")
    return ["-loglevel", "error", *frames, "-f", "rawvideo", "pipe:1"]


def _encoding(target: Path, probe: ClipProbe) -> list[str]:
    """Arguments that encode what arrives, each frame at its own time, as BT.709, which every player gets right."""
    times = ["-fps_mode", "passthrough", "-enc_time_base", f"1:{_TICKS}", "-video_track_timescale", str(_TICKS)]
    filters = [
        "scale=flags=bicubic+accurate_rnd:out_color_matrix=bt709:out_range=tv",
        "format=yuv420p",
        "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709",
        f"setsar={probe.pixel_aspect}",
    ]
    codec = ["-vf", ",".join(filters), "-c:v", "libx264", "-preset", "veryfast", "-crf", str(_QUALITY)]
    return ["-loglevel", "error", "-f", "ivf", "-i", "pipe:0", *times, *codec, str(target)]


def _redraw(material: Material, decoder: Ffmpeg, painter: Painter, encoder: Ffmpeg, report: Reporter) -> None:
    """Take all frames from the decoder, paint the chosen ones and hand them to the encoder, each with its time.

    They travel as IVF, about the simplest container that gives each frame a time of its own.
    Raises `MediaError` unless the frames are as many as the store holds.
    """
    about, times, chosen = material.info, material.store.times, material.frames
    height, width = about.height + about.height % 2, about.width + about.width % 2  # H.264 wants even sides
    encoder.feed(struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"RV24", width, height, _TICKS, 1, len(chosen), 0))
    for frame in range(about.frames):
        picture = _next_picture(decoder, about.height, about.width)
        if frame in chosen:
            painted = cv2.cvtColor(painter.paint(frame, picture), cv2.COLOR_RGB2BGR)
            even = cv2.copyMakeBorder(painted, 0, about.height % 2, 0, about.width % 2, cv2.BORDER_REPLICATE)
            ticks = round(float(times[frame] - times[chosen[0]]) * _TICKS)
            encoder.feed(struct.pack("<IQ", even.nbytes, ticks), even.data)
        report((frame + 1) / about.frames, f"{frame + 1} of {about.frames} frames drawn")
    if decoder.stdout.read(1):
        raise MediaError(_NO_MATCH)
    decoder.finish()
    encoder.finish()


def _next_picture(decoder: Ffmpeg, height: int, width: int) -> RgbArray:
    size = height * width * 3
    pixels = decoder.stdout.read(size)
    if len(pixels) < size:
        decoder.finish()
        raise MediaError(_NO_MATCH)
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def _add_sound(silent: Path, store: Store, probe: ClipProbe, target: Path) -> None:
    """Put the source's sound beside the pictures: as it is where players expect it in an MP4, else as AAC.

    Sound that cannot be decoded is left out; the pictures are worth having without it.
    """
    copy, encode = ["-c:a", "copy"], ["-c:a", "aac", "-b:a", "192k"]
    ways = [copy, encode] if probe.audio in _PLAYED_IN_MP4 else [encode] if probe.audio else []
    shift = ["-itsoffset", f"{store.start:.6f}"] if probe.audio else []
    for way in ways:
        sound = [*reading(store.source, probe.max_pixels), "-map", "0:v", "-map", "1:a:0", *way]
        try:
            return _finish(silent, shift, sound, target)
        except MediaError:
            continue
    return _finish(silent, [], [], target)


def _finish(silent: Path, shift: list[str], sound: list[str], target: Path) -> None:
    """Write the final MP4, its table of contents first, so that it plays while it loads."""
    pictures = ["-loglevel", "error", "-y", *shift, "-i", str(silent)]
    end = ["-c:v", "copy", "-movflags", "+faststart", "-f", "mp4", str(target)]
    with Ffmpeg([*pictures, *sound, *end], target.parent, _TIME_LIMIT) as process:
        process.finish()
