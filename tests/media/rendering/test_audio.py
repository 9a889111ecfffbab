"""The sound begins and ends with the chosen frames and is in step with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sam2_core.media import ExportOptions, Store, ingest, open_store, write
from sam2_core.media.ffmpeg import Ffmpeg
from sam2_core.media.rendering.audio import extract_audio
from tests.media.masked_media import media_of, no_masks
from tests.media.numbered import ffmpeg, make_clip
from tests.media.rendering.results import RATE, audio_of, beep_in, beeping, times_of

BEEP = 1.2  # seconds
AAC, PCM = ("-c:a", "aac"), ("-c:a", "pcm_s16le")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two seconds at ten frames a second; the beep is at frame 12."""
    folder = tmp_path_factory.mktemp("beep")
    ingest(beeping(folder / "clip.mp4", BEEP, 2.0, AAC, frames=20, rate="10"), folder / "store")
    return open_store(folder / "store")


def codec_of(path: Path) -> str:
    """The codec of its sound, "" for none."""
    with Ffmpeg(["-i", str(path), "-f", "null", "-"], path.parent, 60) as process:
        process.finish()
        found = re.search(r"Input.*?Audio: (\w+)", "\n".join(process.messages), re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("kind", "frames", "seconds"),
    [
        ("mp4", range(7, 15), 0.8),
        ("mp4", range(0, 14), 1.4),
        ("mp4", range(6, 18, 3), 1.2),
        ("webm", range(11, 16), 0.5),
        ("mov", range(5, 17, 4), 1.2),
    ],
)
def test_a_part_has_exactly_its_sound(kind: str, frames: range, seconds: float, store: Store, tmp_path: Path) -> None:
    film = write(tmp_path / f"film.{kind}", media_of(store, no_masks, frames=frames), ExportOptions(kind))
    sound = audio_of(film)
    assert beep_in(sound) == pytest.approx(BEEP - frames[0] / 10, abs=0.015)
    assert len(sound) / RATE == pytest.approx(seconds, abs=0.03), "codecs fill up their last block"
    times, until = times_of(film)
    assert (times[0], until) == (0, pytest.approx(seconds, abs=0.002))


@pytest.mark.parametrize(
    ("kind", "codec", "step"), [("mp4", "aac", 1), ("mp4", "aac", 4), ("webm", "opus", 1), ("mov", "aac", 1)]
)
def test_a_whole_clip_has_all_of_it(kind: str, codec: str, step: int, store: Store, tmp_path: Path) -> None:
    media = media_of(store, no_masks, frames=range(0, 20, step))
    film = write(tmp_path / f"film.{kind}", media, ExportOptions(kind))
    assert codec_of(film) == codec
    sound = audio_of(film)
    assert beep_in(sound) == pytest.approx(BEEP, abs=0.015)
    assert len(sound) / RATE == pytest.approx(2.0, abs=0.05)


def test_a_part_before_the_sound_begins_stays_in_step(tmp_path: Path) -> None:
    """The sound is a second late: in frames 5 to 24 it begins half a second in."""
    early = beeping(tmp_path / "even.mp4", 0.5, 2.0, AAC, frames=30, rate="10")
    ffmpeg("-i", early, "-itsoffset", "1", "-i", early, "-map", "0:v", "-map", "1:a", "-c", "copy", tmp_path / "a.mp4")
    ingest(tmp_path / "a.mp4", tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        film = write(tmp_path / "film.mov", media_of(store, no_masks, frames=range(5, 25)), ExportOptions("mov"))
        assert beep_in(audio_of(film)) == pytest.approx(1.0, abs=0.02)


def with_late_images(folder: Path) -> Path:
    """A clip whose images begin 0.3 seconds after its sound."""
    even = beeping(folder / "even.mkv", BEEP, 2.0, PCM, frames=15, rate="10")
    late = folder / "late.mkv"
    ffmpeg("-itsoffset", "0.3", "-i", even, "-i", even, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    return late


def test_a_part_of_images_that_begin_late_stays_in_step(tmp_path: Path) -> None:
    ingest(with_late_images(tmp_path), tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        assert store.start == pytest.approx(0.3, abs=0.001)
        film = write(tmp_path / "film.mov", media_of(store, no_masks, frames=range(4, 12)), ExportOptions("mov"))
        whole = write(tmp_path / "whole.mov", media_of(store, no_masks), ExportOptions("mov"))
    assert beep_in(audio_of(film)) == pytest.approx(BEEP - 0.3 - 0.4, abs=0.003)
    assert beep_in(audio_of(whole)) == pytest.approx(BEEP, abs=0.003)
    assert times_of(whole)[0][0] == pytest.approx(0.3, abs=0.001)


def test_the_sound_alone_begins_with_the_first_frame(tmp_path: Path) -> None:
    ingest(with_late_images(tmp_path), tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        extract_audio(store, tmp_path / "sound.m4a")
    sound = audio_of(tmp_path / "sound.m4a")
    assert beep_in(sound) == pytest.approx(BEEP - 0.3, abs=0.015)
    assert len(sound) / RATE == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_animations_are_silent(kind: str, store: Store, tmp_path: Path) -> None:
    media = media_of(store, no_masks, frames=range(2))
    assert codec_of(write(tmp_path / f"film.{kind}", media, ExportOptions(kind))) == ""


def test_loudspeakers_that_opus_does_not_know_become_two(tmp_path: Path) -> None:
    clip, sound = make_clip(tmp_path / "a.mkv", frames=5), ("-f", "lavfi", "-i", "anoisesrc=d=0.2")
    odd = ("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-af", "pan=5.1(side)|c0=c0|c1=c0", "-c:a", "ac3")
    ffmpeg("-i", clip, *sound, *odd, tmp_path / "odd.mkv")
    ingest(tmp_path / "odd.mkv", tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        film = write(tmp_path / "film.webm", media_of(store, no_masks), ExportOptions("webm"))
    assert codec_of(film) == "opus"


def test_sound_that_cannot_be_decoded_is_left_out(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", sound=("-c:a", "libvorbis"), frames=9)
    clip.write_bytes(clip.read_bytes().replace(b"A_VORBIS", b"A_FORBID"))
    info = ingest(clip, tmp_path / "store")
    assert info.has_audio
    with open_store(tmp_path / "store") as store:
        for frames in (range(9), range(3, 9)):
            film = write(tmp_path / "film.mp4", media_of(store, no_masks, frames=frames), ExportOptions("mp4"))
            assert codec_of(film) == ""
            assert len(times_of(film)[0]) == len(frames)
