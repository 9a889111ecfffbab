"""Properties of a clip, found by decoding its first frame with ffmpeg."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.ffmpeg import Ffmpeg, TookTooLong, input_arguments
from sam2_core.media.limits import DEFAULT_LIMITS, Limits

UNREADABLE = (
    "This file is neither a picture nor a clip that can be read, or it is damaged. "
    "Use a JPEG, PNG, WebP, TIFF, BMP or GIF picture, or an MP4, MOV, MKV, WebM or AVI clip."
)

_TIMEOUT = 60.0
_HD_HEIGHT = 720
_DURATION = re.compile(r"^\s*Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_STREAM = re.compile(r"^\s*Stream #0:\d+.*?: (Video|Audio): (.*)")
_SIZE = re.compile(r"\b(\d{2,6})x(\d{2,6})\b")
_MATRIX = re.compile(r"\((?:tv|pc)?,? ?(?:bt709|bt470bg|smpte170m|smpte240m|fcc|bt2020nc|bt2020c|gbr|ycgco|ictcp)\b")
_PIXEL_ASPECT = re.compile(rb"^#sar 0: ([1-9]\d*/[1-9]\d*)", re.MULTILINE)
_UPRIGHT_SIZE = re.compile(rb"^#dimensions 0: (\d+)x(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ClipProbe:
    """A readable clip: its upright size, and its length in seconds or 0 if the file has none.

    `audio` is the codec of its sound ("" for none), `matrix` ffmpeg's name of its color matrix, `pixel_aspect` the
    width of a pixel over its height, as "1/1".
    """

    height: int
    width: int
    seconds: float
    audio: str
    matrix: str
    pixel_aspect: str

    @property
    def max_pixels(self) -> int:
        """The largest frame to decode: the size may change within a clip, up to twice the first one within the default
        limits."""
        pixels = self.height * self.width
        return max(pixels, min(4 * pixels, DEFAULT_LIMITS.max_clip_pixels))


def probe_clip(source: Path, limits: Limits) -> ClipProbe:
    """Decode the first frame of a file. Raises `MediaError` unless it is a clip within the limits."""
    opening = input_arguments(source, min(limits.max_clip_pixels, limits.max_clip_side**2))
    arguments = [*opening, "-map", "0:V:0", "-frames:v", "1", "-f", "framecrc", "pipe:1"]
    with Ffmpeg(arguments, source.parent, min(_TIMEOUT, limits.time_limit)) as process:
        header = process.stdout.read(1 << 16)
        failure = _failure(process)
        messages = process.messages
    streams = [match.groups() for line in messages if (match := _STREAM.match(line))]
    videos = [about for kind, about in streams if kind == "Video" and "(attached pic)" not in about]
    audio = next((re.split(r"\W", about)[0] for kind, about in streams if kind == "Audio"), "")
    if size := _SIZE.search(videos[0]) if videos else None:
        limits.check_clip_size(int(size[2]), int(size[1]))
    upright = _UPRIGHT_SIZE.search(header)
    if failure or not upright or not re.search(rb"^0,", header, re.MULTILINE):
        raise MediaError(_explain(messages, bool(videos), bool(audio))) from failure
    width, height = int(upright[1]), int(upright[2])
    limits.check_clip_size(height, width)
    seconds = next((_seconds(match) for line in messages if (match := _DURATION.match(line))), 0.0)
    limits.check_seconds(seconds)
    matrix = _matrix(videos[0] if videos else "", height)
    aspect = _PIXEL_ASPECT.search(header)
    return ClipProbe(height, width, seconds, audio, matrix, aspect[1].decode() if aspect else "1/1")


def _failure(process: Ffmpeg) -> MediaError | None:
    try:
        process.finish()
    except TookTooLong:
        raise
    except MediaError as error:
        return error
    return None


def _explain(messages: list[str], has_video: bool, has_audio: bool) -> str:
    """The message for a file without a first frame."""
    if any("moov atom not found" in line for line in messages):
        return "The clip is cut off: its table of contents is missing. Copy or upload the whole file again."
    if has_audio and not has_video:
        return "This file holds sound but no moving picture. Choose a clip or a picture."
    if has_video:
        return "No frame of this clip can be decoded: it is damaged. Upload it again, or convert it to MP4 (H.264)."
    return UNREADABLE


def _seconds(match: re.Match[str]) -> float:
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _matrix(about: str, height: int) -> str:
    """The matrix between luma, chroma and RGB: as in the file, else as players assume from the height."""
    return "bt709" if height >= _HD_HEIGHT and "yuv" in about and not _MATRIX.search(about) else "auto"
