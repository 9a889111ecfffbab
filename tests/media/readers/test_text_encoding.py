"""Text and names in the encodings that programs of several countries write."""

from __future__ import annotations

import codecs
import json
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from sam2_core.media import MediaInfo
from sam2_core.media.readers import read_annotations
from sam2_core.media.readers.text_encoding import decode_text, detect_encoding
from sam2_core.media.readers.zip_names import decode_names
from tests.media.readers.media import HEIGHT, IMAGE, WIDTH, packed, summarize

TEXTS = {
    "gb18030": (
        "汽车", "行人", "车", "裂纹", "挖掘机", "消防栓\r\n斑马线\r\n", "苹果,香蕉,橙子", "气孔\n夹渣",
        "名称：细胞", "新建文件夹/微信截图", "数据标注/第一批/图像0001.png",
        '{"label": "红绿灯", "imagePath": "..\\\\图片\\\\照片1.jpg"}',
    ),
    "cp932": (
        "自動車", "犬\n猫", "人", "ひび割れ", "キズ\r\n汚れ\r\n", "トラック", "ﾃｽﾄ", "表示\n能力", "横断歩道",
        "異常なし", "写真_2023年5月", '{"label": "信号機", "imagePath": "画像\\\\写真1.jpg"}',
    ),
    "cp949": (
        "자동차", "고양이\n개", "사람", "균열", "차", "횡단보도", "이물질", "벼\r\n옥수수\r\n", "새 폴더",
        "교통 표지판", "똠방각하", '{"label": "신호등", "imagePath": "사진/이미지1.jpg"}',
    ),
    "cp950": (
        "汽車", "行人", "人", "裂縫", "機車\r\n公車\r\n", "挖土機", "刮痕\n髒污", "新增資料夾",
        "圖片/照片1.jpg", "許功蓋", "腳踏車", '{"label": "紅綠燈", "imagePath": "圖片\\\\照片1.jpg"}',
    ),
    "cp1251": (
        "машина", "кот", "Автомобиль\r\nПешеход\r\n", "ЖУК", "ёлка", "Снимок экрана", "людина", "автобус №5",
        "я", "Рабочий стол", "трещина,царапина", '{"label": "машина", "imagePath": "фото/дом.jpg"}',
    ),
    "cp1252": (
        "façade", "Straße", "niño", "voiture\r\npiéton\r\n", "Fußgänger", "Öl", "Größe: 5 µm", "cœur", "maçã",
        "10 °C", "smörgåsbord", '{"label": "coche pequeño", "imagePath": "imágenes/año.jpg"}',
    ),
    "euc_jp": (
        "ひび割れ\nキズ", "トラック",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
def test_the_encoding_of_short_texts_is_found(encoding: str, text: str) -> None:
    data = text.encode(encoding)
    assert decode_text(data) == text
    assert detect_encoding(data) == detect_encoding(data + b"\r\n") == encoding


@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS)
def test_unicode_wins_with_and_without_a_mark(texts: tuple[str, ...]) -> None:
    for text in (*texts, "plain"):
        assert decode_text(text.encode()) == text
        for name, mark in (
            ("utf-8", codecs.BOM_UTF8),
            ("utf-16-le", codecs.BOM_UTF16_LE),
            ("utf-16-be", codecs.BOM_UTF16_BE),
            ("utf-32-le", codecs.BOM_UTF32_LE),
            ("utf-32-be", codecs.BOM_UTF32_BE),
        ):
            assert decode_text(mark + text.encode(name)) == text
            assert decode_text((text + "\n0 0.5").encode(name)) == text + "\n0 0.5"


def test_what_is_no_text_is_read_without_an_error() -> None:
    for data in (b"", b"\0", b"\xff", b"\0" * 101, b"\x80\x81\x82\xff" * 30, bytes(range(256)), b"a\0b\0\0\0"):
        assert isinstance(decode_text(data), str)


def test_utf8_that_is_cut_off_stays_utf8() -> None:
    data = "{'label': '自動車と歩行者'}".encode()
    assert decode_text(data[:20]).startswith("{'label': '自動")
    assert detect_encoding(data.replace(b"'}", b"\xe8'}")) == "utf-8"


def test_a_long_text_is_judged_by_its_beginning() -> None:
    text = "a" * 1_000_000 + "汽车" * 300_000 + "\x80"
    assert decode_text(text.encode("gb18030")) == text


def labelme(label: str, path: str) -> str:
    shape = {"label": label, "points": [[1, 1], [9, 1], [9, 9]], "shape_type": "polygon"}
    return json.dumps({"imagePath": path, "shapes": [shape]}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("encoding", "label", "note"),
    [
        ("utf-8-sig", "汽车", ""),
        ("utf-16", "汽车", ""),
        ("utf-16-le", "汽车", ""),
        ("utf-16-be", "汽车", ""),
        ("utf-32", "汽车", ""),
        ("gb18030", "汽车", "Chinese (GB 18030)"),
        ("cp932", "自動車", "Japanese (Shift JIS)"),
        ("cp949", "자동차", "Korean (CP949)"),
        ("big5", "汽車", "Chinese (Big5)"),
        ("cp1251", "машина", "Cyrillic (Windows-1251)"),
        ("cp1252", "Straßenbahn", "Western (Windows-1252)"),
    ],
)
def test_files_in_other_encodings(tmp_path: Path, encoding: str, label: str, note: str) -> None:
    path = tmp_path / "photo.json"
    path.write_bytes(labelme(label, "photo.jpg").encode(encoding))
    read = read_annotations(path, IMAGE)
    assert summarize(read) == [(0, 1, "", label)]
    notes = (f"Files whose text is not in UTF-8 and was read as {note}: 1.",) if note else ()
    assert read.notes == notes
    lines = "# 类\r\n0 0.5 0.5 0.2 0.2\r\n1 0.1 0.1 0.5 0.1 0.5 0.5\r\n" if "utf" in encoding else "0 0.5 0.5 0.2 0.2\n"
    labels = {"labels/photo.txt": lines.encode(encoding), "classes.txt": f"{label}\r\ncat\r\n".encode(encoding)}
    assert summarize(read_annotations(packed(tmp_path / "x.zip", labels), IMAGE))[0][3] == label
    labels = {"labels/photo.txt": "0 0.5 0.5 0.2 0.2", "data.yaml": f"names:\n  0: {label}\n".encode(encoding)}
    assert summarize(read_annotations(packed(tmp_path / "y.zip", labels), IMAGE))[0][3] == label


def with_plain_names(path: Path, members: dict[bytes, Any]) -> Path:
    """A ZIP file whose names have no flag for UTF-8."""
    stand_ins = {("%" * (len(name) - 4) + f"{place:04d}").encode(): name for place, name in enumerate(members)}
    with zipfile.ZipFile(path, "w") as archive:
        for stand_in, name in stand_ins.items():
            archive.writestr(stand_in.decode(), members[name])
    data = path.read_bytes()
    for stand_in, name in stand_ins.items():
        data = data.replace(stand_in, name)
    path.write_bytes(data)
    return path


PICTURES = {
    "utf-8": ("图片一.jpg", "写真.jpg"),
    "gb18030": ("图片一.jpg", "猫咪的照片.jpg"),
    "cp932": ("表示.jpg", "ｶﾒﾗ_花子.jpg"),
    "cp949": ("사진.jpg", "똠방.jpg"),
    "cp950": ("許功蓋.jpg", "圖片.jpg"),
    "cp866": ("фото дома.jpg", "Ёлка.jpg"),
    "cp437": ("Müller.jpg", "garçon.jpg"),
    "cp1252": ("Müller.jpg", "garçon.jpg"),
}


@pytest.mark.parametrize(("encoding", "names"), PICTURES.items(), ids=PICTURES)
def test_names_in_a_zip_without_a_flag(tmp_path: Path, encoding: str, names: tuple[str, str]) -> None:
    stems = [name.removesuffix(".jpg") for name in names]
    members = {f"labels/{stem}.txt".encode(encoding): f"{place} 0.5 0.5 0.2 0.2" for place, stem in enumerate(stems)}
    path = with_plain_names(tmp_path / "x.zip", members)
    sizes = ((HEIGHT, WIDTH),) * 3
    for form in ("NFC", "NFD"):
        album = (unicodedata.normalize(form, names[1]), "other.jpg", unicodedata.normalize(form, names[0]))
        info = MediaInfo("album", "3 photos", 3, HEIGHT, WIDTH, HEIGHT, WIDTH, sizes=sizes, names=album)
        read = read_annotations(path, info)
        assert sorted((frame, label) for frame, _, _, label in summarize(read)) == [(0, "class 1"), (2, "class 0")]
        assert any("Names in the ZIP file were read as" in note for note in read.notes) == (encoding != "utf-8")


def test_names_of_no_picture_are_read_in_the_most_probable_encoding(tmp_path: Path) -> None:
    members = {"标签/照片_汽车.txt".encode("gb18030"): "0 0.5 0.5 0.2 0.2", b"photo.txt": "0 0.5 0.5 0.2 0.2"}
    read = read_annotations(with_plain_names(tmp_path / "x.zip", members), IMAGE)
    assert read.skipped[0].names == ("照片_汽车.txt",)


def test_a_name_in_utf8_beside_the_plain_one_counts(tmp_path: Path) -> None:
    plain, name = "фото0001.txt".encode("cp866"), "фото.txt".encode()
    path = with_plain_names(tmp_path / "x.zip", {plain: "0 0.5 0.5 0.2 0.2"})
    with zipfile.ZipFile(path) as archive:
        [member] = archive.infolist()
        assert member.flag_bits & 0x800 == 0
    member.extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(plain)) + name
    assert decode_names([member], IMAGE) == (["фото.txt"], "")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_xml_that_declares_no_encoding(tmp_path: Path, encoding: str) -> None:
    box = "<bndbox><xmin>3</xmin><ymin>3</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    text = f"<annotation><filename>photo.jpg</filename><object><name>红绿灯</name>{box}</object></annotation>"
    (tmp_path / "photo.xml").write_bytes(text.encode(encoding))
    assert summarize(read_annotations(tmp_path / "photo.xml", IMAGE)) == [(0, 1, "", "红绿灯")]
