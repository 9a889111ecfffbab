"""Masks arrive in their files as they were, or no file appears."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, Store, color_of, export, ingest, open_store, write
from sam2_core.types import FrameMasks, Mask, ObjectMask
from tests.media.masked_media import BALL, BIRD, FRAMES, masks_of, media_of


class Failed(Exception):
    pass


def test_all_objects_are_taken_where_none_are_named(clip: Store) -> None:
    assert [(each.id, each.name, each.color) for each in media_of(clip).objects] == [
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
        write(target, media_of(clip, masks, (BALL, BIRD)), ExportOptions(kind))
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
        write(tmp_path / "result", media_of(clip), ExportOptions(kind), cancel)
    assert len(fractions) > 2
    assert not list(tmp_path.iterdir())


def test_masks_that_do_not_fit_are_refused(clip: Store, tmp_path: Path) -> None:
    odd = FrameMasks(0, 0, (ObjectMask(1, Mask.from_array(np.ones((3, 3))), 1.0, 1.0),))
    for masks, message in ((lambda frame: masks_of(0), "another frame"), (lambda frame: odd, "not 96 x 64")):
        with pytest.raises(MediaError, match=message):
            write(tmp_path / "masks.json", media_of(clip, masks, (BALL,)), ExportOptions("coco"))


@pytest.mark.parametrize("frames", [range(0), range(-1, 3), range(FRAMES + 1), range(3, 0, -1)])
def test_frames_that_are_not_there_are_refused(clip: Store, frames: range) -> None:
    with pytest.raises(MediaError, match="Choose frames"):
        media_of(clip, frames=frames)


def test_what_there_is_no_file_for_is_refused(clip: Store, single_image: Store, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="masks, index, coco"):
        write(tmp_path / "still.mp4", media_of(single_image), ExportOptions("mp4"))
    with pytest.raises(MediaError, match="cannot be written"):
        write(tmp_path / "film.exe", media_of(clip), ExportOptions("exe"))


def test_paths_may_be_relative(clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ingest(clip.source, "store")
    with open_store("store") as store:
        for kind in ("mp4", "masks", "coco"):
            export(Path(), media_of(store), ExportOptions(kind))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "source_coco.json",
        "source_edited.mp4",
        "source_masks.zip",
        "store",
    ]


def test_no_name_is_too_long_for_a_disk(clip: Store, tmp_path: Path) -> None:
    store = Store(clip.folder, replace(clip.info, name="\u5b57" * 80), clip.times, np.arange(FRAMES + 1), clip.start)
    path = export(tmp_path, media_of(store), ExportOptions("youtube_vis"))
    assert path.name == "\u5b57" * 71 + "_youtube_vis.json"
