"""Files that mean harm, or are broken in ways that cost time and memory."""

from __future__ import annotations

import itertools
import json
import math
import re
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media import ingest
from sam2_core.media.readers import (
    annotation_builder,
    format_detection,
    polygon_filling,
    read_annotations,
    zip_reader,
)
from tests.media.readers.media import CLIP, HEIGHT, IMAGE, WIDTH, as_json, packed, png, reasons, rle, square

ONE = png(np.where(square(1, 1), 1, 0).astype(np.uint8), "P")


def coco(count: int) -> dict[str, Any]:
    said = {"image_id": 1, "segmentation": rle(square(1, 1))}
    return {"images": [{"id": 1, "file_name": "0.jpg"}], "annotations": [{**said, "track_id": n} for n in range(count)]}


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[" * 100_000,
        b'{"images": [], "annotations": 5}',
        b'{"images": 1, "annotations": [[]], "categories": {}}',
        b'{"videos": [], "annotations": [{"segmentations": 1}]}',
        b'{"videos": [{"file_names": 3}], "annotations": [{"segmentations": [1, "x", []]}]}',
        b'{"shapes": [1, {"points": {}}, {"shape_type": 5}]}',
        b'{"shapes": [{"shape_type": "mask", "points": [[0, 0], [1e5, 1e5]], "mask": 3}]}',
        b'[{"image_id": 1, "segmentation": 2}]',
        b'{"images": [{"id": [1]}], "annotations": [{"image_id": {}, "segmentation": {"size": "x"}}]}',
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"images": [{"id": 1, "height": 1' + b"0" * 400 + b'}], "annotations": [{"image_id": 1}]}',
        b"9" * 400 + b" 0.1 0.1 0.5 0.5",
        b"0 0.1 0.1 0.5 0.5 0.9 " + b"9" * 5000,
        b"0 0.1 0.1 0.5 1e999",
        b"0 0.5 0.5 1e999 1e999 0.5 -1e999 1 0 0 0",
        b"0 1e308 1e308 1e308 1e308 1e308 1e308 1e308 1e308",
        b"<annotations>",
        b"<a>" * 100_000,
        b'<!DOCTYPE a [<!ENTITY b "c">]><annotation><filename>&b;</filename></annotation>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>',
        b'<?xml version="1.0" encoding="rot13"?><annotation/>',
        b'<?xml version="1.0" encoding="idna"?><annotation/>',
        b"<annotation>&lt;&b;</annotation>",
        b'<annotations><image name="photo.jpg"><polygon points="1,2;a"/><box xtl="nan"/><mask/></image></annotations>',
        b'<annotations><track><box frame="1e9"/><polygon frame="-1"/></track></annotations>',
        b"<annotation><object><bndbox><xmin>1e999</xmin></bndbox></object></annotation>",
        b'[{"data": {"image": 5}, "annotations": [{"result": [{"value": {"points": 3}}, {"value": []}, 5]}]}]',
        b'[{"data": {"video": ["a.b"]}, "annotations": [{"result": [{"value": {"sequence": [5, {"frame": 1}]}}]}]}]',
        b'[{"data": {}, "annotations": [{"result": [{"value": {"rle": [255, 255, 255, 255]}}]}]}]',
        b'{"_via_img_metadata": [5]}',
        b'{"a": {"filename": [], "regions": [5, {"shape_attributes": {"name": "rect", "x": 1e999}}]}}',
        b'{"metadata": {"1": {"xy": [[]], "vid": {}}}, "file": {}, "view": {}, "attribute": {}}',
        b'{"metadata": {"1": {"xy": [2], "z": [1' + b"0" * 400 + b']}}, "file": {}, "view": {}, "attribute": {}}',
        b'{"size": {}, "objects": [{"geometryType": "polygon", "points": {"exterior": 5}}, {"bitmap": {"data": 5}}]}',
        b'{"size": {"height": [], "width": {}}, "framesCount": {}, "frames": [{"figures": [{"geometry": []}]}]}',
        b'{"masklet": [5, [5, null, {"size": [1, 1], "counts": [2]}]], "masklet_id": 3}',
        b'{"image": {"image_id": {}}, "annotations": [{"segmentation": 5, "area": 1}]}',
        b'[{"segmentation": [[[]]], "area": 1}]',
        b'[{"image_id": [], "bbox": [1, 2, "x", 3]}, {"image_id": 1, "segmentation": "["}]',
        b'{"imgHeight": "x", "imgWidth": 3, "objects": [{"polygon": [[1, 2], [3]]}]}',
        b'[{"image": 5, "annotations": [{"coordinates": []}]}]',
        b"1 2001 2 99999 99999 0" + b"P" * 5000,
        b"1,1,1,1,-5,-5,1," + b"9," * 5000,
        b"left,top,right,bottom\n1,2,3\n" + b'"' * 200_000,
        b'{"data_row": 5}\n{]\n',
        b"filename,region_shape_attributes,region_attributes\nphoto.jpg,{,{",
        b'"text"',
        b"\xff\xfe{}",
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04",
        b"PK\x05\x06" + b"\0" * 18,
        b"",
        b"\0" * 100,
    ],
)
def test_whatever_a_file_holds_the_answer_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    for info in (CLIP, IMAGE):
        with pytest.raises(MediaError, match=r"\w\."):
            read_annotations(path, info)


