"""Bare streams and rare containers open by their content; damaged clips open with a warning, whole ones without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sam2_core.errors import MediaError, TooLarge
from sam2_core.media import Limits, ingest, open_store
from sam2_core.media.source_frames import iterate_source_frames
from tests.media.numbered import H264, make_clip, read_number

FRAMES = 12
STREAMS: dict[str, tuple[str, ...]] = {
    "a.h264": (*H264, "-f", "h264"),
    "a.hevc": ("-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p", "-f", "hevc"),
    "a.y4m": ("-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe"),
    "a.mjpeg": ("-c:v", "mjpeg", "-q:v", "3", "-f", "mjpeg"),
    "a.nut": ("-c:v", "ffv1", "-f", "nut"),
    "a.obu": ("-c:v", "libaom-av1", "-cpu-used", "8", "-f", "obu"),
    "a.ivf": ("-c:v", "libvpx", "-deadline", "realtime", "-f", "ivf"),
    "a.m2v": ("-c:v", "mpeg2video", "-q:v", "2", "-r", "25", "-f", "mpeg2video"),
    "a.vob": ("-c:v", "mpeg2video", "-q:v", "2", "-r", "25", "-f", "vob"),
    "a.mxf": ("-c:v", "mpeg2video", "-q:v", "2", "-r", "25", "-f", "mxf"),
    "a.ogv": ("-c:v", "libtheora", "-q:v", "8", "-f", "ogg"),
    "a.swf": ("-c:v", "flv1", "-q:v", "2", "-f", "swf"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams_open_by_their_content(name: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / name, frames=FRAMES, codec=STREAMS[name], rate="25").rename(tmp_path / "clip.bin")
    info = ingest(clip, tmp_path / "store")
    assert (info.kind, info.frames, info.warnings) == ("clip", FRAMES, ())
    with open_store(tmp_path / "store") as store:
        assert [read_number(store.frame(frame)) for frame in range(FRAMES)] == list(range(FRAMES))
        assert [read_number(image) for image in iterate_source_frames(store, range(5, 7))] == [5, 6]


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", (*H264, "-g", "5", "-movflags", "+faststart")),
        ("a.mkv", (*H264, "-g", "5")),
        ("a.avi", ("-c:v", "mpeg4", "-q:v", "3")),
        ("a.flv", ("-c:v", "flv1", "-q:v", "3")),
        ("a.mov", ("-c:v", "mjpeg", "-q:v", "3", "-movflags", "+faststart")),
        ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime")),
    ],
)
@pytest.mark.parametrize("sound", [(), ("-c:a", "libvorbis")])
def test_what_is_missing_of_a_cut_clip_is_told(
    name: str, codec: tuple[str, ...], sound: tuple[str, ...], tmp_path: Path
) -> None:
    if sound and name in ("a.mp4", "a.avi", "a.flv", "a.mov"):
        sound = ("-c:a", "libmp3lame")
    clip = make_clip(tmp_path / name, frames=80, codec=codec, sound=sound)
    whole = ingest(clip, tmp_path / "whole")
    assert (whole.frames, whole.warnings) == (80, ())
    info = ingest(cut(clip, 0.75), tmp_path / "store")
    assert info.frames < 78
    assert "missing" in info.warnings[0]


def test_audio_that_goes_on_is_no_damage(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=6, sound=("-c:a", "aac"))  # 0.2 s of pictures, 1 s of sound
    assert ingest(clip, tmp_path / "store").warnings == ()


def test_noise_in_the_frames_is_told(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=40, codec=(*H264, "-g", "5"))
    content = bytearray(clip.read_bytes())
    for place in range(len(content) // 3, len(content) // 2, 53):
        content[place] ^= 0x5A
    clip.write_bytes(content)
    [warning] = ingest(clip, tmp_path / "store").warnings
    assert "damaged" in warning


@pytest.mark.parametrize("limits", [Limits(max_clip_side=80), Limits(max_clip_pixels=4000)])
def test_clips_of_too_many_pixels_are_scaled_down_on_request(limits: Limits, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=4)
    with pytest.raises(TooLarge, match=r"Scale the clip down first, to \d+ x \d+"):
        ingest(clip, tmp_path / "no", limits)
    info = ingest(clip, tmp_path / "store", replace(limits, scale_down=True))
    assert max(info.height, info.width) <= limits.max_clip_side
    assert info.height * info.width <= limits.max_clip_pixels
    assert f"from 96 x 64 to {info.width} x {info.height}" in info.warnings[0]
    with open_store(tmp_path / "store") as store:
        for number, image in enumerate(iterate_source_frames(store, range(4))):
            assert image.shape[:2] == (info.height, info.width)
            assert read_number(image) == number


def test_clips_of_far_too_many_pixels_are_not_decoded(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=2)
    with pytest.raises(MediaError, match="the limit is 40") as refused:
        ingest(clip, tmp_path / "store", Limits(max_clip_side=40, scale_down=True))
    assert not isinstance(refused.value, TooLarge)
