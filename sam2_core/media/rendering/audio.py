"""The audio of a clip: all of it or exactly that of the chosen frames beside a new video, or on its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.ffmpeg import STEP_TIMEOUT, Ffmpeg, input_arguments
from sam2_core.media.probe import ClipProbe
from sam2_core.media.progress import SILENT, MediaProgress
from sam2_core.media.rendering.schedule import Schedule
from sam2_core.media.store import Store


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The audio of a container: the codecs that players support there, ffmpeg's arguments for encoders in order of
    preference, and those for the container."""

    supported: frozenset[str]
    encoders: tuple[tuple[str, ...], ...]
    container: tuple[str, ...]


_FASTSTART = ("-movflags", "+faststart", "-f")  # the index comes first, so that playback starts while loading
MP4_AUDIO = AudioFormat(
    frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"}), (("-c:a", "aac", "-b:a", "192k"),), (*_FASTSTART, "mp4")
)
_IN_SYNC = "aresample=async=1"  # keeps audio with gaps in sync
_HEARD_RATE = "128k"
_EXTRACTION_TIMEOUT = 300.0  # seconds
_OPUS = ("-c:a", "libopus", "-b:a", "128k")  # which does not support every channel layout, but stereo
WEBM_AUDIO = AudioFormat(frozenset({"opus", "vorbis"}), (_OPUS, (*_OPUS, "-ac", "2")), ("-f", "webm"))
MOV_AUDIO = AudioFormat(
    frozenset({"aac", "alac", "pcm_s16le", "pcm_s24le"}), (("-c:a", "pcm_s16le"),), (*_FASTSTART, "mov")
)


def add_audio(
    video: Path,
    store: Store,
    probe: ClipProbe,
    schedule: Schedule,
    format: AudioFormat,
    target: Path,
    report: MediaProgress,
) -> None:
    """Mux the source's audio with a new video: copied if players support its codec there, else encoded.

    The audio of a part is always encoded, since only then it can be cut exactly. Audio that cannot be decoded is left
    out.
    """
    for codec in _codec_arguments(probe, schedule, format):
        offset = ["-itsoffset", f"{store.start:.6f}"] if schedule.is_whole else []
        source = [*input_arguments(store.source, probe.max_pixels), "-map", "0:v", "-map", "1:a:0", *codec]
        try:
            return _mux(video, offset, source, format, target, report)
        except MediaError:
            continue
    return _mux(video, [], [], format, target, report)


def extract_audio(store: Store, target: Path, report: MediaProgress = SILENT) -> None:
    """Write the audio of a clip as an M4A file that begins with frame 0. Raises `MediaError`."""
    info = store.info
    cut = _cut(store.start, store.start + info.duration)
    source = [*input_arguments(store.source, info.height * info.width), "-map", "0:a:0", "-filter:a", cut]
    encode = ["-ac", "2", "-c:a", "aac", "-b:a", _HEARD_RATE, *_FASTSTART, "mp4"]
    with Ffmpeg(["-loglevel", "error", "-y", *source, *encode, str(target)], target.parent, _EXTRACTION_TIMEOUT) as run:
        run.finish(report)


def _cut(start: float, end: float) -> str:
    """ffmpeg's filters that keep a part of the audio, with silence where the source has none at first."""
    return f"atrim=start={start:.6f}:end={end:.6f},asetpts=PTS-{start:.6f}/TB,{_IN_SYNC}:first_pts=0"


def _codec_arguments(probe: ClipProbe, schedule: Schedule, format: AudioFormat) -> list[list[str]]:
    """ffmpeg's arguments for the audio, in order of preference."""
    if not probe.audio:
        return []
    filters = _IN_SYNC if schedule.is_whole else _cut(schedule.start, schedule.end)
    encode = [["-filter:a", filters, *encoder] for encoder in format.encoders]
    copy = [["-c:a", "copy"]] if schedule.is_whole and probe.audio in format.supported else []
    return copy + encode


def _mux(
    video: Path, offset: list[str], source: list[str], format: AudioFormat, target: Path, report: MediaProgress
) -> None:
    inputs = ["-loglevel", "error", "-y", *offset, "-i", str(video), *source]
    arguments = [*inputs, "-c:v", "copy", *format.container, str(target)]
    with Ffmpeg(arguments, target.parent, STEP_TIMEOUT) as process:
        process.finish(report)
