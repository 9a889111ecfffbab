"""Names that users give to their photos come back from files of every format, and lead to the same photos."""

from __future__ import annotations

import json
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
from PIL import Image

from sam2_core.media import ExportOptions, MaskedMedia, Store, ingest, ingest_album, open_store, read_annotations, write
from sam2_core.media.formats import ANNOTATION_FORMATS
from sam2_core.types import FrameMasks, Mask, ObjectMask

SIZE = (40, 60)
NAMES = (
    "leaf one.png", "v1.2 #3.jpg", "100%20.jpg", "image.webp.jpg",
    "\U0001f3ac emoji \U0001f468‍\U0001f469‍\U0001f467.png",
    "हिन्दी.png", "ไทยน้ำ.jpg", unicodedata.normalize("NFD", "café é.jpg"), "con.png", "x" * 200 + ".png",
    "trailing. .png", " leading.png", "semi;colon'quote\".png", "a&b.jpg", "a#b?c=d&e.png", "UPPER.PNG",
    "עִבְרִית.png", "scan.tiff", "two  spaces.bmp", "a<b>.png", "no_ending", "(3) [1] {2}.webp",
    "=SUM(A1).png", "-o.png", "a,b.png",
    ".hidden.png", "<b>.png", "[1] {2}.png", "{2}.png", "C.1.jpg", "$(rm) `x`.png",
)  # fmt: skip
PAIRS = ("front/0001.jpg", "rear/0001.jpg", "rear/0002.jpg", "rear/0002.png")
READABLE = [
    name for name in ANNOTATION_FORMATS if name in ("masks", "index", "coco", "yolo", "voc", "labelme", "npz", "csv")
]