@pytest.mark.parametrize(
    "text",
    [
        "9" * 1_000_000,
        "0 " + "1" * 500_000 + " 0,5 x",
        "0 " + "1,1 " * 200_000 + "x",
        " " * 1_000_000 + "x",
        "\n" * 1_000_000,
        "# " + "/" * 1_000_000,
        "0." * 500_000,
        ", " * 500_000,
        "é汽" * 200_000,
    ],
    ids=["digits", "number", "commas", "blanks", "lines", "comment", "points", "separators", "letters"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_texts_that_are_slow_to_search_are_not(tmp_path: Path, text: str, encoding: str) -> None:
    path = packed(tmp_path / "x.zip", {"labels/a.txt": text.encode(encoding), "classes.txt": text[:100_000]})
    started = time.process_time()
    with pytest.raises(MediaError):
        read_annotations(path, CLIP)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    "name", ["", "\0", "\0a.png", ".", "..", "/", "//", "/.", "./", "\\", "\\\\", " ", "\n", "a/", "a//b", "../..", "é"]
)
def test_a_member_without_a_proper_name_is_passed_over(tmp_path: Path, name: str) -> None:
    def made(path: Path, *names: str) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            for each in names:
                about = zipfile.ZipInfo("x")
                about.filename = each
                archive.writestr(about, ONE)
        return path

    assert len(read_annotations(made(tmp_path / "x.zip", name, "00000.png"), CLIP).masks) == 1
    with pytest.raises(MediaError, match=r"\w\."):
        read_annotations(made(tmp_path / "y.zip", name), CLIP)
    with pytest.raises(MediaError, match=r"\w\."):
        ingest(made(tmp_path / "z.zip", name), tmp_path / "store")


@pytest.mark.parametrize("where", ["header", "directory", "both"])
@pytest.mark.parametrize("flag", [0x800, 0])
def test_a_name_that_is_no_text_is_no_fault_of_ours(tmp_path: Path, where: str, flag: int) -> None:
    raw = bytearray(packed(tmp_path / "x.zip", {"00001é.png": ONE, "00000.png": ONE}).read_bytes())
    places = {"header": [raw.find("é".encode())], "directory": [raw.rfind("é".encode())]}
    for place in places.get(where, [*places["header"], *places["directory"]]):
        raw[place : place + 2] = b"\xff\xfe"
    for start, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", raw, raw.find(start) + offset, flag)
    (tmp_path / "y.zip").write_bytes(raw)
    try:
        assert read_annotations(tmp_path / "y.zip", CLIP).masks
    except MediaError as error:
        assert re.search(r"\w\.", str(error))


SHAPES = [
    "polygon",
    "rectangle",
    "rotation",
    "circle",
    "ellipse",
    "line",
    "linestrip",
    "point",
    "points",
    "mask",
    "cuboid",
]
CORNERS: list[Any] = [
    [], [[1, 1]], [[1]], [[]], 5, [[1, 1], [1, 1]], [[1e308, 1e308], [-1e308, 5]], [[None, 1], [2, 3]],
    [["9" * 400, 1], [2, 3]], [[math.nan, 1], [2, 3]], [[10**400, 1], [2, 3]], [[True, False], [{}, []]],
]  # fmt: skip
SIDES: list[Any] = [None, HEIGHT, 2 * HEIGHT, 0, -1, math.nan, math.inf, 10**300, "x"]


@pytest.mark.parametrize("kind", SHAPES)
def test_a_shape_of_labelme_that_has_no_form_is_refused_in_few_words(tmp_path: Path, kind: str) -> None:
    for corners, side in itertools.product(CORNERS, SIDES):
        shape = {"label": "a", "shape_type": kind, "points": corners, "mask": "abc"}
        size = {} if side is None else {"imageHeight": side, "imageWidth": 1.5 * side if side != "x" else side}
        path = as_json(tmp_path / "x", {"shapes": [shape], "imagePath": "photo.jpg", **size})
        try:
            read_annotations(path, IMAGE)
        except MediaError as error:
            assert len(str(error)) < 400


def test_a_project_is_not_imported_but_opened(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="Open it with “Open project”"):
        read_annotations(as_json(tmp_path / "x", {"format": "masklet-project", "version": 1}), CLIP)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="not here"):
        read_annotations(tmp_path / "none", CLIP)


