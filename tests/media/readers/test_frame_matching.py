"""Names decide which picture is meant; what is not certain is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sam2_core.media import MediaInfo
from sam2_core.media.readers.frame_matching import Names, match_frames
from tests.media.readers.media import ALBUM, CLIP, IMAGE

FOUR = replace(CLIP, frames=4)


def album(*names: str) -> MediaInfo:
    return replace(ALBUM, frames=len(names), names=names, sizes=((20, 30),) * len(names))


def frames(names: Sequence[Names], info: MediaInfo, by_order: bool = False, binding: bool = True) -> list[int | None]:
    matches, _ = match_frames(names, info, binding=binding, by_order=by_order)
    return [None if each is None else each.frame for each in matches]


@pytest.mark.parametrize(
    ("photos", "names", "expected"),
    [
        # The whole path, its end, the name without ending.
        (("cat.jpg", "dog.png"), ["images/dog.png", "C:\\data\\cat.jpg"], [1, 0]),
        (("cat.jpg", "dog.png"), ["dog.txt", "cat"], [1, 0]),
        (("front/0001.jpg", "rear/0001.jpg"), ["data/rear/0001.jpg", "front/0001.jpg"], [1, 0]),
        (("front/0001.jpg", "rear/0001.jpg"), ["labels/rear/0001.txt", "front/labels/0001.txt"], [1, 0]),
        (("front/0001.jpg", "rear/0001.jpg"), ["0001.jpg"], [None]),
        (("0002.jpg", "0002.png"), ["0002.png", "0002.jpg"], [1, 0]),
        (("0002.jpg", "0002.png"), ["0002.jpg.txt", "0002.png.json"], [0, 1]),
        (("0002.jpg", "0002.png"), ["0002.txt"], [None]),
        (("0002.jpg",), ["0002.png", "0002.jpg"], [None, 0]),
        # Unicode forms and case.
        (("Cafe\u0301.JPG", "Straße.jpg"), ["caf\u00e9.jpg", "STRASSE.png"], [0, 1]),
        (("street view.jpg",), ["upload/1/street%20view.jpg"], [0]),
        (("50%20off.jpg", "50 off.jpg"), ["50%20off.jpg"], [0]),
        # What tools add.
        (("street.jpg", "market.jpg"), ["9f00aa17-market.jpg", "a1b2c3d4-street.jpg"], [1, 0]),
        (("p1.jpg", "p2.jpg"), ["p2_jpg.rf.0a1b2c3d4e5f.jpg"], [1]),
        (("p1_jpg.rf.0a1b.jpg", "p1_jpg.rf.ffff.jpg"), ["p1_jpg.rf.ffff.txt"], [1]),
        (("street.jpg", "market.jpg"), ["mask_street.png", "market_mask_1.png", "market_mask_2.png"], [0, 1, 1]),
        (("aachen_000000_000019_leftImg8bit.png",), ["aachen_000000_000019_gtFine_polygons.json"], [0]),
        (("a.jpg", "a.png"), ["a_png.rf.0b.jpg", "a_jpg.rf.0a.jpg"], [1, 0]),
        (("my photo (1).jpg", "my.jpg"), ["a1b2c3d4-my_photo_1.jpg"], [0]),
        (("my photo (1).jpg", "my.jpg"), ["my-photo-1-_jpg.rf.0a.jpg"], [0]),
        (("rear/1.jpg", "front/1.jpg"), ["/data/local-files/?d=front%2F1.jpg"], [1]),
        (("a b.jpg", "c.jpg"), ["https://host.example/d/a%20b.jpg?signature=x.jpg"], [0]),
        # Additions on both sides that are not the same mean different pictures; a date is no addition.
        (("a1b2c3d4-street.jpg",), ["9f00aa17-street.jpg"], [None]),
        (("a1b2c3d4-street.jpg",), ["a1b2c3d4-street_mask.png"], [0]),
        (("20240101_001.jpg", "001.jpg"), ["20240102_001.jpg"], [None]),
        (("p1_jpg.rf.aaaa.jpg",), ["p1_jpg.rf.bbbb.jpg"], [None]),
        (("street_label_1.jpg",), ["street_label_2.jpg"], [None]),
        (("street_objects.jpg",), ["street_objects_mask.png"], [0]),
        # Names that differ only by case.
        (("IMG.jpg", "img.jpg"), ["img.jpg", "IMG.txt"], [1, 0]),
        (("IMG.jpg", "img.jpg"), ["Img.jpg"], [None]),
        # Several versions or uploads of one picture: which one is meant is not known.
        (("p1.jpg",), ["p1_jpg.rf.aaaa.jpg", "p1_jpg.rf.bbbb.jpg"], [None, None]),
        (("street.jpg",), ["a1b2c3d4-street.jpg", "9f00aa17-street.jpg"], [None, None]),
        (("0001.jpg",), ["front/0001.jpg", "rear/0001.jpg"], [None, None]),
        (("rear/0001.jpg",), ["front/0001.jpg", "rear/0001.jpg"], [None, 0]),
        # Alternatives: the first one that fits.
        (("new.jpg",), [("old.jpg", "labels/new.json")], [0]),
    ],
)
def test_pictures_are_found_by_name(photos: tuple[str, ...], names: list[Names], expected: list[int | None]) -> None:
    assert frames(names, album(*photos)) == expected


def test_order_counts_only_where_names_say_nothing() -> None:
    pair = album("street.jpg", "market.jpg")
    assert frames(["00000.png", "00001.png"], pair) == [0, 1]
    assert frames(["", "x"], pair) == [None, None]
    assert frames(["lake.png", "wood.png"], pair) == [None, None]
    assert frames(["lake.png", "wood.png"], pair, by_order=True) == [0, 1]
    assert frames(["lake.png", "street.png"], pair, by_order=True) == [None, 0]
    assert frames(["00001.png", "00002.png"], album("00007.jpg", "00008.jpg")) == [None, None]


def test_a_file_about_another_picture_is_not_taken_for_the_open_one() -> None:
    assert frames(["other.jpg"], IMAGE) == [None]
    assert frames(["other.jpg"], IMAGE, by_order=True) == [0]
    assert frames(["other.png"], IMAGE, binding=False) == [0]
    assert frames(["mask.png"], IMAGE) == [0]
    assert frames(["task-7-annotation-3-by-1-tag-cat-0.png"], IMAGE) == [0]
    camera = replace(IMAGE, name="IMG_0001.jpg")
    assert frames(["IMG_0002.jpg"], camera) == frames(["IMG_0002.png"], camera, binding=False) == [None]


def test_guesses_are_marked() -> None:
    matches, _ = match_frames(["front/0001.jpg"], album("rear/0001.jpg"))
    assert matches[0] is not None and matches[0].rule == "folder" and matches[0].is_guess
    matches, _ = match_frames(["a1b2c3d4-cat.jpg", ""], album("cat.jpg", "dog.jpg"))
    assert matches[0] is not None and matches[0].rule == "decoration" and not matches[0].is_guess
    matches, _ = match_frames(["mask.png"], IMAGE)
    assert matches[0] is not None and matches[0].is_guess


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["00000", "00002"], [0, 2]),
        (["frame_0001.png", "frame_0002.png", "frame_0003.png", "frame_0004.png"], [0, 1, 2, 3]),
        (["render.1001.png", "render.1002.png", "render.1003.png", "render.1004.png"], [0, 1, 2, 3]),
        (["render.1002.png", "render.1004.png"], [1, 3]),
        (["000001.png", "000002.png"], [1, 2]),
        (["frame1.png", "frame2.png"], [0, 1]),
        (["0.png", "10.png", "20.png", "30.png"], [0, 1, 2, 3]),
        (["shot7_0000_mask_1.png", "shot7_0003_mask_1.png"], [0, 3]),
        (["0000_960x540.png", "0002_960x540.png"], [0, 2]),
        (["0001_3.png", "0002_3.png", "0003_3.png"], [1, 2, 3]),
        (["0_jpg.rf.0123456789.jpg", "3_jpg.rf.99.jpg"], [0, 3]),
        (["film_0001.png", "other_0002.png"], [1, None]),
        (["5.png"], [None]),
        (["a", "b", "c", "d"], [0, 1, 2, 3]),
        (["a", "b"], [None, None]),
    ],
)
def test_frames_of_a_clip_are_found_by_number(names: list[str], expected: list[int | None]) -> None:
    assert frames(names, FOUR) == expected


def test_frames_of_a_clip_made_of_pictures_are_found_by_their_names() -> None:
    gaps = replace(CLIP, frames=4, names=("f1.png", "f2.png", "f5.png", "f8.png"))
    assert frames(["f5.png", "f2_mask.png", "f3.png"], gaps) == [2, 1, None]
    assert frames(["00001.png", "00002.png"], gaps) == [1, 2]


def test_the_rule_of_numbers_is_told() -> None:
    assert "1001 is the first frame" in match_frames(["r.1002.png", "r.1004.png"], FOUR)[1]
    assert "number 1 is the second frame" in match_frames(["000001.png"], FOUR)[1]
    assert "in their order" in match_frames(["0.png", "10.png", "20.png", "30.png"], FOUR)[1]
    assert "front/0001.jpg" in match_frames(["front/0001.jpg", "rear/0001.jpg"], album("0001.jpg"))[1]


def test_indices_count_more_than_names_in_a_clip_and_less_in_an_album() -> None:
    matches, _ = match_frames(["3.png", "2.png"], FOUR, [1, None])
    assert [each and each.frame for each in matches] == [1, 2]
    pair = album("cat.jpg", "dog.jpg")
    assert [each and each.frame for each in match_frames(["", ""], pair, [1, 0])[0]] == [1, 0]
    assert match_frames(["ant.jpg", "bee.jpg"], pair, [1, 0])[0] == [None, None]


def test_pictures_of_a_clip_are_found_by_their_names_where_those_fit() -> None:
    shot = replace(FOUR, names=("render.1010.png", "render.1012.png", "render.1013.png", "render.1020.png"))
    assert frames(["render.1012.png", "masks/render.1020.tif"], shot) == [1, 3]
    assert frames(["00000.png", "00003.png"], shot) == [0, 3]
    numbered = replace(FOUR, names=("00001.jpg", "00002.jpg", "00003.jpg", "00004.jpg"))
    assert frames(["00002.png", "00003.png"], numbered) == [1, 2]
    assert frames(["00000.png", "00001.png", "00002.png"], numbered) == [0, 1, 2]


def test_long_names_cost_little() -> None:
    hostile = ["_" * 100_000, "-_ ." * 30_000, "a.rf." * 20_000, "0" * 100_000, "mask" * 20_000]
    assert frames(hostile, album("cat.jpg")) == [None] * len(hostile)
    assert frames(hostile[:3], FOUR) == [None] * 3
    assert frames(["a#1", "a11", "a\0" + "1" * 20, "#"], FOUR) == [1, None, None, None]


def test_a_name_that_fits_less_than_another_one_is_not_called_uncertain() -> None:
    matches, note = match_frames(["front/1.jpg", "rear/1.jpg"], album("rear/1.jpg"))
    assert [each and each.frame for each in matches] == [None, 0]
    assert not note


def test_of_two_numbers_the_padded_one_counts_frames() -> None:
    names = [f"{frame:05d}_{number}.png" for frame in (0, 1) for number in range(8)]
    assert frames(names, FOUR) == [0] * 8 + [1] * 8
    assert frames(["00003_1.png"], FOUR) == [3]
    assert frames(["take0007_2.png", "take0007_3.png"], FOUR) == [2, 3]
