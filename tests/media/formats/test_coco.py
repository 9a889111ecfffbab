"""COCO's JSON, read by COCO's own tools."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sam2_core.media import ExportOptions, Store, write
from sam2_core.types import Mask
from tests.media.formats.scenes import COCOS_WARNING, expected, scene
from tests.media.masked_media import BALL, BIRD, FRAMES, HEIGHT, WIDTH, material_of, no_masks, shape


def test_coco_describes_every_mask(clip: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.json", material_of(clip), ExportOptions("coco"))
    found = json.loads((tmp_path / "masks.json").read_text("utf-8"))
    images = {image["id"]: image for image in found["images"]}
    assert [image["frame_index"] for image in images.values()] == list(range(FRAMES))
    assert [image["time"] for image in images.values()] == pytest.approx(clip.times.tolist())
    assert {(image["height"], image["width"]) for image in images.values()} == {(HEIGHT, WIDTH)}
    annotations = found["annotations"]
    assert [each["id"] for each in annotations] == list(range(1, 11)), "an empty mask is no annotation"
    for each in annotations:
        frame = images[each["image_id"]]["frame_index"]
        expected = shape(each["track_id"], frame)
        np.testing.assert_array_equal(Mask.from_coco(each["segmentation"]).to_array(), expected)
        rows, columns = np.nonzero(expected)
        left, top = int(columns.min()), int(rows.min())
        assert each["bbox"] == [left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top]
        assert each["area"] == expected.sum()
        assert each["iscrowd"] == 0
        assert each["score"] == (0.9123 if each["track_id"] == 1 else 0.8)
    assert {each["category_id"] for each in annotations} == {category["id"] for category in found["categories"]} == {1}


CALLED = (BIRD, replace(BALL, name="Ball\u2028"))


def test_labels_are_the_categories_of_coco(clip: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.json", material_of(clip, objects=CALLED), ExportOptions("coco"))
    found = json.loads((tmp_path / "masks.json").read_text("utf-8"))
    assert [(each["id"], each["name"]) for each in found["categories"]] == [(1, "bird"), (2, "object")]
    assert {(each["track_id"], each["category_id"]) for each in found["annotations"]} == {(1, 2), (2, 1)}
    assert found["tracks"] == [
        {"id": 2, "name": "../../x", "label": "bird", "color": "#00ff10", "category_id": 1},
        {"id": 1, "name": "Ball\u2028", "label": "", "color": "#010203", "category_id": 2},
    ]


def test_coco_of_a_picture_without_masks(still: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.json", material_of(still, no_masks), ExportOptions("coco"))
    found = json.loads((tmp_path / "masks.json").read_text("utf-8"))
    assert [image["file_name"] for image in found["images"]] == ["still.png"]
    assert found["annotations"] == []


def read_with_cocos_tools(path: Path) -> dict[tuple[int, int], np.ndarray]:
    """Masks by image and object."""
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed").COCO(path)
    return {(each["image_id"], each["track_id"]): coco.annToMask(each) != 0 for each in coco.anns.values()}


@pytest.mark.parametrize("polygons", [False, True])
@pytest.mark.filterwarnings(COCOS_WARNING)
def test_cocos_tools_read_the_very_masks(polygons: bool, clip: Store, album: Store, tmp_path: Path) -> None:
    for store, frames in ((clip, range(1, FRAMES, 2)), (album, None)):
        media = scene(store, frames=frames)
        write(tmp_path / "masks.json", media, ExportOptions("coco", polygons=polygons))
        found = read_with_cocos_tools(tmp_path / "masks.json")
        requested = {
            (frame + 1, number): pixels for frame in media.frames for number, pixels in expected(media, frame).items()
        }
        assert found.keys() == requested.keys()
        for key, pixels in requested.items():
            np.testing.assert_array_equal(found[key], pixels)


def test_polygons_have_the_area_of_what_they_outline(clip: Store, tmp_path: Path) -> None:
    """Slits have no area, and holes count as such."""
    write(tmp_path / "masks.json", scene(clip), ExportOptions("coco", polygons=True))
    for each in json.loads((tmp_path / "masks.json").read_text("utf-8"))["annotations"]:
        assert each["iscrowd"] == 0
        assert all(len(polygon) >= 6 and len(polygon) % 2 == 0 for polygon in each["segmentation"])
        if each["track_id"] == 7:
            assert len(each["segmentation"]) == 3, "a disc with a hole, an island in it, and a part apart"
            corners = [np.reshape(polygon, (-1, 2)) for polygon in each["segmentation"]]
            areas = [(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2 for x, y in (each.T for each in corners)]
            assert sum(map(abs, areas)) == pytest.approx(each["area"], rel=0.03)
