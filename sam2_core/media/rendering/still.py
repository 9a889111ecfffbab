"""Pictures drawn anew at full size, one or an album of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_file
from sam2_core.media.effects.painter import Painter
from sam2_core.media.formats.archive import new_archive
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.material import Material
from sam2_core.media.order import Order
from sam2_core.media.pictures import read_picture
from sam2_core.media.progress import Progress, Reporter
from sam2_core.media.store import Store


def write_png(path: Path, material: Material, order: Order, progress: Progress | None = None) -> None:
    """A picture as PNG; of an album an archive with all photos that have a mask."""
    _write(path, material, order, Reporter(progress), ".png")


def write_jpeg(path: Path, material: Material, order: Order, progress: Progress | None = None) -> None:
    """The same as JPEG."""
    _write(path, material, order, Reporter(progress), ".jpg")


def _write(path: Path, material: Material, order: Order, report: Reporter, ending: str) -> None:
    report(0.0, "Starting to draw")
    painter = Painter(order.look, material, order.backdrops)
    if material.info.kind == "album":
        return _write_album(path, material, painter, report, ending)
    painted = painter.paint(0, _read_source(material.store, 0))
    with new_file(path) as unfinished:
        unfinished.write_bytes(_encoded(painted, ending))
        report(1.0, "Ready")
    return None


def _write_album(path: Path, material: Material, painter: Painter, report: Reporter, ending: str) -> None:
    """Photos without a mask are left out: their owner has them already."""
    count = len(material.frames)
    with new_archive(path) as archive:
        for done, frame in enumerate(material.frames):
            report(done / count, f"Photo {done + 1} of {count}")
            if any(each.mask.area for each in material.on(frame).objects):
                painted = painter.paint(frame, _read_source(material.store, frame))
                archive.writestr(f"{material.title_of(frame)}{ending}", _encoded(painted, ending))
        if not archive.namelist():
            raise MediaError("No photo has a mask yet. Select something first.")
        report(1.0, "Ready")


def _read_source(store: Store, frame: int) -> RgbArray:
    height, width = store.info.size_of(frame)
    return read_picture(store.source_of(frame), replace(DEFAULT_LIMITS, max_pixels=height * width))


def _encoded(picture: RgbArray, ending: str) -> bytes:
    return cv2.imencode(ending, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
