"""Properties of a clip, found by decoding its first frame with ffmpeg."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.color_table import color_table, title_of
from sam2_core.media.ffmpeg import Ffmpeg, TookTooLong, TooMuchMemory, input_arguments
from sam2_core.media.limits import DEFAULT_LIMITS, NO_MEMORY, Limits

UNREADABLE = (
    "This file is neither a picture nor a clip that can be read, or it is damaged. "
    "Use a JPEG, PNG, WebP, AVIF, TIFF, BMP or GIF picture, or an MP4, MOV, MKV, WebM or AVI clip."
)

_TIMEOUT = 60.0
_HD_HEIGHT = 720
_DURATION = re.compile(r"^\s*Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_STREAM = re.compile(r"^\s*Stream #0:\d+.*?: (Video|Audio): (.*)")
_SIZE = re.compile(r"\b(\d{2,6})x(\d{2,6})\b")
_MATRIX = re.compile(r"\((?:tv|pc)?,? ?(?:bt709|bt470bg|smpte170m|smpte240m|fcc|bt2020nc|bt2020c|gbr|ycgco|ictcp)\b")
_FRAME = re.compile(r"^rawvideo \([^)]*\), (\w+)(?:\(([^)]*)\))?")
_RATE = re.compile(r"([\d.]+)(k?) fps\b")
_ALPHA_MODE = re.compile(r"^\s*alpha_mode\s*:\s*1\b", re.IGNORECASE)
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # ffmpeg's own ones leave the alpha channel out
_DEEP_FORMAT = re.compile(r"^(gray(9|1\d)|ya16)")
_ALPHA_FORMAT = re.compile(r"^(yuva|gbrap|rgba|bgra|argb|abgr|ya\d|pal8)")
_NO_PROMISE = re.compile(r"Estimating duration from bitrate|^Input #0, (mpegts|mpeg|ogg),")  # found by the last stamp
_DOLBY_VISION = re.compile(r"DOVI configuration record:.*\bprofile: 5\b")
_QUARTER_TURN = re.compile(r"^\s*display ?matrix: rotation of (-?)90\.00 degrees", re.IGNORECASE)
_PIXEL_ASPECT = re.compile(rb"^#sar 0: ([1-9]\d*/[1-9]\d*)", re.MULTILINE)
_UPRIGHT_SIZE = re.compile(rb"^#dimensions 0: (\d+)x(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ClipProbe:
    """A readable clip: its upright size, and its length in seconds or 0 if the file has none.

    `audio` is the codec of its sound ("" for none), `matrix` ffmpeg's name of its color matrix, `pixel_aspect` the
    width of a pixel over its height, as "1/1". `color_table` is the table that converts its colors to sRGB ("" for
    none), `decoder` the one to use ("" for ffmpeg's choice), `has_alpha` whether frames have a transparency. `rate` are
    the frames per second and `promised` the seconds that the file's header promises, or 0. `is_deep`: it is gray
    with more than 8 bits, of which `levels`, on a scale to 65535, are shown as black and white. `warnings` are for the
    user. `orientation` is the EXIF orientation of a turn by 90°, else 1.
    """

    height: int
    width: int
    seconds: float
    audio: str
    matrix: str
    pixel_aspect: str
    color_table: str = ""
    decoder: str = ""
    has_alpha: bool = False
    rate: float = 0.0
    promised: float = 0.0
    is_deep: bool = False
    levels: tuple[float, float] | None = None
    warnings: tuple[str, ...] = ()
    orientation: int = 1

    @property
    def max_pixels(self) -> int:
        """The largest frame to decode: the size may change within a clip, up to twice the first one within the default
        limits."""
        pixels = self.height * self.width
        return max(pixels, min(4 * pixels, DEFAULT_LIMITS.max_clip_pixels))


def probe_clip(source: Path, limits: Limits) -> ClipProbe:
    """Decode the first frame of a file. Raises `MediaError` unless it is a clip within the limits."""
    first = _decode_first(source, limits, "")
    codec = first.videos[0].split()[0].rstrip(",") if first.videos else ""
    decoder, warnings = "", list[str]()
    if codec in _ALPHA_DECODERS and any(map(_ALPHA_MODE.match, first.messages)):
        transparent = _decode_first(source, limits, _ALPHA_DECODERS[codec])
        if transparent.size:
            first, decoder = transparent, _ALPHA_DECODERS[codec]
        else:
            warnings.append("The clip's transparency cannot be read by this ffmpeg (it lacks libvpx) and is ignored.")
    height, width = first.checked_size(limits)
    seconds = next((_seconds(match) for line in first.messages if (match := _DURATION.match(line))), 0.0)
    limits.check_seconds(seconds)
    if any(map(_DOLBY_VISION.search, first.messages)):
        warnings.append(
            "The clip is in Dolby Vision (profile 5), whose colors cannot be read right. Convert it to SDR."
        )
    pixel_format, primaries, transfer = first.colors
    table = color_table(primaries, transfer)
    if table:
        warnings.append(f"The clip's colors were converted from {title_of(table)} to sRGB.")
    rate = _RATE.search(first.videos[0])
    return ClipProbe(
        height,
        width,
        seconds,
        first.audio,
        _matrix(first.videos[0], height),
        first.pixel_aspect,
        color_table=table,
        decoder=decoder,
        has_alpha=bool(_ALPHA_FORMAT.match(pixel_format)) and not _is_opaque(source, codec, limits),
        rate=float(rate[1]) * (1000 if rate[2] else 1) if rate else 0.0,
        promised=0.0 if any(map(_NO_PROMISE.search, first.messages)) else seconds,
        is_deep=bool(_DEEP_FORMAT.match(pixel_format)),
        warnings=tuple(warnings),
        orientation=next((6 if turn[1] else 8 for line in first.messages if (turn := _QUARTER_TURN.match(line))), 1),
    )


@dataclass(frozen=True)
class _FirstFrame:
    """What ffmpeg says about a file whose first frame it was asked to decode."""

    messages: list[str]
    header: bytes
    failure: MediaError | None

    @property
    def videos(self) -> list[str]:
        """Descriptions of the video streams; the last one is about the decoded frame, if there is one."""
        return [about for kind, about in self._streams if kind == "Video" and "(attached pic)" not in about]

    @property
    def audio(self) -> str:
        return next((re.split(r"\W", about)[0] for kind, about in self._streams if kind == "Audio"), "")

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the upright frame, None if none was decoded."""
        size = _UPRIGHT_SIZE.search(self.header)
        if self.failure or not size or not re.search(rb"^0,", self.header, re.MULTILINE):
            return None
        return int(size[2]), int(size[1])

    @property
    def pixel_aspect(self) -> str:
        aspect = _PIXEL_ASPECT.search(self.header)
        return aspect[1].decode() if aspect else "1/1"

    @property
    def colors(self) -> tuple[str, str, str]:
        """ffmpeg's names of the pixel format, the color primaries and the transfer function; "" where unknown."""
        match = next((match for about in reversed(self.videos) if (match := _FRAME.match(about))), None)
        if match is None:
            return "", "", ""
        spaces = [part for part in (match[2] or "").split(", ") if part.count("/") == 2]
        _, primaries, transfer = spaces[0].split("/") if spaces else ("", "", "")
        return match[1], primaries, transfer

    def checked_size(self, limits: Limits) -> tuple[int, int]:
        """The same; raises `MediaError` if there is no frame, or one beyond the limits."""
        if size := _SIZE.search(self.videos[0]) if self.videos else None:
            limits.check_clip_size(int(size[2]), int(size[1]))
        if self.size is None:
            raise MediaError(_explain(self.messages, bool(self.videos), bool(self.audio))) from self.failure
        limits.check_clip_size(*self.size)
        return self.size

    @property
    def _streams(self) -> list[tuple[str, ...]]:
        return [match.groups() for line in self.messages if (match := _STREAM.match(line))]


def _decode_first(source: Path, limits: Limits, decoder: str) -> _FirstFrame:
    opening = input_arguments(source, limits.max_decoded_clip_pixels, decoder)
    arguments = [*opening, "-map", "0:V:0", "-frames:v", "1", "-f", "framecrc", "pipe:1"]
    with Ffmpeg(arguments, source.parent, min(_TIMEOUT, limits.time_limit)) as process:
        header = process.stdout.read(1 << 16)
        failure = _failure(process)
        first = _FirstFrame(process.messages, header, failure)
        if first.size is None and process.lacked_memory:
            raise TooMuchMemory(NO_MEMORY)
        return first


def _is_opaque(source: Path, codec: str, limits: Limits) -> bool:
    """Whether the transparency of an uncompressed clip is zero everywhere, as where a recorder left it out."""
    if codec != "rawvideo":
        return False
    opening = input_arguments(source, limits.max_decoded_clip_pixels)
    sampling = ["-frames:v", "25", "-vf", "alphaextract,scale=64:64:flags=area,format=gray"]
    arguments = [*opening, "-map", "0:V:0", *sampling, "-f", "rawvideo", "pipe:1"]
    with Ffmpeg(["-loglevel", "error", *arguments], source.parent, min(_TIMEOUT, limits.time_limit)) as process:
        return not any(process.stdout.read())


def _failure(process: Ffmpeg) -> MediaError | None:
    try:
        process.finish()
    except (TookTooLong, TooMuchMemory):
        raise
    except MediaError as error:
        return error
    return None


def _explain(messages: list[str], has_video: bool, has_audio: bool) -> str:
    """The message for a file without a first frame."""
    if any("moov atom not found" in line for line in messages):
        return "The clip is cut off: its table of contents is missing. Copy the whole file again."
    if has_audio and not has_video:
        return "This file holds sound but no moving picture. Choose a clip or a picture."
    if has_video:
        return "No frame of this clip can be decoded: it is damaged. Copy it again, or convert it to MP4 (H.264)."
    return UNREADABLE


def _seconds(match: re.Match[str]) -> float:
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _matrix(about: str, height: int) -> str:
    """The matrix between luma, chroma and RGB: as in the file, else as players assume from the height."""
    return "bt709" if height >= _HD_HEIGHT and "yuv" in about and not _MATRIX.search(about) else "auto"
