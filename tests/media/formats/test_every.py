"""What holds for the files of all formats."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, Limits, MaskedMedia, Store, export, ingest, open_store, write
from sam2_core.media.formats import ANNOTATION_FORMATS
from tests.media.formats.conftest import SIZES
from tests.media.formats.scenes import ALL, RING, scene, unpacked
from tests.media.masked_media import FRAMES, media_of, no_masks
from tests.media.numbered import make_clip, read_number

EVERY = pytest.mark.parametrize("kind", ANNOTATION_FORMATS)
WITH_IMAGES = [kind for kind, each in ANNOTATION_FORMATS.items() if "pictures" in each.option_keys]


class Cancelled(Exception):
    pass


@EVERY
def test_cancelling_leaves_nothing(kind: str, clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2_core.media.progress._INTERVAL", 0.0)
    reports: list[float] = []

    def cancel(fraction: float, message: str) -> None:
        reports.append(fraction)
        if fraction >= 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        write(tmp_path / "result", scene(clip), ExportOptions(kind, include_images=True), cancel)
    assert len(reports) > 2
    assert not list(tmp_path.iterdir())


@EVERY
def test_progress_grows_up_to_the_end(kind: str, clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2_core.media.progress._INTERVAL", 0.0)
    reports: list[float] = []
    write(tmp_path / "result", scene(clip), ExportOptions(kind), lambda fraction, _: reports.append(fraction))
    assert reports == sorted(reports)
    assert reports[0] == 0.0
    assert reports[-1] == 1.0
    assert len(reports) > FRAMES


@EVERY
@pytest.mark.parametrize("masks", ["some", "none"])
def test_there_is_a_file_for_each_medium_that_is_promised(
    kind: str, masks: str, clip: Store, single_image: Store, album: Store, tmp_path: Path
) -> None:
    for store in (clip, single_image, album):
        media = scene(store) if masks == "some" else media_of(store, no_masks)
        if store.info.kind not in ANNOTATION_FORMATS[kind].extensions:
            with pytest.raises(MediaError, match="is not for this"):
                export(tmp_path, media, ExportOptions(kind))
            continue
        path = export(tmp_path, media, ExportOptions(kind, polygons=True, include_images=True))
        assert path.suffix == f".{ANNOTATION_FORMATS[kind].extensions[store.info.kind]}"
        if path.suffix in (".zip", ".npz"):
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
                if path.suffix == ".zip":
                    check_manifest(json.loads(archive.read("manifest.json")), media, masks == "some")
        elif path.suffix == ".json":
            json.loads(path.read_text("utf-8"))


def check_manifest(listed: Any, media: MaskedMedia, has_masks: bool) -> None:
    assert (listed["name"], listed["frames"]) == (media.info.name, media.info.frames)
    known = {each["id"]: each["frames_with_mask"] for each in listed["objects"]}
    assert bool(known) == has_masks
    for number, frames in known.items():
        assert frames == [
            frame for frame in media.frames if number in [each.object_id for each in media.masks_on(frame).objects]
        ]


@EVERY
def test_masks_are_asked_for_once_and_those_of_chosen_frames_alone(kind: str, clip: Store, tmp_path: Path) -> None:
    asked: list[int] = []
    whole = scene(clip)

    def masks(frames: range) -> list[Any]:
        asked.extend(frames)
        return [whole.masks_on(frame) for frame in frames]

    write(tmp_path / "result", MaskedMedia(clip, masks, ALL, range(0, 5, 2)), ExportOptions(kind))
    assert asked == [0, 2, 4]


@EVERY
def test_objects_that_were_not_chosen_are_left_out(kind: str, clip: Store, tmp_path: Path) -> None:
    path = tmp_path / "result"
    write(path, scene(clip, [RING]), ExportOptions(kind))
    parts = [path.read_bytes()]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
            assert not [name for name in archive.namelist() if "object_03" in name]
    assert not [part for part in parts if b"<b>" in part or b"Ball" in part or b"&lt;b" in part]


@pytest.mark.parametrize("kind", WITH_IMAGES)
def test_images_are_the_sources_frames_with_their_numbers(kind: str, clip: Store, tmp_path: Path) -> None:
    folder = unpacked(tmp_path, scene(clip, frames=range(1, 6, 2)), ExportOptions(kind, include_images=True))
    found = sorted(folder.rglob("*.jpg"))
    assert [path.stem for path in found] == ["00001", "00003", "00005"]
    for path in found:
        with Image.open(path) as image:
            assert image.size == (clip.info.width, clip.info.height)
            assert read_number(np.asarray(image)) == int(path.stem)


@pytest.mark.parametrize("kind", [kind for kind in WITH_IMAGES if "album" in ANNOTATION_FORMATS[kind].extensions])
def test_photos_keep_their_sizes_and_names(kind: str, album: Store, tmp_path: Path) -> None:
    folder = unpacked(tmp_path, scene(album), ExportOptions(kind, include_images=True))
    found = {path.name: path for path in folder.rglob("*") if path.name in SIZES}
    assert sorted(found) == sorted(SIZES)
    for name, size in SIZES.items():
        with Image.open(found[name]) as image:
            assert (image.height, image.width) == size
            assert image.format == {".png": "PNG", ".jpg": "JPEG"}[Path(name).suffix]
    again = unpacked(tmp_path / "one", scene(album, frames=range(1, 2)), ExportOptions(kind, include_images=True))
    assert {path.name for path in again.rglob("*")} & SIZES.keys() == {"a (b).png"}


@pytest.mark.parametrize("kind", [kind for kind in WITH_IMAGES if kind != "davis"])
def test_images_are_left_out_unless_they_are_requested(kind: str, clip: Store, tmp_path: Path) -> None:
    write(tmp_path / "written.zip", scene(clip), ExportOptions(kind))
    with zipfile.ZipFile(tmp_path / "written.zip") as archive:
        assert not [name for name in archive.namelist() if name.endswith(".jpg")]


def test_images_are_as_large_as_the_masks_however_small_they_are_kept(tmp_path: Path) -> None:
    ingest(make_clip(tmp_path / "a.mp4", frames=3), tmp_path / "store", Limits(stored_side=48))
    with open_store(tmp_path / "store") as store:
        assert store.info.stored_width == 48
        write(tmp_path / "written.zip", scene(store), ExportOptions("yolo", include_images=True))
    with (
        zipfile.ZipFile(tmp_path / "written.zip") as archive,
        Image.open(io.BytesIO(archive.read("images/00002.jpg"))) as image,
    ):
        assert image.size == (96, 64)
        assert read_number(np.asarray(image)) == 2


def test_a_clip_that_was_exchanged_is_refused(tmp_path: Path) -> None:
    ingest(make_clip(tmp_path / "a.mp4", frames=5), tmp_path / "store")
    make_clip(tmp_path / "b.mp4", frames=3).replace(tmp_path / "store" / "source")
    with open_store(tmp_path / "store") as store, pytest.raises(MediaError, match="no longer matches"):
        write(tmp_path / "result.zip", scene(store), ExportOptions("voc", include_images=True))
    assert not (tmp_path / "result.zip").exists()
