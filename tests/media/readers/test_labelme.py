from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

from sam2_core.media.readers import read_annotations
from sam2_core.types import Box
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
    square,
    summarize,
)


def shape(label: str, kind: str, points: Any, **more: Any) -> dict[str, Any]:
    return {"label": label, "shape_type": kind, "points": points, "group_id": None, "flags": {}, **more}


def labelme(*shapes: dict[str, Any], path: str = "photo.jpg", **more: Any) -> dict[str, Any]:
    return {"version": "5.5.0", "imagePath": path, "imageHeight": HEIGHT, "imageWidth": WIDTH, "shapes": shapes, **more}


SQUARE = [[2, 3], [6, 3], [6, 7], [2, 7]]  # the corners belong to it


def test_all_shapes_that_have_an_area(tmp_path: Path) -> None:
    mask = base64.b64encode(png(np.full((5, 4), 255, np.uint8))).decode()
    plain = labelme(
        shape("cat", "polygon", SQUARE),
        shape("dog", "rectangle", [[9, 9], [4, 2]]),
        shape("ball", "circle", [[15, 10], [15, 14]]),
        shape("bird", "mask", [[20, 3], [23, 7]], mask=mask),
    )
    read = read_annotations(as_json(tmp_path / "x.json", plain), IMAGE)
    assert [label for _, _, _, label in summarize(read)] == ["cat", "dog", "ball", "bird"]
    assert (pixels_of(read) == square(2, 3)).all()
    assert read.masks[1].box == Box(4, 2, 9, 9)
    ball = pixels_of(read, 2)
    assert (ball[10, 11], ball[10, 19], ball[6, 15], ball[13, 19]) == (True, True, True, False)
    assert (np.argwhere(pixels_of(read, 3)).min(axis=0).tolist(), pixels_of(read, 3).sum()) == ([3, 20], 20)


def test_shapes_of_other_tools_that_have_an_area(tmp_path: Path) -> None:
    quad = [[15, 2], [20, 7], [15, 12], [10, 7]]
    plain = labelme(
        shape("rotation", "rotation", quad, direction=0.8),
        shape("oriented", "oriented_rectangle", quad),
        shape("quadrilateral", "quadrilateral", quad),
        shape("turned rectangle", "rectangle", quad),
        shape("rectangle", "rectangle", [[4, 2], [9, 2], [9, 9], [4, 9]]),
        shape("closed line", "linestrip", [*quad, quad[0]]),
        shape("ellipse", "ellipse", [[9, 4], [21, 10]]),
        shape("turned ellipse", "ellipse", [[15, 10], [15, 16], [18, 10]]),
        shape("cuboid", "cuboid", [[2, 2], [8, 2], [8, 8], [2, 8], [6, 6], [12, 6], [12, 12], [6, 12]]),
        {"label": "old", "points": [{"x": x, "y": y} for x, y in SQUARE], "group_id": None},
        shape("open line", "linestrip", quad),
        shape("line", "line", quad[:2]),
        shape("prompts", "points", quad),
    )
    read = read_annotations(as_json(tmp_path / "x.json", plain), IMAGE)
    pixels = {each.label: each.mask.to_array() for each in read.masks if each.mask}
    assert [each.label for each in read.masks if each.box] == ["rectangle"]
    for label in ("rotation", "oriented", "quadrilateral", "turned rectangle", "closed line"):
        assert (pixels[label].sum(), pixels[label][7, 10], pixels[label][3, 11]) == (61, True, False)
    ellipse, turned = pixels["ellipse"], pixels["turned ellipse"]
    assert (ellipse[7, 9], ellipse[7, 21], ellipse[4, 15], ellipse[4, 10]) == (True, True, True, False)
    assert (turned[16, 15], turned[10, 18], turned[10, 19], turned[4, 15]) == (True, True, False, True)
    assert (pixels["cuboid"][3, 3], pixels["cuboid"][11, 11], pixels["cuboid"][11, 3]) == (True, True, False)
    assert (pixels["old"] == square(2, 3)).all()
    assert "3 Points and lines have no area" in reasons(read)
    assert "Ellipses of two points" in " ".join(read.notes)


def test_shapes_of_one_group_are_one_object(tmp_path: Path) -> None:
    other = [[x + 10, y] for x, y in SQUARE]
    plain = labelme(
        shape("cat", "polygon", SQUARE, group_id=1),
        shape("cat", "polygon", other, group_id=1),
        shape("cat", "polygon", other, group_id=2),
    )
    read = read_annotations(as_json(tmp_path / "x.json", plain), IMAGE)
    assert summarize(read) == [(0, 1, "", "cat"), (0, 2, "", "cat")]
    assert (pixels_of(read) == square(2, 3) | square(12, 3)).all()


def test_a_zip_of_files_about_photos_or_frames(tmp_path: Path) -> None:
    one, two = (json.dumps(labelme(shape("cat", "polygon", SQUARE), path=name)) for name in ("cat.jpg", "Dog 2.png"))
    path = packed(tmp_path / "x.zip", {"a/1.json": one, "a/2.json": two, "a/cat.jpg": b"", "notes.json": "[1]"})
    assert summarize(read_annotations(path, ALBUM)) == [(0, 1, "", "cat"), (1, 1, "", "cat")]
    plain = json.dumps(labelme(shape("cat", "polygon", SQUARE), path="..\\00004.jpg", imageData="AAAA"))
    assert summarize(read_annotations(packed(tmp_path / "y.zip", {"00004.json": plain}), CLIP)) == [(4, 1, "", "cat")]


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    plain = labelme(
        shape("good", "polygon", SQUARE),
        shape("point", "point", [[1, 1]]),
        shape("line", "linestrip", SQUARE),
        shape("short", "polygon", SQUARE[:2]),
        shape("none", "polygon", None),
        shape("far", "polygon", [[1e9, 0], [0, 1], [1, 0]]),
        shape("text", "circle", [["a", "b"], ["c", "d"]]),
        shape("outside", "mask", [[28, 3], [33, 7]], mask=""),
        shape("damaged", "mask", [[2, 3], [5, 7]], mask="AAAA"),
        shape("no base64", "mask", [[2, 3], [5, 7]], mask="?"),
    )
    read = read_annotations(as_json(tmp_path / "x.json", plain), IMAGE)
    assert len(read.masks) == 1
    assert sum(each.count for each in read.skipped) == 9
    assert "2 Points and lines have no area. Use polygons, boxes, circles or masks. ('point', 'line')" in reasons(read)


def test_the_document_of_a_picture_called_manifest_is_read(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", {"manifest.json": json.dumps(labelme(shape("cat", "polygon", SQUARE)))})
    assert summarize(read_annotations(path, IMAGE)) == [(0, 1, "", "cat")]
