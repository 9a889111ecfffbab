"""What goes wrong while a result is written is explained, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, Store, ingest, open_store, write
from sam2_core.media.atomic import new_file
from sam2_core.media.ffmpeg import Ffmpeg, TookTooLong
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.rendering import video_formats
from sam2_core.media.rendering.video_writer import write_video
from tests.media.masked_media import FRAMES, material_of, no_masks
from tests.media.numbered import make_clip

EXPORT_FORMATS = ["mp4", "webm", "mov", "gif", "webp", "png", "jpg"]


class Stopped(Exception):
    pass


@pytest.mark.parametrize("kind", EXPORT_FORMATS)
def test_whoever_cancels_finds_nothing(kind: str, clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2_core.media.progress._INTERVAL", 0.0)
    told: list[float] = []

    def cancel(fraction: float, message: str) -> None:
        told.append(fraction)
        if fraction >= 0.7:
            raise Stopped

    with pytest.raises(Stopped):
        write(tmp_path / "result", material_of(clip), ExportOptions(kind, cropped=True), cancel)
    assert told == sorted(told)
    assert len(told) > FRAMES
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", EXPORT_FORMATS)
def test_progress_grows_to_the_end(kind: str, clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2_core.media.progress._INTERVAL", 0.0)
    told: list[float] = []
    write(tmp_path / "result", material_of(clip), ExportOptions(kind, cropped=True), lambda done, _: told.append(done))
    assert told == sorted(told)
    assert [done for done in told if done == 1] == [1.0], "only what is ready is at 100 %"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_a_source_that_does_not_match_is_refused(tmp_path: Path) -> None:
    ingest(make_clip(tmp_path / "long.mp4", frames=8), tmp_path / "store")
    for how in ({"frames": 7}, {"frames": 9}, {"frames": 8, "size": (64, 98)}):
        make_clip(tmp_path / "other.mp4", **how).replace(tmp_path / "store" / "source")
        with open_store(tmp_path / "store") as store, pytest.raises(MediaError, match="no longer matches"):
            write(tmp_path / "film", material_of(store, no_masks), ExportOptions("png"))
    assert not (tmp_path / "film").exists()


def test_a_source_that_is_gone_is_missed(tmp_path: Path) -> None:
    ingest(make_clip(tmp_path / "clip.mp4", frames=2), tmp_path / "store")
    (tmp_path / "store" / "source").unlink()
    for kind in EXPORT_FORMATS:
        with open_store(tmp_path / "store") as store, pytest.raises(MediaError, match="no longer here"):
            write(tmp_path / "film", material_of(store, no_masks), ExportOptions(kind))
    assert not (tmp_path / "film").exists()


def test_an_encoder_that_gives_up_is_explained(clip: Store, tmp_path: Path) -> None:
    broken = replace(video_formats.MP4, encoding=lambda *_: ["-f", "nonsense"])
    with pytest.raises(MediaError, match="could not be processed"), new_file(tmp_path / "film.mp4") as path:
        write_video(broken, path, material_of(clip), ExportOptions("mp4"), ProgressReporter())
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("step", ["encoding", "finish"])
def test_a_full_disk_is_called_so(step: str, clip: Store, tmp_path: Path) -> None:
    if step == "encoding":
        encoding = lambda target, *rest: [
            "-y",
            *video_formats.MP4.encoding(target, *rest)[:-1],
            "-f",
            "mp4",
            "/dev/full",
        ]
        full = replace(video_formats.MP4, encoding=encoding)
    else:
        full = replace(video_formats.MP4, finish=lambda made, target: video_formats.MP4.finish(made, Path("/dev/full")))
    with pytest.raises(MediaError, match="The disk is full"), new_file(tmp_path / "film.mp4") as path:
        write_video(full, path, material_of(clip), ExportOptions("mp4"), ProgressReporter())
    assert not list(tmp_path.iterdir())


_DIES = """
import os, sys
from pathlib import Path
from sam2_core.media import ExportOptions, MaskedMedia, open_store, write
from sam2_core.types import FrameMasks
import sam2_core.media.progress as progress
progress._INTERVAL = 0.0
media = MaskedMedia(open_store(sys.argv[1]), lambda frames: [FrameMasks(frame, 0, ()) for frame in frames])
write(Path(sys.argv[2]), media, ExportOptions(sys.argv[3]), lambda done, _: os._exit(9) if done > 0.5 else None)
"""


@pytest.mark.parametrize("kind", ["mp4", "png"])
def test_a_process_that_dies_leaves_no_half_file(kind: str, clip: Store, tmp_path: Path) -> None:
    target = tmp_path / "result"
    target.write_text("the last one")
    command = [sys.executable, "-c", _DIES, str(clip.folder), str(target), kind]
    died = subprocess.run(command, cwd=Path(__file__).parents[3], timeout=60)
    assert died.returncode == 9
    assert target.read_text() == "the last one"


def test_only_a_step_that_takes_too_long_is_given_up(
    clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pictures together may take as long as they need."""
    now, renewed = [0.0], list[float]()
    monkeypatch.setattr("sam2_core.media.ffmpeg.time", SimpleNamespace(monotonic=lambda: now[0]))
    with Ffmpeg(["-f", "u8", "-i", "pipe:0", "-f", "null", "-"], tmp_path, 0.01, fed=True) as process:
        process.feed(b"0")
        now[0] = 1.0
        assert process.stdout.read() == b"", "it waits for more until it is stopped"
        with pytest.raises(TookTooLong, match="took longer"):
            process.finish()
    renew = Ffmpeg.renew
    monkeypatch.setattr(Ffmpeg, "renew", lambda self: (renewed.append(now[0]), renew(self))[1])
    write(tmp_path / "film.mp4", material_of(clip), ExportOptions("mp4"))
    assert len(renewed) >= 2 * FRAMES + 3, "each picture that is read or written, and the beginning of each process"


def test_ffmpeg_is_gone_after_a_failure(clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[Ffmpeg] = []
    start = Ffmpeg.__init__
    monkeypatch.setattr(Ffmpeg, "__init__", lambda self, *a, **k: (running.append(self), start(self, *a, **k))[1])

    def fail(frame: int) -> None:
        raise Stopped

    media = material_of(clip, objects=())
    monkeypatch.setattr("sam2_core.media.rendering.compositor.Painter.paint", lambda *_: fail(0))
    with pytest.raises(Stopped):
        write(tmp_path / "film.mp4", media, ExportOptions("mp4"))
    assert len(running) == 3, "one looks, one decodes, one encodes"
    assert all(each._process.poll() is not None for each in running)