def test_a_member_that_unpacks_to_too_much_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "x.zip", {"00000.png": ONE, "00001.png": b"\0" * 5_000_000})
    read = zip_reader.ZipReader.read
    monkeypatch.setattr(zip_reader.ZipReader, "read", lambda self, name: read(self, name, 1_000_000))
    found = read_annotations(path, CLIP)
    assert len(found.masks) == 1
    assert "1 They are larger than 1 MB" in reasons(found)
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.rfind(b"PK\x01\x02") + 24, 10)  # a lie about the size changes nothing
    path.write_bytes(raw)
    assert len(read_annotations(path, CLIP).masks) == 1


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_reader, "MAX_BYTES", 2 * len(ONE))
    path = packed(tmp_path / "x.zip", {f"{number:05d}.png": ONE for number in range(3)})
    with pytest.raises(MediaError, match="more than can be read at once"):
        read_annotations(path, CLIP)


def test_an_archive_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "x.zip", {f"{number}.txt": "" for number in range(60)})
    monkeypatch.setattr(zip_reader, "MAX_MEMBERS", 50)
    with pytest.raises(MediaError, match="more than 50 files"):
        read_annotations(path, CLIP)
    monkeypatch.setattr(zip_reader, "MAX_DIRECTORY_BYTES", 1000)
    with pytest.raises(MediaError, match="too many files"):
        read_annotations(path, CLIP)


def test_paths_of_members_mean_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    path = packed(folder / "x.zip", {"../../00002.png": ONE})
    assert [each.frame for each in read_annotations(path, CLIP).masks] == [2]
    assert [*tmp_path.rglob("*.png")] == []


def test_members_that_cannot_be_unpacked_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("00000.png", ONE)
        opened.writestr("00001.png", ONE, zipfile.ZIP_LZMA)
        opened.writestr("00002.png", ONE)
        opened.writestr("00003.png", ONE)
        locked, damaged = (opened.getinfo(f"0000{number}.png").header_offset for number in (2, 3))
    raw = bytearray(path.read_bytes())
    entry = raw.find(b"PK\x01\x02")
    for number in range(4):
        if number == 2:
            raw[entry + 8] |= 1
        entry = raw.find(b"PK\x01\x02", entry + 4)
    raw[damaged + 60] ^= 0xFF
    assert locked < damaged
    path.write_bytes(raw)
    found = read_annotations(path, CLIP)
    assert [each.frame for each in found.masks] == [0]
    for reason in ("unusual way", "locked with a password", "damaged or cut off"):
        assert reason in reasons(found)


