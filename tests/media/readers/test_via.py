from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import MediaError
from sam2_core.media.readers import read_annotations
from sam2_core.types import Box
from tests.media.readers.media import ALBUM, CLIP, IMAGE, as_json, pixels_of, reasons, square, summarize

POLYGON = {"name": "polygon", "all_points_x": [2, 7, 7, 2], "all_points_y": [3, 3, 8, 8]}


def region(shape: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": attributes}


def listed(*regions: Any, name: str = "photo.jpg") -> dict[str, Any]:
    return {f"{name}99": {"filename": name, "size": 99, "regions": [*regions], "file_attributes": {}}}


def test_all_shapes_that_have_an_area(tmp_path: Path) -> None:
    plain = listed(
        region(POLYGON, color="red", Class="cat"),
        region({"name": "rect", "x": 4, "y": 2, "width": 5, "height": 7}, type={"dog": False, "fox": True}),
        region({"name": "circle", "cx": 15, "cy": 10, "r": 4.5}, color="blue"),
        region({"name": "ellipse", "cx": 15, "cy": 10, "rx": 6, "ry": 2, "theta": math.pi / 2}),
        region({"name": "polyline", "all_points_x": [1, 6, 6, 1, 1], "all_points_y": [1, 1, 6, 6, 1]}),
        region({"name": "polyline", "all_points_x": [1, 6, 6], "all_points_y": [1, 1, 6]}),
        region({"name": "point", "cx": 3, "cy": 3}),
        region({"name": "polygon", "all_points_x": [1, 6, 6], "all_points_y": [1, 1]}),
        region({"name": "rect", "x": "a"}),
    )
    project = {"_via_settings": {}, "_via_img_metadata": plain, "_via_attributes": {}}
    for found in (plain, project):
        read = read_annotations(as_json(tmp_path / "x.json", found), IMAGE)
        assert [label for *_, label in summarize(read)] == ["cat", "fox", "blue", "", ""]
        assert (pixels_of(read) == square(2, 3)).all()
        assert read.masks[1].box == Box(4, 2, 9, 9)
        assert (pixels_of(read, 2)[10, 11], pixels_of(read, 2)[6, 11]) == (True, False)
        assert (pixels_of(read, 3)[5, 15], pixels_of(read, 3)[10, 18]) == (True, False)
        assert (pixels_of(read, 4) == square(1, 1)).all()
        for reason in ("2 Points and lines", "1 Their regions are damaged", "1 Some of their coordinates"):
            assert reason in reasons(read)


def test_photos_of_an_album_and_regions_by_number(tmp_path: Path) -> None:
    plain = {**listed(region(POLYGON, name="a"), name="Dog 2.png"), **listed(region(POLYGON), name="other.jpg")}
    [regions] = [each for each in plain.values() if each["filename"] == "Dog 2.png"]
    regions["regions"] = {"0": regions["regions"][0]}  # as version 1 has them
    read = read_annotations(as_json(tmp_path / "x.json", plain), ALBUM)
    assert summarize(read) == [(1, 1, "", "a")]
    assert "none of these photos" in reasons(read)


def test_frames_of_a_clip(tmp_path: Path) -> None:
    plain = {**listed(region(POLYGON), name="00003.jpg"), **listed(region(POLYGON), name="00004.jpg")}
    read = read_annotations(as_json(tmp_path / "x.json", plain), CLIP)
    assert [(each.frame, each.track) for each in read.masks] == [(3, 1), (4, 1)]


@pytest.mark.parametrize("mark", ["", "#"])
def test_a_table(tmp_path: Path, mark: str) -> None:
    file = io.StringIO()
    rows = csv.writer(file)
    names = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    rows.writerow((mark + names).split(","))
    rows.writerow(["photo.jpg", 9, "{}", 2, 0, json.dumps(POLYGON), '{"class":"cat"}'])
    rows.writerow(["photo.jpg", 9, "{}", 2, 1, '{"name":"rect","x":1,"y":2,"width":3,"height":4}', "{}"])
    rows.writerow(["photo.jpg", 9, "{}", 2, 1, "{damaged", "{}"])
    rows.writerow(["empty.jpg", 9, "{}", 0, 0, "{}", "{}"])
    path = tmp_path / "x.csv"
    path.write_text(file.getvalue(), "utf-8")
    read = read_annotations(path, IMAGE)
    assert summarize(read) == [(0, 1, "", "cat"), (0, 2, "", "")]
    assert read.masks[1].box == Box(1, 2, 4, 6)
    assert "1 Their regions are damaged" in reasons(read)


def version_3(name: str, *regions: tuple[list[float], list[float]]) -> dict[str, Any]:
    return {
        "project": {"pid": "x"},
        "config": {},
        "attribute": {"1": {"aname": "class", "options": {"0": "cat", "1": "dog"}}},
        "file": {"1": {"fid": "1", "fname": name, "type": 2, "loc": 1, "src": ""}},
        "view": {"1": {"fid_list": ["1"]}},
        "metadata": {str(n): {"vid": "1", "z": z, "xy": xy, "av": {"1": "1"}} for n, (z, xy) in enumerate(regions)},
    }


def test_version_3(tmp_path: Path) -> None:
    polygon = [7, 2, 3, 7, 3, 7, 8, 2, 8]
    plain = version_3("photo.jpg", ([], polygon), ([], [2, 4, 2, 5, 7]), ([], [1, 3, 3]), ([], []))
    read = read_annotations(as_json(tmp_path / "x.json", plain), IMAGE)
    assert summarize(read) == [(0, 1, "", "dog"), (0, 2, "", "dog")]
    assert (pixels_of(read) == square(2, 3)).all()
    assert "1 Points and lines" in reasons(read)
    plain = version_3("film.mp4", ([0.1], polygon), ([0.2333], polygon), ([9], polygon))  # 30 frames a second
    read = read_annotations(as_json(tmp_path / "y.json", plain), CLIP)
    assert [each.frame for each in read.masks] == [3, 7]
    assert "no frame of this clip" in reasons(read)


def test_about_another_picture(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="They are about another picture"):
        read_annotations(as_json(tmp_path / "x.json", listed(region(POLYGON), name="elsewhere.jpg")), IMAGE)
