from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from sam2_core.media.readers import read_annotations
from sam2_core.types import Box
from tests.media.readers.media import (
    ALBUM,
    CLIP,
    HEIGHT,
    IMAGE,
    WIDTH,
    packed,
    pixels_of,
    png,
    reasons,
    square,
    summarize,
)


def voc(*objects: str, name: str = "photo.jpg", size: tuple[int, int] = (HEIGHT, WIDTH)) -> str:
    about = (
        f"<filename>{name}</filename><size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>"
    )
    return f"<annotation><folder>JPEGImages</folder>{about}{''.join(objects)}</annotation>"


def thing(label: str, left: int = 3, top: int = 4, more: str = "") -> str:
    corners = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{left + 4}</xmax><ymax>{top + 4}</ymax>"
    return f"<object><name>{label}</name><difficult>0</difficult><bndbox>{corners}</bndbox>{more}</object>"


def index(*squares: tuple[int, int], values: tuple[int, ...] = (1, 2, 3)) -> bytes:
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for value, (left, top) in zip(values, squares, strict=False):
        pixels[square(left, top)] = value
    return png(pixels, "P")


def test_boxes_count_from_one(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text(voc(thing("cat"), thing("dog", 9, 9), "<object><name>bad</name></object>"), "utf-8")
    read = read_annotations(path, IMAGE)
    assert summarize(read) == [(0, 1, "", "cat"), (0, 2, "", "dog")]
    assert read.masks[0].box == Box(2, 3, 7, 8)
    assert "neither a mask nor a box. ('bad',)" in reasons(read)


def test_object_masks_beside_them(tmp_path: Path) -> None:
    members = {
        "VOC/Annotations/cat.xml": voc(thing("cat"), thing("cat", 12), thing("hidden", 20), name="cat.jpg"),
        "VOC/SegmentationObject/cat.png": index((2, 3), (11, 3)),
        "VOC/SegmentationClass/cat.png": index((2, 3), (11, 3), values=(8, 8)),
        "VOC/Annotations/tiny.xml": voc(thing("dog", 1, 1), name="tiny.jpg", size=(10, 12)),
        "VOC/ImageSets/Segmentation/trainval.txt": "cat\ntiny\n",
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), ALBUM)
    assert [(each.frame, each.label) for each in read.masks] == [(0, "cat"), (0, "cat"), (0, "hidden"), (2, "dog")]
    assert (pixels_of(read) == square(2, 3)).all()
    assert (pixels_of(read, 1) == square(11, 3)).all()
    assert read.masks[2].box == Box(19, 3, 24, 8)  # no pixel is left of it
    assert read.masks[3].box == Box(0, 0, 5, 5)


def test_masks_without_an_object_or_a_file(tmp_path: Path) -> None:
    members = {
        "Annotations/cat.xml": voc(thing("cat"), name="cat.jpg"),
        "SegmentationObject/cat.png": index((2, 3), (11, 3), (20, 3), values=(1, 2, 255)),
        "SegmentationObject/Dog 2.png": index((2, 3)),
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), ALBUM)
    assert [(each.frame, each.label) for each in read.masks] == [(0, "cat"), (0, "")]
    assert "1 There is no XML file for them" in reasons(read)


def test_class_masks_where_there_is_one_object_of_a_class(tmp_path: Path) -> None:
    objects = (thing("cat"), thing("dog", 12), thing("dog", 20), thing("bike", 1))
    members = {
        "Annotations/photo.xml": voc(*objects),
        "SegmentationClass/photo.png": index((2, 3), (11, 3), (0, 12), values=(8, 12, 21)),
        "labelmap.txt": "# label:color:parts:actions\nbackground:0,0,0::\ncat:64,0,0::\ndog:64,0,128::\nbike:9,9,9::\n",
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), IMAGE)
    assert [each.mask is not None for each in read.masks] == [True, False, False, False]
    assert (pixels_of(read) == square(2, 3)).all()
    assert "of several objects of a class on one picture the boxes are used" in " ".join(read.notes)
    members["labelmap.txt"] = members["labelmap.txt"].replace("9,9,9", "128,64,128")  # the color of 21
    read = read_annotations(packed(tmp_path / "y.zip", members), IMAGE)
    assert (pixels_of(read, 3) == square(0, 12)).all()


def test_polygons_and_turned_boxes_of_other_tools(tmp_path: Path) -> None:
    points = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((2, 3), (7, 3), (7, 8), (2, 8)))
    numbered = "<x1>2</x1><y1>3</y1><x2>7</x2><y2>3</y2><x3>7</x3><y3>8</y3><x4>2</x4><y4>8</y4>"
    turned = f"<robndbox><cx>10</cx><cy>10</cy><w>8</w><h>2</h><angle>{math.pi / 2}</angle></robndbox>"
    objects = (
        f"<object><name>web</name><deleted>0</deleted><polygon><username>x</username>{points}</polygon></object>",
        f"<object><name>gone</name><deleted>1</deleted><polygon>{points}</polygon></object>",
        thing("numbered", more=f"<polygon>{numbered}</polygon>"),
        f"<object><name>turned</name>{turned}</object>",
    )
    path = tmp_path / "x.xml"
    path.write_text(voc(*objects), "utf-8")
    read = read_annotations(path, IMAGE)
    assert [label for *_, label in summarize(read)] == ["web", "numbered", "turned"]
    assert (pixels_of(read) == square(2, 3)).all()
    assert (pixels_of(read, 1) == square(2, 3)).all()
    assert np.argwhere(pixels_of(read, 2)).min(axis=0).tolist() == [6, 9]


def test_frames_of_a_clip_with_tracks(tmp_path: Path) -> None:
    track = "<attributes><attribute><name>track_id</name><value>{}</value></attribute></attributes>"
    members = {
        f"Annotations/{frame:05d}.xml": voc(
            *(thing("cat", 3 + 9 * number, more=track.format(number)) for number in numbers), name=f"{frame:05d}.jpg"
        )
        for frame, numbers in enumerate([(0, 1), (1,), (1, 0)])
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    found = [(each.frame, each.track, each.box.left) for each in read.masks if each.box]
    assert found == [(0, 1, 2), (0, 2, 11), (1, 2, 11), (2, 1, 2), (2, 2, 11)]


def test_about_another_picture(tmp_path: Path) -> None:
    members = {"a.xml": voc(thing("cat")), "b.xml": voc(thing("cat"), name="elsewhere.jpg")}
    read = read_annotations(packed(tmp_path / "x.zip", members), IMAGE)
    assert len(read.masks) == 1
    assert "They are about another picture" in reasons(read)
