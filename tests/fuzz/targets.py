"""What reads the data of strangers, and what it is fed with."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from PIL import Image

from sam2_core.errors import MaskletError
from sam2_core.media import ExportOptions, Limits, export, ingest, open_store, read_annotations
from sam2_core.serving.edit_log import EditState, fold, needed_for_replay
from sam2_core.serving.project import read_project
from tests.fuzz.inputs import damaged_bytes, damaged_json, from_schema
from tests.media.masked_media import media_of
from tests.media.numbered import make_clip
from tests.media.readers.media import ALBUM, CLIP, IMAGE, rle, square
from ui.protocol import Bounds, json_schema, parse_request, request_subject
from ui.protocol.reading import parse_live_request

LIMITS = Limits(max_pixels=4_000_000, max_seconds=5, max_frames=50)
BOUNDS = Bounds(frames=10, height=48, width=64, max_objects=3, max_points=4)


@dataclass(frozen=True)
class Target:
    """A reader of texts or bytes. `read` may raise `MaskletError`, and nothing else; `share` is its part of a long
    run."""

    inputs: Callable[[], SearchStrategy[Any]]
    read: Callable[[Any], object]
    share: float
    is_text: bool = False


def is_declared(error: Exception) -> bool:
    """Whether a reader may raise this for what strangers send."""
    return isinstance(error, MaskletError)


def _read_all(ways: Sequence[Callable[[], object]]) -> None:
    """Read in all these ways; what all of them refuse is refused."""
    refusals = []
    for read in ways:
        try:
            read()
        except MaskletError as error:  # noqa: PERF203
            refusals.append(error)
    if len(refusals) == len(ways):
        raise refusals[0]


# --- messages and edit logs ------------------------------------------------------------------------------------------


def _messages() -> SearchStrategy[str]:
    schema = json_schema()
    definitions = schema["$defs"]
    kinds = [{"$ref": f"#/$defs/{name}"} for name in definitions if name.endswith("Request") and "t" in _fields(name)]
    return st.one_of([from_schema(kind, definitions) for kind in kinds]).map(_as_text)


@cache
def _fields(name: str) -> frozenset[str]:
    return frozenset(json_schema()["$defs"][name].get("properties", ()))


def _as_text(plain: Any) -> str:
    """JSON with its `t` first, as pages write it."""
    if isinstance(plain, dict) and "t" in plain:
        plain = {"t": plain["t"], **plain}
    return json.dumps(plain)


def _read_message(text: str) -> None:
    request_subject(text)
    ways = (parse_request, BOUNDS), (parse_request, None), (parse_live_request, BOUNDS), (parse_live_request, None)
    _read_all([partial(parse, text, bounds) for parse, bounds in ways])


MASK = rle(square(2, 3, size=(48, 64)))
ENTRIES = [
    {"frame": 0, "object": 1, "prompt": {"points": [[12, 15, 1], [3.5, 4, 0]], "boxes": [[1, 2, 30, 40]]}},
    {"frame": 3, "object": 2, "prompt": {"mask": MASK, "crop": [0, 4, 20, 48], "choice": 1}},
    {"forget": 2},
    {"traits": 1, "set": {"name": "cat", "color": [1, 2, 3], "label": "animal", "seconds": 2.5}},
    {"track": [0, 5, 1], "objects": [1]},
    {"track": [5, -1, -1]},
    {"reject": 4, "mask": MASK, "predicted_iou": 0.5, "stability_score": 0.9, "seconds": 1},
]
SENT_ENTRIES = [entry for entry in ENTRIES if not {"traits", "reject"} & {*entry}]
"""Those that a page sends back after its session is lost."""


def _read_log(text: str) -> None:
    """As a page sends it; numbers of frames that no medium has are refused before they are folded."""
    request: Any = parse_request(f'{{"t": "edit_log", "seq": 1, "entries": {text}}}', BOUNDS)
    entries = request.entries
    needed_for_replay(entries)
    state = fold(entries)
    assert isinstance(state, EditState)


# --- files -----------------------------------------------------------------------------------------------------------

PROJECT = {
    "format": "masklet-project",
    "version": 1,
    "medium": {"kind": "clip", "name": "film.mp4", "frames": 10, "height": 48, "width": 64, "fps": 25},
    "journal": {"steps": [{"entries": [entry]} for entry in ENTRIES[:2]], "length": 2},
    "active": 1,
    "look": {"hidden": [2]},
    "range": {"first": 2, "last": 7},
    "effects": {"layers": [{"effect": "blur", "strength": 50}], "feather": 1, "matte": 0},
}

DOCUMENTS: tuple[Any, ...] = (
    {
        "images": [{"id": 1, "file_name": "photo.jpg", "height": 20, "width": 30}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 5, 5], "segmentation": rle(square(1, 2))},
            {"id": 2, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9]], "keypoints": [1, 2, 2]},
        ],
        "categories": [{"id": 1, "name": "cat", "keypoints": ["nose"]}],
    },
    [{"image_id": 1, "category_id": 3, "bbox": [1, 2, 5, 5], "score": 0.5, "segmentation": rle(square(1, 2))}],
    {
        "imagePath": "photo.jpg",
        "imageHeight": 20,
        "imageWidth": 30,
        "shapes": [
            {"label": "cat", "shape_type": "polygon", "points": [[1, 1], [9, 1], [9, 9]], "group_id": 1},
            {"label": "dog", "shape_type": "rectangle", "points": [[1, 1], [9, 9]]},
            {"label": "sun", "shape_type": "circle", "points": [[5, 5], [9, 9]]},
        ],
    },
    [
        {
            "data": {"image": "/data/photo.jpg"},
            "annotations": [
                {
                    "result": [
                        {
                            "type": "rectanglelabels",
                            "original_width": 30,
                            "original_height": 20,
                            "value": {"x": 10, "y": 10, "width": 50, "height": 50, "rectanglelabels": ["cat"]},
                        },
                        {
                            "type": "brushlabels",
                            "original_width": 30,
                            "original_height": 20,
                            "value": {"format": "rle", "rle": [0, 0, 2, 88, 24, 255, 0], "brushlabels": ["x"]},
                        },
                    ]
                }
            ],
        }
    ],
    {
        "_via_img_metadata": {
            "photo.jpg1": {
                "filename": "photo.jpg",
                "size": 1,
                "regions": [
                    {
                        "shape_attributes": {"name": "polygon", "all_points_x": [1, 9, 9], "all_points_y": [1, 1, 9]},
                        "region_attributes": {"type": "cat"},
                    },
                    {"shape_attributes": {"name": "ellipse", "cx": 5, "cy": 5, "rx": 3, "ry": 2, "theta": 0.3}},
                ],
            }
        }
    },
    {
        "size": {"height": 20, "width": 30},
        "objects": [
            {
                "classTitle": "cat",
                "geometryType": "polygon",
                "points": {"exterior": [[1, 1], [9, 1], [9, 9]], "interior": [[[2, 2], [3, 2], [3, 3]]]},
            }
        ],
    },
    {
        "videos": [{"id": 1, "file_names": ["film/0.jpg", "film/1.jpg"], "height": 20, "width": 30, "length": 2}],
        "annotations": [{"video_id": 1, "category_id": 1, "segmentations": [rle(square(1, 2)), None]}],
        "categories": [{"id": 1, "name": "cat"}],
    },
    [{"image": "photo.jpg", "annotations": [{"label": "c", "coordinates": {"x": 5, "y": 5, "width": 4, "height": 4}}]}],
    {"imgHeight": 20, "imgWidth": 30, "objects": [{"label": "car", "polygon": [[1, 1], [9, 1], [9, 9]]}]},
)

TEXTS = (
    b"0 0.1 0.1 0.5 0.1 0.5 0.5\n1 0.5 0.5 0.2 0.2 0.9\n",
    b"1,1,5,5,10,10,1,-1,-1,-1\n2,1,6,5,10,10,1,-1,-1,-1\n",
    b"1 1 2 20 30 " + rle(square(1, 2))["counts"].encode() + b"\n",
    b"frame,object,left,top,right,bottom\n0,1,1,2,9,9\n",
    b"<annotation><filename>photo.jpg</filename><size><width>30</width><height>20</height></size>"
    b"<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
    b"</annotation>",
    b'<?xml version="1.0"?><annotations><meta/><image id="0" name="photo.jpg" width="30" height="20">'
    b'<polygon label="cat" points="1,1;9,1;9,9"/><box label="dog" xtl="1" ytl="2" xbr="9" ybr="9"/>'
    b'<mask label="m" rle="5, 2, 9" left="1" top="2" width="4" height="4"/></image>'
    b'<track id="1" label="car"><box frame="3" outside="0" xtl="1" ytl="2" xbr="9" ybr="9"/></track></annotations>',
)


@contextmanager
def _file(content: bytes, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


def _read_project(text: str) -> None:
    with _file(text.encode("utf-8", "surrogatepass"), "p.masklet") as path:
        read_project(path)


def _annotate(content: bytes, name: str) -> None:
    with _file(content, name) as path:
        _read_all([partial(read_annotations, path, info, by_order=True) for info in (IMAGE, CLIP, ALBUM)])


@cache
def _exported() -> tuple[bytes, ...]:
    """Our own downloads of a small clip."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        ingest(make_clip(Path(folder) / "clip.mp4", frames=6), Path(folder) / "store")
        store = open_store(Path(folder) / "store")
        kinds = ("masks", "index", "davis", "coco", "youtube_vis", "yolo", "voc", "sav", "labelme", "npz", "csv")
        written = (export(Path(folder), media_of(store), ExportOptions(kind)).read_bytes() for kind in kinds)
        contents = tuple(written)
        store.close()
    return contents


