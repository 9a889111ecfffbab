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
from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.formats.archive import MOST_OF_IT
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.types import FrameMasks

_COMPRESSION = 3  # of 9; masks are easy


def write_npz(path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> None:
    """See the top of this file."""
    report, known = ProgressReporter(progress), np.zeros((len(media.frames), len(media.objects)), bool)
    with (
        new_file(path) as unfinished,
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive,
    ):
        for row, found in enumerate(media.iterate("Writing arrays", report, MOST_OF_IT)):
            _write_frame(archive, media, found)
            known[row] = np.isin([each.id for each in media.objects], [each.object_id for each in found.objects])
        for name, array in {**_described(media), "known": known}.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
        report(1.0, "Ready")


def _write_frame(archive: zipfile.ZipFile, media: MaskedMedia, found: FrameMasks) -> None:
    """Object by object, so that no more than one mask is unpacked at a time."""
    size = media.info.size_of(found.frame)
    masks = {each.object_id: each.mask for each in found.objects}
    about = {"descr": "|b1", "fortran_order": False, "shape": (len(media.objects), *size)}
    with archive.open(f"frame_{found.frame:05d}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, about)
        for each in media.objects:
            pixels = masks[each.id].to_array() if each.id in masks else np.zeros(size, bool)
            member.write(pixels.data)


def _described(media: MaskedMedia) -> dict[str, npt.NDArray[Any]]:
    objects, frames = media.objects, np.array(media.frames, np.int64)
    described: dict[str, npt.NDArray[Any]] = {
        "ids": np.array([each.id for each in objects], np.int64),
        "names": np.array([each.name for each in objects], np.str_),
        "labels": np.array([each.label for each in objects], np.str_),
        "colors": np.array([each.color for each in objects], np.uint8).reshape(-1, 3),
        "frames": frames,
        "times": np.asarray(media.store.times, np.float64)[frames],
    }
    return described | ({"photos": np.array(media.info.names, np.str_)} if media.info.names else {})


NPZ = ExportFormat(
    "data",
    "NumPy",
    "An NPZ file with an array of masks for each frame",
    {"image": "npz", "clip": "npz", "album": "npz"},
    write_npz,
)
