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
    STILL,
    WIDTH,
    as_json,
    packed,
    pixels_of,
    png,
    reasons,
    square,
    told,
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
    read = read_annotations(as_json(tmp_path / "x.json", plain), STILL)
    assert [label for _, _, _, label in told(read)] == ["cat", "dog", "ball", "bird"]
    assert (pixels_of(read) == square(2, 3)).all()
    assert read.masks[1].box == Box(4, 2, 9, 9)
    ball = pixels_of(read, 2)
    assert (ball[10, 11], ball[10, 19], ball[6, 15], ball[13, 19]) == (True, True, True, False)
    assert (np.argwhere(pixels_of(read, 3)).min(axis=0).tolist(), pixels_of(read, 3).sum()) == ([3, 20], 20)


def test_shapes_of_one_group_are_one_object(tmp_path: Path) -> None:
    other = [[x + 10, y] for x, y in SQUARE]
    plain = labelme(
        shape("cat", "polygon", SQUARE, group_id=1),
        shape("cat", "polygon", other, group_id=1),
        shape("cat", "polygon", other, group_id=2),
    )
    read = read_annotations(as_json(tmp_path / "x.json", plain), STILL)
    assert told(read) == [(0, 1, "", "cat"), (0, 2, "", "cat")]
    assert (pixels_of(read) == square(2, 3) | square(12, 3)).all()


def test_a_zip_of_files_about_photos_or_frames(tmp_path: Path) -> None:
    one, two = (json.dumps(labelme(shape("cat", "polygon", SQUARE), path=name)) for name in ("cat.jpg", "Dog 2.png"))
    path = packed(tmp_path / "x.zip", {"a/1.json": one, "a/2.json": two, "a/cat.jpg": b"", "notes.json": "[1]"})
    assert told(read_annotations(path, ALBUM)) == [(0, 1, "", "cat"), (1, 1, "", "cat")]
    plain = json.dumps(labelme(shape("cat", "polygon", SQUARE), path="..\\00004.jpg", imageData="AAAA"))
    assert told(read_annotations(packed(tmp_path / "y.zip", {"00004.json": plain}), CLIP)) == [(4, 1, "", "cat")]


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
    read = read_annotations(as_json(tmp_path / "x.json", plain), STILL)
    assert len(read.masks) == 1
    assert sum(each.count for each in read.skipped) == 9
    assert "2 Points and lines have no area. Use polygons, boxes, circles or masks. ('point', 'line')" in reasons(read)
