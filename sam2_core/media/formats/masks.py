"""Each object's masks as PNGs of one channel (0 or 255) and source size.

A clip gives `object_01/00000.png`, one for each chosen frame so that the sequence has no gap; the manifest says on
which frames the object has a mask at all, and what it is called. A picture gives `object_01.png`, an album
`name_of_the_photo/object_01.png` for each photo on which the object has a mask.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from sam2_core.media.formats.archive import frame_title, manifest, new_archive, png, write_json
from sam2_core.media.material import Material
from sam2_core.media.order import Kind, Order
from sam2_core.media.progress import Progress, Reporter
from sam2_core.types import Mask

_MASKS_SHARE = 0.9  # of the time it takes; the rest goes into the gaps


def write_masks(path: Path, material: Material, order: Order, progress: Progress | None = None) -> None:
    """See the top of this file."""
    report, known = Reporter(progress), dict[int, list[int]]()
    with new_archive(path) as archive:
        for found in material.walk("Writing masks", report, _MASKS_SHARE):
            for each in found.objects:
                archive.writestr(_name(material, each.object_id, found.frame), _grey_png(each.mask))
                known.setdefault(each.object_id, []).append(found.frame)
        if material.info.kind == "clip":
            _fill_gaps(archive, material, known, report)
        write_json(archive, "manifest.json", manifest(material, known))
        report(1.0, "Ready")


def _fill_gaps(archive: zipfile.ZipFile, material: Material, known: dict[int, list[int]], report: Reporter) -> None:
    """Give each object a black picture on the frames where it has no mask."""
    # As small as a PNG can be: the archive packs these few kilobytes in microseconds, to a tenth of their size.
    height, width = material.info.height, material.info.width
    black = _grey_png(Mask.from_array(np.zeros((height, width), bool)), compression=9)
    gaps = [(number, frame) for number in known for frame in sorted({*material.frames} - {*known[number]})]
    for done, (number, frame) in enumerate(gaps):
        report(_MASKS_SHARE + (1 - _MASKS_SHARE) * done / len(gaps), "Filling the gaps")
        archive.writestr(_name(material, number, frame), black, zipfile.ZIP_DEFLATED)


def _name(material: Material, object_id: int, frame: int) -> str:
    name = f"object_{object_id:02d}"
    if material.info.kind == "image":
        return f"{name}.png"
    title = frame_title(material, frame)
    return f"{title}/{name}.png" if material.info.kind == "album" else f"{name}/{title}.png"


def _grey_png(mask: Mask, compression: int = 3) -> bytes:
    return png(mask.to_array().view(np.uint8) * np.uint8(255), compression)


MASKS = Kind(
    "data",
    "Masks",
    "Black and white PNG pictures, one for each object and frame",
    {"image": "zip", "clip": "zip", "album": "zip"},
    write_masks,
)
