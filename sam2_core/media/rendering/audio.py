"""The sound of a clip beside its new pictures: all of it, or exactly that of the chosen frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media.ffmpeg import PATIENCE, Ffmpeg, reading
from sam2_core.media.probe import ClipProbe
from sam2_core.media.rendering.schedule import Schedule
from sam2_core.media.store import Store


@dataclass(frozen=True, slots=True)
class Sound:
    """The codecs that players expect in a container, ffmpeg's arguments for one of them, the best first, and those
    that write the container."""

    played: frozenset[str]
    encoding: tuple[tuple[str, ...], ...]
    container: tuple[str, ...]


_MP4 = ("-movflags", "+faststart", "-f")  # the table of contents comes first, so that it plays while it loads
IN_MP4 = Sound(
    frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"}), (("-c:a", "aac", "-b:a", "192k"),), (*_MP4, "mp4")
)
_OPUS = ("-c:a", "libopus", "-b:a", "128k")  # which knows not every arrangement of loudspeakers, but two
IN_WEBM = Sound(frozenset({"opus", "vorbis"}), (_OPUS, (*_OPUS, "-ac", "2")), ("-f", "webm"))
IN_MOV = Sound(frozenset({"aac", "alac", "pcm_s16le", "pcm_s24le"}), (("-c:a", "pcm_s16le"),), (*_MP4, "mov"))


def add_sound(silent: Path, store: Store, probe: ClipProbe, shown: Schedule, sound: Sound, target: Path) -> None:
    """Put the source's sound beside the pictures: as it is where players expect it there, else encoded anew.

    That of a part is always encoded anew, since it can be cut exactly only then. Sound that cannot be decoded is left
    out; the pictures are worth having without it.
    """
    for way in _ways(probe, shown, sound):
        shift = ["-itsoffset", f"{store.start:.6f}"] if shown.is_whole else []
        opened = [*reading(store.source, probe.max_pixels), "-map", "0:v", "-map", "1:a:0", *way]
        try:
            return _finish(silent, shift, opened, sound, target)
        except MediaError:
            continue
    return _finish(silent, [], [], sound, target)


def _ways(probe: ClipProbe, shown: Schedule, sound: Sound) -> list[list[str]]:
    if not probe.audio:
        return []
    filters = "aresample=async=1"  # keeps in step what has gaps
    if not shown.is_whole:
        cut = f"atrim=start={shown.start:.6f}:end={shown.end:.6f},asetpts=PTS-{shown.start:.6f}/TB"
        filters = f"{cut},{filters}:first_pts=0"
    encoded = [["-filter:a", filters, *arguments] for arguments in sound.encoding]
    copied = [["-c:a", "copy"]] if shown.is_whole and probe.audio in sound.played else []
    return copied + encoded


def _finish(silent: Path, shift: list[str], opened: list[str], sound: Sound, target: Path) -> None:
    pictures = ["-loglevel", "error", "-y", *shift, "-i", str(silent)]
    with Ffmpeg(
        [*pictures, *opened, "-c:v", "copy", *sound.container, str(target)], target.parent, PATIENCE
    ) as process:
        process.finish()
