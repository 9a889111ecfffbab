"""Several photos become one store, in which each is itself: its size, its name, its masks."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import EffectStack, ExportOptions, Limits, ObjectTraits, ingest, ingest_album, open_store, write
from sam2_core.types import BoolArray, FrameMasks, Mask, ObjectMask
from tests.media.masked_media import media_of, no_masks
from tests.media.numbered import make_clip

SIZES = ((48, 80), (90, 60), (40, 40))
COLORS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))
NAMES = ("beach.png", "tower.jpg", "cat.png")


class Cancelled(Exception):
    pass


def photo(folder: Path, name: str, size: tuple[int, int], color: tuple[int, int, int]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size[1], size[0]), color).save(folder / name)
    return folder / name


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return [photo(tmp_path / "in", *each) for each in zip(NAMES, SIZES, COLORS, strict=True)]


@pytest.fixture
def album(photos: list[Path], tmp_path: Path) -> Path:
    ingest_album(photos, tmp_path / "store")
    return tmp_path / "store"


def square(frame: int) -> BoolArray:
    pixels = np.zeros(SIZES[frame], bool)
    pixels[5:25, 10 + frame : 30] = True
    return pixels


def masks_of(frame: int) -> FrameMasks:
    """Object 1 is on the first and the last photo, object 2 on the last; nothing was said about the one between."""
    wanted = {0: (1,), 1: (), 2: (1, 2)}[frame]
    return FrameMasks(frame, 1, tuple(ObjectMask(each, Mask.from_array(square(frame)), 0.9, 4.0) for each in wanted))


def test_each_photo_keeps_its_size_name_and_source(photos: list[Path], tmp_path: Path) -> None:
    info, skipped = ingest_album(photos, tmp_path / "store")
    assert skipped == ()
    assert (info.kind, info.name, info.frames) == ("album", "3 photos", 3)
    assert (info.sizes, info.names) == (SIZES, NAMES)
    assert (info.height, info.width) == (90, 80), "the greatest of all"
    contents = [path.read_bytes() for path in photos]
    for path in photos:
        path.unlink()
    with open_store(tmp_path / "store") as store:
        assert store.info == info, "what is read is what was written"
        for frame, (size, color) in enumerate(zip(SIZES, COLORS, strict=True)):
            pixels = store.frame(frame)
            assert (pixels.shape[:2], store.info.size_of(frame)) == (size, size)
            np.testing.assert_allclose(pixels.mean(axis=(0, 1)), color, atol=4)
            assert store.source_of(frame).read_bytes() == contents[frame]


def test_a_large_photo_is_stored_smaller_and_counts_in_its_own_pixels(tmp_path: Path) -> None:
    paths = [photo(tmp_path, "large.png", (50, 200), COLORS[0]), photo(tmp_path, "small.png", (30, 20), COLORS[1])]
    info, _ = ingest_album(paths, tmp_path / "store", Limits(stored_side_image=100))
    assert (info.sizes, info.stored_height, info.stored_width) == (((50, 200), (30, 20)), 30, 100)
    with open_store(tmp_path / "store") as store:
        assert [store.frame(frame).shape[:2] for frame in (0, 1)] == [(25, 100), (30, 20)]


def test_what_cannot_be_used_is_named_and_costs_nothing_else(photos: list[Path], tmp_path: Path) -> None:
    damaged, note, empty = (tmp_path / name for name in ("damaged.png", "note.txt", "empty.jpg"))
    damaged.write_bytes(photos[0].read_bytes()[:60])
    note.write_text("no picture")
    empty.write_bytes(b"")
    clip = make_clip(tmp_path / "film.mp4", frames=3)
    large = photo(tmp_path, "large.png", (200, 200), COLORS[0])
    files = [damaged, photos[0], clip, note, photos[1], empty, large]
    info, skipped = ingest_album(files, tmp_path / "store", Limits(max_pixels=10_000))
    assert info.names == NAMES[:2]
    assert [each.name for each in skipped] == ["damaged.png", "film.mp4", "note.txt", "empty.jpg", "large.png"]
    assert all(len(each.reason) > 20 for each in skipped)
    assert sorted(path.name for path in (tmp_path / "store" / "sources").iterdir()) == ["0001", "0002"]


def test_without_any_photo_there_is_no_album(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no picture")
    with pytest.raises(MediaError, match=r"None of these.*note\.txt"):
        ingest_album([tmp_path / "note.txt"], tmp_path / "store")
    with pytest.raises(MediaError, match="at least one"):
        ingest_album([], tmp_path / "store")
    with pytest.raises(MediaError, match=r"gone\.png is not here"):
        ingest_album([tmp_path / "gone.png"], tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_names_that_several_photos_share_are_told_apart(tmp_path: Path) -> None:
    paths = [photo(tmp_path / str(number), "IMG.png", SIZES[number], COLORS[number]) for number in range(3)]
    paths.append(photo(tmp_path / "3", "img.png", SIZES[0], COLORS[0]))
    info, _ = ingest_album(paths, tmp_path / "store")
    assert info.names == ("0/IMG.png", "1/IMG.png", "2/IMG.png", "3/img.png")
    info, _ = ingest_album(paths, tmp_path / "given", names=["IMG.png", "IMG.png", "sub/IMG.png", "img.png"])
    assert info.names == ("IMG.png", "IMG (2).png", "sub/IMG.png", "img.png")


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        (Limits(max_pictures=2), "up to 2 fit"),
        (Limits(max_album_bytes=300), "the limit is 0.0 MB"),
    ],
)
def test_an_album_over_a_limit_is_refused(photos: list[Path], tmp_path: Path, limits: Limits, complaint: str) -> None:
    with pytest.raises(MediaError, match=complaint):
        ingest_album(photos, tmp_path / "store", limits)
    assert not (tmp_path / "store").exists()
    with open_store(_album_of(photos[:2], tmp_path / "two")) as two, pytest.raises(MediaError, match=complaint):
        ingest_album(photos[2:], tmp_path / "store", limits, earlier=two)


def test_photos_beyond_the_disk_space_are_skipped(photos: list[Path], tmp_path: Path) -> None:
    with open_store(_album_of(photos[:1], tmp_path / "one")) as one:
        size = len(one.jpeg(0))
    info, skipped = ingest_album(photos, tmp_path / "store", Limits(max_store_bytes=size))
    assert info.names == NAMES[:1]
    assert all("fewer photos" in each.reason for each in skipped)


def test_photos_are_added_behind_those_that_are_open(photos: list[Path], tmp_path: Path) -> None:
    with open_store(_album_of(photos[:2], tmp_path / "two")) as two:
        info, _ = ingest_album([photos[2], photos[0]], tmp_path / "four", earlier=two)
        earlier = [two.jpeg(frame) for frame in range(2)]
    assert info.names == (*NAMES, "beach (2).png")
    assert info.sizes == (*SIZES, SIZES[0])
    with open_store(tmp_path / "four") as store:
        assert [store.jpeg(frame) for frame in range(2)] == earlier
        assert store.source_of(1).read_bytes() == photos[1].read_bytes()
        np.testing.assert_allclose(store.frame(2).mean(axis=(0, 1)), COLORS[2], atol=4)


def test_a_single_image_becomes_the_first_photo_but_a_clip_does_not(photos: list[Path], tmp_path: Path) -> None:
    ingest(photos[1], tmp_path / "single")
    with open_store(tmp_path / "single") as single:
        info, _ = ingest_album(photos[:1], tmp_path / "store", earlier=single)
    assert (info.names, info.sizes) == ((NAMES[1], NAMES[0]), (SIZES[1], SIZES[0]))
    ingest(make_clip(tmp_path / "film.mp4", frames=3), tmp_path / "clip")
    with open_store(tmp_path / "clip") as clip, pytest.raises(MediaError, match="not to a clip"):
        ingest_album(photos, tmp_path / "none", earlier=clip)


def test_taking_photos_in_tells_how_far_it_is_and_can_be_cancelled(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2_core.media.progress._INTERVAL", 0.0)
    reports: list[tuple[float, str]] = []
    ingest_album(photos, tmp_path / "store", progress=lambda *report: reports.append(report))
    assert [message for _, message in reports] == [*(f"Photo {number} of 3" for number in (1, 2, 3)), "Ready"]

    def cancel(fraction: float, message: str) -> None:
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        ingest_album(photos, tmp_path / "cancelled", progress=cancel)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "store"]


def test_an_album_whose_description_is_spoilt_is_refused(album: Path) -> None:
    about = json.loads((album / "about.json").read_text())
    (album / "about.json").write_text(json.dumps(about | {"sizes": about["sizes"][:2]}))
    with pytest.raises(MediaError, match="cannot be read"):
        open_store(album)


def test_masks_lie_in_a_folder_for_each_photo(album: Path, tmp_path: Path) -> None:
    with open_store(album) as store:
        write(tmp_path / "masks.zip", media_of(store, masks_of), ExportOptions("masks"))
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        images = {name: np.asarray(Image.open(archive.open(name))) for name in archive.namelist()[:-1]}
        manifest = json.loads(archive.read("manifest.json"))
    assert sorted(images) == ["beach/object_01.png", "cat/object_01.png", "cat/object_02.png"]
    np.testing.assert_array_equal(images["beach/object_01.png"], square(0) * 255)
    np.testing.assert_array_equal(images["cat/object_02.png"], square(2) * 255)
    assert manifest["photos"] == list(NAMES)
    assert [each["frames_with_mask"] for each in manifest["objects"]] == [[0, 2], [2]]


def test_photos_that_differ_in_their_ending_alone_have_folders_of_their_own(tmp_path: Path) -> None:
    paths = [photo(tmp_path, name, SIZES[0], COLORS[0]) for name in ("cat.png", "cat.jpg")]
    objects = (ObjectMask(1, Mask.from_array(square(0)), 0.9, 4.0),)
    with open_store(_album_of(paths, tmp_path / "store")) as store:
        write(
            tmp_path / "masks.zip",
            media_of(store, lambda frame: FrameMasks(frame, 1, objects)),
            ExportOptions("masks"),
        )
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        assert archive.namelist()[:2] == ["cat.png/object_01.png", "cat.jpg/object_01.png"]


def test_annotations_name_each_photo_with_its_size(album: Path, tmp_path: Path) -> None:
    with open_store(album) as store:
        write(tmp_path / "coco.json", media_of(store, masks_of), ExportOptions("coco"))
    coco = json.loads((tmp_path / "coco.json").read_text())
    assert [(each["file_name"], each["height"], each["width"]) for each in coco["images"]] == [
        (name, *size) for name, size in zip(NAMES, SIZES, strict=True)
    ]
    assert [(each["image_id"], each["track_id"]) for each in coco["annotations"]] == [(1, 1), (3, 1), (3, 2)]
    assert [each["segmentation"]["size"] for each in coco["annotations"]] == [[48, 80], [40, 40], [40, 40]]


def test_a_mask_of_another_photos_size_is_refused(album: Path, tmp_path: Path) -> None:
    wrong = replace(masks_of(0), frame=1)
    with open_store(album) as store, pytest.raises(MediaError, match="60 x 90"):
        write(
            tmp_path / "masks.zip",
            media_of(store, lambda frame: replace(wrong, frame=frame)),
            ExportOptions("masks"),
        )


def test_the_overlay_is_an_archive_of_the_photos_with_masks(album: Path, tmp_path: Path) -> None:
    yellow = [ObjectTraits(number, "", "", (250, 250, 0)) for number in (1, 2)]
    options = ExportOptions("jpg", EffectStack.of("overlay", opacity=1.0, outline=0))
    with open_store(album) as store:
        write(tmp_path / "overlay.zip", media_of(store, masks_of, yellow), options)
        with pytest.raises(MediaError, match="No photo has a mask"):
            write(tmp_path / "nothing.zip", media_of(store, no_masks), options)
    with zipfile.ZipFile(tmp_path / "overlay.zip") as archive:
        assert archive.namelist() == ["beach.jpg", "cat.jpg"]
        drawn = np.asarray(Image.open(BytesIO(archive.read("cat.jpg"))), np.int16)
    assert drawn.shape[:2] == SIZES[2]
    np.testing.assert_allclose(drawn[15, 20], (250, 250, 0), atol=10)
    np.testing.assert_allclose(drawn[38, 38], COLORS[2], atol=10)
    assert sorted(path.suffix for path in tmp_path.iterdir() if path.is_file()) == [".zip"]


def _album_of(paths: list[Path], folder: Path) -> Path:
    ingest_album(paths, folder)
    return folder
