"""NumPy's archive: the masks as arrays of booleans, one for each frame, which are read one by one.

    film = np.load("film_npz.npz")
    masks = film["frame_00012"]  # (objects, H, W), in the order of film["ids"]

ids, names, labels, colors    of the objects; colors (objects, 3) in RGB
frames, times                 numbers of the chosen frames in the source, and their seconds
known                         (frames, objects): whether the object has a mask on the frame, if only an empty one
photos                        an album's file names, by frame number of the source
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sam2_core.media.atomic import new_file
from sam2_core.media.formats.archive import MOST_OF_IT
from sam2_core.media.material import Material
from sam2_core.media.order import Kind, Order
from sam2_core.media.progress import Progress, Reporter
from sam2_core.types import FrameMasks

_COMPRESSION = 3  # of 9; masks are easy


def write_npz(path: Path, material: Material, order: Order, progress: Progress | None = None) -> None:
    """See the top of this file."""
    report, known = Reporter(progress), np.zeros((len(material.frames), len(material.objects)), bool)
    with (
        new_file(path) as unfinished,
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive,
    ):
        for row, found in enumerate(material.walk("Writing arrays", report, MOST_OF_IT)):
            _write_frame(archive, material, found)
            known[row] = np.isin([each.id for each in material.objects], [each.object_id for each in found.objects])
        for name, array in {**_described(material), "known": known}.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
        report(1.0, "Ready")


def _write_frame(archive: zipfile.ZipFile, material: Material, found: FrameMasks) -> None:
    """Object by object, so that no more than one mask is unpacked at a time."""
    size = material.info.size_of(found.frame)
    masks = {each.object_id: each.mask for each in found.objects}
    about = {"descr": "|b1", "fortran_order": False, "shape": (len(material.objects), *size)}
    with archive.open(f"frame_{found.frame:05d}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, about)
        for each in material.objects:
            pixels = masks[each.id].to_array() if each.id in masks else np.zeros(size, bool)
            member.write(pixels.data)


def _described(material: Material) -> dict[str, npt.NDArray[Any]]:
    objects, frames = material.objects, np.array(material.frames, np.int64)
    described: dict[str, npt.NDArray[Any]] = {
        "ids": np.array([each.id for each in objects], np.int64),
        "names": np.array([each.name for each in objects], np.str_),
        "labels": np.array([each.label for each in objects], np.str_),
        "colors": np.array([each.color for each in objects], np.uint8).reshape(-1, 3),
        "frames": frames,
        "times": np.asarray(material.store.times, np.float64)[frames],
    }
    return described | ({"photos": np.array(material.info.names, np.str_)} if material.info.names else {})


NPZ = Kind(
    "data",
    "NumPy",
    "An NPZ file with an array of masks for each frame",
    {"image": "npz", "clip": "npz", "album": "npz"},
    write_npz,
)
