from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media.readers import read_annotations
from sam2_core.types import Box
from tests.media.readers.media import ALBUM, CLIP, HEIGHT, IMAGE, WIDTH, packed, pixels_of, reasons, square, summarize

META = """<version>1.1</version><meta><task><id>1</id><name>a task</name><size>10</size><mode>interpolation</mode>
<original_size><width>30</width><height>20</height></original_size><source>film.mp4</source></task></meta>"""


def cvat(*elements: str, meta: str = META) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>{meta}{"".join(elements)}</annotations>'


def image(name: str, *shapes: str, size: tuple[int, int] = (HEIGHT, WIDTH)) -> str:
    return f'<image id="0" name="{name}" width="{size[1]}" height="{size[0]}">{"".join(shapes)}</image>'


def polygon(left: int = 2, top: int = 3, more: str = "") -> str:
    corners = [(left, top), (left + 5, top), (left + 5, top + 5), (left, top + 5)]
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in corners)
    return f'<polygon label="cat" source="manual" occluded="0" points="{points}" z_order="0" {more}></polygon>'


def box(frame: int, left: float, more: str = 'outside="0" keyframe="1"') -> str:
    return f'<box frame="{frame}" xtl="{left}" ytl="4" xbr="{left + 6}" ybr="9" occluded="0" z_order="0" {more}></box>'


def written(folder: Path, text: str) -> Path:
    path = folder / "annotations.xml"
    path.write_text(text, "utf-8")
    return path


def test_all_shapes_of_an_image_that_have_an_area(tmp_path: Path) -> None:
    runs = "1, 2, 1, 4"  # of 2 × 4 pixels
    shapes = [
        polygon(),
        '<box label="dog" xtl="4.5" ytl="2" xbr="9" ybr="9" rotation="0"/>',
        '<box label="turned" xtl="10" ytl="8" xbr="20" ybr="12" rotation="90.00"/>',
        f'<mask label="bird" rle="{runs}" left="7" top="5" width="4" height="2"/>',
        '<ellipse label="ball" cx="15" cy="10" rx="6" ry="3" rotation="90"/>',
        '<polyline label="ring" points="1,1;6,1;6,6;1,6;1,1"/>',
        '<cuboid label="crate" xtl1="2" ytl1="2" xbl1="2" ybl1="8" xtr1="8" ytr1="2" xbr1="8" ybr1="8"'
        ' xtl2="4" ytl2="4" xbl2="4" ybl2="10" xtr2="10" ytr2="4" xbr2="10" ybr2="10"/>',
        '<tag label="sunny"><attribute name="x">1</attribute></tag>',
        '<polyline label="road" points="1,1;6,1;6,6"/>',
        '<points label="nose" points="3,3"/>',
    ]
    read = read_annotations(written(tmp_path, cvat(image("photo.jpg", *shapes))), IMAGE)
    assert [label for *_, label in summarize(read)] == ["cat", "dog", "turned", "bird", "ball", "ring", "crate"]
    assert (pixels_of(read) == square(2, 3)).all()
    assert read.masks[1].box == Box(4.5, 2, 9, 9)
    turned = np.zeros((HEIGHT, WIDTH), bool)
    turned[5:15, 13:17] = True
    assert (pixels_of(read, 2) == turned).all()
    assert np.argwhere(pixels_of(read, 3)).tolist() == [[5, 8], [5, 9]] + [[6, x] for x in range(7, 11)]
    ball = pixels_of(read, 4)
    assert (ball[10, 12], ball[10, 18], ball[4, 15], ball[15, 14], ball[17, 15]) == (True, False, True, True, False)
    assert pixels_of(read, 5).sum() == 25
    assert (pixels_of(read, 6)[3, 3], pixels_of(read, 6)[9, 2], pixels_of(read, 6)[9, 9]) == (True, False, True)
    assert "2 Points and lines have no area" in reasons(read)


def test_shapes_of_a_picture_of_twice_the_size_are_scaled(tmp_path: Path) -> None:
    shapes = [
        '<polygon label="cat" points="4,6;14,6;14,16;4,16"/>',
        '<box label="dog" xtl="4" ytl="6" xbr="14" ybr="16"/>',
        '<mask label="bird" rle="0,100" left="4" top="6" width="10" height="10"/>',
    ]
    size = (2 * HEIGHT, 2 * WIDTH)
    read = read_annotations(written(tmp_path, cvat(image("photo.jpg", *shapes, size=size))), IMAGE)
    assert (pixels_of(read) == square(2, 3)).all()
    assert read.masks[1].box == Box(2, 3, 7, 8)
    assert (pixels_of(read, 2) == square(2, 3)).all()
    assert "they were scaled to 30 × 20" in " ".join(read.notes)


def test_images_of_an_album_by_name_in_a_zip_file(tmp_path: Path) -> None:
    text = cvat(
        image("folder/Dog 2.png", polygon()),
        image("cat.jpg", polygon(more='group_id="1"'), polygon(12, more='group_id="1"')),
        image("other.jpg", polygon()),
        image("tiny.jpg", polygon(), size=(99, 99)),
    )
    read = read_annotations(packed(tmp_path / "x.zip", {"annotations.xml": text, "images/cat.jpg": b""}), ALBUM)
    assert [(each.frame, each.label) for each in read.masks] == [(0, "cat"), (1, "cat")]
    assert (pixels_of(read) == square(2, 3) | square(12, 3)).all()
    assert "none of these photos" in reasons(read)
    assert "99 × 99" in reasons(read)


