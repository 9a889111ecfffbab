"""Masks arrive in their files as they were, or no file appears."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import Limits, ObjectTraits, Order, Store, color_of, export, ingest, look_of, open_store, write
from sam2_core.types import FrameMasks, Mask, ObjectMask
from tests.media.materials import BALL, BIRD, FRAMES, HEIGHT, WIDTH, masks_of, material_of, no_masks, shape
from tests.media.numbered import make_clip, picture, read_number


class Failed(Exception):
    pass


def check_drawn(drawn: Any, traits: ObjectTraits, frame: int, tolerance: int) -> None:
    """The object has its colour; the picture's upper corners are as they were."""
    rows, columns = np.nonzero(shape(traits.id, frame))
    inside = drawn[int(rows.mean()), int(columns.mean())].astype(int)
    np.testing.assert_allclose(inside, traits.color, atol=tolerance)
    np.testing.assert_allclose(drawn[1, 1].astype(int), picture(0, HEIGHT, WIDTH)[1, 1], atol=tolerance)


def test_overlay_of_a_clip_shows_each_frames_masks(clip: Store, tmp_path: Path) -> None:
    asked: list[int] = []

    def masks(frame: int) -> FrameMasks:
        asked.append(frame)
        return masks_of(frame)

    full = look_of("overlay", opacity=1.0)
    write(tmp_path / "overlay.mp4", material_of(clip, masks, (BALL, BIRD)), Order("mp4", full))
    assert asked == list(range(FRAMES)), "each is asked for once"
    ingest(tmp_path / "overlay.mp4", tmp_path / "again")
    with open_store(tmp_path / "again") as store:
        assert store.info.frames == FRAMES
        for frame in range(FRAMES):
            check_drawn(store.frame(frame), BALL, frame, 30)


def test_overlay_of_a_picture_is_a_png_of_full_size(tmp_path: Path) -> None:
    Image.fromarray(picture(5, HEIGHT, WIDTH)).save(tmp_path / "still.png")
    ingest(tmp_path / "still.png", tmp_path / "store", Limits(stored_side_image=48))
    with open_store(tmp_path / "store") as store:
        assert store.info.stored_width == 48
        write(tmp_path / "overlay.png", material_of(store), Order("png", look_of("overlay", opacity=1.0)))
    with Image.open(tmp_path / "overlay.png") as image:
        drawn = np.asarray(image)
    assert drawn.shape == (HEIGHT, WIDTH, 3)
    check_drawn(drawn, replace(BALL, color=color_of(1)), 0, 0)
    assert read_number(np.where(shape(1, 0)[..., None], picture(5, HEIGHT, WIDTH), drawn)) == 5


def test_overlay_takes_the_callers_colours(still: Store, tmp_path: Path) -> None:
    reports: list[float] = []
    order, colored = Order("png", look_of("overlay", opacity=1.0)), replace(BALL, color=(10, 20, 30))
    write(tmp_path / "overlay.png", material_of(still, objects=[colored]), order, lambda done, _: reports.append(done))
    with Image.open(tmp_path / "overlay.png") as image:
        assert (np.asarray(image)[shape(1, 0)] == (10, 20, 30)).all()
    assert reports == [0.0, 1.0]


def test_all_objects_are_taken_where_none_are_named(clip: Store) -> None:
    assert [(each.id, each.name, each.color) for each in material_of(clip).objects] == [
        (1, "Object 1", color_of(1)),
        (2, "Object 2", color_of(2)),
    ]


@pytest.mark.parametrize("kind", ["masks", "coco", "mp4"])
def test_a_failed_export_leaves_what_was_there(kind: str, clip: Store, tmp_path: Path) -> None:
    def masks(frame: int) -> FrameMasks:
        if frame >= 3:
            raise Failed
        return masks_of(frame)

    target = tmp_path / "result"
    target.write_text("the last one")
    with pytest.raises(Failed):
        write(target, material_of(clip, masks, (BALL, BIRD)), Order(kind))
    assert target.read_text() == "the last one"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("kind", ["masks", "coco", "mp4"])
def test_a_cancelled_export_leaves_nothing(
    kind: str, clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2_core.media.progress._INTERVAL", 0.0)
    fractions: list[float] = []

    def cancel(fraction: float, message: str) -> None:
        fractions.append(fraction)
        if fraction >= 0.5:
            raise Failed

    with pytest.raises(Failed):
        write(tmp_path / "result", material_of(clip), Order(kind), cancel)
    assert len(fractions) > 2
    assert not list(tmp_path.iterdir())


def test_masks_that_do_not_fit_are_refused(clip: Store, tmp_path: Path) -> None:
    odd = FrameMasks(0, 0, (ObjectMask(1, Mask.from_array(np.ones((3, 3))), 1.0, 1.0),))
    for masks, message in ((lambda frame: masks_of(0), "another frame"), (lambda frame: odd, "not 96 x 64")):
        with pytest.raises(MediaError, match=message):
            write(tmp_path / "masks.json", material_of(clip, masks, (BALL,)), Order("coco"))


@pytest.mark.parametrize("frames", [range(0), range(-1, 3), range(FRAMES + 1), range(3, 0, -1)])
def test_frames_that_are_not_there_are_refused(clip: Store, frames: range) -> None:
    with pytest.raises(MediaError, match="Choose frames"):
        material_of(clip, frames=frames)


def test_what_there_is_no_file_for_is_refused(clip: Store, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="masks, index, davis, coco"):
        write(tmp_path / "film.png", material_of(clip), Order("png"))
    with pytest.raises(MediaError, match="cannot be written"):
        write(tmp_path / "film.exe", material_of(clip), Order("exe"))


def test_an_encoder_that_gives_up_is_explained(clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2_core.media.rendering.film._encoding", lambda *_: ["-loglevel", "error", "-f", "nonsense"])
    with pytest.raises(MediaError, match="could not be processed"):
        write(tmp_path / "overlay.mp4", material_of(clip), Order("mp4"))
    assert not list(tmp_path.iterdir())


def test_paths_may_be_relative(clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ingest(clip.source, "store")
    with open_store("store") as store:
        for kind in ("mp4", "masks", "coco"):
            export(Path(), material_of(store), Order(kind))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "source_coco.json",
        "source_edited.mp4",
        "source_masks.zip",
        "store",
    ]


def test_a_source_that_does_not_match_is_refused(tmp_path: Path) -> None:
    ingest(make_clip(tmp_path / "long.mp4", frames=8), tmp_path / "store")
    for frames in (7, 9):
        make_clip(tmp_path / "other.mp4", frames=frames).replace(tmp_path / "store" / "source")
        with open_store(tmp_path / "store") as store, pytest.raises(MediaError, match="no longer matches"):
            write(tmp_path / "overlay.mp4", material_of(store, no_masks), Order("mp4"))


def test_sound_that_cannot_be_decoded_is_left_out(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", sound=("-c:a", "libvorbis"))
    clip.write_bytes(clip.read_bytes().replace(b"A_VORBIS", b"A_FORBID"))
    info = ingest(clip, tmp_path / "store")
    assert info.has_audio
    with open_store(tmp_path / "store") as store:
        write(tmp_path / "overlay.mp4", material_of(store, no_masks), Order("mp4"))
    again = ingest(tmp_path / "overlay.mp4", tmp_path / "again")
    assert (again.frames, again.has_audio) == (20, False)
