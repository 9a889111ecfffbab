"""NumPy's archive: an array of booleans for each frame, loaded one by one.

    film = np.load("film_npz.npz")
    masks = film["frame_00012"]  # (objects, H, W), in the order of film["ids"]

ids, names, labels, colors    of the objects; colors (objects, 3) in RGB
frames, times                 the chosen frames' numbers in the source, and their times in seconds
known                         (frames, objects): whether the object has a mask on the frame, even an empty one
photos                        an album's file names, by frame number of the source
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import FRAMES_SHARE
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import FrameMasks

_COMPRESSION = 3  # of 9


def write_npz(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the format described above."""
    known = np.zeros((len(media.frames), len(media.objects)), bool)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive:
        for row, masks in enumerate(media.iterate("Writing arrays", report, FRAMES_SHARE)):
            _write_frame(archive, media, masks)
            known[row] = np.isin([each.id for each in media.objects], [each.object_id for each in masks.objects])
        for name, array in {**_descriptions(media), "known": known}.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _write_frame(archive: zipfile.ZipFile, media: MaskedMedia, masks: FrameMasks) -> None:
    """Write object by object, so that only one mask is decoded at a time."""
    size = media.info.size_of(masks.frame)
    by_id = {each.object_id: each.mask for each in masks.objects}
    header = {"descr": "|b1", "fortran_order": False, "shape": (len(media.objects), *size)}
    with archive.open(f"frame_{masks.frame:05d}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, header)
        for each in media.objects:
            pixels = by_id[each.id].to_array() if each.id in by_id else np.zeros(size, bool)
            member.write(pixels.data)


def _descriptions(media: MaskedMedia) -> dict[str, npt.NDArray[Any]]:
    objects, frames = media.objects, np.array(media.frames, np.int64)
    arrays: dict[str, npt.NDArray[Any]] = {
        "ids": np.array([each.id for each in objects], np.int64),
        "names": np.array([each.name for each in objects], np.str_),
        "labels": np.array([each.label for each in objects], np.str_),
        "colors": np.array([each.color for each in objects], np.uint8).reshape(-1, 3),
        "frames": frames,
        "times": np.asarray(media.store.times, np.float64)[frames],
    }
    return arrays | ({"photos": np.array(media.info.names, np.str_)} if media.info.kind == "album" else {})
