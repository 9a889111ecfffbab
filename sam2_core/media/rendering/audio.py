"""The audio of a clip beside its new video: all of it, or exactly that of the chosen frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.ffmpeg import STEP_TIMEOUT, Ffmpeg, input_arguments
from sam2_core.media.probe import ClipProbe
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
_OPUS = ("-c:a", "libopus", "-b:a", "128k")  # which does not support every channel layout, but stereo
WEBM_AUDIO = AudioFormat(frozenset({"opus", "vorbis"}), (_OPUS, (*_OPUS, "-ac", "2")), ("-f", "webm"))
MOV_AUDIO = AudioFormat(
    frozenset({"aac", "alac", "pcm_s16le", "pcm_s24le"}), (("-c:a", "pcm_s16le"),), (*_FASTSTART, "mov")
)


def add_audio(
    video: Path, store: Store, probe: ClipProbe, schedule: Schedule, format: AudioFormat, target: Path
) -> None:
    """Mux the source's audio with a new video: copied if players support its codec there, else encoded.

    The audio of a part is always encoded, since only then it can be cut exactly. Audio that cannot be decoded is left
    out.
    """
    for codec in _codec_arguments(probe, schedule, format):
        offset = ["-itsoffset", f"{store.start:.6f}"] if schedule.is_whole else []
        source = [*input_arguments(store.source, probe.max_pixels), "-map", "0:v", "-map", "1:a:0", *codec]
        try:
            return _mux(video, offset, source, format, target)
        except MediaError:
            continue
    return _mux(video, [], [], format, target)


def _codec_arguments(probe: ClipProbe, schedule: Schedule, format: AudioFormat) -> list[list[str]]:
    """ffmpeg's arguments for the audio, in order of preference."""
    if not probe.audio:
        return []
    filters = "aresample=async=1"  # keeps audio with gaps in sync
    if not schedule.is_whole:
        cut = f"atrim=start={schedule.start:.6f}:end={schedule.end:.6f},asetpts=PTS-{schedule.start:.6f}/TB"
        filters = f"{cut},{filters}:first_pts=0"
    encode = [["-filter:a", filters, *encoder] for encoder in format.encoders]
    copy = [["-c:a", "copy"]] if schedule.is_whole and probe.audio in format.supported else []
    return copy + encode


def _mux(video: Path, offset: list[str], source: list[str], format: AudioFormat, target: Path) -> None:
    inputs = ["-loglevel", "error", "-y", *offset, "-i", str(video), *source]
    arguments = [*inputs, "-c:v", "copy", *format.container, str(target)]
    with Ffmpeg(arguments, target.parent, STEP_TIMEOUT) as process:
        process.finish()
