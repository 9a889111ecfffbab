"""Frame k of a store is frame k of the clip, and of the overlay drawn on it, whatever the container and codec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sam2_core.media import ExportOptions, MediaInfo, Store, ingest, open_store, write
from tests.media.masked_media import media_of, no_masks
from tests.media.numbered import H264, ffmpeg, make_clip, read_number

FRAMES = 20
CONSTANT = np.arange(FRAMES) / 30
VARIABLE = (np.arange(FRAMES) + 0.4 * (np.arange(FRAMES) % 3)) / 30
SETPTS = "settb=1/90000,setpts=(N+0.4*mod(N\\,3))/30/TB"


@dataclass(frozen=True)
class Case:
    """How to make a clip and what is expected of it."""

    file: str
    how: dict[str, Any] = field(default_factory=dict)
    times: Any = field(default_factory=lambda: CONSTANT)
    fps: float = 30.0
    constant: bool = True


B_FRAMES = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "8", "-pix_fmt", "yuv420p")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
CASES = {
    "h264": Case("clip.mp4"),
    "b_frames": Case("clip.mp4", {"codec": B_FRAMES}),
    "variable": Case("clip.mp4", {"codec": B_FRAMES, "filters": SETPTS}, VARIABLE, 19 / float(VARIABLE[-1]), False),
    "variable_mkv": Case("clip.mkv", {"filters": SETPTS}, VARIABLE, 19 / float(VARIABLE[-1]), False),
    "ntsc": Case("clip.mp4", {"rate": "30000/1001"}, CONSTANT * 1.001, 30 / 1.001),
    "turned_90": Case("clip.mp4", {"turns": 1}),
    "turned_180": Case("clip.mp4", {"turns": 2}),
    "turned_270": Case("clip.mov", {"turns": 3, "codec": B_FRAMES}),
    "odd_size": Case("clip.mp4", {"size": (75, 97), "codec": ("-c:v", "libx264", "-pix_fmt", "yuv444p")}),
    "ten_bits": Case("clip.mp4", {"codec": ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")}),
    "aac": Case("clip.mp4", {"sound": ("-c:a", "aac")}),
    "pcm_mov": Case("clip.mov", {"sound": ("-c:a", "pcm_s16le"), "codec": ("-c:v", "mpeg4", "-bf", "2", "-q:v", "3")}),
    "mkv": Case("clip.mkv", {"codec": B_FRAMES, "sound": ("-c:a", "libvorbis")}),
    "webm": Case("clip.webm", {"codec": VP9, "sound": ("-c:a", "libopus")}),
    "avi": Case("clip.avi", {"codec": ("-c:v", "mpeg4", "-q:v", "3"), "sound": ("-c:a", "pcm_s16le")}),
    "transport_stream": Case("clip.ts", {"codec": B_FRAMES, "sound": ("-c:a", "aac")}),
    "gif": Case("clip.gif", {"rate": "25", "codec": ()}, np.arange(FRAMES) / 25, 25.0),
}


ORIENTATIONS = {1: (8,), 3: (6,)}
"""EXIF orientations by quarter turns."""


@dataclass(frozen=True)
class Ingested:
    case: Case
    info: MediaInfo
    store: Store
    overlay: Path


@pytest.fixture(scope="module", params=CASES)
def ingested(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingested]:
    case = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    clip = make_clip(folder / case.file, frames=FRAMES, **case.how)
    info = ingest(clip, folder / "store")
    clip.unlink()  # a store stands on its own
    with open_store(folder / "store") as store:
        write(folder / "overlay.mp4", media_of(store, no_masks), ExportOptions("mp4"))
        yield Ingested(case, info, store, folder / "overlay.mp4")


def test_every_frame_is_stored_in_order(ingested: Ingested) -> None:
    store = ingested.store
    assert [read_number(store.frame(frame)) for frame in range(store.info.frames)] == list(range(FRAMES))


def test_jpegs_are_whole_and_of_stored_size(ingested: Ingested) -> None:
    store = ingested.store
    for frame in (FRAMES - 1, 0, FRAMES // 2):
        jpeg = store.jpeg(frame)
        assert jpeg[:2] == b"\xff\xd8"
        assert jpeg[-2:] == b"\xff\xd9"
        assert store.frame(frame).shape == (store.info.stored_height, store.info.stored_width, 3)


def test_times_and_rate_are_true(ingested: Ingested) -> None:
    case, info = ingested.case, ingested.info
    np.testing.assert_allclose(ingested.store.times, case.times, atol=0.001)
    assert info.fps == pytest.approx(case.fps, rel=1e-3)
    assert info.constant_rate is case.constant
    assert info.duration == pytest.approx(case.times[-1] + 1 / case.fps, abs=0.03)


def test_description_is_true(ingested: Ingested) -> None:
    case, info = ingested.case, ingested.info
    size = case.how.get("size", (64, 96))
    assert (info.kind, info.name, info.frames) == ("clip", case.file, FRAMES)
    assert (info.height, info.width) == (info.stored_height, info.stored_width) == size
    assert info.has_audio is ("sound" in case.how)
    assert info.orientations == ORIENTATIONS.get(case.how.get("turns", 0), ())
    assert ingested.store.info == info


def test_overlay_holds_the_same_frames_at_the_same_times(ingested: Ingested, tmp_path: Path) -> None:
    """Read back with our own reader, and with OpenCV's, which shares no code with it above the codec."""
    case, info = ingested.case, ingested.info
    again = ingest(ingested.overlay, tmp_path / "again")
    with open_store(tmp_path / "again") as store:
        assert [read_number(store.frame(frame)) for frame in range(again.frames)] == list(range(FRAMES))
        np.testing.assert_allclose(store.times, ingested.store.times, atol=0.001)
        assert store.start == pytest.approx(ingested.store.start, abs=0.001)
    assert (again.height, again.width) == (info.height + info.height % 2, info.width + info.width % 2)
    assert again.has_audio is ("sound" in case.how)
    capture = cv2.VideoCapture(str(ingested.overlay))
    numbers = []
    while (read := capture.read())[0]:
        numbers.append(read_number(np.asarray(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB), np.uint8)))
    capture.release()
    assert numbers == list(range(FRAMES))


