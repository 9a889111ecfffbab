"""labelme's JSON, drawn back as labelme does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sam2_core.media import ExportOptions, Store
from sam2_core.types import BoolArray
from tests.media.formats.scenes import RING, expected, iou, scene, unpacked
from tests.media.masked_media import HEIGHT, WIDTH


def drawn(shapes: list[dict], height: int, width: int) -> BoolArray:
    """labelme fills polygons with Pillow, outlines included."""
    image = Image.new("1", (width, height))
    for shape in shapes:
        ImageDraw.Draw(image).polygon([tuple(point) for point in shape["points"]], outline=1, fill=1)
    return np.asarray(image)


def test_outlines_are_drawn_back_as_labelme_does(clip: Store, tmp_path: Path) -> None:
    media = scene(clip)
    folder = unpacked(tmp_path, media, ExportOptions("labelme", include_images=True))
    for frame in media.frames:
        plain = json.loads((folder / f"annotations/{frame:05d}.json").read_text("utf-8"))
        assert (plain["imageHeight"], plain["imageWidth"], plain["imageData"]) == (HEIGHT, WIDTH, None)
        assert (folder / "annotations" / plain["imagePath"]).is_file()
        requested = expected(media, frame)
        assert {shape["group_id"] for shape in plain["shapes"]} == set(requested)
        for number, mask in requested.items():
            shapes = [shape for shape in plain["shapes"] if shape["group_id"] == number]
            assert {shape["shape_type"] for shape in shapes} == {"polygon"}
            assert all(len(shape["points"]) >= 3 for shape in shapes)
            assert iou(drawn(shapes, HEIGHT, WIDTH), mask) > {7: 0.95, 3: 0.99, 5: 0.99}[number]


def test_parts_are_polygons_of_one_group(still: Store, tmp_path: Path) -> None:
    folder = unpacked(tmp_path, scene(still), ExportOptions("labelme"))
    plain = json.loads((folder / "annotations/still.json").read_text("utf-8"))
    assert plain["version"]
    assert plain["flags"] == {}
    told = [(shape["group_id"], shape["label"], shape["description"]) for shape in plain["shapes"]]
    # Single pixels that touch at their corners are one part.
    dust = (5, "a: <b>\n#ü\U0001f600", "<b>&\x00")
    assert told == [(7, "Bird", '=SUM(A1) "x"')] * 3 + [dust] * (len(told) - 3)


def test_supervision_reads_every_picture(album: Store, tmp_path: Path) -> None:
    supervision = pytest.importorskip("supervision", reason="supervision is not installed")
    media = scene(album, [RING])
    folder = unpacked(tmp_path, media, ExportOptions("labelme", include_images=True)) / "annotations"
    read = supervision.DetectionDataset.from_labelme(str(folder), str(folder), force_masks=True)
    assert read.classes == ["Bird"]
    found = {Path(path).stem: detections for path, _, detections in read}
    for frame, name in enumerate(("a_b", "a_b_2", "IMG_01")):
        assert iou(np.any(found[name].mask, axis=0), expected(media, frame)[7]) > 0.95
