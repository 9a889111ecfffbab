"""Clips: decodes every frame, in presentation order, in one sequential pass."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.bit_depth import Levels, describe_levels, measure_levels
from sam2_core.media.clip_damage import describe_damage
from sam2_core.media.color_table import write_color_table
from sam2_core.media.ffmpeg import Ffmpeg, TooMuchMemory, input_arguments
from sam2_core.media.info import MediaInfo, SourceReading, fit_size
from sam2_core.media.limits import NO_MEMORY, Limits, describe_scaling
from sam2_core.media.probe import ClipProbe, probe_clip
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.store import FRAMES, SOURCE, describe_store
from sam2_core.media.timing import build_timeline

_TIME_BASE = re.compile(rb"#tb 0: (\d+)/(\d+)")
# The stamps of damaged files may go back, which encoders refuse.
_INCREASING = "setpts='if(gt(PREV_OUTPTS+1,PTS),PREV_OUTPTS+1,PTS)'"
_SAMPLED, _SAMPLE_SIDE = 32, 256  # frames and pixels by which gray values are measured
_JPEG = ["-c:v", "mjpeg", "-q:v", "3", "-huffman", "default"]
# ffmpeg writes the JPEGs to the file, and one line per frame with its time and size to the pipe.
_FRAMES_AND_INDEX = f"[f=mjpeg]{FRAMES}|[f=framecrc:flush_packets=1]pipe:1"


@dataclass
class _Index:
    """The lines read from the pipe so far: time stamps and durations in ticks, sizes in bytes."""

    tick: float = 0.0
    stamps: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    stored: int = 0
    last_duration: int = 0

    def read(self, line: bytes) -> bool:
        """Parse one line; returns whether it was a frame."""
        if base := _TIME_BASE.match(line):
            self.tick = int(base[1]) / int(base[2])
        if line.startswith(b"#"):
            return False
        _, _, stamp, duration, size = (int(part) for part in line.split(b",")[:5])
        self.stamps.append(stamp)
        self.sizes.append(size)
        self.stored += size
        self.last_duration = duration
        return True

    @property
    def seconds(self) -> float:
        """The time from the first to the newest frame."""
        return (self.stamps[-1] - self.stamps[0]) * self.tick


def decoding_arguments(source: Path, probe: ClipProbe, height: int, width: int, colors: str) -> list[str]:
    """Arguments of ffmpeg that decode every frame of a clip upright, in presentation order, scaled to one size.

    Every decoder of clips uses them, so frame k is the same image everywhere. `colors` are options of the scale filter,
    and further filters. The frame size may change within the clip, up to `probe.max_pixels`.
    """
    every_frame = ["-map", "0:V:0", "-fps_mode", "passthrough", "-enc_time_base", "demux"]
    opening = input_arguments(source, probe.max_pixels, probe.decoder)
    filters, matrix = [_INCREASING], f":in_color_matrix={probe.matrix}"
    if probe.has_alpha:  # over white: premultiplied negatives are over black
        filters += [f"scale=flags=bicubic{matrix}:out_range=full,format=gbrap,negate,premultiply=inplace=1,negate"]
        matrix = ""
    if probe.levels:
        black, white = (f"{level / 65535:.6f}" for level in probe.levels)
        ends = ":".join(f"{channel}imin={black}:{channel}imax={white}" for channel in "rgb")
        filters += [f"scale=flags=bicubic{matrix}:out_range=full,format=rgb48le,colorlevels={ends}"]
        matrix = ""
    if probe.color_table:  # in the folder of the store, where ffmpeg runs
        write_color_table(source.parent, probe.color_table)
        scale = f"scale={width}:{height}:flags=bicubic{matrix}:out_range=full"
        filters += [f"{scale},format=gbrp12,lut3d=file={probe.color_table}:interp=tetrahedral"]
        matrix = ""
    filters += [f"scale={width}:{height}:flags=bicubic{matrix}:{colors}"]
    return [*opening, *every_frame, "-vf", ",".join(filters), "-max_error_rate", "1"]


def ingest_clip(folder: Path, name: str, limits: Limits, report: ProgressReporter) -> MediaInfo:
    """Decode `folder`/source into a store. Raises `MediaError`."""
    report(0.0, "Looking at the clip")
    source = folder / SOURCE
    probe = probe_clip(source, limits)
    levels = _measure_levels(source, probe, limits, report) if probe.is_deep else None
    if levels is not None:
        probe = replace(probe, levels=(levels.black, levels.white))
    original = (probe.height, probe.width)
    size = limits.scaled_clip_size(*original) or original
    scaling = (describe_scaling("clip", original, size),) if size != original else ()
    height, width = fit_size(*size, limits.stored_side)
    index, messages = _decode(folder, probe, (height, width), limits, report)
    stamps = np.asarray(index.stamps, np.float64) * index.tick
    timeline = build_timeline(stamps, index.last_duration * index.tick)
    end = float(stamps[-1]) + timeline.duration - float(timeline.times[-1])
    notes = describe_levels("16-bit", levels) if levels is not None else ()
    damage = describe_damage(
        source, probe, len(index.sizes), len(index.sizes) / timeline.duration, end, messages, limits.time_limit
    )
    info = MediaInfo(
        "clip", name, len(index.sizes), *size, height, width,
        timeline.fps, timeline.constant_rate, bool(probe.audio), timeline.duration,
        warnings=scaling + probe.warnings + notes + damage,
        orientations=(probe.orientation,) if probe.orientation > 1 else (),
    )  # fmt: skip
    describe_store(
        folder,
        info,
        index.sizes,
        timeline.times,
        float(stamps[0]),
        SourceReading(levels=probe.levels, is_scaled=bool(scaling)),
    )
    return info


def _measure_levels(source: Path, probe: ClipProbe, limits: Limits, report: ProgressReporter) -> Levels:
    """Levels for the gray values of some frames."""
    height, width = fit_size(probe.height, probe.width, _SAMPLE_SIDE)
    every = max(1, round(probe.rate * probe.seconds / _SAMPLED))
    filters = f"select='not(mod(n,{every}))',scale={width}:{height}:flags=neighbor,format=gray16le"
    opening = input_arguments(source, probe.max_pixels)
    arguments = [*opening, "-map", "0:V:0", "-vf", filters, "-fps_mode", "passthrough", "-frames:v", str(2 * _SAMPLED)]
    with Ffmpeg(
        ["-loglevel", "error", *arguments, "-f", "rawvideo", "pipe:1"], source.parent, limits.time_limit
    ) as process:
        frames = list[bytes]()
        while len(frame := process.stdout.read(2 * height * width)) == 2 * height * width:
            frames.append(frame)
            report(0.0, "Measuring the brightness")
    return measure_levels([np.frombuffer(b"".join(frames), np.uint16)])


def _decode(
    folder: Path, probe: ClipProbe, size: tuple[int, int], limits: Limits, report: ProgressReporter
) -> tuple[_Index, list[str]]:
    """Write the frames; what is known about them, and ffmpeg's messages."""
    jpeg_colors = "out_color_matrix=bt601:out_range=full,format=yuv420p"
    decoding = decoding_arguments(folder / SOURCE, probe, *size, jpeg_colors)
    index = _Index()
    arguments = ["-loglevel", "error", *decoding, *_JPEG, "-f", "tee", _FRAMES_AND_INDEX]
    with Ffmpeg(arguments, folder, limits.time_limit) as process:
        for line in process.stdout:
            if index.read(line):
                limits.check_frames(len(index.sizes))
                limits.check_seconds(index.seconds)
                limits.check_store(index.stored)
                report(index.seconds / probe.seconds if probe.seconds else 0.0, f"{len(index.sizes)} frames read")
        process.finish()
    if not index.sizes and process.lacked_memory:
        raise TooMuchMemory(NO_MEMORY)
    if not index.sizes:
        raise MediaError("This clip has no frame that can be decoded. Copy it again, or convert it to MP4.")
    if (folder / FRAMES).stat().st_size != index.stored:
        raise MediaError("The clip's frames could not all be written: the disk may be full. Try again later.")
    return index, process.messages
