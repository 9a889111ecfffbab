from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.readers import read_annotations
from sam2_core.types import BoolArray, Box
from tests.media.readers.media import (
    ALBUM,
    CLIP,
    HEIGHT,
    IMAGE,
    WIDTH,
    as_json,
    packed,
    pixels_of,
    reasons,
    square,
    summarize,
)

SQUARE = [[2, 3], [6, 3], [6, 7], [2, 7]]  # the corners belong to it


def annotation(*objects: dict[str, Any], size: tuple[int, int] = (HEIGHT, WIDTH)) -> dict[str, Any]:
    return {"description": "", "tags": [], "size": {"height": size[0], "width": size[1]}, "objects": [*objects]}


def polygon(label: str, exterior: Any = SQUARE, interior: Any = (), kind: str = "polygon") -> dict[str, Any]:
    points = {"exterior": exterior, "interior": [*interior]}
    return {"id": 1, "classTitle": label, "geometryType": kind, "points": points}


def bitmap(label: str, pixels: BoolArray, origin: Any, mode: str = "P", png: bytes | None = None) -> dict[str, Any]:
    image = Image.fromarray(pixels.astype(np.uint8))
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 255, 255])
    elif mode == "RGBA":
        image = Image.merge("RGBA", [Image.new("L", image.size)] * 3 + [Image.fromarray(pixels.astype(np.uint8) * 255)])
    else:
        image = Image.fromarray(pixels.astype(np.uint8) * 255)
    file = io.BytesIO()
    image.save(file, "PNG", **({"transparency": 0} if mode == "P" else {}))
    data = base64.b64encode(zlib.compress(png or file.getvalue())).decode()
    return {"classTitle": label, "geometryType": "bitmap", "bitmap": {"data": data, "origin": origin}}


def test_all_shapes_that_have_an_area(tmp_path: Path) -> None:
    part = np.ones((3, 4), bool)
    part[0, 0] = False
    plain = annotation(
        polygon("cat"),
        polygon("ring", interior=[[[3, 4], [5, 4], [5, 6], [3, 6]]]),
        polygon("dog", [[9, 9], [4, 2]], kind="rectangle"),
        *(bitmap(mode, part, [20, 5], mode) for mode in ("P", "RGBA", "L")),
        {**bitmap("old", part, [20, 5]), "geometryType": None},
        polygon("line", kind="line"),
        {"classTitle": "point", "geometryType": "point", "points": {"exterior": [[1, 1]], "interior": []}},
    )
    read = read_annotations(as_json(tmp_path / "photo.jpg.json", plain), IMAGE)
    assert [label for *_, label in summarize(read)] == ["cat", "ring", "dog", "P", "RGBA", "L", "old"]
    assert (pixels_of(read) == square(2, 3)).all()
    assert (pixels_of(read, 1) == square(2, 3) & ~square(3, 4, 3)).all()
    assert read.masks[2].box == Box(4, 2, 10, 10)
    whole = np.zeros((HEIGHT, WIDTH), bool)
    whole[5:8, 20:24] = part
    for place in range(3, 7):
        assert (pixels_of(read, place) == whole).all()
    assert "2 Points and lines have no area" in reasons(read)


def test_a_project_in_a_zip_file(tmp_path: Path) -> None:
    members = {
        "project/meta.json": json.dumps(
            {"classes": [{"title": "cat", "shape": "polygon", "color": "#FF0000"}], "tags": []}
        ),
        "project/ds/ann/cat.jpg.json": json.dumps(annotation(polygon("cat"))),
        "project/ds/ann/Dog 2.png.json": json.dumps(annotation(polygon("dog"))),
        "project/ds/ann/tiny.jpg.json": json.dumps(annotation(polygon("big"))),
        "project/ds/ann/other.jpg.json": json.dumps(annotation(polygon("other"))),
        "project/ds/img/cat.jpg": b"",
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), ALBUM)
    assert [(each.frame, each.label) for each in read.masks] == [(0, "cat"), (1, "dog")]
    for reason in ("30 × 20", "none of these photos"):
        assert reason in reasons(read)
    with pytest.raises(MediaError, match="Pack the folder “ann”"):
        read_annotations(packed(tmp_path / "y.zip", {"meta.json": members["project/meta.json"]}), ALBUM)


def test_figures_of_a_clip(tmp_path: Path) -> None:
    figures = [
        {"objectKey": "k2", "geometryType": "polygon", "geometry": {"points": {"exterior": SQUARE, "interior": []}}},
        {"objectKey": "k1", "geometryType": "rectangle", "geometry": {"points": {"exterior": [[4, 2], [9, 9]]}}},
    ]
    plain = {
        "size": {"height": HEIGHT, "width": WIDTH},
        "framesCount": 10,
        "objects": [{"key": "k1", "classTitle": "car"}, {"key": "k2", "classTitle": "cat"}],
        "frames": [
            {"index": 0, "figures": figures},
            {"index": 7, "figures": figures[:1]},
            {"index": 99, "figures": figures},
        ],
    }
    read = read_annotations(as_json(tmp_path / "film.mp4.json", plain), CLIP)
    assert sorted(summarize(read)) == [(0, 1, "", "cat"), (0, 2, "", "car"), (7, 1, "", "cat")]
    assert "2 They are about no frame of this clip" in reasons(read)
    with pytest.raises(MediaError, match="They are about a clip"):
        read_annotations(as_json(tmp_path / "photo.jpg.json", plain), IMAGE)


def test_damaged_bitmaps_are_named(tmp_path: Path) -> None:
    part = np.ones((3, 4), bool)
    bomb = bitmap("bomb", part, [0, 0], png=b"\x89PNG\r\n\x1a\n" + b"\0" * 50_000_000)
    plain = annotation(
        bitmap("good", part, [1, 1]),
        bomb,
        bitmap("outside", part, [28, 1]),
        bitmap("before", part, [-1, 1]),
        bitmap("nowhere", part, ["a"]),
        {"classTitle": "text", "geometryType": "bitmap", "bitmap": {"data": "?", "origin": [0, 0]}},
        {"classTitle": "none", "geometryType": "bitmap", "bitmap": None},
    )
    read = read_annotations(as_json(tmp_path / "photo.jpg.json", plain), IMAGE)
    assert [each.label for each in read.masks] == ["good"]
    for reason in ("5 Their bitmaps are damaged", "1 They lie outside"):
        assert reason in reasons(read)
