"""A clip drawn anew shows the chosen frames, with their masks, at their times, as large as was wished."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media import EXPORT_FORMATS, EffectStack, ExportOptions, ObjectTraits, Store, ingest, open_store, write
from sam2_core.types import FrameMasks
from tests.media.masked_media import BALL, BIRD, FRAMES, HEIGHT, WIDTH, masks_of, material_of, no_masks, shape
from tests.media.numbered import ffmpeg, make_clip, numbered_image, read_number
from tests.media.rendering.results import pictures_of, size_of, times_of

FULL = EffectStack.of("overlay", opacity=1.0)
BOX = (4, 10, 54, 55)  # of both objects on all six frames: top, left, bottom, right
FILMS = ["mp4", "webm", "mov"]


def check_drawn(drawn: Any, traits: ObjectTraits, frame: int) -> None:
    """The object has its colour; the picture's upper corner is as it was."""
    rows, columns = np.nonzero(shape(traits.id, frame))
    inside = drawn[int(rows.mean()), int(columns.mean()), :3].astype(int)
    np.testing.assert_allclose(inside, traits.color, atol=30)
    np.testing.assert_allclose(drawn[1, 1, :3].astype(int), numbered_image(0, HEIGHT, WIDTH)[1, 1], atol=30)


@pytest.mark.parametrize("kind", FILMS)
def test_each_frame_shows_its_masks(kind: str, clip: Store, tmp_path: Path) -> None:
    asked: list[int] = []

    def masks(frame: int) -> FrameMasks:
        asked.append(frame)
        return masks_of(frame)

    film = write(tmp_path / f"film.{kind}", material_of(clip, masks, (BALL, BIRD)), ExportOptions(kind, FULL))
    assert asked == list(range(FRAMES)), "each is asked for once"
    if kind != "webm":
        content = film.read_bytes()
        assert 0 < content.index(b"moov") < content.index(b"mdat"), "players look for the table of contents first"
    shown = pictures_of(film)
    assert shown.shape == (FRAMES, HEIGHT, WIDTH, 4)
    assert (shown[..., 3] == 255).all()
    for frame in range(FRAMES):
        check_drawn(shown[frame], BALL, frame)
        if frame >= 2:
            check_drawn(shown[frame], BIRD, frame)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    """Twenty frames at a constant rate, and at changing distances; a few of odd pixels, and of odd sides and turned."""
    folder, stores = tmp_path_factory.mktemp("clips"), {}
    uneven = {"filters": "settb=1/90000,setpts=(N+0.4*mod(N\\,3))/30/TB"}
    wide: dict[str, Any] = {"frames": 3, "filters": "setsar=16/11"}
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p")
    turned = {"frames": 3, "size": (75, 97), "codec": codec, "turns": 1}
    for name, how in {"even": {}, "uneven": uneven, "wide": wide, "turned": turned}.items():
        ingest(make_clip(folder / f"{name}.mp4", **how), folder / name)
        stores[name] = open_store(folder / name)
    return stores


@pytest.mark.parametrize(
    ("kind", "name", "frames"),
    [
        ("mp4", "even", range(3, 11)),
        ("mp4", "even", range(19, 20)),
        ("mp4", "even", range(0, 20, 7)),
        ("mp4", "uneven", range(4, 15, 3)),
        ("webm", "uneven", range(4, 15, 3)),
        ("mov", "uneven", range(0, 20, 7)),
    ],
)
def test_chosen_frames_keep_their_distances(
    kind: str, name: str, frames: range, clips: dict[str, Store], tmp_path: Path
) -> None:
    store = clips[name]
    film = write(tmp_path / f"film.{kind}", material_of(store, no_masks, frames=frames), ExportOptions(kind))
    assert [read_number(each[..., :3]) for each in pictures_of(film)] == list(frames)
    moments = [*store.times, store.info.duration]
    times, until = times_of(film)
    np.testing.assert_allclose(times, store.times[frames] - store.times[frames[0]], atol=0.001)
    if (kind, name) != ("mp4", "uneven"):  # there the last frame stays as long as the one that was encoded before it
        assert until == pytest.approx(moments[frames.stop] - moments[frames[0]], abs=0.002)


