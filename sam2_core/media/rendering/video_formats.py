"""Video containers: how ffmpeg encodes the frames, and how the file is finished."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sam2_core.media.ffmpeg import STEP_TIMEOUT, Ffmpeg
from sam2_core.media.probe import ClipProbe
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.rendering.audio import MOV_AUDIO, MP4_AUDIO, WEBM_AUDIO, AudioFormat, add_audio
from sam2_core.media.rendering.schedule import Schedule
from sam2_core.media.rendering.webp import set_duration
from sam2_core.media.store import Store


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """A file with the encoded frames of a clip, the clip's properties, and whom to ask whether to go on."""

    video: Path
    store: Store
    probe: ClipProbe
    schedule: Schedule
    report: ProgressReporter


Encoding: TypeAlias = Callable[[Path, bool, str], list[str]]
"""(output, transparent, pixel aspect) → ffmpeg's arguments after the input."""
Finish: TypeAlias = Callable[[EncodedVideo, Path], None]
"""Makes the final file from the encoded frames."""


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """A video container and its bounds: `default_side` if no size is requested (0: the source's), `max_side` in pixels,
    `max_rate` in frames per second. `encoded_name` is the name of the file that the encoder writes."""

    title: str
    encoded_name: str
    encoding: Encoding
    finish: Finish
    alpha: bool = True
    even: bool = False
    square_pixels: bool = False
    default_side: int = 0
    max_side: int = 16384
    max_rate: float = math.inf


_TICKS = 120_000  # per second; a multiple of all usual rates, including NTSC's
_TIMES = ["-fps_mode", "passthrough", "-enc_time_base", f"1:{_TICKS}"]
_TRACK = ["-video_track_timescale", str(_TICKS)]


def _filters(pixels: str, aspect: str) -> list[str]:
    """Colors as BT.709, which all players support."""
    filters = [
        "scale=flags=bicubic+accurate_rnd:out_color_matrix=bt709:out_range=tv",
        f"format={pixels}",
        "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709",
        f"setsar={aspect}",
    ]
    return [*_TIMES, "-vf", ",".join(filters)]


def _h264(target: Path, transparent: bool, aspect: str) -> list[str]:
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18"]  # 0 best, 51 worst
    return [*_filters("yuv420p", aspect), *codec, *_TRACK, str(target)]


def _vp9(target: Path, transparent: bool, aspect: str) -> list[str]:
    speed = ["-deadline", "realtime", "-cpu-used", "6", "-row-mt", "1", "-auto-alt-ref", "0"]
    codec = ["-c:v", "libvpx-vp9", "-crf", "30", "-b:v", "0", *speed]  # 0 best, 63 worst
    return [*_filters("yuva420p" if transparent else "yuv420p", aspect), *codec, str(target)]


def _prores(target: Path, transparent: bool, aspect: str) -> list[str]:
    codec = ["-c:v", "prores_ks", "-profile:v", "4444", "-vendor", "apl0", "-qscale:v", "9"]  # 1 best; edited further
    pixels, alpha = ("yuva444p10le", ["-alpha_bits", "16"]) if transparent else ("yuv444p10le", [])
    return [*_filters(pixels, aspect), *codec, *alpha, *_TRACK, str(target)]


def _webp(target: Path, transparent: bool, aspect: str) -> list[str]:
    codec = ["-c:v", "libwebp_anim", "-lossless", "0", "-quality", "80", "-compression_level", "2"]
    return [*_TIMES, "-vf", f"format={'bgra' if transparent else 'bgr0'}", *codec, "-loop", "0", str(target)]


def _palette(target: Path, transparent: bool, aspect: str) -> list[str]:
    """The lossless frames and a palette of all of them, in two files; in one pass with the GIF, ffmpeg would keep all
    frames in memory until the palette is known."""
    palette = f"split[frames][seen];[seen]palettegen=reserve_transparent={int(transparent)}[palette]"
    frames = [*_TIMES, "-map", "[frames]", "-c:v", "ffv1", str(target)]
    one = ["-frames:v", "1", "-update", "1"]  # else a % in the folder's name would number files
    return ["-filter_complex", palette, *frames, "-map", "[palette]", *one, str(target.with_name(_PALETTE))]


_PALETTE = "palette.png"
_MIN_DELAY = 2  # hundredths of a second; browsers show shorter frames for a tenth of a second


def _with_audio(format: AudioFormat) -> Finish:
    return lambda encoded, target: encoded.store.decoders.run(
        add_audio,
        encoded.video,
        encoded.store,
        encoded.probe,
        encoded.schedule,
        format,
        target,
        report=encoded.report.repeat,
    )


def _finish_webp(encoded: EncodedVideo, target: Path) -> None:
    set_duration(encoded.video, round(encoded.schedule.ticks[-1] / 1000))
    encoded.video.replace(target)


def _finish_gif(encoded: EncodedVideo, target: Path) -> None:
    inputs = ["-i", str(encoded.video), "-f", "png_pipe", "-i", str(encoded.video.with_name(_PALETTE))]
    dither = "[0][1]paletteuse=dither=bayer:bayer_scale=3:diff_mode=rectangle"
    last, end = (round(ticks / 10_000) for ticks in encoded.schedule.ticks[-2:])  # hundredths of a second
    times = ["-fps_mode", "passthrough", "-final_delay", str(max(_MIN_DELAY, end - last)), "-loop", "0"]
    arguments = ["-loglevel", "error", *inputs, "-filter_complex", dither, *times, "-f", "gif", str(target)]
    with Ffmpeg(arguments, target.parent, STEP_TIMEOUT) as process:
        process.finish()


MP4 = VideoFormat("MP4", ".frames.mp4", _h264, _with_audio(MP4_AUDIO), alpha=False, even=True)
WEBM = VideoFormat("WebM", ".frames.webm", _vp9, _with_audio(WEBM_AUDIO))
MOV = VideoFormat("ProRes", ".frames.mov", _prores, _with_audio(MOV_AUDIO))
WEBP = VideoFormat("WebP", ".frames.webp", _webp, _finish_webp, square_pixels=True, max_side=16383)
GIF = VideoFormat("GIF", ".frames.mkv", _palette, _finish_gif, square_pixels=True, default_side=480, max_rate=25)
