"""What is missing of a clip, compared with what its file promises."""

from __future__ import annotations

import re
from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.ffmpeg import STEP_TIMEOUT, Ffmpeg, input_arguments
from sam2_core.media.probe import ClipProbe

# Decoders and demuxers also complain about clips that are whole; these messages are about lost data.
_DAMAGE = re.compile(
    r"partial file|ended prematurely|error while decoding|decoding error|error submitting packet|concealing|corrupt"
    r"|damaged|truncat|invalid NAL unit size|invalid data found|overread|packet mismatch|error in data",
    re.IGNORECASE,
)
_AUDIO_LINE = re.compile(rb"^0, *-?\d+, *(-?\d+), *(\d+),", re.MULTILINE)
_TIME_BASE = re.compile(rb"^#tb 0: (\d+)/(\d+)", re.MULTILINE)
_RATE_SHARE, _ODD_SHARE = 0.02, 0.1  # by which rates differ; with and without a sign of damage
_GIF_TAIL = 4096  # bytes
_MAX_RATE = 300.0  # frames per second; a larger number is a guess
_SHARE = 0.01  # of the frames may be missing by rounding
_MAX_MISSING = 2.5  # frames at the end, by rounding
_AUDIO_SECONDS, _AUDIO_SHARE = 0.5, 0.03  # by which audio is longer than the video in clips that are whole


def describe_damage(
    source: Path, probe: ClipProbe, frames: int, fps: float, end: float, messages: list[str], limit: float
) -> tuple[str, ...]:
    """A warning if frames are missing or damaged.

    `end` is where the last frame ends, in seconds from the beginning of the file, `fps` the rate of those that were
    decoded; `messages` are what ffmpeg printed while decoding, `limit` the seconds that looking at the audio may take.
    """
    is_damaged = any(map(_DAMAGE.search, messages))
    in_header = _frames_of_avi(source)
    expected = max(round(probe.rate * probe.promised), in_header)
    lost = (expected if is_damaged else in_header) - frames
    missing = probe.promised - end if probe.promised else 0.0
    if lost >= max(2, _SHARE * expected):
        at_end = f" ({missing:.1f} of {probe.promised:.1f} s at its end)" if missing * probe.rate >= 2 else ""
        differs = probe.rate and abs(fps - probe.rate) > _RATE_SHARE * probe.rate
        rate = f" It has {fps:.4g} instead of {probe.rate:.4g} frames per second." if differs else ""
        return (f"The clip is damaged: {lost} of about {expected} frames are missing{at_end}.{rate}",)
    if is_damaged:
        return ("The clip is damaged: some of its frames may look wrong.",)
    if _is_cut_gif(source):
        return ("The GIF is cut off: frames at its end may be missing.",)
    if _ends_early(source, probe, missing, limit):
        count = f" ({frames} of about {expected} frames)" if expected > frames else ""
        return (f"The clip is cut off or damaged: {missing:.1f} of its {probe.promised:.1f} s are missing{count}.",)
    if frames > 2 and probe.seconds and 0 < probe.rate <= _MAX_RATE and abs(fps - probe.rate) > _ODD_SHARE * probe.rate:
        return (f"The file says {probe.rate:.4g} frames per second, but it has {fps:.4g} on average.",)
    return ()


def _ends_early(source: Path, probe: ClipProbe, missing: float, limit: float) -> bool:
    """Whether the video ends before the file says so, and not just before the audio."""
    if not probe.audio:
        return missing > max(_MAX_MISSING / probe.rate if probe.rate else 1.0, _SHARE * probe.promised)
    if missing <= max(_AUDIO_SECONDS, _AUDIO_SHARE * probe.promised):
        return False
    return _audio_end(source, probe, limit) < probe.promised - _AUDIO_SECONDS


def _frames_of_avi(source: Path) -> int:
    """The number of frames in the header of an AVI file, which ffmpeg corrects where the file is cut off; else 0."""
    with source.open("rb") as file:
        head = file.read(64)
    return int.from_bytes(head[48:52], "little") if head[8:12] == b"AVI " and head[24:28] == b"avih" else 0


def _is_cut_gif(source: Path) -> bool:
    """Whether a GIF lacks the trailer; zeros may follow it."""
    with source.open("rb") as file:
        if file.read(4) != b"GIF8":
            return False
        file.seek(max(0, file.seek(0, 2) - _GIF_TAIL))
        return not file.read().rstrip(b"\0").endswith(b";")


def _audio_end(source: Path, probe: ClipProbe, limit: float) -> float:
    """Where the audio ends, in seconds; 0 where that cannot be found out."""
    arguments = [*input_arguments(source, probe.max_pixels), "-map", "0:a:0", "-c", "copy", "-f", "framecrc", "pipe:1"]
    tick, end = 0.0, 0
    try:
        with Ffmpeg(["-loglevel", "error", *arguments], source.parent, min(limit, STEP_TIMEOUT)) as process:
            for line in process.stdout:
                if base := _TIME_BASE.match(line):
                    tick = int(base[1]) / int(base[2])
                elif packet := _AUDIO_LINE.match(line):
                    end = max(end, int(packet[1]) + int(packet[2]))
            process.finish()
    except MediaError:
        return 0.0
    return end * tick
