"""Formats that are recognized so that users are told what a file is, but are not read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from sam2_core.media.readers.documents import Document, DocumentFormat, without_masks
from sam2_core.media.readers.json_values import objects_of, value_of

_EXPORT = "Export them as COCO or CVAT."
_AS_PNG = "Save the masks as PNG files in a ZIP file."
_UNPACK = "Unpack it, and pack its files as ZIP."

_KITTI = re.compile(r"[A-Za-z_]+(?: -?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?){14,15}\s*")


def describe_content(name: str, head: bytes) -> str:
    """A sentence about a file that is neither text nor a picture nor a ZIP file, by its first 600 bytes; else "".

    `name` is used where the content says nothing.
    """
    for signature, offset, sentence in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return sentence
    lower = name.lower()
    return next((sentence for endings, sentence in _ENDINGS if lower.endswith(endings)), "")


def describe_archive(names: Sequence[str]) -> str:
    """A sentence about a ZIP file that holds another format; else ""."""
    lower = [name.lower() for name in names]
    for is_member, sentence in _MEMBERS:
        if any(is_member(name) for name in lower):
            return sentence
    return ""


_PICKLE = (
    "This is a Python pickle, as PyTorch saves it. It is not opened, since it could run programs. "
    "Save the masks as PNG files in a ZIP file, or as COCO JSON."
)
_SPREADSHEET = "This is a spreadsheet. Save it as CSV."
_PROJECT = "This is a project of a picture editor. Export the mask as a PNG file."
_HDF5 = f"This is an HDF5 file, which is not read. {_AS_PNG}"
_NIFTI = f"This is a NIfTI volume, which is not read. {_AS_PNG[:-1]}, one for each slice."
_DICOM = f"This is a DICOM file, which is not read. {_AS_PNG[:-1]}, one for each slice."
_ARCHIVE = f"This is a packed file of a kind that is not read. {_UNPACK}"
_TAR = f"This is a TAR archive. {_UNPACK}"
_MATLAB = f"This is a MATLAB file, which is not read. {_AS_PNG}"
_ARRAY = f"This is a NumPy array, which does not say what its axes are. {_AS_PNG}"
_RECORDS = "This is a TFRecord file, which is not read. Export as COCO JSON."

_SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", 0, _HDF5),
    *((bytes([0x80, protocol]), 0, _PICKLE) for protocol in range(2, 6)),
    (b"\x93NUMPY", 0, _ARRAY),
    (b"MATLAB 5.0 MAT-file", 0, _MATLAB),
    (b"n+1\0", 344, _NIFTI),
    (b"ni1\0", 344, _NIFTI),
    (b"DICM", 128, _DICOM),
    (b"ustar", 257, _TAR),
    (b"8BPS", 0, _PROJECT),
    (b"gimp xcf", 0, _PROJECT),
    (b"Rar!", 0, _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", 0, _ARCHIVE),
    (b"\xfd7zXZ\0", 0, _ARCHIVE),
    (b"BZh", 0, _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", 0, _ARCHIVE),
    (b"PAR1", 0, "This is a Parquet file, which is not read. Export as COCO JSON."),
    (b"SQLite format 3\0", 0, "This is a database, which is not read. Export as COCO JSON."),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, _SPREADSHEET),
    (b"%PDF", 0, "This is a PDF document. Export the annotations as COCO or CVAT."),
    (b"NRRD", 0, f"This is an NRRD volume, which is not read. {_AS_PNG[:-1]}, one for each slice."),
    (b"Iout", 0, "This is a region of ImageJ. Make a mask of it in ImageJ, and save that as a PNG file."),
)
_ENDINGS: tuple[tuple[tuple[str, ...], str], ...] = (
    ((".tfrecord", ".tfrecords", ".tfrec", ".record"), _RECORDS),
    ((".pkl", ".pickle", ".pt", ".pth", ".joblib"), _PICKLE),
    ((".mat",), _MATLAB),
    ((".h5", ".hdf5"), _HDF5),
    ((".nii",), _NIFTI),
    ((".dcm",), _DICOM),
    ((".tar",), _TAR),
    ((".xls", ".xlsx", ".ods"), _SPREADSHEET),
    ((".psd", ".psb", ".xcf", ".kra", ".ora", ".ai", ".afphoto", ".aep", ".prproj", ".blend", ".nk"), _PROJECT),
)
_MEMBERS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda name: name.endswith(("/data.pkl", ".pkl", ".pt", ".pth")) or name == "data.pkl", _PICKLE),
    (lambda name: name in ("xl/workbook.xml", "content.xml"), _SPREADSHEET),
    (lambda name: name in ("maindoc.xml", "stack.xml"), _PROJECT),
    (lambda name: name.endswith((".tfrecord", ".tfrecords", ".tfrec", ".record")), _RECORDS),
    (lambda name: name.endswith((".h5", ".hdf5")), _HDF5),
    (lambda name: name.endswith((".nii", ".nii.gz")), _NIFTI),
    (lambda name: name.endswith(".dcm"), _DICOM),
    (lambda name: name.endswith(".mat"), _MATLAB),
    (lambda name: name.endswith(".roi"), "These are regions of ImageJ. Make masks of them in ImageJ, and save those "
     "as PNG files."),
)  # fmt: skip


def _keys(value: Any) -> set[str]:
    """The keys of an object, or of the first objects of a list."""
    listed = value[:3] if isinstance(value, list) else [value]
    return {key for each in listed if isinstance(each, dict) for key in each}


def _json_with(*keys: str) -> Callable[[Document], bool]:
    return lambda document: document.syntax == "json" and {*keys} <= _keys(document.value)


def _is_labelbox(document: Document) -> bool:
    keys = _keys(document.value) if document.syntax == "json" else set()
    return "data_row" in keys or {"Labeled Data", "Label"} <= keys


def _is_datumaro(document: Document) -> bool:
    return isinstance(value_of(document.value, "categories"), dict) and bool(objects_of(document.value, "items"))


def _is_darwin(document: Document) -> bool:
    has_item = any(isinstance(value_of(document.value, name), dict) for name in ("item", "image"))
    return has_item and isinstance(value_of(document.value, "annotations"), list)


def _is_geo_json(document: Document) -> bool:
    return value_of(document.value, "type") in ("FeatureCollection", "Feature")


def _is_scalabel(document: Document) -> bool:
    frames = document.value if isinstance(document.value, list) else value_of(document.value, "frames")
    return isinstance(frames, list) and any(
        "box2d" in label or "poly2d" in label or "rle" in label
        for frame in frames[:20] for label in objects_of(frame, "labels")[:3]
    )  # fmt: skip


def _is_super_annotate(document: Document) -> bool:
    return isinstance(value_of(document.value, "metadata"), dict) and "instances" in _keys(document.value)


def _is_scale(document: Document) -> bool:
    return "task_id" in _keys(document.value) and "response" in _keys(document.value)


def _is_kitti(document: Document) -> bool:
    return document.syntax == "text" and _KITTI.fullmatch(document.value[:2000].partition("\n")[0]) is not None


def _is_open_images(document: Document) -> bool:
    columns = {*document.value[:500].partition("\n")[0].strip().split(",")} if document.syntax == "text" else set()
    return {"ImageID", "LabelName"} <= columns


def _is_svg(document: Document) -> bool:
    return document.syntax == "xml" and document.value.tag.rpartition("}")[2] == "svg"


def _of(tool: str, matches: Callable[[Document], bool], way_out: str = _EXPORT) -> DocumentFormat:
    return without_masks(tool, matches, f"They are of {tool}, which is not read. {way_out}")


UNREAD_FORMATS: tuple[DocumentFormat, ...] = (
    _of("Datumaro", _is_datumaro),
    _of("Darwin (V7)", _is_darwin),
    _of("Encord", _json_with("label_hash", "data_units")),
    _of("Scale", _is_scale),
    _of("Labelbox", _is_labelbox, "Convert them to COCO with Labelbox's own library."),
    _of("SuperAnnotate", _is_super_annotate, "Convert them to COCO with SuperAnnotate's own library."),
    _of("Scalabel (BDD100K)", _is_scalabel, "Convert them to COCO with Scalabel's own tools."),
    _of("LabelU", _json_with("fileName", "result"), "Export them as COCO or as a mask."),
    _of("Prodigy", _json_with("spans", "_input_hash"), "Convert them to COCO."),
    _of("GeoJSON", _is_geo_json, "Its places are those of a map. Save the masks as PNG files of the picture's size."),
    _of("KITTI", _is_kitti, "Convert its boxes to YOLO or COCO."),
    _of("Open Images", _is_open_images, "Convert it to COCO."),
    _of("SVG", _is_svg, "Save the drawing as a PNG file of the picture's size."),
)