@cache
def _pictures() -> tuple[bytes, ...]:
    """A small picture in many formats."""
    pixels = np.arange(24 * 32 * 3, dtype=np.uint8).reshape(24, 32, 3)
    rgb = Image.fromarray(pixels)
    written = []
    for format, options in (
        ("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("GIF", {}), ("WEBP", {}), ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {}), ("PPM", {}), ("TGA", {}), ("ICO", {}),
    ):  # fmt: skip
        file = io.BytesIO()
        rgb.save(file, format, **options)
        written.append(file.getvalue())
    for format in ("GIF", "WEBP", "TIFF", "PNG"):
        file = io.BytesIO()
        rgb.save(file, format, save_all=True, append_images=[rgb.rotate(90), rgb.rotate(180)])
        written.append(file.getvalue())
    for mode in ("I;16", "L", "LA", "P", "1", "CMYK", "F"):
        file = io.BytesIO()
        rgb.convert("L" if mode in ("I;16", "LA") else mode).convert(mode).save(file, "TIFF")
        written.append(file.getvalue())
    return tuple(written)


@cache
def _clips() -> tuple[bytes, ...]:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        return (make_clip(Path(folder) / "clip.mp4", frames=4, size=(24, 32)).read_bytes(),)


def _ingest(content: bytes) -> None:
    with _file(content, "upload") as path:
        ingest(path, path.with_name("store"), LIMITS)


TARGETS: dict[str, Target] = {
    "messages": Target(_messages, _read_message, 0.45, is_text=True),
    "damaged_messages": Target(lambda: damaged_json(_sample_messages()), _read_message, 0.2, is_text=True),
    "edit_logs": Target(lambda: damaged_json([SENT_ENTRIES]), _read_log, 0.1, is_text=True),
    "projects": Target(lambda: damaged_json([PROJECT]), _read_project, 0.08, is_text=True),
    "documents": Target(
        lambda: damaged_json(DOCUMENTS),
        lambda text: _annotate(text.encode("utf-8", "surrogatepass"), "a.json"),
        0.08,
        is_text=True,
    ),
    "labels": Target(lambda: damaged_bytes(TEXTS), lambda content: _annotate(content, "photo.txt"), 0.04),
    "archives": Target(lambda: damaged_bytes(_exported()), lambda content: _annotate(content, "a.zip"), 0.02),
    "pictures": Target(lambda: damaged_bytes(_pictures()), _ingest, 0.029),
    "clips": Target(lambda: damaged_bytes(_clips()), _ingest, 0.001),
}


def _sample_messages() -> list[Any]:
    return [
        {"t": "edit_log", "seq": 1, "entries": SENT_ENTRIES},
        {"t": "set_prompt", "seq": 1, "frame": 2, "object": 3, "prompt": ENTRIES[0]["prompt"]},
        {"t": "preview", "seq": 1, "frame": 2, "object": 3, "prompt": ENTRIES[1]["prompt"]},
        {"t": "untrack", "seq": 3, "frames": [2, 4], "objects": [1, 2]},
        {"t": "segment_everything", "run": 1, "frame": 0, "points_per_side": 8, "crop_layers": 1, "min_region_area": 9},
        {"t": "detect", "run": 1, "frame": 0, "detector": "x", "text": "dog, wheel"},
        {"t": "export", "format": "coco", "objects": [{"id": 1, "name": "x", "color": [0, 128, 255]}], "first": 1},
        {"t": "live_start", "height": 48, "width": 64},
        {"t": "live_prompt", "frame": 1, "object": 1, "prompt": ENTRIES[0]["prompt"]},
    ]
