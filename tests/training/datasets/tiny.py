"""Tiny data sets: pictures, masks and json files of a few pixels."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2_core.training.datasets.dataset import SkipReport
from sam2_core.types import Mask

HEIGHT, WIDTH = 12, 16
RED = (200, 30, 40)


def save_image(path: Path, height: int = HEIGHT, width: int = WIDTH, **options: Any) -> Path:
    """A red picture; PNG and JPEG by the name's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), RED, np.uint8)).save(path, **options)
    return path


def index_map(*values: int, dtype: npt.DTypeLike = np.uint8, height: int = HEIGHT, width: int = WIDTH) -> Any:
    """Background, with a vertical bar of two columns for each value, from the left."""
    index = np.zeros((height, width), dtype)
    for place, value in enumerate(values):
        index[1:5, 2 * place : 2 * place + 2] = value
    return index


def bar(place: int, height: int = HEIGHT, width: int = WIDTH) -> npt.NDArray[np.bool_]:
    """The mask of the bar of the `place`-th value."""
    mask = np.zeros((height, width), np.bool_)
    mask[1:5, 2 * place : 2 * place + 2] = True
    return mask


def save_index(path: Path, index: npt.NDArray[Any], palette: bool = False) -> Path:
    """An index picture, with a palette if asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(index)
    if palette:
        image.putpalette([value % 256 for value in range(768)])
    image.save(path)
    return path


def save_json(path: Path, plain: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain), "utf-8")
    return path


def run_lengths(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """COCO's compressed form."""
    return Mask.from_array(mask).to_coco()


def plain_run_lengths(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """COCO's uncompressed form."""
    runs = np.frombuffer(Mask.from_array(mask).runs, "<u4")
    return {"size": list(mask.shape), "counts": [int(run) for run in runs]}


def skipped(report: SkipReport) -> dict[str, list[str]]:
    """Reasons and names; the counts must agree with them."""
    assert dict(report.counts) == {
        reason: len(names) if len(names) < report.shown_names else report.counts[reason]
        for reason, names in report.names.items()
    }
    return report.names


def save_png_header(path: Path, height: int, width: int) -> Path:
    """A PNG that claims a size and holds nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b"")]
    parts = [struct.pack(">I", len(x)) + kind + x + struct.pack(">I", zlib.crc32(kind + x)) for kind, x in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path