def pixels_on(frame: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """A box whose width tells the frame."""
    pixels = np.zeros(SIZE, bool)
    pixels[5:15, 5 : 10 + frame] = True
    return pixels


def masked(store: Store) -> MaskedMedia:
    """One object on every photo."""

    def masks(frames: range) -> list[FrameMasks]:
        return [FrameMasks(frame, 0, (ObjectMask(1, Mask.from_array(pixels_on(frame)), 0.9, 5.0),)) for frame in frames]

    return MaskedMedia(store, masks)


def album_of(folder: Path, names: tuple[str, ...]) -> Store:
    (folder / "photos").mkdir(parents=True)
    paths = [folder / "photos" / f"{number}" for number in range(len(names))]
    for path in paths:
        Image.fromarray(np.full((*SIZE, 3), 90, np.uint8)).save(path, "PNG")
    ingest_album(paths, folder / "store", names=names)
    return open_store(folder / "store")


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with album_of(tmp_path_factory.mktemp("album"), NAMES) as store:
        yield store


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Photos that are called alike, in two folders and with two extensions."""
    with album_of(tmp_path_factory.mktemp("folders"), tuple(f"photos/{name}" for name in PAIRS)) as store:
        yield store


def members_of(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def check_frames(path: Path, store: Store) -> None:
    """Every photo has its own mask, and only that."""
    found = read_annotations(path, store.info)
    assert not found.skipped
    assert [each.frame for each in found.masks] == list(range(store.info.frames))
    for each in found.masks:
        if each.mask is not None:
            assert abs(each.mask.area - pixels_on(each.frame).sum()) < 5
        else:
            assert each.box is not None
            assert each.box.right - each.box.left == 5 + each.frame


def test_an_album_has_the_users_names(album: Store, folders: Store) -> None:
    assert album.info.names == NAMES
    assert folders.info.names == PAIRS


@pytest.mark.parametrize("pictures", [False, True])
@pytest.mark.parametrize("kind", READABLE)
def test_masks_come_back_to_their_photos(kind: str, pictures: bool, album: Store, tmp_path: Path) -> None:
    path = tmp_path / f"written.{ANNOTATION_FORMATS[kind].extensions['album']}"
    write(path, masked(album), ExportOptions(kind, include_images=pictures))
    check_frames(path, album)


@pytest.mark.parametrize("pictures", [False, True])
@pytest.mark.parametrize("kind", READABLE)
def test_photos_that_are_called_alike_are_told_apart(kind: str, pictures: bool, folders: Store, tmp_path: Path) -> None:
    path = tmp_path / f"written.{ANNOTATION_FORMATS[kind].extensions['album']}"
    write(path, masked(folders), ExportOptions(kind, include_images=pictures))
    check_frames(path, folders)


@pytest.mark.parametrize("kind", READABLE)
@pytest.mark.parametrize("name", NAMES)
def test_masks_come_back_to_a_single_photo(kind: str, name: str, tmp_path: Path) -> None:
    Image.fromarray(np.full((*SIZE, 3), 90, np.uint8)).save(tmp_path / "0", "PNG")
    assert ingest(tmp_path / "0", tmp_path / "store", name=name).name == name
    with open_store(tmp_path / "store") as store:
        path = tmp_path / f"written.{ANNOTATION_FORMATS[kind].extensions['image']}"
        write(path, masked(store), ExportOptions(kind))
        check_frames(path, store)


def test_labels_have_the_stems_of_their_photos(album: Store, tmp_path: Path) -> None:
    write(tmp_path / "yolo.zip", masked(album), ExportOptions("yolo"))
    stems = [PurePosixPath(name).stem for name in NAMES]
    assert members_of(tmp_path / "yolo.zip")[: len(NAMES)] == [f"labels/{stem}.txt" for stem in stems]
    write(tmp_path / "yolo.zip", masked(album), ExportOptions("yolo", include_images=True))
    included = [name for name in members_of(tmp_path / "yolo.zip") if name.startswith("images/")]
    assert included == [f"images/{name}" if name != "no_ending" else "images/no_ending.jpg" for name in NAMES]


def test_labels_of_photos_that_are_called_alike(folders: Store, tmp_path: Path) -> None:
    write(tmp_path / "yolo.zip", masked(folders), ExportOptions("yolo", include_images=True))
    members = members_of(tmp_path / "yolo.zip")
    titles = ["front/0001", "rear/0001", "rear/0002.jpg", "rear/0002.png"]
    assert [name for name in members if name.startswith("labels/")] == [f"labels/{title}.txt" for title in titles]
    images = ["front/0001.jpg", "rear/0001.jpg", "rear/0002.jpg.jpg", "rear/0002.png.png"]
    assert [name for name in members if name.startswith("images/")] == [f"images/{name}" for name in images]


def test_other_files_name_the_users_photos(album: Store, folders: Store, tmp_path: Path) -> None:
    for store, names in ((album, NAMES), (folders, PAIRS)):
        write(tmp_path / "coco.json", masked(store), ExportOptions("coco"))
        images = json.loads((tmp_path / "coco.json").read_text("utf-8"))["images"]
        assert [each["file_name"] for each in images] == [*names]
        write(tmp_path / "labelme.zip", masked(store), ExportOptions("labelme"))
        with zipfile.ZipFile(tmp_path / "labelme.zip") as archive:
            listed = [name for name in archive.namelist() if name.startswith("annotations/")]
            found = [PurePosixPath(name).parent / json.loads(archive.read(name))["imagePath"] for name in listed]
            assert found == [PurePosixPath("annotations") / name for name in names]
            assert json.loads(archive.read("manifest.json"))["photos"] == [*names]
        write(tmp_path / "voc.zip", masked(store), ExportOptions("voc"))
        with zipfile.ZipFile(tmp_path / "voc.zip") as archive:
            listed = [name for name in archive.namelist() if name.startswith("Annotations/")]
            assert [Xml.fromstring(archive.read(name)).findtext("filename") for name in listed] == [*names]
        write(tmp_path / "table.csv", masked(store), ExportOptions("csv"))
        table = (tmp_path / "table.csv").read_text("utf-8")
        assert all(name.replace('"', '""') in table for name in names)
        write(tmp_path / "arrays.npz", masked(store), ExportOptions("npz"))
        with np.load(tmp_path / "arrays.npz") as arrays:
            assert arrays["photos"].tolist() == [*names]


@pytest.mark.parametrize("kind", ["labelme", "voc"])
def test_included_photos_are_those_that_the_annotations_name(kind: str, album: Store, tmp_path: Path) -> None:
    write(tmp_path / "a.zip", masked(album), ExportOptions(kind, include_images=True))
    folder = {"labelme": "annotations", "voc": "JPEGImages"}[kind]
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        members = archive.namelist()
        for name in members:
            if kind == "labelme" and name.startswith("annotations/") and name.endswith(".json"):
                assert f"{folder}/{json.loads(archive.read(name))['imagePath']}" in members
            elif name.startswith("Annotations/"):
                assert f"{folder}/{Xml.fromstring(archive.read(name)).findtext('filename')}" in members