def test_overlay_plays_everywhere(ingested: Ingested) -> None:
    content = ingested.overlay.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat"), "the table of contents should come first"
    assert b"avc1" in content
    sound = {"aac", "pcm_mov", "mkv", "transport_stream"}
    assert (b"mp4a" in content) is (ingested.case in [CASES[name] for name in (*sound, "avi")])
    assert (b"Opus" in content) is (ingested.case is CASES["webm"])


@pytest.mark.parametrize("color", [(200, 40, 60), (40, 180, 70), (60, 80, 220), (128, 128, 128)])
@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_colors_survive(color: tuple[int, int, int], matrix: str, tmp_path: Path) -> None:
    flat = np.full((64, 64, 3), color, np.uint8)
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "64x64", "-r", "10", "-i", "pipe:0")
    tags = f"scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p,setparams=colorspace={matrix}"
    ffmpeg(*raw, "-vf", tags, *H264, "-crf", "5", tmp_path / "flat.mp4", feed=flat.tobytes() * 3)
    ingest(tmp_path / "flat.mp4", tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        np.testing.assert_allclose(store.frame(1)[32, 32].astype(int), color, atol=5)
        write(tmp_path / "overlay.mp4", media_of(store, no_masks), ExportOptions("mp4"))
    ingest(tmp_path / "overlay.mp4", tmp_path / "again")
    with open_store(tmp_path / "again") as store:
        np.testing.assert_allclose(store.frame(1)[32, 32].astype(int), color, atol=6)


def test_large_untagged_clips_are_read_as_players_read_them(tmp_path: Path) -> None:
    """Without a tag, players take BT.709 from 720 lines on."""
    flat = np.full((720, 64, 3), (200, 40, 60), np.uint8)
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "64x720", "-r", "10", "-i", "pipe:0")
    untagged = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setparams=colorspace=unknown"
    ffmpeg(*raw, "-vf", untagged, *H264, "-crf", "5", tmp_path / "flat.mp4", feed=flat.tobytes() * 2)
    ingest(tmp_path / "flat.mp4", tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        np.testing.assert_allclose(store.frame(1)[300, 32].astype(int), (200, 40, 60), atol=5)


def test_sound_that_starts_before_the_images_stays_in_step(tmp_path: Path) -> None:
    early = make_clip(tmp_path / "even.mp4", sound=("-c:a", "aac"))
    shifted = tmp_path / "shifted.mp4"
    ffmpeg("-itsoffset", "0.3", "-i", early, "-i", early, "-map", "0:v", "-map", "1:a", "-c", "copy", shifted)
    ingest(shifted, tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        assert store.times[0] == 0
        assert store.start == pytest.approx(0.3, abs=0.03)
        write(tmp_path / "overlay.mp4", media_of(store, no_masks), ExportOptions("mp4"))
        start = store.start
    ingest(tmp_path / "overlay.mp4", tmp_path / "again")
    with open_store(tmp_path / "again") as store:
        assert store.start == pytest.approx(start, abs=0.03)


def test_large_clips_are_stored_smaller(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "large.mp4", frames=2, size=(1080, 1920))
    info = ingest(clip, tmp_path / "store")
    assert (info.height, info.width, info.stored_height, info.stored_width) == (1080, 1920, 720, 1280)
    with open_store(tmp_path / "store") as store:
        assert read_number(store.frame(1)) == 1


def test_one_frame_is_a_clip(tmp_path: Path) -> None:
    info = ingest(make_clip(tmp_path / "one.mp4", frames=1), tmp_path / "store")
    assert (info.kind, info.frames, info.constant_rate) == ("clip", 1, True)
    assert info.fps == pytest.approx(30, rel=0.01)


def test_a_wrong_ending_does_not_matter(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4").rename(tmp_path / "-clip; %03d.jpg")
    assert ingest(clip, tmp_path / "store").frames == FRAMES
