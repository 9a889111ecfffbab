"""Masks arrive in their files as they were, or no file appears."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import Order, Store, color_of, export, ingest, open_store, write
from sam2_core.types import FrameMasks, Mask, ObjectMask
from tests.media.materials import BALL, BIRD, FRAMES, HEIGHT, WIDTH, masks_of, material_of, no_masks, shape


class Failed(Exception):
    pass


def read_png(archive: zipfile.ZipFile, name: str) -> Any:
    with Image.open(io.BytesIO(archive.read(name))) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_zip_holds_every_mask_of_a_clip(clip: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.zip", material_of(clip), Order("masks"))
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        names = {f"object_{number:02d}/{frame:05d}.png" for number in (1, 2) for frame in range(FRAMES)}
        assert sorted(archive.namelist()) == sorted({*names, "manifest.json"})
        for frame in range(FRAMES):
            np.testing.assert_array_equal(read_png(archive, f"object_01/{frame:05d}.png"), shape(1, frame) * 255)
            expected = shape(2, frame) * 255 if frame >= 2 else np.zeros((HEIGHT, WIDTH))
            np.testing.assert_array_equal(read_png(archive, f"object_02/{frame:05d}.png"), expected)
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["width"], manifest["height"], manifest["frames"]) == (WIDTH, HEIGHT, FRAMES)
    assert [each["frames_with_mask"] for each in manifest["objects"]] == [[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]


def test_filling_gaps_tells_how_far_it_is_and_can_be_cancelled(
    clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2_core.media.progress._INTERVAL", 0.0)
    reports: list[tuple[float, str]] = []
    write(
        tmp_path / "masks.zip", material_of(clip, only_frame_1), Order("masks"), lambda *report: reports.append(report)
    )
    fractions = [fraction for fraction, _ in reports]
    assert fractions == sorted(fractions)
    assert [message for _, message in reports].count("Filling the gaps") == 2 * (FRAMES - 1)
    assert [fraction for fraction in fractions if fraction == 1.0] == [1.0], "only what is ready is at 100 %"

    def cancel(fraction: float, message: str) -> None:
        if message == "Filling the gaps" and fraction > 0.95:
            raise Failed

    with pytest.raises(Failed):
        write(tmp_path / "cancelled.zip", material_of(clip, only_frame_1), Order("masks"), cancel)
    assert [path.name for path in tmp_path.iterdir()] == ["masks.zip"]


def test_zip_of_a_picture(still: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.zip", material_of(still), Order("masks"))
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        assert archive.namelist() == ["object_01.png", "manifest.json"]
        np.testing.assert_array_equal(read_png(archive, "object_01.png"), shape(1, 0) * 255)


def test_coco_describes_every_mask(clip: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.json", material_of(clip), Order("coco"))
    found = json.loads((tmp_path / "masks.json").read_text("utf-8"))
    images = {image["id"]: image for image in found["images"]}
    assert [image["frame_index"] for image in images.values()] == list(range(FRAMES))
    assert [image["time"] for image in images.values()] == pytest.approx(clip.times.tolist())
    assert {(image["height"], image["width"]) for image in images.values()} == {(HEIGHT, WIDTH)}
    annotations = found["annotations"]
    assert [each["id"] for each in annotations] == list(range(1, 11)), "an empty mask is no annotation"
    for each in annotations:
        frame = images[each["image_id"]]["frame_index"]
        expected = shape(each["track_id"], frame)
        np.testing.assert_array_equal(Mask.from_coco(each["segmentation"]).to_array(), expected)
        rows, columns = np.nonzero(expected)
        left, top = int(columns.min()), int(rows.min())
        assert each["bbox"] == [left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top]
        assert each["area"] == expected.sum()
        assert each["iscrowd"] == 0
        assert each["score"] == (0.9123 if each["track_id"] == 1 else 0.8)
    assert {each["category_id"] for each in annotations} == {category["id"] for category in found["categories"]} == {1}


CALLED = (BIRD, replace(BALL, name="Ball\u2028"))


def test_labels_are_the_categories_of_coco(clip: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.json", material_of(clip, objects=CALLED), Order("coco"))
    found = json.loads((tmp_path / "masks.json").read_text("utf-8"))
    assert [(each["id"], each["name"]) for each in found["categories"]] == [(1, "bird"), (2, "object")]
    assert {(each["track_id"], each["category_id"]) for each in found["annotations"]} == {(1, 2), (2, 1)}
    assert found["tracks"] == [
        {"id": 2, "name": "../../x", "label": "bird", "color": "#00ff10", "category_id": 1},
        {"id": 1, "name": "Ball\u2028", "label": "", "color": "#010203", "category_id": 2},
    ]


def test_names_stand_in_the_manifest_and_in_no_file_name(clip: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.zip", material_of(clip, objects=CALLED), Order("masks"))
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        assert {Path(name).parts[0] for name in archive.namelist()} == {"object_01", "object_02", "manifest.json"}
        told = json.loads(archive.read("manifest.json"))["objects"]
    assert [(each["id"], each["name"], each["label"], each["color"]) for each in told] == [
        (1, "Ball\u2028", "", "#010203"),
        (2, "../../x", "bird", "#00ff10"),
    ]


def test_coco_of_a_picture_without_masks(still: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.json", material_of(still, no_masks), Order("coco"))
    found = json.loads((tmp_path / "masks.json").read_text("utf-8"))
    assert [image["file_name"] for image in found["images"]] == ["still.png"]
    assert found["annotations"] == []


def only_frame_1(frame: int) -> FrameMasks:
    return masks_of(1) if frame == 1 else FrameMasks(frame, 3, ())


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


def test_what_there_is_no_file_for_is_refused(clip: Store, still: Store, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="masks, coco"):
        write(tmp_path / "still.mp4", material_of(still), Order("mp4"))
    with pytest.raises(MediaError, match="cannot be written"):
        write(tmp_path / "film.exe", material_of(clip), Order("exe"))


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
