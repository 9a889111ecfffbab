"""What cannot be used is refused in words, and a refused, failed or cancelled ingest leaves nothing behind."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import Limits, ingest, open_store
from sam2_core.media.probe import ClipProbe
from tests.media.numbered import ffmpeg, make_clip, read_number


class Cancelled(Exception):
    pass


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", sound=("-c:a", "aac"))


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Path]:
    """Where the bad file lies; beside it nothing may be left."""
    (tmp_path / "inbox").mkdir()
    yield tmp_path / "inbox"
    assert [path.name for path in tmp_path.iterdir()] == ["inbox"]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """All processes that are started."""
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(real(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return started


def cut_jpeg(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    Image.fromarray(noise).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:9000])


def cut_mp4(path: Path) -> None:
    make_clip(path)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moov") - 50])  # the table of contents comes last


def sound_with_cover(path: Path) -> None:
    Image.new("RGB", (32, 32)).save(path.with_name("cover.png"))
    sine = ("-f", "lavfi", "-t", "0.2", "-i", "sine", "-i", path.with_name("cover.png"))
    ffmpeg(*sine, "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v:0", "attached_pic", path)


def spoilt_clip(path: Path) -> None:
    """The container is whole, the pictures in it are noise."""
    make_clip(path, codec=("-c:v", "mjpeg", "-q:v", "3"))
    content = bytearray(path.read_bytes())
    begin = content.index(b"mdat") + 4
    end = content.index(b"moov", begin) - 4
    content[begin:end] = bytes(end - begin)
    path.write_bytes(content)


def heic(path: Path) -> None:
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))


def playlist(text: str) -> Callable[[Path], None]:
    """A file that names another, readable one."""

    def write(path: Path) -> None:
        make_clip(path.with_name("secret.mp4"))
        make_clip(path.with_name("secret.ts"))
        path.write_text(text.format(folder=path.parent.as_posix()))

    return write


UNREADABLE = "neither a picture nor a clip"
BAD: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "empty": ("a.mp4", lambda path: path.write_bytes(b""), "empty"),
    "text": ("a.mp4", lambda path: path.write_text("This is not a clip. " * 200), UNREADABLE),
    "noise": ("a.jpg", lambda path: path.write_bytes(np.random.default_rng(1).bytes(5000)), UNREADABLE),
    "svg": ("a.png", lambda path: path.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>'), "SVG drawings"),
    "cut_jpeg": ("a.jpg", cut_jpeg, "damaged or cut off"),
    "cut_mp4": ("a.mp4", cut_mp4, "cut off"),
    "spoilt_clip": ("a.mov", spoilt_clip, "damaged"),
    "wav": ("a.wav", lambda path: ffmpeg("-f", "lavfi", "-t", "0.2", "-i", "sine", path), "sound"),
    "m4a_with_cover": ("a.m4a", sound_with_cover, "sound"),
    "mp3_with_cover": ("a.mp3", sound_with_cover, "sound"),
    "heic": ("a.heic", heic, "Save the picture as JPEG"),
    "concat": ("a.mp4", playlist("ffconcat version 1.0\nfile secret.mp4\n"), UNREADABLE),
    "hls": (
        "a.mp4",
        playlist("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{folder}/secret.ts\n#EXT-X-ENDLIST\n"),
        UNREADABLE,
    ),
    "sdp": (
        "a.mp4",
        playlist("v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"),
        UNREADABLE,
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused_in_words(kind: str, inbox: Path) -> None:
    name, write, message = BAD[kind]
    write(inbox / name)
    with pytest.raises(MediaError, match=message):
        ingest(inbox / name, inbox.parent / "store")


def test_a_missing_file_is_refused(inbox: Path) -> None:
    with pytest.raises(MediaError, match="not here"):
        ingest(inbox / "gone.mp4", inbox.parent / "store")
    with pytest.raises(MediaError, match="not here"):
        ingest(inbox, inbox.parent / "store")


LIMITS = {
    "bytes": (Limits(max_bytes=1000), r"has .* MB; the limit is 0.0 MB"),
    "side": (Limits(max_clip_side=80), r"96 x 64 pixels; the limit is 80"),
    "area": (Limits(max_clip_pixels=6000), r"96 x 64 = 0.0 million pixels; the limit is 0.0 million"),
    "seconds": (
        Limits(max_seconds=0.5),
        r"lasts 0:01 min; the limit is 0:01 min|lasts 0:02 min; the limit is 0:01 min",
    ),
    "frames": (Limits(max_frames=7), r"more than 7 frames"),
    "store": (Limits(max_store_bytes=2000), r"take more than 0.0 MB"),
    "time": (Limits(time_limit=0.0), r"took longer than 0 s"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_kept_and_named(
    name: str, clip: Path, inbox: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    limits, message = LIMITS[name]
    with pytest.raises(MediaError, match=message):
        ingest(clip, inbox.parent / "store", limits)
    assert all(process.poll() is not None for process in processes)


def test_decoders_are_bounded_whatever_the_file_says(
    clip: Path, tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    ingest(clip, tmp_path / "store")
    assert len(processes) == 2, "one looks, one decodes"
    for process in processes:
        assert isinstance(process.args, list)
        opening = process.args[: process.args.index("-i")]
        options = dict(itertools.pairwise(opening))
        assert 1 <= int(options["-threads"]) <= 4
        assert int(options["-max_pixels"]) < 50_000_000


@pytest.mark.parametrize(("size", "most"), [((720, 1280), 4 * 720 * 1280), ((4320, 8192), 4320 * 8192)])
def test_a_size_may_grow_within_a_clip_but_not_beyond_what_is_ordinary(size: tuple[int, int], most: int) -> None:
    assert ClipProbe(*size, 0.0, "", "auto", "1/1").max_pixels == most


@pytest.mark.parametrize("after", ["Copying", "Looking", "frames read", "Ready"])
def test_cancelling_passes_through_and_stops_everything(
    after: str, clip: Path, inbox: Path, processes: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2_core.media.progress._INTERVAL", 0.0)

    def cancel(fraction: float, message: str) -> None:
        if after in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        ingest(clip, inbox.parent / "store", progress=cancel)
    assert all(process.poll() is not None for process in processes)
    assert bool(processes) is (after in ("frames read", "Ready"))


def test_a_folder_in_use_is_left_alone(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(FileExistsError):
        ingest(clip, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_decodes_of_a_cut_clip_is_used(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", codec=("-c:v", "mjpeg", "-q:v", "3"))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    info = ingest(clip, tmp_path / "store")
    assert 5 <= info.frames <= 12
    with open_store(tmp_path / "store") as store:
        assert [read_number(store.frame(frame)) for frame in range(info.frames - 1)] == list(range(info.frames - 1))


def test_progress_grows_to_the_end(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2_core.media.progress._INTERVAL", 0.0)
    reports: list[tuple[float, str]] = []
    ingest(clip, tmp_path / "store", progress=lambda *report: reports.append(report))
    fractions = [fraction for fraction, _ in reports]
    assert fractions == sorted(fractions)
    assert reports[-1] == (1.0, "Ready")
    assert any(0.2 < fraction < 0.8 for fraction in fractions)


def test_progress_is_told_a_few_times_a_second_only(clip: Path, tmp_path: Path) -> None:
    reports: list[str] = []
    ingest(clip, tmp_path / "store", Limits(), lambda fraction, message: reports.append(message))
    assert len(reports) < 15