def test_a_image_is_not_decoded_before_its_size_is_known(tmp_path: Path) -> None:
    head = bytearray(ONE)
    struct.pack_into(">II", head, 16, 60_000, 60_000)
    path = packed(tmp_path / "x.zip", {"00000.png": ONE, "00001.png": bytes(head)})
    assert len(read_annotations(path, CLIP).masks) == 1


def test_sizes_that_masks_only_claim_cost_nothing(tmp_path: Path) -> None:
    plain = coco(1)
    plain["annotations"].append({"image_id": 1, "segmentation": {"size": [2**31, 2**31], "counts": [2**62]}})
    assert "2147483648 × 2147483648" in reasons(read_annotations(as_json(tmp_path / "x", plain), IMAGE))


@pytest.mark.parametrize(
    ("name", "most"), [("MAX_MASKS", 3), ("MAX_RUN_BYTES", 20), ("MAX_PIXELS", 2 * HEIGHT * WIDTH)]
)
def test_too_much_in_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int) -> None:
    monkeypatch.setattr(annotation_builder, name, most)
    plain = coco(5)
    for each in plain["annotations"]:
        each["segmentation"] = [[1, 1, 5, 1, 5, 5]]
    with pytest.raises(MediaError, match="Import fewer frames"):
        read_annotations(as_json(tmp_path / "x", plain), IMAGE)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(format_detection, "MAX_FILE_BYTES", 1000)
    path = tmp_path / "x"
    path.write_text(json.dumps(coco(100)), "utf-8")
    with pytest.raises(MediaError, match="larger than"):
        read_annotations(path, IMAGE)


def zigzag(width: float, height: float) -> list[float]:
    """An outline that crosses all rows again and again."""
    return [number for place in range(3000) for number in (place % 7 / 6 * width, place % 2 * height)]


def test_an_outline_of_endless_edges_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = coco(1)
    plain["annotations"].append({"image_id": 1, "segmentation": [zigzag(WIDTH, HEIGHT)]})
    points = np.reshape(zigzag(WIDTH, HEIGHT), (-1, 2)).tolist()
    shapes = [{"label": "a", "points": points}, {"label": "b", "points": [[1, 1], [5, 1], [5, 5]]}]
    lines = [f"0 {' '.join(map(str, zigzag(1, 1)))}", "1 0.1 0.1 0.5 0.1 0.5 0.5"]
    (tmp_path / "yolo").write_text("\n".join(lines), "utf-8")
    paths = [as_json(tmp_path / "coco", plain), as_json(tmp_path / "labelme", {"shapes": shapes}), tmp_path / "yolo"]
    assert [len(read_annotations(path, IMAGE).masks) for path in paths] == [2, 2, 2]
    monkeypatch.setattr(polygon_filling, "MAX_CROSSINGS", 10_000)
    for path in paths:
        read = read_annotations(path, IMAGE)
        assert len(read.masks) == 1
        assert "too intricate" in reasons(read)


def test_many_outlines_cost_more_than_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = coco(0)
    plain["annotations"].append({"image_id": 1, "segmentation": [[1, 1, 5, 1, 5, 5]] * 100})
    path = as_json(tmp_path / "x", plain)
    assert len(read_annotations(path, IMAGE).masks) == 1
    monkeypatch.setattr(annotation_builder, "MAX_PIXELS", 50 * HEIGHT * WIDTH)
    with pytest.raises(MediaError, match="Import fewer frames"):
        read_annotations(path, IMAGE)


