"""GIF and animated WebP: as long as the source, for ever again, at the rate and size that suit them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, Store, ingest, open_store, write
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.rendering import video_formats
from sam2_core.media.rendering.video_writer import write_video
from sam2_core.media.rendering.webp import set_duration
from tests.media.masked_media import FRAMES, media_of, no_masks
from tests.media.numbered import make_clip, read_number
from tests.media.rendering.results import animation

UNEVEN = "settb=1/90000,setpts=(N+0.3*mod(N\\,3))/6/TB"


def size_of(path: Path) -> tuple[int, int]:
    """Height and width."""
    with Image.open(path) as image:
        return image.height, image.width


@pytest.mark.parametrize(("rate", "shown"), [("60", range(0, 20, 3)), ("30", range(0, 20, 2)), ("24", range(20))])
def test_gif_drops_frames_and_keeps_time(rate: str, shown: range, tmp_path: Path) -> None:
    ingest(make_clip(tmp_path / "clip.mp4", rate=rate), tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        images, durations = animation(write(tmp_path / "film.gif", media_of(store, no_masks), ExportOptions("gif")))
        begins = np.cumsum([0, *durations])
        np.testing.assert_allclose(begins[:-1] / 1000, store.times[shown], atol=0.0051)
        assert begins[-1] / 1000 == pytest.approx(store.info.duration, abs=0.0051)
    assert [read_number(each[..., :3]) for each in images] == list(shown)
    assert min(durations[:-1]) >= 40, "browsers slow down what is faster than they like"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    """Twenty frames at changing distances; two that are large, and with pixels that are no squares."""
    folder, stores = tmp_path_factory.mktemp("clips"), {}
    few: dict[str, Any] = {"frames": 2}
    wide, narrow = ({**few, "filters": f"setsar={aspect}"} for aspect in ("16/11", "1/2"))
    large = {**few, "size": (96, 640)}
    for name, how in {"uneven": {"filters": UNEVEN}, "large": large, "wide": wide, "narrow": narrow}.items():
        ingest(make_clip(folder / f"{name}.mp4", **how), folder / name)
        stores[name] = open_store(folder / name)
    return stores


@pytest.mark.parametrize("kind", ["gif", "webp"])
@pytest.mark.parametrize("frames", [range(20), range(2, 15, 4), range(18, 20)])
def test_uneven_times_and_parts(kind: str, frames: range, clips: dict[str, Store], tmp_path: Path) -> None:
    store = clips["uneven"]
    film = write(tmp_path / f"film.{kind}", media_of(store, no_masks, frames=frames), ExportOptions(kind))
    moments = np.array([*store.times, store.info.duration])
    images, durations = animation(film)
    assert [read_number(each[..., :3]) for each in images] == list(frames)
    expected = moments[[*frames, frames.stop]] - moments[frames[0]]
    np.testing.assert_allclose(np.cumsum([0, *durations]) / 1000, expected, atol=0.0051)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_one_frame_is_a_image(kind: str, clip: Store, tmp_path: Path) -> None:
    film = write(tmp_path / f"film.{kind}", media_of(clip, no_masks, frames=range(5, 6)), ExportOptions(kind))
    with Image.open(film) as image:
        assert getattr(image, "n_frames", 1) == 1
        assert read_number(np.asarray(image.convert("RGB"))) == 5


@pytest.mark.parametrize(("kind", "size"), [("gif", (72, 480)), ("webp", (96, 640))])
def test_gif_is_small_unless_requested_otherwise(
    kind: str, size: tuple[int, int], clips: dict[str, Store], tmp_path: Path
) -> None:
    media = media_of(clips["large"], no_masks)
    assert size_of(write(tmp_path / f"film.{kind}", media, ExportOptions(kind))) == size
    assert size_of(write(tmp_path / f"larger.{kind}", media, ExportOptions(kind, max_side=600))) == (90, 600)


@pytest.mark.parametrize("kind", ["gif", "webp"])
@pytest.mark.parametrize(("name", "size"), [("wide", (64, 140)), ("narrow", (128, 96))])
def test_pixels_become_squares(
    kind: str, name: str, size: tuple[int, int], clips: dict[str, Store], tmp_path: Path
) -> None:
    assert size_of(write(tmp_path / f"film.{kind}", media_of(clips[name], no_masks), ExportOptions(kind))) == size


def test_what_a_file_cannot_hold_is_refused(clip: Store, tmp_path: Path) -> None:
    strip, small = Image.new("RGB", (16384, 64)), replace(video_formats.WEBP, max_side=191)
    strip.save(tmp_path / "strip.png")
    ingest(tmp_path / "strip.png", tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        with pytest.raises(MediaError, match="WebP holds up to 16383 pixels a side, and this has 16384"):
            write(tmp_path / "strip.webp", media_of(store, no_masks), ExportOptions("webp"))
        write(tmp_path / "smaller.webp", media_of(store, no_masks), ExportOptions("webp", max_side=16383))
    options = ExportOptions("webp", side_by_side=True)
    with pytest.raises(MediaError, match="up to 191 pixels a side, and this has 192"):
        write_video(small, tmp_path / "film.webp", media_of(clip), options, ProgressReporter())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["smaller.webp", "store", "strip.png"]


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_any_name_of_a_folder_will_do(kind: str, clip: Store, tmp_path: Path) -> None:
    folder = tmp_path / "-50%done %05d [a],b;c"
    folder.mkdir()
    write(folder / f"100%d.{kind}", media_of(clip, no_masks, frames=range(2)), ExportOptions(kind))
    assert [path.name for path in folder.iterdir()] == [f"100%d.{kind}"]


def test_a_still_webp_is_left_alone(single_image: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "still.webp", media_of(single_image), ExportOptions("webp"))
    before = path.read_bytes()
    set_duration(path, 1234)
    assert path.read_bytes() == before


def test_frames_of_a_webp_that_look_alike_stay_as_long(tmp_path: Path) -> None:
    """The encoder makes one of them."""
    ingest(make_clip(tmp_path / "clip.mp4", rate="10", filters="loop=4:1:2,setpts=N/10/TB"), tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        assert store.info.frames == FRAMES * 4
        _, durations = animation(write(tmp_path / "film.webp", media_of(store, no_masks), ExportOptions("webp")))
        assert sum(durations) / 1000 == pytest.approx(store.info.duration, abs=0.002)
        assert len(durations) < store.info.frames
