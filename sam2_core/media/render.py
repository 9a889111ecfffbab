"""Sources with something drawn on them, at full size; a clip frame by frame, with its times and sound."""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_file
from sam2_core.media.clips import decoding
from sam2_core.media.draw import Rgb, color_of, overlay
from sam2_core.media.export import photo_title
from sam2_core.media.ffmpeg import Ffmpeg, reading
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.pictures import read_picture
from sam2_core.media.probe import ClipProbe, probe_clip
from sam2_core.media.progress import Progress, Reporter
from sam2_core.media.store import Store
from sam2_core.types import FrameMasks

Paint: TypeAlias = Callable[[int, RgbArray], RgbArray]
"""Given a frame's number and its picture (H, W, 3) of source size, returns the picture to show."""

_TICKS = 90_000  # a second; MPEG's clock, which meets the usual rates exactly
_PLAYED_IN_MP4 = {"aac", "mp3", "ac3", "eac3", "alac", "opus"}
_NO_MATCH = "The clip's source no longer matches its frames. Upload the clip again."


@dataclass(frozen=True, slots=True)
class OverlayOptions:
    """How masks are drawn and the clip is encoded.

    `opacity` is 0..1, `outline` is in pixels (0 for none), `colors` gives an object's colour by its id, `crf` is
    H.264's constant rate factor (0 best, 51 worst) and `time_limit` is wall-clock seconds.
    """

    opacity: float = 0.5
    outline: int = 2
    colors: Callable[[int], Rgb] = color_of
    crf: int = 18
    time_limit: float = 3600.0


DEFAULT_OVERLAY = OverlayOptions()


def write_overlay(
    path: str | Path,
    store: Store,
    masks: Callable[[int], FrameMasks],
    options: OverlayOptions = DEFAULT_OVERLAY,
    progress: Progress | None = None,
) -> None:
    """Draw the masks over the source: an H.264 MP4 with the source's size, times and sound; a PNG for a picture; for
    an album a ZIP archive with a JPEG of each photo that has a mask.

    `masks` is called once for each frame, in order. The file appears under its name only when complete.
    Raises `MediaError` if the source cannot be decoded again, and whatever `masks` or `progress` raise.
    """

    def paint(frame: int, picture: RgbArray) -> RgbArray:
        return _painted(masks(frame), picture, options)

    report = Reporter(progress)
    report(0.0, "Starting to draw")
    if store.info.kind == "image":
        _render_picture(Path(path), store, paint, report)
    elif store.info.kind == "album":
        _render_album(Path(path), store, masks, options, report)
    else:
        _render_clip(Path(path), store, paint, options, report)


def _painted(found: FrameMasks, picture: RgbArray, options: OverlayOptions) -> RgbArray:
    colored = [(each.mask, options.colors(each.object_id)) for each in found.objects]
    return overlay(picture, colored, options.opacity, options.outline)


def _render_picture(path: Path, store: Store, paint: Paint, report: Reporter) -> None:
    painted = paint(0, _read_source(store, 0))
    with new_file(path) as unfinished:
        unfinished.write_bytes(_encoded(painted, ".png"))
        report(1.0, "Ready")


def _render_album(
    path: Path, store: Store, masks: Callable[[int], FrameMasks], options: OverlayOptions, report: Reporter
) -> None:
    """Photos without a mask are left out: their owner has them already."""
    info = store.info
    with new_file(path) as unfinished:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
            for frame in range(info.frames):
                report(frame / info.frames, f"Photo {frame + 1} of {info.frames}")
                found = masks(frame)
                if any(each.mask.area for each in found.objects):
                    painted = _painted(found, _read_source(store, frame), options)
                    archive.writestr(f"{photo_title(info, frame)}.jpg", _encoded(painted, ".jpg"))
            if not archive.namelist():
                raise MediaError("No photo has a mask yet. Select something first.")
        report(1.0, "Ready")


def _read_source(store: Store, frame: int) -> RgbArray:
    height, width = store.info.size_of(frame)
    return read_picture(store.source_of(frame), replace(DEFAULT_LIMITS, max_pixels=height * width))