def test_plain_data_that_take_too_much_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a file, an empty object is two letters; in memory it is a hundred times that."""
    monkeypatch.setattr(annotation_builder, "MAX_JSON_MEMORY", 100_000)
    many = {"images": [{}] * 500, "annotations": []}
    labels = {f"{number}.json": json.dumps({"shapes": [{}] * 100}) for number in range(10)}
    masks = {"00000.png": ONE, "manifest.json": json.dumps({"objects": [{}] * 500})}
    packs = (packed(tmp_path / f"{name}.zip", members) for name, members in (("labels", labels), ("masks", masks)))
    for path in (as_json(tmp_path / "x", many), *packs):
        with pytest.raises(MediaError, match="more in this file than can be read at once"):
            read_annotations(path, CLIP)


def test_labels_that_take_too_much_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "x.zip", {f"{number:05d}.txt": "0 0.1 0.1 0.5 0.5\n" for number in range(10)})
    assert len(read_annotations(path, CLIP).masks) == 10
    monkeypatch.setattr(format_detection, "MAX_TOTAL_TEXT_BYTES", 100)
    with pytest.raises(MediaError, match="more labels"):
        read_annotations(path, CLIP)


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("", "1,1,1,1,5,5,1\n"),
        ("", "0 1001 1 20 30 PP1\n"),
        ("left,top,right,bottom\n", "1,2,3,4\n"),
        ("filename,region_shape_attributes,region_attributes\n", "a,{},{}\n"),
    ],
    ids=["mot", "mots", "table", "via"],
)
def test_lists_of_too_many_lines_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str, line: str
) -> None:
    monkeypatch.setattr(annotation_builder, "MAX_LINES", 5)
    (tmp_path / "x.txt").write_text(head + line * 10, "utf-8")
    with pytest.raises(MediaError, match="more than 5 lines"):
        read_annotations(tmp_path / "x.txt", CLIP)


def test_what_cannot_be_used_is_not_looked_at_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = coco(1)
    plain["annotations"] += [{"image_id": 1, "segmentation": {"size": [n, 1], "counts": [n]}} for n in range(1, 100)]
    path = as_json(tmp_path / "x", plain)
    read = read_annotations(path, IMAGE)
    assert sum(each.count for each in read.skipped) == 99
    assert len(read.skipped) == annotation_builder.MAX_REASONS + 1
    monkeypatch.setattr(annotation_builder, "MAX_SKIPPED", 50)
    with pytest.raises(MediaError, match="Most of this file cannot be used"):
        read_annotations(path, IMAGE)


@pytest.mark.parametrize(
    "names",
    [
        "names:\n" + "".join(f" {n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'cat'}]\n" for n in range(30)),
        "a0: &a0 {x: y}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)),
        "names: {0: {b: c}, ~: d, .inf: e, [f]: g, 2001-01-01: h}",
        "names: [!!timestamp x]",
        "names: !!python/object/apply:os.getcwd []",
        "- " * 1500,
        "names: [" + "x" * 300_000 + "]",
    ],
    ids=["laughs", "merges", "keys", "time", "code", "deep", "long"],
)
def test_lists_of_classes_that_mean_harm_name_nothing(tmp_path: Path, names: str) -> None:
    path = packed(tmp_path / "x.zip", {"00000.txt": "0 0.1 0.1 0.5 0.5", "data.yaml": names})
    [found] = read_annotations(path, CLIP).masks
    assert found.label in ("class 0", "x")


def test_words_of_users_are_one_short_line(tmp_path: Path) -> None:
    plain = coco(1)
    plain["tracks"] = [{"id": 0, "name": "a\n\x00b\u202e" + "c" * 500}]
    [found] = read_annotations(as_json(tmp_path / "x", plain), IMAGE).masks
    assert found.name.startswith("a b c")
    assert len(found.name) == 80


def test_reading_is_given_up_where_progress_raises(tmp_path: Path) -> None:
    reports: list[float] = []

    def progress(fraction: float, message: str) -> None:
        reports.append(fraction)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_annotations(as_json(tmp_path / "x", coco(3)), IMAGE, progress)
    assert reports == [0.0]
