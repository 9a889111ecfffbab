"""What each container of clips is made of: how ffmpeg encodes the pictures, and what is then done with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sam2_core.media.ffmpeg import PATIENCE, Ffmpeg
from sam2_core.media.probe import ClipProbe
from sam2_core.media.rendering.audio import IN_MOV, IN_MP4, IN_WEBM, Sound, add_sound
from sam2_core.media.rendering.schedule import Schedule
from sam2_core.media.rendering.webp import end_at
from sam2_core.media.store import Store


@dataclass(frozen=True, slots=True)
class Encoded:
    """A clip whose pictures are encoded, in `pictures`, and what is known of it."""

    pictures: Path
    store: Store
    probe: ClipProbe
    shown: Schedule


Encoding: TypeAlias = Callable[[Path, bool, str], list[str]]
"""ffmpeg's arguments after the input, of the file to write, whether it is transparent, and the aspect of its pixels."""
Finish: TypeAlias = Callable[[Encoded, Path], None]
"""Makes the final file of the encoded pictures."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A container of clips and its bounds: `largest_side` where nothing else is wished (0: the source's),
    `longest_side` that it can hold at all, `most_rate` in frames a second."""

    title: str
    pictures: str
    """The ending of the file that the encoder writes."""
    encoding: Encoding
    finish: Finish
    alpha: bool = True
    even: bool = False
    square_pixels: bool = False
    largest_side: int = 0
    longest_side: int = 16384
    most_rate: float = math.inf


_TICKS = 120_000  # a second: all usual rates, NTSC's too, are whole numbers of it
_TIMES = ["-fps_mode", "passthrough", "-enc_time_base", f"1:{_TICKS}"]
_TRACK = ["-video_track_timescale", str(_TICKS)]


def _filters(pixels: str, aspect: str) -> list[str]:
    """Colors as BT.709, which every player gets right."""
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
    """The frames as they are and, beside them, the palette that fits all of them. Made at once with the GIF, they would
    all have to wait in memory for the palette."""
    palette = f"split[frames][seen];[seen]palettegen=reserve_transparent={int(transparent)}[palette]"
    frames = [*_TIMES, "-map", "[frames]", "-c:v", "ffv1", str(target)]
    one = ["-frames:v", "1", "-update", "1"]  # or a % in the folder's name would count pictures
    return ["-filter_complex", palette, *frames, "-map", "[palette]", *one, str(target.with_name(_PALETTE))]


_PALETTE = "palette.png"
_SHORTEST = 2  # hundredths of a second: what is shorter browsers show for a tenth


def _with_sound(sound: Sound) -> Finish:
    return lambda made, target: add_sound(made.pictures, made.store, made.probe, made.shown, sound, target)


def _finish_webp(made: Encoded, target: Path) -> None:
    end_at(made.pictures, round(made.shown.ticks[-1] / 1000))
    made.pictures.replace(target)


def _finish_gif(made: Encoded, target: Path) -> None:
    inputs = ["-i", str(made.pictures), "-f", "png_pipe", "-i", str(made.pictures.with_name(_PALETTE))]
    paint = "[0][1]paletteuse=dither=bayer:bayer_scale=3:diff_mode=rectangle"
    last, end = (round(ticks / 10_000) for ticks in made.shown.ticks[-2:])  # hundredths of a second
    times = ["-fps_mode", "passthrough", "-final_delay", str(max(_SHORTEST, end - last)), "-loop", "0"]
    arguments = ["-loglevel", "error", *inputs, "-filter_complex", paint, *times, "-f", "gif", str(target)]
    with Ffmpeg(arguments, target.parent, PATIENCE) as process:
        process.finish()


MP4 = Codec("MP4", "pictures.mp4", _h264, _with_sound(IN_MP4), alpha=False, even=True)
WEBM = Codec("WebM", "pictures.webm", _vp9, _with_sound(IN_WEBM))
MOV = Codec("ProRes", "pictures.mov", _prores, _with_sound(IN_MOV))
WEBP = Codec("WebP", "pictures.webp", _webp, _finish_webp, square_pixels=True, longest_side=16383)
GIF = Codec("GIF", "pictures.mkv", _palette, _finish_gif, square_pixels=True, largest_side=480, most_rate=25)