def _encoded(picture: RgbArray, ending: str) -> bytes:
    return cv2.imencode(ending, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def _render_clip(path: Path, store: Store, paint: Paint, options: OverlayOptions, report: Reporter) -> None:
    about, seconds = store.info, options.time_limit
    side, pixels = 2 * max(about.height, about.width), 4 * about.height * about.width
    limits = replace(DEFAULT_LIMITS, max_clip_side=side, max_clip_pixels=pixels, max_seconds=math.inf)
    probe = probe_clip(store.source, limits)
    with new_file(path) as unfinished:
        silent = unfinished.with_name("silent.mp4")
        with (
            Ffmpeg(_decoding(store, probe), silent.parent, seconds) as decoder,
            Ffmpeg(_encoding(silent, probe, options.crf), silent.parent, seconds, fed=True) as encoder,
        ):
            _redraw(store, decoder, paint, encoder, report)
        _add_sound(silent, store, probe, unfinished, seconds)
        report(1.0, "Ready")


def _decoding(store: Store, probe: ClipProbe) -> list[str]:
    frames = decoding(store.source, probe, store.info.height, store.info.width, "out_range=full,format=rgb24")
    return ["-loglevel", "error", *frames, "-f", "rawvideo", "pipe:1"]


def _encoding(target: Path, probe: ClipProbe, crf: int) -> list[str]:
    """Arguments that encode what arrives, each frame at its own time, as BT.709, which every player gets right."""
    times = ["-fps_mode", "passthrough", "-enc_time_base", f"1:{_TICKS}", "-video_track_timescale", str(_TICKS)]
    filters = [
        "scale=flags=bicubic+accurate_rnd:out_color_matrix=bt709:out_range=tv",
        "format=yuv420p",
        "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709",
        f"setsar={probe.pixel_aspect}",
    ]
    codec = ["-vf", ",".join(filters), "-c:v", "libx264", "-preset", "veryfast", "-crf", str(crf)]
    return ["-loglevel", "error", "-f", "ivf", "-i", "pipe:0", *times, *codec, str(target)]


def _redraw(store: Store, decoder: Ffmpeg, paint: Paint, encoder: Ffmpeg, report: Reporter) -> None:
    """Take all frames from the decoder, paint them and hand them to the encoder, each with its time.

    They travel as IVF, about the simplest container that gives each frame a time of its own.
    Raises `MediaError` unless the frames are as many as the store holds.
    """
    about = store.info
    height, width = about.height + about.height % 2, about.width + about.width % 2  # H.264 wants even sides
    encoder.feed(struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"RV24", width, height, _TICKS, 1, about.frames, 0))
    for frame, time in enumerate(store.times):
        picture = _next_picture(decoder, about.height, about.width)
        painted = cv2.cvtColor(paint(frame, picture), cv2.COLOR_RGB2BGR)
        even = cv2.copyMakeBorder(painted, 0, about.height % 2, 0, about.width % 2, cv2.BORDER_REPLICATE)
        encoder.feed(struct.pack("<IQ", even.nbytes, round(float(time) * _TICKS)), even.data)
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


def _add_sound(silent: Path, store: Store, probe: ClipProbe, target: Path, seconds: float) -> None:
    """Put the source's sound beside the pictures: as it is where players expect it in an MP4, else as AAC.

    Sound that cannot be decoded is left out; the pictures are worth having without it.
    """
    copy, encode = ["-c:a", "copy"], ["-c:a", "aac", "-b:a", "192k"]
    ways = [copy, encode] if probe.audio in _PLAYED_IN_MP4 else [encode] if probe.audio else []
    shift = ["-itsoffset", f"{store.start:.6f}"] if probe.audio else []
    for way in ways:
        sound = [*reading(store.source, probe.max_pixels), "-map", "0:v", "-map", "1:a:0", *way]
        try:
            return _finish(silent, shift, sound, target, seconds)
        except MediaError:
            continue
    return _finish(silent, [], [], target, seconds)


def _finish(silent: Path, shift: list[str], sound: list[str], target: Path, seconds: float) -> None:
    """Write the final MP4, its table of contents first, so that it plays while it loads."""
    pictures = ["-loglevel", "error", "-y", *shift, "-i", str(silent)]
    end = ["-c:v", "copy", "-movflags", "+faststart", "-f", "mp4", str(target)]
    with Ffmpeg([*pictures, *sound, *end], target.parent, seconds) as process:
        process.finish()
