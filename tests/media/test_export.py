"""Masks arrive in their files as they were, or no file appears."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import (
    Limits,
    ObjectTraits,
    OverlayOptions,
    Store,
    color_of,
    ingest,
    open_store,
    write_coco_json,
    write_mask_zip,
    write_overlay,
)
from sam2_core.types import BoolArray, FrameMasks, Mask, ObjectMask
from tests.media.numbered import make_clip, picture, read_number

FRAMES, HEIGHT, WIDTH = 6, 64, 96


class Failed(Exception):
    pass


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("clip")
    ingest(make_clip(folder / "clip.mp4", frames=FRAMES), folder / "store")
    with open_store(folder / "store") as store:
        yield store


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("still")
    Image.fromarray(picture(5, HEIGHT, WIDTH)).save(folder / "still.png")
    ingest(folder / "still.png", folder / "store")
    with open_store(folder / "store") as store:
        yield store


def shape(object_id: int, frame: int) -> BoolArray:
    """A square that moves, in a row of its own."""
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[4 + 30 * (object_id - 1) :, 10 + 5 * frame :][:20, :20] = True
    return pixels


def masks_of(frame: int) -> FrameMasks:
    """Object 1 is everywhere; object 2 was looked for from frame 1 on and found from frame 2 on."""
    objects = [ObjectMask(1, Mask.from_array(shape(1, frame)), 0.91234, 5.0)]
    if frame >= 1:
        second = shape(2, frame) if frame >= 2 else np.zeros((HEIGHT, WIDTH), bool)
        objects.append(ObjectMask(2, Mask.from_array(second), 0.8, 1.0))
    return FrameMasks(frame, 3, tuple(objects))


def all_masks() -> Iterator[FrameMasks]:
    return map(masks_of, range(FRAMES))


def read_png(archive: zipfile.ZipFile, name: str) -> Any:
    with Image.open(io.BytesIO(archive.read(name))) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_zip_holds_every_mask_of_a_clip(clip: Store, tmp_path: Path) -> None:
    write_mask_zip(tmp_path / "masks.zip", clip, all_masks())
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
    write_mask_zip(tmp_path / "masks.zip", clip, [masks_of(1)], lambda *report: reports.append(report))
    fractions = [fraction for fraction, _ in reports]
    assert fractions == sorted(fractions)
    assert [message for _, message in reports].count("Filling the gaps") == 2 * (FRAMES - 1)
    assert [fraction for fraction in fractions if fraction == 1.0] == [1.0], "only what is ready is at 100 %"

    def cancel(fraction: float, message: str) -> None:
        if message == "Filling the gaps" and fraction > 0.95:
            raise Failed

    with pytest.raises(Failed):
        write_mask_zip(tmp_path / "cancelled.zip", clip, [masks_of(1)], cancel)
    assert [path.name for path in tmp_path.iterdir()] == ["masks.zip"]


def test_zip_of_a_picture(still: Store, tmp_path: Path) -> None:
    write_mask_zip(tmp_path / "masks.zip", still, [masks_of(0)])
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        assert archive.namelist() == ["object_01.png", "manifest.json"]
        np.testing.assert_array_equal(read_png(archive, "object_01.png"), shape(1, 0) * 255)


def test_coco_describes_every_mask(clip: Store, tmp_path: Path) -> None:
    write_coco_json(tmp_path / "masks.json", clip, all_masks())
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


CALLED = (ObjectTraits(2, "../../x", "bird", (0, 255, 16)), ObjectTraits(1, "Ball\u2028", "", (1, 2, 3)))


def test_labels_are_the_categories_of_coco(clip: Store, tmp_path: Path) -> None:
    write_coco_json(tmp_path / "masks.json", clip, all_masks(), objects=CALLED)
    found = json.loads((tmp_path / "masks.json").read_text("utf-8"))
    assert [(each["id"], each["name"]) for each in found["categories"]] == [(1, "bird"), (2, "object")]
    assert {(each["track_id"], each["category_id"]) for each in found["annotations"]} == {(1, 2), (2, 1)}
    assert found["tracks"] == [
        {"id": 2, "name": "../../x", "label": "bird", "color": "#00ff10", "category_id": 1},
        {"id": 1, "name": "Ball\u2028", "label": "", "color": "#010203", "category_id": 2},
    ]


def test_names_stand_in_the_manifest_and_in_no_file_name(clip: Store, tmp_path: Path) -> None:
    write_mask_zip(tmp_path / "masks.zip", clip, all_masks(), objects=CALLED)
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        assert {Path(name).parts[0] for name in archive.namelist()} == {"object_01", "object_02", "manifest.json"}
        told = json.loads(archive.read("manifest.json"))["objects"]
    assert [(each["id"], each["name"], each["label"], each["color"]) for each in told] == [
        (1, "Ball\u2028", "", "#010203"),
        (2, "../../x", "bird", "#00ff10"),
    ]


def test_coco_of_a_picture_without_masks(still: Store, tmp_path: Path) -> None:
    write_coco_json(tmp_path / "masks.json", still, [])
    found = json.loads((tmp_path / "masks.json").read_text("utf-8"))
    assert [image["file_name"] for image in found["images"]] == ["still.png"]
    assert found["annotations"] == []


def check_drawn(drawn: Any, object_id: int, frame: int, tolerance: int) -> None:
    """The outline has the object's colour; the picture's upper corners are as they were."""
    rows, columns = np.nonzero(shape(object_id, frame))
    edge = drawn[rows.min() + 1, int(columns.mean())].astype(int)
    np.testing.assert_allclose(edge, color_of(object_id), atol=tolerance)
    np.testing.assert_allclose(drawn[1, 1].astype(int), picture(0, HEIGHT, WIDTH)[1, 1], atol=tolerance)


def test_overlay_of_a_clip_shows_each_frames_masks(clip: Store, tmp_path: Path) -> None:
    asked: list[int] = []

    def masks(frame: int) -> FrameMasks:
        asked.append(frame)
        return masks_of(frame)

    write_overlay(tmp_path / "overlay.mp4", clip, masks, OverlayOptions(opacity=0.2, outline=4, crf=8))
    assert asked == list(range(FRAMES))
    ingest(tmp_path / "overlay.mp4", tmp_path / "again")
    with open_store(tmp_path / "again") as store:
        assert store.info.frames == FRAMES
        for frame in range(FRAMES):
            check_drawn(store.frame(frame), 1, frame, 30)


def test_overlay_of_a_picture_is_a_png_of_full_size(tmp_path: Path) -> None:
    Image.fromarray(picture(5, HEIGHT, WIDTH)).save(tmp_path / "still.png")
    ingest(tmp_path / "still.png", tmp_path / "store", Limits(stored_side_image=48))
    with open_store(tmp_path / "store") as store:
        assert store.info.stored_width == 48
        write_overlay(tmp_path / "overlay.png", store, masks_of, OverlayOptions(opacity=0.2))
    with Image.open(tmp_path / "overlay.png") as image:
        drawn = np.asarray(image)
    assert drawn.shape == (HEIGHT, WIDTH, 3)
    check_drawn(drawn, 1, 0, 0)
    assert read_number(np.where(shape(1, 0)[..., None], picture(5, HEIGHT, WIDTH), drawn)) == 5


def test_overlay_takes_the_callers_colours(still: Store, tmp_path: Path) -> None:
    options = OverlayOptions(opacity=1.0, colors=lambda object_id: (10, 20, 30 * object_id))
    reports: list[float] = []
    write_overlay(tmp_path / "overlay.png", still, masks_of, options, lambda fraction, _: reports.append(fraction))
    with Image.open(tmp_path / "overlay.png") as image:
        assert (np.asarray(image)[shape(1, 0)] == (10, 20, 30)).all()
    assert reports == [0.0, 1.0]


def write_all(kind: str, path: Path, store: Store, fail_at: int) -> None:
    """Write with masks that cannot be had from one frame on."""

    def masks(frame: int) -> FrameMasks:
        if frame >= fail_at:
            raise Failed
        return masks_of(frame)

    if kind == "overlay":
        write_overlay(path, store, masks)
    else:
        {"zip": write_mask_zip, "coco": write_coco_json}[kind](path, store, map(masks, range(FRAMES)))


@pytest.mark.parametrize("kind", ["zip", "coco", "overlay"])
def test_a_failed_export_leaves_what_was_there(kind: str, clip: Store, tmp_path: Path) -> None:
    target = tmp_path / "result"
    target.write_text("the last one")
    with pytest.raises(Failed):
        write_all(kind, target, clip, fail_at=3)
    assert target.read_text() == "the last one"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("kind", ["zip", "coco", "overlay"])
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
        if kind == "overlay":
            write_overlay(tmp_path / "result", clip, masks_of, progress=cancel)
        else:
            {"zip": write_mask_zip, "coco": write_coco_json}[kind](tmp_path / "result", clip, all_masks(), cancel)
    assert len(fractions) > 2
    assert not list(tmp_path.iterdir())


def test_masks_that_do_not_fit_are_refused(clip: Store, tmp_path: Path) -> None:
    odd = FrameMasks(0, 0, (ObjectMask(1, Mask.from_array(np.ones((3, 3))), 1.0, 1.0),))
    for frames, message in (
        ([masks_of(0), masks_of(0)], "Frame 0"),
        ([masks_of(FRAMES)], f"Frame {FRAMES}"),
        ([odd], "not 96 x 64"),
    ):
        with pytest.raises(MediaError, match=message):
            write_coco_json(tmp_path / "masks.json", clip, frames)


def test_an_encoder_that_gives_up_is_explained(clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2_core.media.render._encoding", lambda *_: ["-loglevel", "error", "-f", "nonsense"])
    with pytest.raises(MediaError, match="could not be processed"):
        write_overlay(tmp_path / "overlay.mp4", clip, masks_of)
    assert not list(tmp_path.iterdir())


def test_paths_may_be_relative(clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ingest(clip.source, "store")
    with open_store("store") as store:
        write_overlay("overlay.mp4", store, masks_of)
        write_mask_zip("masks.zip", store, all_masks())
        write_coco_json("masks.json", store, all_masks())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["masks.json", "masks.zip", "overlay.mp4", "store"]


def test_a_source_that_does_not_match_is_refused(tmp_path: Path) -> None:
    ingest(make_clip(tmp_path / "long.mp4", frames=8), tmp_path / "store")
    for frames in (7, 9):
        make_clip(tmp_path / "other.mp4", frames=frames).replace(tmp_path / "store" / "source")
        with open_store(tmp_path / "store") as store, pytest.raises(MediaError, match="no longer matches"):
            write_overlay(tmp_path / "overlay.mp4", store, lambda frame: FrameMasks(frame, 0, ()))


def test_sound_that_cannot_be_decoded_is_left_out(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", sound=("-c:a", "libvorbis"))
    clip.write_bytes(clip.read_bytes().replace(b"A_VORBIS", b"A_FORBID"))
    info = ingest(clip, tmp_path / "store")
    assert info.has_audio
    with open_store(tmp_path / "store") as store:
        write_overlay(tmp_path / "overlay.mp4", store, lambda frame: FrameMasks(frame, 0, ()))
    again = ingest(tmp_path / "overlay.mp4", tmp_path / "again")
    assert (again.frames, again.has_audio) == (20, False)