def test_boxes_of_a_track_move_between_the_listed_frames(tmp_path: Path) -> None:
    ends = 'outside="1" keyframe="1"'
    track = f'<track id="0" label="car" source="manual">{box(1, 2)}{box(3, 6)}{box(4, 6, ends)}{box(7, 10)}</track>'
    read = read_annotations(written(tmp_path, cvat(track)), CLIP)
    assert [(each.frame, each.track, each.label) for each in read.masks] == [(f, 1, "car") for f in (1, 2, 3, 7)]
    assert [each.box.left for each in read.masks if each.box] == [2, 4, 6, 10]
    assert read.notes == ()


def test_turned_boxes_of_a_track_turn_on(tmp_path: Path) -> None:
    begins, ends = (f'outside="0" keyframe="1" rotation="{angle}"' for angle in (350, 10))
    track = f'<track id="0" label="car">{box(0, 2, begins)}{box(2, 2, ends)}</track>'
    read = read_annotations(written(tmp_path, cvat(track)), CLIP)
    assert [each.mask is None for each in read.masks] == [False, True, False]
    assert read.masks[1].box == Box(2, 4, 8, 9)


def test_outlines_and_masks_of_a_track(tmp_path: Path) -> None:
    there, gone = ('outside="0" keyframe="1" frame="{}"', 'outside="1" keyframe="1" frame="{}"')
    runs = '<mask rle="0,4" left="3" top="2" width="2" height="2" '
    tracks = (
        f'<track id="0" label="cat">{polygon(more=there.format(0))}{polygon(9, more=there.format(3))}</track>',
        f'<track id="1" label="dog">{runs}{there.format(5)}/>{runs}{gone.format(6)}/></track>',
    )
    read = read_annotations(written(tmp_path, cvat(*tracks)), CLIP)
    assert summarize(read) == [(0, 1, "", "cat"), (3, 1, "", "cat"), (5, 2, "", "dog")]
    assert (pixels_of(read, 1) == square(9, 3)).all()
    assert pixels_of(read, 2).sum() == 4
    assert "Boxes move between listed frames, outlines do not" in " ".join(read.notes)


def test_a_track_belongs_to_a_clip(tmp_path: Path) -> None:
    path = written(tmp_path, cvat(f'<track id="0" label="car">{box(0, 2)}</track>'))
    for info in (IMAGE, ALBUM):
        with pytest.raises(MediaError, match="Export it as “CVAT for images”"):
            read_annotations(path, info)
    path = written(tmp_path, cvat(f'<track id="0" label="car">{box(0, 2)}{box(12, 2)}</track>'))
    assert "They are about no frame of this clip" in reasons(read_annotations(path, CLIP))


def test_one_of_several_clips_of_a_project(tmp_path: Path) -> None:
    tasks = "".join(
        f"<task><id>{number}</id><name>{name}</name><source>{name}.mp4</source></task>"
        for number, name in ((4, "other"), (5, "film"))
    )
    tracks = (f'<track id="0" label="car" task_id="{task}">{box(task, 2)}</track>' for task in (4, 5))
    meta = f"<meta><project><tasks>{tasks}</tasks></project></meta>"
    read = read_annotations(written(tmp_path, cvat(*tracks, meta=meta)), CLIP)
    assert [each.frame for each in read.masks] == [5]


def test_frames_of_a_clip_as_images(tmp_path: Path) -> None:
    path = written(tmp_path, cvat(image("frame_000003", polygon()), image("frame_000000", polygon())))
    assert summarize(read_annotations(path, CLIP)) == [(0, 1, "", "cat"), (3, 1, "", "cat")]


def test_masks_that_do_not_fit_are_named(tmp_path: Path) -> None:
    rows = [
        'rle="0,4" left="29" top="2" width="2" height="2"',
        'rle="0,5" left="2" top="2" width="2" height="2"',
        'rle="0,-4,8" left="2" top="2" width="2" height="2"',
        'rle="a" left="2" top="2" width="2" height="2"',
        'rle="4" left="2" top="2" width="2" height="2"',
        'rle="0,4" left="2" top="2" width="99999999" height="99999999"',
    ]
    text = cvat(image("photo.jpg", polygon(), *(f"<mask label='m' {row}/>" for row in rows)))
    read = read_annotations(written(tmp_path, text), IMAGE)
    assert len(read.masks) == 1
    for reason in ("2 They lie outside", "3 Their run lengths do not fill", "1 They cover no pixel"):
        assert reason in reasons(read)


def test_other_encodings(tmp_path: Path) -> None:
    plain = cvat(image("photo.jpg", polygon()), meta="").replace('label="cat"', 'label="猫"')
    for encoding in ("gb18030", "shift_jis", "utf-16", "utf-8-sig"):
        named = {"utf-16": "utf-16", "utf-8-sig": "utf-8"}.get(encoding, encoding)
        path = tmp_path / "x.xml"
        path.write_bytes(plain.replace('encoding="utf-8"', f'encoding="{named}"').encode(encoding))
        assert summarize(read_annotations(path, IMAGE)) == [(0, 1, "", "猫")]
    named = plain.replace("猫", "红色汽车").encode("gb18030")  # it says UTF-8
    for content in (named, named.partition(b"?>")[2]):
        path.write_bytes(content)
        read = read_annotations(path, IMAGE)
        assert summarize(read) == [(0, 1, "", "红色汽车")]
        assert "not in UTF-8" in " ".join(read.notes)
