"""Names of files: kept as users have them, unique where files are written, and harmless."""

from __future__ import annotations

import unicodedata

import pytest

from sam2_core.media.names import (
    clean_name,
    former_names,
    real_name,
    safe_file_name,
    short_names,
    titles_of,
    unique_name,
)


@pytest.mark.parametrize(
    "name",
    [
        "100%20 #1?.png", "\U0001f468\u200d\U0001f469\u200d\U0001f467.png", "हिन्दी.png", "ไทยน้ำ.jpg",
        "e\u0301.png", "é.png", "con.png", "x" * 251 + ".png", ".hidden", "trailing. ", " ", "a\"b'c.png", "<b>&.png",
        "front/0001.jpg", "a:b.png", "back\\slash.png",
        "نامه‌ها.png", "...",
    ],
)  # fmt: skip
def test_a_users_name_is_kept(name: str) -> None:
    assert real_name(name) == name


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a\x1b[31m\n\x00.png", "a_[31m__.png"),
        ("gpj.\u202eexe", "gpj._exe"),
        ("bytes\udcff.png", "bytes_.png"),
        ("line\u2028.png", "line_.png"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc//./passwd", "etc/passwd"),
        ("C:/Users/me/a.png", "Users/me/a.png"),
        ("C:\\fakepath\\a.png", "a.png"),
        ("\\\\server\\share\\a.png", "a.png"),
        ("..\\..\\a.png", "a.png"),
        ("..", "media"),
        ("", "media"),
        ("x" * 300 + ".png", "x" * 251 + ".png"),
        ("/".join(["f" * 200] * 9), "/".join(["f" * 200] * 4)),
    ],
)
def test_what_is_dangerous_is_taken_out(name: str, kept: str) -> None:
    assert real_name(name) == kept


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/d/a.png", "/d/b.png"], ["a.png", "b.png"]),
        (["/d/x/a.png", "/d/y/b.png"], ["a.png", "b.png"]),
        (["/d/front/1.jpg", "/d/rear/1.jpg", "/d/rear/2.jpg"], ["front/1.jpg", "rear/1.jpg", "rear/2.jpg"]),
        (["/d/1.jpg", "/d/more/1.png"], ["1.jpg", "more/1.png"]),
        (["d/1.jpg", "d/1.png"], ["1.jpg", "1.png"]),
        (["d/1.jpg", "d/1.jpg"], ["1.jpg", "1.jpg"]),
        (["C:/a/1.jpg", "D:/a/1.jpg"], ["1.jpg", "1.jpg"]),
        ([], []),
    ],
)
def test_names_have_folders_only_where_they_tell_files_apart(paths: list[str], names: list[str]) -> None:
    assert short_names(paths) == names


def test_equal_names_get_more_of_their_path_or_a_number() -> None:
    assert unique_name("1.jpg", set()) == "1.jpg"
    assert unique_name("1.jpg", {"1.jpg"}, "trip/rear/1.jpg") == "rear/1.jpg"
    assert unique_name("1.jpg", {"1.jpg", "rear/1.jpg"}, "trip/rear/1.jpg") == "trip/rear/1.jpg"
    assert unique_name("a.B.JPG", {"a.B.JPG", "a.B (2).JPG"}) == "a.B (3).JPG"
    assert unique_name(unicodedata.normalize("NFD", "é.png"), {"é.png"}) == unicodedata.normalize("NFD", "é (2).png")
    assert unique_name("a.JPG", {"A.jpg", "a.jpg"}) == "a.JPG"


@pytest.mark.parametrize(
    ("names", "titles"),
    [
        (["a.jpg", "b.png"], ["a", "b"]),
        (["v1.2 #3.jpg", "v1.2 #4.jpg"], ["v1.2 #3", "v1.2 #4"]),
        (["a.jpg", "a.png", "b.png"], ["a.jpg", "a.png", "b"]),
        (["a.jpg", "A.PNG"], ["a.jpg", "A.PNG"]),
        (["é.jpg", "e\u0301.png"], ["é.jpg", "e\u0301.png"]),
        (["a.jpg", "a.png", "a.jpg.png"], ["a.jpg_2", "a.png", "a.jpg"]),
        (["front/1.jpg", "rear/1.jpg"], ["front/1", "rear/1"]),
        (["con.png", ".hidden.png", "t. .png"], ["con", ".hidden", "t. "]),
        (["back\\slash.png", "../x.png"], ["back_slash", "x"]),
        (["字" * 100 + "a.png", "字" * 100 + "b.png"], ["字" * 80, "字" * 80 + "_2"]),
    ],
)
def test_files_about_a_picture_have_its_stem(names: list[str], titles: list[str]) -> None:
    assert list(titles_of(names)) == titles


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("leaf one", "leaf one_coco.json"),
        ("100%20 #1", "100%20 #1_coco.json"),
        ("हिन्दी", "हिन्दी_coco.json"),
        ("con", "con_coco.json"),
        ("con.v1", "_con.v1_coco.json"),
        ("front/0001", "front_0001_coco.json"),
        (".hidden", "hidden_coco.json"),
        ("trailing. ", "trailing_coco.json"),
        ('a<b>:"?*|\\c', "a_b_______c_coco.json"),
        ("\x1b\u202e", "___coco.json"),
        ("...", "media_coco.json"),
        ("x" * 300, "x" * 220 + "_coco.json"),
        ("字" * 100, "字" * 73 + "_coco.json"),
    ],
)
def test_downloads_have_names_that_any_disk_takes(stem: str, name: str) -> None:
    assert safe_file_name(stem, "_coco.json") == name
    assert len(name.encode()) <= 230


@pytest.mark.parametrize("name", ["con", "NUL.txt", "com1", "lpt9.a.b", "aux .x"])
def test_names_of_devices_are_avoided(name: str) -> None:
    assert safe_file_name(name) == f"_{name}"


def test_names_that_earlier_versions_gave_are_known() -> None:
    assert former_names("a#b?.png") == ("a_b_.png", "ab.png")
    assert former_names("हिन्दी.png")[0] == "ह_न_द_.png"
    assert former_names("plain (1).jpg") == ("plain (1).jpg",) * 2
    assert former_names("#") == ("_", "upload")


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("holiday (1).mp4", "holiday (1).mp4"),
        ("Übung 5.mov", "Übung 5.mov"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\x1b[31m\n<script>.png", "a__31m__script_.png"),
        ("...", "media"),
        (".mp4", "mp4"),
        ("x" * 300 + ".webm", "x" * 75 + ".webm"),
        ("con:|?*\".gif", "con_____.gif"),
    ],
)  # fmt: skip
def test_names_as_earlier_versions_cleaned_them(name: str, clean: str) -> None:
    assert clean_name(name) == clean
    assert len(clean_name(name)) <= 80