def test_rates_of_television_are_exact(tmp_path: Path) -> None:
    ingest(make_clip(tmp_path / "clip.mp4", rate="24000/1001", frames=9), tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        film = write(tmp_path / "film.mp4", material_of(store, no_masks), ExportOptions("mp4"))
    times, until = times_of(film)
    assert [*times, until] == pytest.approx(np.arange(10) * 1001 / 24000, abs=1e-9)


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_cropped_shows_all_that_the_objects_ever_take_up(kind: str, clip: Store, tmp_path: Path) -> None:
    shown = pictures_of(write(tmp_path / f"film.{kind}", material_of(clip), ExportOptions(kind, FULL, cropped=True)))
    whole = pictures_of(write(tmp_path / f"whole.{kind}", material_of(clip), ExportOptions(kind, FULL)))
    top, left, bottom, right = BOX
    right += kind == "mp4"  # which wants even sides
    assert shown.shape[1:3] == (bottom - top, right - left)
    assert np.abs(shown.astype(int) - whole[:, top:bottom, left:right]).mean() < 4


def test_only_the_chosen_frames_and_objects_make_the_box(clip: Store, tmp_path: Path) -> None:
    media = material_of(clip, objects=(BALL,), frames=range(2, 5, 2))
    film = write(tmp_path / "film.webm", media, ExportOptions("webm", FULL, cropped=True))
    assert size_of(film) == (20, 30)


def test_cropped_to_nothing_is_refused(clip: Store, still: Store, tmp_path: Path) -> None:
    for kind, store in (("mp4", clip), ("png", clip), ("png", still)):
        with pytest.raises(MediaError, match="nothing to crop to"):
            write(tmp_path / "film", material_of(store, no_masks), ExportOptions(kind, cropped=True))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["mp4", "mov"])
def test_side_by_side_begins_with_the_source(kind: str, clip: Store, tmp_path: Path) -> None:
    options = ExportOptions(kind, FULL, side_by_side=True)
    shown = pictures_of(write(tmp_path / f"film.{kind}", material_of(clip, objects=(BALL, BIRD)), options))
    assert shown.shape[1:] == (HEIGHT, 2 * WIDTH, 4)
    for frame in range(FRAMES):
        assert read_number(shown[frame, :, :WIDTH, :3]) == frame
        check_drawn(shown[frame, :, WIDTH:], BALL, frame)


@pytest.mark.parametrize(
    ("largest", "side_by_side", "size"),
    [(500, False, (64, 96)), (96, True, (32, 96)), (50, False, (34, 50))],
)
def test_largest_side_is_of_the_result(
    largest: int, side_by_side: bool, size: tuple[int, int], clip: Store, tmp_path: Path
) -> None:
    options = ExportOptions("mp4", EffectStack.of("blur"), side_by_side=side_by_side, max_side=largest)
    shown = pictures_of(write(tmp_path / "film.mp4", material_of(clip, no_masks), options))
    assert shown.shape[1:3] == size
    sources = shown[:, :, : size[1] // (1 + side_by_side), :3]
    assert [read_number(each) for each in sources] == list(range(FRAMES))


@pytest.mark.parametrize("kind", FILMS)
def test_pixels_that_are_no_squares_stay_so(kind: str, clips: dict[str, Store], tmp_path: Path) -> None:
    film = write(tmp_path / f"film.{kind}", material_of(clips["wide"], no_masks), ExportOptions(kind))
    about = ffmpeg("-i", film, "-map", "0:v", "-f", "framecrc", "pipe:1")
    assert b"#dimensions 0: 96x64" in about
    told = re.search(rb"#sar 0: (\d+)/(\d+)", about)
    assert told
    assert int(told[1]) / int(told[2]) == pytest.approx(16 / 11, rel=0.01), "WebM knows whole pixels alone"


@pytest.mark.parametrize("kind", FILMS)
def test_odd_sizes_and_turned_clips_are_upright(kind: str, clips: dict[str, Store], tmp_path: Path) -> None:
    shown = pictures_of(write(tmp_path / f"film.{kind}", material_of(clips["turned"], no_masks), ExportOptions(kind)))
    assert shown.shape[1:3] == ((76, 98) if kind == "mp4" else (75, 97))
    assert [read_number(each[..., :3]) for each in shown] == [0, 1, 2]


def test_every_kind_says_what_it_takes() -> None:
    drawn = {name: kind for name, kind in EXPORT_FORMATS.items() if kind.group == "picture"}
    assert set(drawn) == {"mp4", "webm", "mov", "gif", "png", "webp", "jpg"}
    for kind in drawn.values():
        assert set(kind.option_keys) == {"look", "cropped", "side_by_side", "largest_side"}
        assert kind.title
        assert kind.description
