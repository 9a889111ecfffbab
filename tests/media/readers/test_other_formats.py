"""Cityscapes, ISAT, Create ML, MOTS, MOTChallenge, tables, NumPy archives, and packed files."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media import MediaInfo, Store, export
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.readers import format_detection, read_annotations
from sam2_core.types import Box
from tests.media.masked_media import BALL, BIRD, FRAMES, media_of, shape
from tests.media.readers.media import (
    ALBUM,
    CLIP,
    HEIGHT,
    IMAGE,
    WIDTH,
    as_json,
    packed,
    pixels_of,
    png,
    reasons,
    rle,
    square,
    summarize,
)

SQUARE = [[2, 3], [6, 3], [6, 7], [2, 7]]  # the corners belong to it


def test_cityscapes_paints_later_objects_above(tmp_path: Path) -> None:
    def polygon(label: str, left: int, **more: Any) -> dict[str, Any]:
        return {"label": label, "polygon": [[x + left, y] for x, y in SQUARE], **more}

    objects = [
        polygon("road", 0),
        polygon("hidden", 10),
        polygon("car", 10),
        polygon("ego vehicle", 0),
        polygon("gone", 0, deleted=1),
        polygon("cat", 2),
        {"label": "bad", "polygon": 5},
    ]
    plain = {"imgHeight": HEIGHT, "imgWidth": WIDTH, "objects": objects}
    info = MediaInfo("image", "aachen_000000_000019_leftImg8bit.png", 1, HEIGHT, WIDTH, HEIGHT, WIDTH)
    read = read_annotations(as_json(tmp_path / "aachen_000000_000019_gtFine_polygons.json", plain), info)
    assert [label for *_, label in summarize(read)] == ["road", "car", "cat"]
    assert (pixels_of(read) == square(2, 3) & ~square(4, 3)).all()
    assert (pixels_of(read, 2) == square(4, 3)).all()
    for reason in ("1 They cover no pixel of the picture. ('hidden',)", "no lists of numbers"):
        assert reason in reasons(read)
    with pytest.raises(MediaError, match="They are about another picture"):
        read_annotations(packed(tmp_path / "x.zip", {"a_1.json": json.dumps(plain), "b.txt": ""}), info)


def test_polygons_of_isat(tmp_path: Path) -> None:
    rows = [("cat", 1, 0), ("cat", 1, 10), ("cat", 2, 20), ("dog", None, 0)]
    objects = [
        {"category": label, "group": group, "segmentation": [[x + left, y] for x, y in SQUARE], "layer": 1.0}
        for label, group, left in rows
    ]
    info = {"description": "ISAT", "name": "photo.jpg", "width": WIDTH, "height": HEIGHT, "depth": 3}
    plain = {"info": info, "objects": [*objects, {"category": "bad", "segmentation": None}]}
    read = read_annotations(as_json(tmp_path / "x.json", plain), IMAGE)
    assert [label for *_, label in summarize(read)] == ["cat", "cat", "dog"]
    assert (pixels_of(read) == square(2, 3) | square(12, 3)).all()
    assert "no lists of numbers. ('bad',)" in reasons(read)


def test_create_ml_has_boxes_by_their_centers(tmp_path: Path) -> None:
    box = {"label": "car", "coordinates": {"x": 10, "y": 8, "width": 6, "height": 4}}
    bad = {"label": "bad", "coordinates": {"x": "a"}}
    plain = [
        {"image": "other.jpg", "annotations": []},
        {"image": "cat.jpg", "annotations": [box, bad]},
        {"imagefilename": "Dog 2.png", "annotations": [box]},
    ]
    read = read_annotations(as_json(tmp_path / "x.json", plain), ALBUM)
    assert [(each.frame, each.label, each.box) for each in read.masks] == [
        (0, "car", Box(7, 6, 13, 10)),
        (1, "car", Box(7, 6, 13, 10)),
    ]
    assert "Their boxes are no numbers. ('bad',)" in reasons(read)


def mots(frame: int, object_id: int, pixels: Any) -> str:
    return f"{frame} {object_id} {object_id // 1000} {HEIGHT} {WIDTH} {rle(pixels)['counts']}"


def test_masks_of_mots(tmp_path: Path) -> None:
    lines = [mots(0, 2001, square(1, 1)), mots(0, 1003, square(9, 9)), mots(4, 2001, square(2, 1))]
    lines += [mots(4, 10000, square(20, 3)), "4 2002 2 99 99 PP1", "something else", mots(99, 2001, square(1, 1))]
    path = tmp_path / "film.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    read = read_annotations(path, CLIP)
    assert summarize(read) == [(0, 1, "", "pedestrian"), (0, 2, "", "car"), (4, 1, "", "pedestrian")]
    assert (pixels_of(read, 1) == square(9, 9)).all()
    for reason in ("1 The mask's runs do not fill", "1 Some lines are not of this format", "1 They are about no frame"):
        assert reason in reasons(read)
    several = {"instances_txt/film.txt": lines[0], "instances_txt/0002.txt": lines[1]}
    assert len(read_annotations(packed(tmp_path / "x.zip", several), CLIP).masks) == 1
    names, sizes = ("000004.png", "000007.png"), ((HEIGHT, WIDTH),) * 2
    album = MediaInfo("album", "2", 2, HEIGHT, WIDTH, HEIGHT, WIDTH, sizes=sizes, names=names)
    assert [each.frame for each in read_annotations(path, album).masks] == [0]


def test_masks_of_mots_as_pictures(tmp_path: Path) -> None:
    def picture(left: int) -> bytes:
        pixels = np.zeros((HEIGHT, WIDTH), np.uint16)
        for value, place in ((1003, left), (2001, 12), (10000, 20)):
            pixels[square(place, 3)] = value
        return png(pixels)

    members = {f"instances/film/{frame:06d}.png": picture(frame) for frame in range(3)}
    read = read_annotations(packed(tmp_path / "x.zip", {**members, "images/film/000000.png": picture(0)}), CLIP)
    assert summarize(read) == [
        (frame, track, "", label) for frame in range(3) for track, label in ((1, "car"), (2, "pedestrian"))
    ]
    assert (pixels_of(read, 2) == square(1, 3)).all()
    read = read_annotations(packed(tmp_path / "y.zip", {**members, "instances/labels.txt": "dog\r\ncat\r\n"}), CLIP)
    assert {each.label for each in read.masks} == {"dog", "cat"}


def test_sizes_of_twice_the_picture_are_scaled(tmp_path: Path) -> None:
    double = [[2 * x, 2 * y] for x, y in SQUARE]
    height, width = 2 * HEIGHT, 2 * WIDTH
    size = {"height": height, "width": width}
    percent = {"x": 10, "y": 20, "width": 20, "height": 30, "rectanglelabels": ["a"]}
    region = {"type": "rectanglelabels", "original_width": width, "original_height": height, "value": percent}
    polygon = {"classTitle": "a", "geometryType": "polygon", "points": {"exterior": double, "interior": []}}
    rows = [("photo.json", plain) for plain in (
        {"imgHeight": height, "imgWidth": width, "objects": [{"label": "a", "polygon": double}]},
        {"info": {"description": "ISAT", "name": "photo.jpg", **size}, "objects": [{"segmentation": double}]},
        {"size": size, "objects": [polygon]},
        [{"data": {"image": "photo.jpg"}, "annotations": [{"result": [region]}]}],
    )]  # fmt: skip
    for name, plain in rows:
        [found] = read_annotations(as_json(tmp_path / name, plain), IMAGE).masks
        if found.mask is not None:
            assert found.mask.area in (16, 25)  # corners lie on pixels
        else:
            assert found.box is not None
            assert np.allclose([found.box.left, found.box.top, found.box.right, found.box.bottom], [3, 4, 9, 10])
    path = tmp_path / "x.csv"
    path.write_text(
        f"filename,width,height,class,xmin,ymin,xmax,ymax\nphoto.jpg,{width},{height},a,2,4,10,20\n", "utf-8"
    )
    assert read_annotations(path, IMAGE).masks[0].box == Box(1, 2, 5, 10)


def test_boxes_of_mot_challenge_count_from_one(tmp_path: Path) -> None:
    rows = ("1, 3, 5, 4, 6, 5, 1, -1, -1, -1", "2,3,6,4,6,5,1,1,0.9", "2,-1,9,9,2,2,0.5,-1,-1,-1", "2,4,9,9,2,2,0,1,1")
    lines = "\n".join([*rows, "11,3,1,1,2,2,1", ""])
    path = packed(tmp_path / "x.zip", {"film/gt/gt.txt": lines, "other/gt/gt.txt": lines, "film/seqinfo.ini": ""})
    read = read_annotations(path, CLIP)
    assert [(each.frame, each.box) for each in read.masks] == [
        (0, Box(4, 3, 10, 8)),
        (1, Box(5, 3, 11, 8)),
        (1, Box(8, 8, 10, 10)),
    ]
    assert len({each.track for each in read.masks}) == 2
    assert "no frame of this clip" in reasons(read)


def test_our_own_table_has_boxes(clip: Store, single_image: Store, tmp_path: Path) -> None:
    for store in (clip, single_image):
        path = export(tmp_path, media_of(store, objects=[BALL, BIRD]), ExportOptions("csv"))
        read = read_annotations(path, store.info)
        frames = FRAMES if store is clip else 1
        wanted = [(frame, 1, "Ball", "") for frame in range(frames)]
        wanted += [(frame, 2, "../../x", "bird") for frame in range(2, frames)]
        assert sorted(summarize(read)) == sorted(wanted)
        for each in read.masks:
            rows, columns = np.nonzero(shape(each.track, each.frame))
            assert each.box == Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert "A table has boxes, no masks" in " ".join(read.notes)


def test_our_own_sav_file(clip: Store, tmp_path: Path) -> None:
    path = export(tmp_path, media_of(clip, objects=[BALL, BIRD]), ExportOptions("sav"))
    read = read_annotations(path, clip.info)
    assert {each.frame for each in read.masks} == {*range(0, FRAMES, 4)}
    for each in read.masks:
        assert each.mask is not None
        assert (each.mask.to_array() == shape(each.track, each.frame)).all()


def test_tables_of_fractions(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("image,label,x_min,y_min,x_max,y_max\nphoto.jpg,cat,0.1,0.5,0.2,1\n", "utf-8")
    [found] = read_annotations(path, IMAGE).masks
    assert found.box == Box(3, 10, 6, 20)


@pytest.mark.parametrize("separator", [",", ";"])
def test_tables_of_other_programs(tmp_path: Path, separator: str) -> None:
    rows = [
        "filename,width,height,class,xmin,ymin,xmax,ymax",
        "cat.jpg,30,20,cat,1,2,8,9",
        "cat.jpg,30,20,'=dog,3,2,x,9",
        "Dog 2.png,99,99,dog,1,2,8,9",
        "other.jpg,30,20,dog,1,2,8,9",
    ]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(rows).replace(",", separator), "utf-8")
    read = read_annotations(path, ALBUM)
    assert [(each.frame, each.label, each.box) for each in read.masks] == [(0, "cat", Box(1, 2, 8, 9))]
    for reason in ("Their boxes are no numbers. ('=dog',)", "99 × 99", "none of these photos"):
        assert reason in reasons(read)


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_numpy_archives_that_others_made(tmp_path: Path) -> None:
    masks = np.stack([square(1, 1), square(9, 9)])
    read = read_annotations(npz(tmp_path / "x.npz", frame_00003=masks, ids=np.array([7, 8])), CLIP)
    assert [(each.frame, each.track) for each in read.masks] == [(3, 1), (3, 2)]
    photos = np.array(ALBUM.names)
    read = read_annotations(npz(tmp_path / "x.npz", frame_00001=masks, frame_00002=masks, photos=photos), ALBUM)
    assert [each.frame for each in read.masks] == [1, 1]
    assert "30 × 20" in reasons(read)  # the third photo is smaller
    with pytest.raises(MediaError, match="it is not clear what their axes are"):
        read_annotations(npz(tmp_path / "x.npz", masks=masks), CLIP)


def test_damaged_numpy_archives(tmp_path: Path) -> None:
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "|b1", "fortran_order": False, "shape": (10**6, 10**6, 10**6)})
    good = npz(tmp_path / "good.npz", frame_00000=square(1, 1)[None])
    assert len(read_annotations(good, CLIP).masks) == 1
    objects = io.BytesIO()
    np.lib.format.write_array(objects, np.array([{}], object), allow_pickle=True)
    for content in (huge.getvalue(), objects.getvalue(), b"", b"\x93NUMPY\x09\x00", b"\x93NUMPY\x01\x00\x04\x00(((("):
        path = packed(tmp_path / "x.npz", {"frame_00000.npy": content})
        with pytest.raises(MediaError, match="Their arrays are damaged"):
            read_annotations(path, CLIP)


def test_files_that_are_packed_with_gzip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = [{"image_id": "photo", "segmentation": rle(square(1, 1))}]
    path = tmp_path / "photo.json.gz"
    path.write_bytes(gzip.compress(json.dumps(plain).encode()))
    assert len(read_annotations(path, IMAGE).masks) == 1
    monkeypatch.setattr(format_detection, "MAX_FILE_BYTES", 2000)
    for content, sentence in (
        (b"0" * 10_000, "unpacked file is larger"),
        (gzip.compress(b"{}"), "packed more than once"),
        (b"\x89HDF\r\n\x1a\n", "This is an HDF5 file"),
    ):
        path.write_bytes(gzip.compress(content))
        with pytest.raises(MediaError, match=sentence):
            read_annotations(path, IMAGE)
    path.write_bytes(gzip.compress(b"0" * 100)[:-20])
    with pytest.raises(MediaError):
        read_annotations(path, IMAGE)
    path.write_bytes(b"\x1f\x8b" + b"\xff" * 50)
    with pytest.raises(MediaError, match="damaged or cut off"):
        read_annotations(path, IMAGE)


def test_archives_of_other_kinds_are_named(tmp_path: Path) -> None:
    inner = tmp_path / "a.json"
    inner.write_text("{}", "utf-8")
    for mode, ending in (("w", ".tar"), ("w:gz", ".tar.gz"), ("w:xz", ".tar.xz"), ("w:bz2", ".tar.bz2")):
        path = tmp_path / f"x{ending}"
        with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
            archive.add(inner, "a.json")
        with pytest.raises(MediaError, match="pack its files as ZIP"):
            read_annotations(path, IMAGE)
