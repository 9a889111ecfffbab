from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import MediaError
from sam2_core.media.readers import read_annotations
from tests.media.readers.media import IMAGE, packed, reasons, rle, square


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("A pickle was opened.",))


JSON: dict[str, Any] = {
    "Datumaro": {"info": {}, "categories": {"label": {"labels": []}}, "items": [{"id": "photo", "annotations": []}]},
    "Darwin": {
        "version": "2.0",
        "item": {"name": "photo.jpg"},
        "annotations": [{"name": "cat", "polygon": {"paths": []}}],
    },
    "Encord": [{"label_hash": "x", "data_units": {}, "data_title": "photo.jpg"}],
    "Scale": [{"task_id": "x", "response": {"annotations": []}}],
    "Labelbox": [{"data_row": {"id": "x"}, "projects": {}}],
    "SuperAnnotate": {"metadata": {"name": "photo.jpg"}, "instances": [{"type": "polygon", "points": [1, 2]}]},
    "Scalabel": [{"name": "photo.jpg", "labels": [{"category": "car", "box2d": {"x1": 1}}]}],
    "LabelU": [{"id": 7, "result": "{}", "fileName": "photo.jpg", "url": ""}],
    "GeoJSON": {"type": "FeatureCollection", "features": []},
}
TEXT = {
    "KITTI": "Car 0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n",
    "Open Images": "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n0001,x,/m/01,1,0.1,0.2,0.1,0.2\n",
    "SVG": '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>',
    "Labelbox": '{"data_row": {"id": "x"}}\n{"data_row": {"id": "y"}}\n',
}
CONTENT = {
    "x.h5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 99, "HDF5"),
    "x.pkl": (pickle.dumps(Trap()), "pickle"),
    "x.bin": (pickle.dumps(Trap()), "pickle"),
    "old.pth": (b"(lp0\n.", "pickle"),
    "x.npy": (b"\x93NUMPY\x01\0", "NumPy array"),
    "x.mat": (b"MATLAB 5.0 MAT-file, Platform: x", "MATLAB"),
    "x.nii": (b"\x5c\x01\0\0" + b"\0" * 340 + b"n+1\0", "NIfTI"),
    "x.dcm": (b"\0" * 128 + b"DICM", "DICOM"),
    "x.psd": (b"8BPS\0\1", "project of a picture editor"),
    "x.tfrecord": (b"\x10\0\0\0\0\0\0\0abcd\n", "TFRecord"),
    "x.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet"),
    "x.rar": (b"Rar!\x1a\x07", "pack its files as ZIP"),
    "x.parquet": (b"PAR1", "Parquet"),
}
MEMBERS = {
    "archive/data.pkl": "pickle",
    "xl/workbook.xml": "spreadsheet",
    "a/b.tfrecord": "TFRecord",
    "masks/a.nii.gz": "NIfTI",
    "RoiSet/1.roi": "ImageJ",
}


@pytest.mark.parametrize("tool", JSON)
def test_json_of_other_tools_is_named(tmp_path: Path, tool: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(JSON[tool]), "utf-8")
    with pytest.raises(MediaError, match=rf"They are of {tool}.*\. \w.*\."):
        read_annotations(path, IMAGE)


@pytest.mark.parametrize("tool", TEXT)
def test_text_of_other_tools_is_named(tmp_path: Path, tool: str) -> None:
    path = tmp_path / "x"
    path.write_text(TEXT[tool], "utf-8")
    with pytest.raises(MediaError, match=f"They are of {tool}, which is not read"):
        read_annotations(path, IMAGE)


@pytest.mark.parametrize("name", CONTENT)
def test_files_of_other_kinds_are_named(tmp_path: Path, name: str) -> None:
    content, word = CONTENT[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MediaError, match=rf"This is an? .*{word}.*"):
        read_annotations(tmp_path / name, IMAGE)


@pytest.mark.parametrize("name", MEMBERS)
def test_archives_of_other_kinds_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match=MEMBERS[name]):
        read_annotations(packed(tmp_path / "x.zip", {name: b"<a/>" if name.endswith("xml") else b"x"}), IMAGE)


def test_what_cannot_be_read_does_not_hide_what_can(tmp_path: Path) -> None:
    usable = json.dumps([{"image_id": "photo", "segmentation": rle(square(1, 1))}])
    read = read_annotations(
        packed(tmp_path / "x.zip", {"a.json": usable, "b.json": json.dumps(JSON["Datumaro"]), "c.xml": "<a/>"}), IMAGE
    )
    assert len(read.masks) == 1
    for reason in ("1 They are of Datumaro", "1 They are no XML of a format"):
        assert reason in reasons(read)
