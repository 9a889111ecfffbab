"""Pictures drawn anew at full size: one, those of an album, or the frames of a clip."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_file
from sam2_core.media.formats.archive import frame_title, new_archive
from sam2_core.media.info import RgbArray
from sam2_core.media.material import Material
from sam2_core.media.order import Order
from sam2_core.media.originals import decoded, probe_source, read_original
from sam2_core.media.progress import Progress, Reporter
from sam2_core.media.rendering.composer import Composer
from sam2_core.media.rendering.geometry import arrange, check_side, common_box, wished_box

_BEGIN = 0.1  # share of the work: the box that has been looked for


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of picture; `opaque` and `transparent` are OpenCV's settings for it, without the latter it goes over
    white."""

    title: str
    ending: str
    opaque: tuple[int, ...] = ()
    transparent: tuple[int, ...] | None = ()
    longest_side: int = 65535

    def encode(self, picture: RgbArray) -> bytes:
        """The picture (H, W, 3) or (H, W, 4) as a file."""
        clear = picture.shape[2] == 4
        pixels = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA if clear else cv2.COLOR_RGB2BGR)
        settings = self.transparent if clear else self.opaque
        return cv2.imencode(self.ending, pixels, list(settings or ()))[1].tobytes()


_LOSSLESS = 101  # OpenCV's word for it
PNG = Format("PNG", ".png")
JPEG = Format("JPEG", ".jpg", (cv2.IMWRITE_JPEG_QUALITY, 95), None)
WEBP = Format("WebP", ".webp", (cv2.IMWRITE_WEBP_QUALITY, 90), (cv2.IMWRITE_WEBP_QUALITY, _LOSSLESS), 16383)


def write_pictures(
    form: Format, path: Path, material: Material, order: Order, progress: Progress | None = None
) -> None:
    """A picture by itself; of a clip an archive with all chosen frames, of an album with all photos that have a mask.

    Raises `MediaError` where the source cannot be read again.
    """
    report = Reporter(progress)
    report(0.0, "Starting to draw")
    composer = Composer(material, order, alpha=form.transparent is not None)
    if material.info.kind == "image":
        encoded = _photo(form, material, order, composer, 0)
        with new_file(path) as unfinished:
            unfinished.write_bytes(encoded)
            report(1.0, "Ready")
        return
    add = _add_frames if material.info.kind == "clip" else _add_photos
    with new_archive(path) as archive:
        add(archive, form, material, order, composer, report)
        report(1.0, "Ready")


def _add_photos(
    archive: zipfile.ZipFile, form: Format, material: Material, order: Order, composer: Composer, report: Reporter
) -> None:
    """Photos without a mask are left out: their owner has them already."""
    count = len(material.frames)
    for done, frame in enumerate(material.frames):
        report(done / count, f"Photo {done + 1} of {count}")
        if any(each.mask.area for each in material.on(frame).objects):
            archive.writestr(
                f"{frame_title(material, frame)}{form.ending}", _photo(form, material, order, composer, frame)
            )
    if not archive.namelist():
        raise MediaError("No photo has a mask yet. Select something first.")


def _add_frames(
    archive: zipfile.ZipFile, form: Format, material: Material, order: Order, composer: Composer, report: Reporter
) -> None:
    store, frames = material.store, material.frames
    probe, box = probe_source(store), wished_box(material, order, report, _BEGIN)
    geometry = arrange(store.info.height, store.info.width, order, box, largest_side=order.largest_side)
    check_side(geometry, order, form.longest_side, form.title)
    with decoded(store, probe, frames, geometry.height, geometry.width) as pictures:
        for done, (frame, picture) in enumerate(pictures, start=1):
            encoded = form.encode(composer.compose(frame, picture, geometry))
            archive.writestr(f"{frame_title(material, frame)}{form.ending}", encoded)
            report(_BEGIN + (1 - _BEGIN) * done / (len(frames) + 1), f"{done} of {len(frames)} frames drawn")


def _photo(form: Format, material: Material, order: Order, composer: Composer, frame: int) -> bytes:
    height, width = material.info.size_of(frame)
    box = common_box([material.on(frame)]) if order.cropped else None
    geometry = arrange(height, width, order, box, largest_side=order.largest_side)
    check_side(geometry, order, form.longest_side, form.title)
    picture = read_original(material.store, frame)
    if (geometry.height, geometry.width) != (height, width):
        smaller = cv2.resize(picture, (geometry.width, geometry.height), interpolation=cv2.INTER_AREA)
        picture = np.asarray(smaller, np.uint8)
    return form.encode(composer.compose(frame, picture, geometry))
